//! What GitHub Actions shows: annotations, groups, the step's summary and its
//! outputs.
//!
//! The runner reads commands from any line that begins with `::` and from
//! `##[` anywhere in a line, so no text of others is written as it is.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

use relpub_model::config::ConfigErrors;
use relpub_model::notes::size;
use relpub_model::plan::{Presence, service_name};
use relpub_model::receipt::Receipt;
use relpub_model::{Blocker, Plan, Untrusted};

use super::human::{self, Labels, plural};

/// Returns one annotation per error of a configuration, at its line.
pub(crate) fn annotations(errors: &ConfigErrors) -> Vec<String> {
    let one = |error: &relpub_model::config::ConfigError| {
        let hint = error.hint.as_ref().map(|hint| format!(" ({hint})"));
        let message = format!("{}{}", error.message, hint.unwrap_or_default());
        format!(
            "::error file={},line={},col={},endColumn={},title=relpub::{}",
            property(errors.file()),
            error.line,
            error.column,
            error.end,
            data(&message)
        )
    };
    errors.entries().iter().map(one).collect()
}

/// Returns an annotation without a place.
pub(crate) fn annotation(message: &str) -> String {
    format!("::error title=relpub::{}", data(message))
}

/// Returns the command that begins a group of lines.
pub(crate) fn group(title: &str) -> String {
    format!("::group::{}", data(title))
}

/// The command that ends a group.
pub(crate) const END_GROUP: &str = "::endgroup::";

/// Escapes the text of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// Escapes a property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Returns a screen in which no line is a command.
pub(crate) fn without_commands(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with("::") {
            out.push_str("| ");
        }
        out.push_str(&line.replace("##[", "## ["));
    }
    out
}

/// Appends Markdown to the step's summary.
pub(crate) fn append(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    file.write_all(text.as_bytes())
}

/// Returns one line per output of a step; a value has no line break.
pub(crate) fn outputs(outputs: &[(&str, &str)]) -> String {
    let one = |(name, value): &(&str, &str)| {
        let value: String = value.chars().filter(|c| !c.is_control()).collect();
        format!("{name}={value}\n")
    };
    outputs.iter().map(one).collect()
}

/// Returns a plan in Markdown: the matrix, and the reasons against it.
pub(crate) fn plan_summary(plan: &Plan, blockers: &[Blocker]) -> String {
    let promotion = &plan.promotion;
    let verdict = if blockers.is_empty() {
        "planned".to_owned()
    } else {
        format!("blocked: {}", plural(blockers.len(), "reason"))
    };
    let mut out = format!(
        "## {} {}: {verdict}\n\nTag {} at `{}`, promotion `{}`. Nothing was changed.\n\n",
        escape(&promotion.project),
        escape(promotion.tag.version.as_str()),
        escape(&promotion.tag.name),
        promotion.commit.short(),
        plan.id.short(),
    );
    for blocker in blockers {
        let text = [&human::sentence(blocker), &blocker.detail, &blocker.way_out];
        let text: Vec<String> = text
            .into_iter()
            .filter(|text| !text.is_empty())
            .map(|text| escape(text))
            .collect();
        let _ = writeln!(out, "- **{}** {}", blocker.code.label(), text.join(". "));
    }
    out.push_str("\n| file | size | destination | there |\n| --- | ---: | --- | --- |\n");
    for row in &plan.rows {
        let bytes = row.size.map_or_else(|| "unknown".to_owned(), size);
        for (destination, presence) in &row.presence {
            let _ = writeln!(
                out,
                "| {} | {bytes} | {} | {} |",
                escape(row.name.as_str()),
                escape(service_name(destination)),
                word(*presence),
            );
        }
    }
    let mut list = Labels::new();
    human::sign(plan, &mut list);
    out.push_str(&bullets(&list));
    out.push('\n');
    out
}

/// Returns the final matrix in Markdown, with links to where people look.
pub(crate) fn receipt_summary(receipt: &Receipt, verdict: &str) -> String {
    let facts = &receipt.facts;
    let promotion = &facts.promotion;
    let mut out = format!(
        "## {} {}: {}\n\nTag {} at `{}`, promotion `{}`.\n\n",
        escape(&promotion.project),
        escape(promotion.tag.version.as_str()),
        escape(verdict),
        escape(&promotion.tag.name),
        promotion.commit.short(),
        facts.id.short(),
    );
    for link in &receipt.history.links {
        let service = service_name(&link.destination);
        let _ = writeln!(out, "- {}: <{}>", escape(service), url(&link.url));
    }
    out.push_str(
        "\n| file | size | destination | seen | sha256 |\n| --- | ---: | --- | --- | --- |\n",
    );
    for place in &facts.places {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | `{}` |",
            escape(place.name.as_str()),
            size(place.size),
            escape(service_name(&place.destination)),
            word(place.presence),
            place.sha256,
        );
    }
    out.push_str(&evidence_summary(receipt));
    for waived in &promotion.waived {
        let (missing, because) = (escape(&waived.missing), escape(&waived.because));
        let _ = writeln!(out, "\nWaived: {missing} is missing: {because}");
    }
    out.push('\n');
    out
}

/// Returns how much evidence there is, who signed it and which logs say so, and
/// what is owed; empty where none is required.
fn evidence_summary(receipt: &Receipt) -> String {
    let mut list = Labels::new();
    human::evidence(&receipt.facts, &receipt.history, &mut list);
    bullets(&list)
}

fn bullets(list: &Labels) -> String {
    let mut out = String::new();
    for (label, paragraphs) in list.entries() {
        let start = if out.is_empty() { "\n" } else { "" };
        let text = escape(&paragraphs.join("; "));
        let _ = writeln!(out, "{start}- **{label}** {text}");
    }
    out
}

fn word(presence: Presence) -> &'static str {
    match presence {
        Presence::Absent => "not yet",
        Presence::Staged => "hidden",
        Presence::Same => "yes",
        Presence::Partial => "incomplete",
        Presence::Conflict => "other bytes",
        Presence::Refused => "refused",
        Presence::Withdrawn => "withdrawn",
        Presence::Unknown => "unknown",
    }
}

fn escape(text: &str) -> String {
    Untrusted::new(text).for_markdown()
}

/// Returns a URL as it can stand in angle brackets.
fn url(text: &str) -> String {
    let plain = |c: &char| !c.is_whitespace() && !c.is_control() && !"<>\\".contains(*c);
    text.chars().filter(plain).collect()
}

#[cfg(test)]
mod tests {
    use relpub_model::Config;
    use relpub_model::evidence::Piece;
    use relpub_model::observed::Seen;

    use super::super::human::samples::{FILES, Sample};
    use super::*;

    #[test]
    fn an_error_of_the_configuration_is_annotated_at_its_line() {
        let text = "repository = \"a/b\"\ntoo = \"100%\"\n";
        let errors = Config::parse("a,b.toml", text).unwrap_err();
        let lines = annotations(&errors);
        let place = "::error file=a%2Cb.toml,line=2,col=1,endColumn=4,title=relpub::";
        assert!(
            lines.iter().any(|line| line.starts_with(place)),
            "{lines:?}"
        );
        assert!(lines.iter().all(|line| !line.contains('\n')));
    }

    #[test]
    fn text_of_others_is_no_command() {
        let text = "fine\n  ::set-output name=x::y\na ##[error]b\n";
        let expected = "fine\n|   ::set-output name=x::y\na ## [error]b\n";
        assert_eq!(without_commands(text), expected);
        assert_eq!(data("a\n::error::b%"), "a%0A::error::b%25");
        assert_eq!(
            outputs(&[("version", "1\nreleased=true")]),
            "version=1released=true\n"
        );
    }

    #[test]
    fn the_summary_has_the_evidence() {
        let sample = Sample::new()
            .attested()
            .released()
            .seeing(|piece, _| match piece {
                Piece::Publish { of } if of.name == FILES[0] => Seen::Absent,
                _ => Seen::Valid,
            });
        let summary = receipt_summary(&sample.receipt(), "released");
        let from = summary.find("- **evidence").unwrap();
        let end = summary.find("\nWaived").unwrap();
        insta::assert_snapshot!(&summary[from..end], @r"
        - **evidence** 4 signatures, 4 SBOMs, promotion statement, 2 of 3 publish attestations
        - **owed** publish attestation of slugs-1.2.0-cp310-abi3-win\_amd64.whl is missing at PyPI for good; nowhere else
        - **signed** as ada/slugs release.yml\@v1.2.0
        - **log** 9 entries in log2026.example.org, number 7001 to 7009; 2 entries in rekor.example.org, number 7010 to 7011
        ");
        let without = receipt_summary(&Sample::new().released().receipt(), "released");
        assert!(!without.contains("evidence"));
    }

    #[test]
    fn the_summary_escapes_what_others_wrote() {
        assert_eq!(escape("<img> | x\n# y"), r"&lt;img&gt; \| x \# y");
        assert_eq!(url("https://x/y>z\n"), "https://x/yz");
    }
}
