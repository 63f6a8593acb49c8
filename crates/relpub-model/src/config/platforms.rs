//! Reading `platforms`: a list of target triples, or a table with names.

use toml::Spanned;
use toml::de::DeValue;

use super::Platform;
use super::errors::Faults;
use super::keys;
use super::reader::{At, Section, in_order};

/// Reads the declared platforms, in the order of the file.
pub(super) fn read(top: &Section<'_>, faults: &mut Faults<'_>) -> Vec<Platform> {
    let mut found: Vec<At<Platform>> = Vec::new();
    match top.value("platforms").map(|platforms| platforms.value) {
        Some(DeValue::Array(list)) => {
            for value in list {
                found.extend(platform(None, value, faults));
            }
        }
        Some(DeValue::Table(table)) => {
            for (name, value) in in_order(table) {
                check_name(&name, faults);
                found.extend(platform(Some(name.value), value, faults));
            }
        }
        _ => {}
    }
    check_unique(&found, faults);
    found.into_iter().map(|platform| platform.value).collect()
}

fn platform(
    name: Option<&str>,
    value: &Spanned<DeValue<'_>>,
    faults: &mut Faults<'_>,
) -> Option<At<Platform>> {
    let at = value.span();
    let (target, wheel) = match value.get_ref() {
        DeValue::Table(table) => {
            let section = Section::open(&keys::PLATFORM, "platforms", table, at.clone(), faults);
            let wheel = section.text("wheel").map(|wheel| wheel.value.to_owned());
            (section.text("target")?, wheel)
        }
        value => (
            At {
                value: value.as_str()?,
                at: at.clone(),
            },
            None,
        ),
    };
    check_triple(&target, faults);
    let target = target.value.to_owned();
    let name = name.map_or_else(|| target.clone(), str::to_owned);
    Some(At {
        value: Platform {
            name,
            target,
            wheel,
        },
        at,
    })
}

/// Reports a text that cannot be a target triple.
pub(super) fn check_triple(text: &At<&str>, faults: &mut Faults<'_>) {
    let part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_.".contains(&b))
    };
    let parts = text.value.split('-').count();
    if !(2..=5).contains(&parts) || !text.value.split('-').all(part) {
        let message = format!("`{}` is no target triple", text.value);
        let hint = "a triple is written like `x86_64-unknown-linux-gnu`";
        faults.add_hint(text.at.clone(), message, hint);
    }
}

fn check_name(name: &At<&str>, faults: &mut Faults<'_>) {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    if name.value.is_empty() || !name.value.bytes().all(allowed) {
        let message = "a platform's name has letters, digits and . _ - only";
        faults.add(name.at.clone(), message);
    }
}

fn check_unique(found: &[At<Platform>], faults: &mut Faults<'_>) {
    for (index, one) in found.iter().enumerate() {
        let before = &found[..index];
        let Platform { name, target, .. } = &one.value;
        let same_name = before.iter().any(|other| other.value.name == *name);
        let same_target = before.iter().any(|other| other.value.target == *target);
        if same_name || same_target {
            let message = format!("platform `{name}` ({target}) is declared twice");
            faults.add(one.at.clone(), message);
        }
    }
}
