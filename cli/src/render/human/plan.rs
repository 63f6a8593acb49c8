//! The plan as a screen: the whole table, the steps on both sides of the point
//! of no return, and what is taken for granted.

use std::collections::{BTreeMap, BTreeSet};

use anstyle::Style;
use relpub_model::Plan;
use relpub_model::evidence::Carrier;
use relpub_model::name::DestinationName;
use relpub_model::notes::size;
use relpub_model::plan::{Action, Phase, Pointer, Presence, Row, service_name};
use relpub_model::promotion::Edge;

use super::evidence;
use super::layout::{Cell, Labels, flow, indented, paint, plain, table};
use super::words::{self, plural};

/// What stands where there is nothing to say.
const NOTHING: &str = "·";

/// Returns the plan as a screen, without the reasons against it.
pub(crate) fn plan(plan: &Plan, width: usize) -> String {
    let mut out = headline(plan, width);
    out.push('\n');
    out.push_str(&matrix(plan, width));
    let steps = steps(plan);
    if !steps.is_empty() {
        out.push('\n');
        out.push_str(&steps.render(width));
    }
    let remarks = remarks(plan);
    if !remarks.is_empty() {
        out.push('\n');
        out.push_str(&remarks.render(width));
    }
    out
}

/// Says what is promoted, from where.
fn headline(plan: &Plan, width: usize) -> String {
    let promotion = &plan.promotion;
    let sizes: BTreeMap<_, _> = plan.rows.iter().map(|row| (&row.path, row.size)).collect();
    let total: u64 = sizes.values().flatten().sum();
    let at_least = if sizes.values().any(Option::is_none) {
        "at least "
    } else {
        ""
    };
    let name = format!("{} {}", promotion.project, promotion.tag.version);
    let parts = [
        paint::paint(paint::STRONG, &plain(&name)),
        format!("tag {} at {}", promotion.tag, promotion.commit.short()),
        format!(
            "{}, {at_least}{}",
            plural(sizes.len(), "artifact"),
            size(total)
        ),
        format!("from {}", plain(&plan.source.join(", "))),
    ];
    flow(&parts, "   ", width)
}

/// Returns the table of artifacts and destinations.
fn matrix(plan: &Plan, width: usize) -> String {
    let destinations: BTreeSet<&DestinationName> = plan
        .rows
        .iter()
        .flat_map(|row| row.presence.keys())
        .collect();
    // The order in which they become public: GitHub's release points at the others.
    let mut destinations: Vec<_> = destinations.into_iter().collect();
    destinations.sort_by_key(|name| (!words::is_index(Some(&plan.config), name), name.as_str()));
    let heading = |text: &str| Cell::new(text).style(paint::DIM);
    let mut rows = vec![vec![heading("artifact"), heading("size").right()]];
    rows[0].extend(destinations.iter().map(|name| heading(name.as_str())));
    rows[0].push(heading("evidence"));
    for row in &plan.rows {
        let bytes = row.size.map_or_else(|| "unknown".to_owned(), size);
        let mut cells = vec![Cell::new(row.name.as_str()), Cell::new(bytes).right()];
        cells.extend(destinations.iter().map(|name| presence(row, name)));
        cells.push(evidence::cell(plan, row));
        rows.push(cells);
    }
    table(&rows, 0, width)
}

fn presence(row: &Row, destination: &DestinationName) -> Cell {
    match row.presence.get(destination) {
        Some(presence) => {
            let (word, style) = words::presence(*presence);
            Cell::new(word).style(style)
        }
        None => Cell::new(NOTHING).style(paint::DIM),
    }
}

/// Returns the steps in their phases.
fn steps(plan: &Plan) -> Labels {
    let mut out = Labels::new();
    if plan.steps.is_empty() {
        return out;
    }
    evidence::sign(plan, &mut out);
    out.line("stage", staged(plan).join(" · "));
    if plan.steps_in(Phase::Publish).next().is_some() {
        out.free(paint::paint(
            paint::STRONG,
            "───────── point of no return ─────────",
        ));
    }
    out.line("publish", publish_lines(plan).join(" · "));
    if plan.steps_in(Phase::Confirm).next().is_some() {
        out.line("confirm", "find everything by digest where users look");
    }
    out.line("point", pointed(plan).join(" · "));
    out.line(
        "record",
        evidence::stored(plan, Phase::Record).unwrap_or_default(),
    );
    out
}

/// Says what is put where nobody sees it, by destination.
fn staged(plan: &Plan) -> Vec<String> {
    let mut files: BTreeMap<&DestinationName, usize> = BTreeMap::new();
    for step in plan.steps_in(Phase::Stage) {
        match &step.action {
            Action::Open { destination } => {
                files.entry(destination).or_default();
            }
            Action::Stage { edge } => *files.entry(&edge.destination).or_default() += 1,
            _ => {}
        }
    }
    for destination in evidence::assets(plan, Phase::Stage).filter_map(Carrier::destination) {
        *files.entry(destination).or_default() += 1;
    }
    let one = |(destination, count): (&DestinationName, usize)| {
        let service = service_name(destination);
        let carriers = plan.evidence.iter().flat_map(|row| &row.carriers);
        let assets = carriers.filter(|row| row.carrier.destination() == Some(destination));
        let all = plan.promotion.edges_to(destination).count() + assets.count();
        let there = all.saturating_sub(count);
        match (count, there) {
            (0, _) => format!("{service} draft, complete already"),
            (_, 0) => format!("{service} draft with {}", plural(count, "file")),
            _ => format!(
                "{service} draft: {}, {there} there already",
                plural(count, "file")
            ),
        }
    };
    files.into_iter().map(one).collect()
}

/// Says what becomes public, in the order in which it does.
fn publish_lines(plan: &Plan) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut uploads: Vec<(&DestinationName, Vec<&Edge>)> = Vec::new();
    for step in plan.steps_in(Phase::Publish) {
        match &step.action {
            Action::Upload { edge } => match uploads.last_mut() {
                Some((destination, edges)) if **destination == edge.destination => edges.push(edge),
                _ => uploads.push((&edge.destination, vec![edge])),
            },
            Action::CreateTag => out.push(format!("tag {}", plan.promotion.tag)),
            Action::Release { destination } => {
                let service = service_name(destination);
                out.push(format!("{service} {}", plan.promotion.tag));
            }
            _ => {}
        }
    }
    let uploads = uploads
        .iter()
        .flat_map(|(name, edges)| uploaded(plan, name, edges));
    let mut all: Vec<String> = uploads.collect();
    let late = evidence::assets(plan, Phase::Publish).count();
    if late > 0 {
        let files = plural(late, "more file");
        all.push(format!(
            "GitHub {}: {files} of evidence",
            plan.promotion.tag
        ));
    }
    all.extend(evidence::stored(plan, Phase::Publish));
    all.extend(out);
    all
}

/// Says which files go to a destination: by project at an index.
fn uploaded(plan: &Plan, destination: &DestinationName, edges: &[&Edge]) -> Vec<String> {
    let service = service_name(destination);
    if !words::is_index(Some(&plan.config), destination) {
        let count = plural(edges.len(), "more file");
        return vec![format!("{service} {}: {count}", plan.promotion.tag)];
    }
    let mut projects: Vec<(String, Vec<_>)> = Vec::new();
    for edge in edges {
        let project = words::project_of(&edge.name).map_or_else(String::new, |(name, _)| name);
        match projects.iter_mut().find(|(name, _)| *name == project) {
            Some((_, names)) => names.push(&edge.name),
            None => projects.push((project, vec![&edge.name])),
        }
    }
    let one = |(project, names): (String, Vec<_>)| {
        format!("{service} {project}: {}", words::count_files(true, names))
    };
    projects.into_iter().map(one).collect()
}

/// Returns what is about to become public, to be agreed to.
pub(crate) fn about_to(plan: &Plan, width: usize) -> String {
    let mut list = Labels::new();
    evidence::sign(plan, &mut list);
    list.line("publish", publish_lines(plan).join(" · "));
    list.line("point", pointed(plan).join(" · "));
    waived(plan, &mut list);
    format!("{}\n{}\n", headline(plan, width), list.render(width))
}

fn pointed(plan: &Plan) -> Vec<String> {
    let one = |action: &Action| match action {
        Action::Point {
            pointer:
                Pointer::Latest {
                    destination,
                    from,
                    to,
                },
        } => {
            let was = from
                .as_ref()
                .map_or_else(|| "there was none".to_owned(), |tag| format!("was {tag}"));
            Some(format!(
                "{} latest → {to} ({was})",
                service_name(destination)
            ))
        }
        _ => None,
    };
    plan.steps_in(Phase::Point)
        .filter_map(|step| one(&step.action))
        .collect()
}

/// Returns what a person should know besides the steps.
fn remarks(plan: &Plan) -> Labels {
    let mut out = Labels::new();
    waived(plan, &mut out);
    evidence::not_carried(&plan.evidence, &mut out);
    list(&mut out, "assumed", plan.assumptions.iter().cloned());
    list(&mut out, "note", plan.warnings.iter().cloned());
    list(&mut out, "by hand", plan.follow_ups.iter().cloned());
    out
}

/// Says what is missing with permission.
fn waived(plan: &Plan, out: &mut Labels) {
    let waived = plan.promotion.waived.iter();
    let waived = waived.map(|waived| format!("{} missing: \"{}\"", waived.missing, waived.because));
    list(out, "waived", waived);
}

fn list(out: &mut Labels, label: &str, texts: impl Iterator<Item = String>) {
    let texts: Vec<String> = texts.collect();
    if !texts.is_empty() {
        out.entry(label, Style::new(), texts);
    }
}

/// Tells whether everything is in place already.
pub(crate) fn is_done(plan: &Plan) -> bool {
    let same = |row: &Row| row.presence.values().all(|it| *it == Presence::Same);
    plan.steps.is_empty() && plan.rows.iter().all(same)
}

/// Returns the last lines of a plan that nothing speaks against: what was done,
/// which is nothing, and what to do next.
pub(crate) fn next_step(plan: &Plan, saved: &str, command: &str, width: usize) -> String {
    let id = format!("promotion {}", plan.id.short());
    let next = if is_done(plan) {
        "everything is there already".to_owned()
    } else {
        format!("to do it: {command}")
    };
    let parts = [
        "nothing has been changed".to_owned(),
        id,
        format!("plan saved in {saved}"),
        next,
    ];
    let text = flow(&parts, " · ", width.saturating_sub(2));
    indented(text.lines())
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use relpub_model::config::Attest;
    use relpub_model::evidence::Piece;
    use relpub_model::observed::Seen;

    use super::super::samples::{FILES, Sample, WIDTH, held, seen};
    use super::*;

    fn screen(sample: &Sample, width: usize) -> String {
        let made = sample.plan();
        let command = "relpub promote v1.2.0";
        let last = next_step(&made, ".relpub/v1.2.0/plan.json", command, width);
        seen(&(plan(&made, width) + "\n" + &last))
    }

    #[test]
    fn everything_is_new() {
        assert_snapshot!(screen(&Sample::new(), WIDTH), @r#"
        slugs 1.2.0   tag v1.2.0 at 6e4ddaf1   4 artifacts, 108 MB   from file:dist

          artifact                                  size   pypi   github   evidence
          slugs-1.2.0-cp310-abi3-win_amd64.whl    101 MB   new    new      none
          slugs-1.2.0-py3-none-any.whl           48.2 kB   new    new      none
          slugs-1.2.0.tar.gz                     31.9 kB   new    new      none
          slugs-1.2.0-x86_64-unknown-linux-gnu    6.4 MB   ·      new      none

          stage     GitHub draft with 4 files
          ───────── point of no return ─────────
          publish   PyPI slugs: 2 wheels, 1 sdist · GitHub v1.2.0
          confirm   find everything by digest where users look
          point     GitHub latest → v1.2.0 (was v1.1.0)

          waived    bin/aarch64-apple-darwin/slugs missing: "runner outage, 1.2.1 follows"
          assumed   PyPI takes this workflow as a trusted publisher of slugs (a new project)
                    the tag name v1.2.0 was not burned by an immutable release that was deleted (GitHub
                    tells only when the release is made)
                    this credential may write releases of ada/slugs
          note      no manifest names the commit that the files were built from
          by hand   Tell the mailing list.

          nothing has been changed · promotion 0e37a225b813 · plan saved in .relpub/v1.2.0/plan.json
          to do it: relpub promote v1.2.0
        "#);
    }

    #[test]
    fn evidence_is_named_before_it_is_made() {
        assert_snapshot!(screen(&Sample::new().attested(), WIDTH), @r#"
        slugs 1.2.0   tag v1.2.0 at 6e4ddaf1   4 artifacts, 108 MB   from file:dist

          artifact                                size   pypi   github   evidence
          slugs-1.2.0-cp310-abi3-win_amd64.whl
                                                101 MB   new    new      signature, sbom, promotion, publish
          slugs-1.2.0-py3-none-any.whl         48.2 kB   new    new      signature, sbom, promotion, publish
          slugs-1.2.0.tar.gz                   31.9 kB   new    new      signature, sbom, promotion, publish
          slugs-1.2.0-x86_64-unknown-linux-gnu
                                                6.4 MB   ·      new      signature, sbom, promotion

          sign      4 signatures, 4 SBOMs, promotion statement, 3 publish attestations (while uploading) as
                    ada/slugs release.yml@v1.2.0, public log
          stage     GitHub draft with 13 files
          ───────── point of no return ─────────
          publish   PyPI slugs: 2 wheels, 1 sdist · 4 SBOMs, promotion statement to GitHub's attestation
                    store · GitHub v1.2.0
          confirm   find everything by digest where users look
          point     GitHub latest → v1.2.0 (was v1.1.0)

          waived    bin/aarch64-apple-darwin/slugs missing: "runner outage, 1.2.1 follows"
          assumed   PyPI takes this workflow as a trusted publisher of slugs (a new project)
                    the tag name v1.2.0 was not burned by an immutable release that was deleted (GitHub
                    tells only when the release is made)
                    this credential may write attestations of ada/slugs
                    this credential may write releases of ada/slugs
          note      no manifest names the commit that the files were built from
          by hand   Tell the mailing list.

          nothing has been changed · promotion aefbeb6a3b25 · plan saved in .relpub/v1.2.0/plan.json
          to do it: relpub promote v1.2.0
        "#);
    }

    #[test]
    fn a_receipt_that_is_left_to_sign_is_recorded() {
        let mut sample = Sample::new().attested().released();
        sample.config.evidence.attest.insert(Attest::Receipt);
        let sample = sample.seeing(|piece, _| match piece {
            Piece::Receipt { .. } => Seen::Absent,
            _ => Seen::Valid,
        });
        let screen = screen(&sample, WIDTH);
        let end = screen.find("  waived").unwrap();
        assert_snapshot!(&screen[..end], @"
        slugs 1.2.0   tag v1.2.0 at 6e4ddaf1   4 artifacts, 108 MB   from file:dist

          artifact                                  size   pypi   github   evidence
          slugs-1.2.0-cp310-abi3-win_amd64.whl    101 MB   same   same     all there
          slugs-1.2.0-py3-none-any.whl           48.2 kB   same   same     all there
          slugs-1.2.0.tar.gz                     31.9 kB   same   same     all there
          slugs-1.2.0-x86_64-unknown-linux-gnu    6.4 MB   ·      same     all there

          confirm   find everything by digest where users look
          record    receipt statement to GitHub's attestation store
        ");
    }

    #[test]
    fn a_half_finished_release_shows_what_is_left() {
        let staged = FILES[1..].iter().map(|name| held(name));
        let staged: Vec<_> = staged.collect();
        let sample = Sample::new().on_index(&[held(FILES[1])]).in_draft(&staged);
        assert_snapshot!(screen(&sample, WIDTH), @r#"
        slugs 1.2.0   tag v1.2.0 at 6e4ddaf1   4 artifacts, 108 MB   from file:dist

          artifact                                  size   pypi   github   evidence
          slugs-1.2.0-cp310-abi3-win_amd64.whl    101 MB   new    new      none
          slugs-1.2.0-py3-none-any.whl           48.2 kB   same   staged   none
          slugs-1.2.0.tar.gz                     31.9 kB   new    staged   none
          slugs-1.2.0-x86_64-unknown-linux-gnu    6.4 MB   ·      staged   none

          stage     GitHub draft: 1 file, 3 there already
          ───────── point of no return ─────────
          publish   PyPI slugs: 1 wheel, 1 sdist · GitHub v1.2.0
          confirm   find everything by digest where users look
          point     GitHub latest → v1.2.0 (was v1.1.0)

          waived    bin/aarch64-apple-darwin/slugs missing: "runner outage, 1.2.1 follows"
          assumed   PyPI takes this workflow as a trusted publisher of slugs
                    this credential may write releases of ada/slugs
          note      no manifest names the commit that the files were built from
          by hand   Tell the mailing list.

          nothing has been changed · promotion 0e37a225b813 · plan saved in .relpub/v1.2.0/plan.json
          to do it: relpub promote v1.2.0
        "#);
    }

    #[test]
    fn a_finished_release_leaves_nothing_to_do() {
        assert_snapshot!(screen(&Sample::new().released(), WIDTH), @r#"
        slugs 1.2.0   tag v1.2.0 at 6e4ddaf1   4 artifacts, 108 MB   from file:dist

          artifact                                  size   pypi   github   evidence
          slugs-1.2.0-cp310-abi3-win_amd64.whl    101 MB   same   same     none
          slugs-1.2.0-py3-none-any.whl           48.2 kB   same   same     none
          slugs-1.2.0.tar.gz                     31.9 kB   same   same     none
          slugs-1.2.0-x86_64-unknown-linux-gnu    6.4 MB   ·      same     none

          waived    bin/aarch64-apple-darwin/slugs missing: "runner outage, 1.2.1 follows"
          note      no manifest names the commit that the files were built from
          by hand   Tell the mailing list.

          nothing has been changed · promotion 0e37a225b813 · plan saved in .relpub/v1.2.0/plan.json
          everything is there already
        "#);
    }

    #[test]
    fn a_narrow_screen_breaks_between_parts() {
        let made = Sample::new().plan();
        let text =
            headline(&made, 48) + &next_step(&made, "plan.json", "relpub promote v1.2.0", 48);
        assert_snapshot!(seen(&text), @"
        slugs 1.2.0   tag v1.2.0 at 6e4ddaf1
        4 artifacts, 108 MB   from file:dist
          nothing has been changed
          promotion 0e37a225b813
          plan saved in plan.json
          to do it: relpub promote v1.2.0
        ");
    }

    #[test]
    fn what_is_about_to_become_public_is_shown_before_the_question() {
        assert_snapshot!(seen(&about_to(&Sample::new().plan(), WIDTH)), @r#"
        slugs 1.2.0   tag v1.2.0 at 6e4ddaf1   4 artifacts, 108 MB   from file:dist

          publish   PyPI slugs: 2 wheels, 1 sdist · GitHub v1.2.0
          point     GitHub latest → v1.2.0 (was v1.1.0)
          waived    bin/aarch64-apple-darwin/slugs missing: "runner outage, 1.2.1 follows"
        "#);
    }
}
