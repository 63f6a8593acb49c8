//! What is known of one file by its evidence, as text.

use relpub::FileVerdict;
use relpub::file::{Finding, Told};
use relpub_model::evidence::EvidenceKind;
use relpub_model::name::Repository;
use relpub_model::notes::size;
use relpub_model::plan::service_name;

use super::layout::{Labels, flow, paint, plain};

/// Returns who signed a file, and which promotion it is part of; or why nothing
/// of that counts.
pub(crate) fn file(
    name: &str,
    repository: &Repository,
    verdict: &FileVerdict,
    width: usize,
) -> String {
    let open = verdict.rejected().next().is_none() && !verdict.unread.is_empty();
    let (style, word) = if verdict.is_good() {
        (paint::GOOD, "verified")
    } else if open {
        (paint::OPEN, "could not tell:")
    } else {
        (paint::BAD, "rejected:")
    };
    let head = [
        format!("{} {}", paint::paint(style, word), plain(name)),
        size(verdict.bytes.size),
        format!("sha256 {}", verdict.bytes.sha256.short()),
    ];
    let mut list = Labels::new();
    for finding in &verdict.findings {
        if let Ok(told) = &finding.told {
            list.line(label(finding.kind), said(told, finding));
        }
    }
    for finding in verdict.rejected() {
        let why = finding.told.as_ref().err().cloned().unwrap_or_default();
        let first = format!(
            "the {} in {} does not count",
            label(finding.kind),
            finding.place
        );
        list.entry("problem", paint::BAD, [&first, &why, &String::new()]);
    }
    if verdict.findings.is_empty() && verdict.unread.is_empty() {
        let first = format!(
            "no evidence of these bytes was found, neither beside the file nor in the attestation store of {repository}"
        );
        let way_out =
            "Download FILE.sigstore.json beside it, or name the repository that released it."
                .to_owned();
        list.entry("problem", paint::BAD, [&first, &String::new(), &way_out]);
    }
    for failure in &verdict.unread {
        list.entry(
            "unread",
            paint::OPEN,
            [&failure.message, &String::new(), &String::new()],
        );
    }
    flow(&head, "   ", width) + "\n" + &list.render(width)
}

fn label(kind: EvidenceKind) -> &'static str {
    match kind {
        EvidenceKind::Sbom => "SBOM",
        other => other.as_str(),
    }
}

fn said(told: &Told, finding: &Finding) -> String {
    let when = told.at.map_or_else(String::new, |at| {
        format!(", {}", at.strftime("%Y-%m-%d %H:%M UTC"))
    });
    let log = told
        .log
        .first()
        .map_or_else(String::new, |entry| format!(", log entry {}", entry.index));
    let what = match &told.promotion {
        Some(promotion) => {
            let mut to: Vec<&str> = promotion.destinations().map(service_name).collect();
            to.dedup();
            format!(
                "{} {} from commit {}, to {}; ",
                promotion.project,
                promotion.tag.version,
                promotion.commit.short(),
                to.join(" and ")
            )
        }
        None => String::new(),
    };
    plain(&format!(
        "{what}signed by {}{when}{log} ({})",
        told.signer.identity, finding.place
    ))
}
