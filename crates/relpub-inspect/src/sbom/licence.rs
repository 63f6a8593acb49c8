//! Licences, as SPDX expressions where they are ones (SPDX 3, annex B).

use serde_json::Value;
use spdx::{Expression, ParseMode};

use relpub_model::findings::Metadata;

/// The licences of a component.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Licences {
    /// Nothing is said.
    #[default]
    Unknown,
    /// A valid SPDX expression.
    Expression(String),
    /// Names, of which it is not said how they belong together.
    Names(Vec<String>),
}

/// The longest text that is a licence's name, and not the licence itself.
const LONGEST: usize = 200;

impl Licences {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::Unknown
    }

    /// Reads what somebody wrote where a licence belongs.
    pub(super) fn of_text(text: &str) -> Self {
        let text = text.trim();
        let silent = text.is_empty() || text.eq_ignore_ascii_case("unknown");
        if silent || text.len() > LONGEST || text.contains('\n') {
            return Self::Unknown;
        }
        match expression(text) {
            Some(expression) => Self::Expression(expression),
            None => Self::Names(vec![text.to_owned()]),
        }
    }

    /// Reads the licence of a Python project: `License-Expression`, else
    /// `License`, else its classifiers.
    pub(super) fn of_metadata(metadata: &Metadata) -> Self {
        let fields = ["License-Expression", "License"];
        let said = fields
            .iter()
            .filter_map(|field| metadata.get(field))
            .map(Self::of_text)
            .find(|licences| !licences.is_empty());
        said.unwrap_or_else(|| Self::of_classifiers(metadata.all("Classifier")))
    }

    fn of_classifiers<'a>(classifiers: impl Iterator<Item = &'a str>) -> Self {
        let mut names: Vec<&str> = classifiers
            .filter_map(|classifier| classifier.strip_prefix("License :: "))
            .map(|rest| rest.rsplit(" :: ").next().unwrap_or(rest))
            .filter(|name| *name != "OSI Approved")
            .collect();
        names.sort_unstable();
        names.dedup();
        match names.as_slice() {
            [] => Self::Unknown,
            [one] => match of_classifier(one) {
                Some(id) => Self::Expression(id.to_owned()),
                None => Self::Names(vec![(*one).to_owned()]),
            },
            // Whether all of them hold, or one at choice, the classifiers do not say.
            many => Self::Names(many.iter().map(|name| (*name).to_owned()).collect()),
        }
    }

    /// Reads the `licenses` of a CycloneDX component.
    pub(super) fn of_cyclonedx(licences: &Value) -> Self {
        let texts: Vec<&str> = licences
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|choice| {
                let licence = choice.get("license");
                let licence = licence.and_then(|it| it.get("id").or_else(|| it.get("name")));
                licence.or_else(|| choice.get("expression"))?.as_str()
            })
            .take(16)
            .collect();
        match texts.as_slice() {
            [] => Self::Unknown,
            [one] => Self::of_text(one),
            many => {
                let named = many.iter().map(|text| text.trim());
                let fits = |text: &&str| !text.is_empty() && text.len() <= LONGEST;
                Self::Names(named.filter(fits).map(str::to_owned).collect())
            }
        }
    }
}

/// Returns a text as a valid SPDX expression, if it is one or nearly one.
fn expression(text: &str) -> Option<String> {
    let valid = |text: &str| Expression::parse_mode(text, mode()).is_ok();
    if valid(text) {
        return Some(text.to_owned());
    }
    // `MIT/Apache-2.0`, `Apache 2.0` and their like.
    let mended = Expression::canonicalize(text).ok()??;
    valid(&mended).then_some(mended)
}

/// Old identifiers such as `GPL-2.0` are still what a project declares.
fn mode() -> ParseMode {
    ParseMode {
        allow_deprecated: true,
        ..ParseMode::STRICT
    }
}

/// Returns the SPDX identifier of a classifier's last words; `None` for those
/// that mean several licences, such as "BSD License".
fn of_classifier(name: &str) -> Option<&'static str> {
    let known = [
        ("MIT License", "MIT"),
        ("MIT No Attribution License (MIT-0)", "MIT-0"),
        ("Apache Software License", "Apache-2.0"),
        ("ISC License (ISCL)", "ISC"),
        ("Mozilla Public License 2.0 (MPL 2.0)", "MPL-2.0"),
        ("The Unlicense (Unlicense)", "Unlicense"),
        ("Boost Software License 1.0 (BSL-1.0)", "BSL-1.0"),
        ("zlib/libpng License", "Zlib"),
        ("Eclipse Public License 2.0 (EPL-2.0)", "EPL-2.0"),
        ("European Union Public Licence 1.2 (EUPL 1.2)", "EUPL-1.2"),
        ("GNU General Public License v2 (GPLv2)", "GPL-2.0-only"),
        (
            "GNU General Public License v2 or later (GPLv2+)",
            "GPL-2.0-or-later",
        ),
        ("GNU General Public License v3 (GPLv3)", "GPL-3.0-only"),
        (
            "GNU General Public License v3 or later (GPLv3+)",
            "GPL-3.0-or-later",
        ),
        (
            "GNU Lesser General Public License v3 (LGPLv3)",
            "LGPL-3.0-only",
        ),
        (
            "GNU Lesser General Public License v3 or later (LGPLv3+)",
            "LGPL-3.0-or-later",
        ),
        ("GNU Affero General Public License v3", "AGPL-3.0-only"),
        (
            "GNU Affero General Public License v3 or later (AGPLv3+)",
            "AGPL-3.0-or-later",
        ),
        ("Python Software Foundation License", "PSF-2.0"),
        (
            "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication",
            "CC0-1.0",
        ),
    ];
    let found = known.iter().find(|(classifier, _)| *classifier == name);
    found.map(|(_, id)| *id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(fields: &[(&str, &str)]) -> Licences {
        let fields = fields.iter().map(|(k, v)| ((*k).into(), (*v).into()));
        Licences::of_metadata(&Metadata {
            fields: fields.collect(),
        })
    }

    fn expression(text: &str) -> Licences {
        Licences::Expression(text.to_owned())
    }

    #[test]
    fn a_project_may_say_its_licence_in_three_ways() {
        let apache = (
            "Classifier",
            "License :: OSI Approved :: Apache Software License",
        );
        assert_eq!(
            of(&[("License-Expression", "MIT"), apache]),
            expression("MIT")
        );
        assert_eq!(
            of(&[("License", "MIT/Apache-2.0")]),
            expression("MIT OR Apache-2.0")
        );
        assert_eq!(
            of(&[("License", "UNKNOWN"), apache]),
            expression("Apache-2.0")
        );
        let whole_text = "x".repeat(1000);
        assert_eq!(of(&[("License", &whole_text)]), Licences::Unknown);
        assert_eq!(
            of(&[("License", "Ours alone")]),
            Licences::Names(vec!["Ours alone".to_owned()])
        );
    }

    #[test]
    fn two_classifiers_are_no_expression() {
        let licences = of(&[
            ("Classifier", "License :: OSI Approved :: MIT License"),
            ("Classifier", "License :: OSI Approved"),
            ("Classifier", "License :: OSI Approved :: BSD License"),
        ]);
        let names = ["BSD License", "MIT License"].map(str::to_owned);
        assert_eq!(licences, Licences::Names(names.to_vec()));
    }
}
