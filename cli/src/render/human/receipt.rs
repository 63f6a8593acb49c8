//! The receipt as text: what was seen where at the end, and what the run did.

use relpub_model::notes::size;
use relpub_model::plan::service_name;
use relpub_model::receipt::{Facts, Receipt};

use super::evidence;
use super::layout::{Cell, Labels, flow, paint, plain, table};
use super::words;

/// Returns the receipt as text.
pub(crate) fn receipt(receipt: &Receipt, width: usize) -> String {
    let facts = &receipt.facts;
    let promotion = &facts.promotion;
    let (style, word) = if facts.complete {
        (paint::GOOD, "complete")
    } else {
        (paint::OPEN, "not finished")
    };
    let name = format!("{} {}", promotion.project, promotion.tag.version);
    let head = [
        paint::paint(paint::STRONG, &plain(&name)),
        paint::paint(style, word),
        format!("promotion {}", facts.id.short()),
    ];
    let mut out = flow(&head, "   ", width) + "\n";
    out.push_str(&about(facts).render(width));
    out.push('\n');
    out.push_str(&table(&places(facts), 1, width));
    out.push('\n');
    out.push_str(&history(receipt).render(width));
    out
}

fn about(facts: &Facts) -> Labels {
    let promotion = &facts.promotion;
    let mut list = Labels::new();
    list.line(
        "from",
        format!("{} at {}", promotion.repository.name, promotion.commit),
    );
    let tag = facts.tag.as_ref().map_or_else(
        || format!("{}, which was not found", promotion.tag),
        |at| format!("{} at {}", promotion.tag, at.short()),
    );
    list.line("tag", tag);
    for pointer in &facts.pointers {
        let service = service_name(&pointer.destination);
        let at = pointer.at.as_deref().unwrap_or("nothing");
        list.line("pointer", format!("{service} latest → {at}"));
    }
    for waived in &promotion.waived {
        list.line(
            "waived",
            format!("{} missing: \"{}\"", waived.missing, waived.because),
        );
    }
    if promotion.flags.world {
        list.line("world", "a private one, not production");
    }
    list
}

fn places(facts: &Facts) -> Vec<Vec<Cell>> {
    let heading = |text: &str| Cell::new(text).style(paint::DIM);
    let mut rows = vec![vec![
        heading("place"),
        heading("file"),
        heading("size").right(),
        heading("sha256"),
        heading("seen"),
    ]];
    for place in &facts.places {
        let (word, style) = words::presence(place.presence);
        let word = if word == "new" { "absent" } else { word };
        rows.push(vec![
            Cell::new(service_name(&place.destination)),
            Cell::new(place.name.as_str()),
            Cell::new(size(place.size)).right(),
            Cell::new(place.sha256.short()),
            Cell::new(word).style(style),
        ]);
    }
    rows
}

fn history(receipt: &Receipt) -> Labels {
    let history = &receipt.history;
    let took = words::duration(history.ended.duration_since(history.began));
    let began = history.began.strftime("%Y-%m-%d %H:%M:%S UTC");
    let mut list = Labels::new();
    evidence::describe(&receipt.facts, history, &mut list);
    list.line("run", format!("{began}, {took}, relpub {}", history.relpub));
    let done = history.done.iter();
    let done = done.map(|done| format!("{} {}", done.at.strftime("%H:%M:%S"), done.what));
    list.entry("done", anstyle::Style::new(), done);
    if history.done.is_empty() {
        list.line("done", "nothing");
    }
    for link in &history.links {
        list.line(
            "see",
            format!("{} {}", service_name(&link.destination), link.url),
        );
    }
    list
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use relpub_model::evidence::Piece;
    use relpub_model::observed::Seen;

    use super::super::samples::{FILES, Sample, WIDTH, held, seen};
    use super::*;

    #[test]
    fn a_complete_receipt() {
        let sample = Sample::new().released();
        assert_snapshot!(seen(&receipt(&sample.receipt(), WIDTH)), @r#"
        slugs 1.2.0   complete   promotion 0e37a225b813

          from      ada/slugs at 6e4ddaf16e4ddaf16e4ddaf16e4ddaf16e4ddaf1
          tag       v1.2.0 at 6e4ddaf1
          pointer   GitHub latest → v1.2.0
          waived    bin/aarch64-apple-darwin/slugs missing: "runner outage, 1.2.1 follows"

          place    file                                      size   sha256         seen
          GitHub   slugs-1.2.0-cp310-abi3-win_amd64.whl    101 MB   5f97866080d7   same
          GitHub   slugs-1.2.0-py3-none-any.whl           48.2 kB   5a8290a09e82   same
          GitHub   slugs-1.2.0-x86_64-unknown-linux-gnu    6.4 MB   af387147ba43   same
          GitHub   slugs-1.2.0.tar.gz                     31.9 kB   fcfc2e3eca50   same
          PyPI     slugs-1.2.0-cp310-abi3-win_amd64.whl    101 MB   5f97866080d7   same
          PyPI     slugs-1.2.0-py3-none-any.whl           48.2 kB   5a8290a09e82   same
          PyPI     slugs-1.2.0.tar.gz                     31.9 kB   fcfc2e3eca50   same

          run       2026-11-20 12:00:00 UTC, 4 min 12 s, relpub 0.1.0
          done      12:00:00 slugs-1.2.0-cp310-abi3-win_amd64.whl to GitHub
                    12:00:00 slugs-1.2.0-py3-none-any.whl to GitHub
                    12:00:00 slugs-1.2.0-x86_64-unknown-linux-gnu to GitHub
                    12:00:00 slugs-1.2.0.tar.gz to GitHub
                    12:00:00 slugs-1.2.0-cp310-abi3-win_amd64.whl to PyPI
                    12:00:00 slugs-1.2.0-py3-none-any.whl to PyPI
                    12:00:00 slugs-1.2.0.tar.gz to PyPI
          see       GitHub https://example.org/ada/slugs/releases/tag/v1.2.0
        "#);
    }

    #[test]
    fn a_receipt_with_evidence() {
        let sample = Sample::new()
            .attested()
            .released()
            .seeing(|piece, _| match piece {
                Piece::Publish { of } if of.name == FILES[0] => Seen::Absent,
                _ => Seen::Valid,
            });
        let screen = seen(&receipt(&sample.receipt(), WIDTH));
        let from = screen.find("  evidence").unwrap();
        let end = screen.find("  done").unwrap();
        assert_snapshot!(&screen[from..end], @"
        evidence  4 signatures, 4 SBOMs, promotion statement, 2 of 3 publish attestations
        owed      publish attestation of slugs-1.2.0-cp310-abi3-win_amd64.whl is missing at PyPI for good;
                  nowhere else
        signed    as ada/slugs release.yml@v1.2.0
        log       9 entries in log2026.example.org, number 7001 to 7009
                  2 entries in rekor.example.org, number 7010 to 7011
        run       2026-11-20 12:00:00 UTC, 4 min 12 s, relpub 0.1.0
        ");
    }

    #[test]
    fn a_receipt_of_a_run_that_stopped() {
        let sample = Sample::new()
            .on_index(&[held(FILES[0])])
            .in_draft(&[held(FILES[0])]);
        assert_snapshot!(seen(&receipt(&sample.receipt(), WIDTH)), @r#"
        slugs 1.2.0   not finished   promotion 0e37a225b813

          from      ada/slugs at 6e4ddaf16e4ddaf16e4ddaf16e4ddaf16e4ddaf1
          tag       v1.2.0 at 6e4ddaf1
          pointer   GitHub latest → v1.1.0
          waived    bin/aarch64-apple-darwin/slugs missing: "runner outage, 1.2.1 follows"

          place    file                                      size   sha256         seen
          GitHub   slugs-1.2.0-cp310-abi3-win_amd64.whl    101 MB   5f97866080d7   staged
          GitHub   slugs-1.2.0-py3-none-any.whl           48.2 kB   5a8290a09e82   absent
          GitHub   slugs-1.2.0-x86_64-unknown-linux-gnu    6.4 MB   af387147ba43   absent
          GitHub   slugs-1.2.0.tar.gz                     31.9 kB   fcfc2e3eca50   absent
          PyPI     slugs-1.2.0-cp310-abi3-win_amd64.whl    101 MB   5f97866080d7   same
          PyPI     slugs-1.2.0-py3-none-any.whl           48.2 kB   5a8290a09e82   absent
          PyPI     slugs-1.2.0.tar.gz                     31.9 kB   fcfc2e3eca50   absent

          run       2026-11-20 12:00:00 UTC, 4 min 12 s, relpub 0.1.0
          done      12:00:00 slugs-1.2.0-cp310-abi3-win_amd64.whl to PyPI
          see       GitHub https://example.org/ada/slugs/releases/tag/v1.2.0
        "#);
    }
}
