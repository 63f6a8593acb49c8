//! Makes the plan: compares what the promotion wants with what was observed.

use std::collections::BTreeMap;

use super::credentials::{self, unreadable};
use super::evidence;
use super::presence::{self, Found, ReleaseState, release_state};
use super::steps::{self, Judged};
use super::{Action, Plan, Presence, Row, Step, assumptions, pointer};
use crate::blocker::{Blocker, Code};
use crate::config::{Config, Destination, DestinationKind, SigstoreRule, Vars};
use crate::decision::{Decision, Failure};
use crate::evidence::Carrier;
use crate::findings::{Distribution, Facts, Findings};
use crate::name::{DestinationName, FileName, ProjectName};
use crate::notes::{Notes, Signers};
use crate::observed::{Holdings, IndexProject, Known, Observed, Releases, SignerState, TagState};
use crate::promotion::Promotion;
use crate::release::Release;

impl Plan {
    /// Works out what is left to do. It is always a whole table, whatever
    /// speaks against it.
    pub fn new(
        config: &Config,
        release: &Release,
        promotion: &Promotion,
        findings: &Findings,
        observed: &Observed,
    ) -> Self {
        let mut maker = Maker {
            config,
            release,
            promotion,
            observed,
            presence: BTreeMap::new(),
            plan: empty(config, release, promotion),
        };
        maker.plan.distributions = distributions(release, findings);
        maker.plan.sboms = findings
            .artifacts
            .values()
            .filter_map(|finding| Some((finding.bytes?.sha256, finding.sbom.as_ref()?.sha256)))
            .collect();
        maker.plan.blockers.extend(release.blockers.iter().cloned());
        maker.plan.blockers.extend(
            findings
                .artifacts
                .values()
                .flat_map(|finding| finding.blockers.clone()),
        );
        maker
            .plan
            .warnings
            .extend(observed.warnings.iter().cloned());
        maker.plan.debts_named.clone_from(&observed.debts_named);
        maker.judge_tag();
        for destination in config.destinations.values() {
            maker.judge(destination);
        }
        maker.judge_evidence();
        maker.point();
        credentials::check(&mut maker.plan, observed);
        maker.describe();
        maker.finish(findings)
    }
}

fn empty(config: &Config, release: &Release, promotion: &Promotion) -> Plan {
    Plan {
        format: 1,
        id: promotion.id(),
        promotion: promotion.clone(),
        prerelease: release.channel.is_prerelease(),
        source: release.source.clone(),
        rows: Vec::new(),
        evidence: Vec::new(),
        signer: None,
        steps: Vec::new(),
        blockers: Vec::new(),
        blockers_here: Vec::new(),
        assumptions: Vec::new(),
        warnings: release.warnings.clone(),
        follow_ups: config.follow_ups.clone(),
        notes: None,
        distributions: BTreeMap::new(),
        sboms: BTreeMap::new(),
        debts_named: Vec::new(),
        config: config.clone(),
    }
}

/// Returns the distributions whose metadata is known, by published name.
fn distributions(release: &Release, findings: &Findings) -> BTreeMap<FileName, Distribution> {
    let mut out = BTreeMap::new();
    for artifact in &release.artifacts {
        let facts = findings
            .artifacts
            .get(&artifact.path)
            .and_then(|finding| finding.facts.as_ref());
        if let Some(Facts::Distribution(distribution)) = facts {
            out.extend(
                artifact
                    .places
                    .iter()
                    .map(|place| (place.name.clone(), (**distribution).clone())),
            );
        }
    }
    out
}

/// A plan in the making.
struct Maker<'a> {
    config: &'a Config,
    release: &'a Release,
    promotion: &'a Promotion,
    observed: &'a Observed,
    presence: BTreeMap<(DestinationName, FileName), Presence>,
    plan: Plan,
}

impl<'a> Maker<'a> {
    /// The tag must be at the commit, or absent and ours to make.
    fn judge_tag(&mut self) {
        let tag = &self.promotion.tag.name;
        let commit = &self.promotion.commit;
        match &self.observed.tag {
            Known::Seen(TagState::At(at)) if at == commit => {}
            Known::Seen(TagState::At(at)) => self.plan.blockers.push(
                Blocker::new(Code::Commit, format!("tag {tag}"), format!("is at another commit of {}", self.promotion.repository.name))
                    .detail(format!("there {} · ours {}", at.short(), commit.short()))
                    .way_out("A published tag is not moved. Promote the commit it names, or release a new version."),
            ),
            Known::Seen(TagState::Absent) if self.config.create_tag => self.plan.steps.push(steps::create_tag()),
            Known::Seen(TagState::Absent) => self.plan.blockers.push(
                Blocker::new(Code::Missing, format!("tag {tag}"), format!("does not exist in {}", self.promotion.repository.name))
                    .way_out("Push the tag, or let relpub make it: `create-tag = true` in the configuration."),
            ),
            Known::Unknown(failure) => self.plan.blockers.push(unreadable(&format!("tag {tag}"), failure)),
        }
    }

    /// Judges every edge of one destination, and plans what is left to do there.
    fn judge(&mut self, destination: &'a Destination) {
        let judged: Vec<Judged<'a>> = presence::judge(destination, self.promotion, self.observed)
            .into_iter()
            .map(|(edge, found)| (edge, self.take(found)))
            .collect();
        if judged.is_empty() {
            return;
        }
        let observed = self.observed;
        match observed.destinations.get(&destination.name) {
            Some(Known::Seen(Holdings::Index(projects))) => {
                self.plan_index(destination, &judged, projects);
            }
            Some(Known::Seen(Holdings::Releases(releases))) => {
                self.plan_release(destination, &judged, releases);
            }
            Some(Known::Unknown(failure)) => {
                self.plan
                    .blockers
                    .push(unreadable(service_name(&destination.name), failure));
            }
            None => self.plan.blockers.push(
                Blocker::new(
                    Code::Unknown,
                    service_name(&destination.name),
                    "was not read",
                )
                .way_out("This is a bug in relpub: a destination was left out of the observation."),
            ),
        }
        for (edge, presence) in judged {
            self.presence
                .insert((edge.destination.clone(), edge.name.clone()), presence);
        }
    }

    fn plan_index(
        &mut self,
        destination: &Destination,
        judged: &[Judged<'a>],
        projects: &BTreeMap<ProjectName, IndexProject>,
    ) {
        let service = service_name(&destination.name);
        if matches!(&destination.kind, DestinationKind::Index { urls: None }) {
            self.plan
                .assumptions
                .extend(assumptions::sizes(judged, service));
        }
        let uploads = steps::index(judged, &self.plan.distributions);
        if uploads.is_empty() {
            return;
        }
        if destination.attestations && !self.promotion.evidence.indexes.contains(&destination.name)
        {
            self.plan.warnings.push(format!(
                "{service} takes publish attestations only with trusted publishing: these uploads go with a token, and without"
            ));
        }
        let rights = assumptions::index_rights(destination, service, judged, projects);
        self.plan.assumptions.push(rights);
        self.plan.steps.extend(uploads);
        self.plan
            .steps
            .push(steps::confirm(&destination.name, &destination.kind));
    }

    fn plan_release(
        &mut self,
        destination: &Destination,
        judged: &[Judged<'a>],
        releases: &'a Releases,
    ) {
        let service = service_name(&destination.name);
        let marker = self.promotion.marker();
        let state = release_state(releases, &marker, &self.promotion.tag.name);
        if let ReleaseState::Disputed(blocker) = state {
            self.plan.blockers.push(blocker);
            return;
        }
        self.judge_strangers(&state, judged, service);
        let published = matches!(state, ReleaseState::Published { .. });
        let steps = steps::release(&destination.name, published, judged);
        if steps.is_empty() {
            return;
        }
        let assumed = assumptions::release(self.promotion, releases, &state, service);
        self.plan.assumptions.extend(assumed);
        self.plan.steps.extend(steps);
        self.plan
            .steps
            .push(steps::confirm(&destination.name, &destination.kind));
    }

    /// An asset that nobody asked for blocks a draft and is only named in a
    /// release that is public already.
    fn judge_strangers(&mut self, state: &ReleaseState<'_>, judged: &[Judged<'_>], service: &str) {
        let (release, draft) = match state {
            ReleaseState::Draft(release) => (release, true),
            ReleaseState::Published { release, .. } => (release, false),
            _ => return,
        };
        let evidence = evidence::asset_names(self.promotion);
        let wanted = |name: &str| {
            judged.iter().any(|(edge, _)| edge.name.as_str() == name) || evidence.contains(name)
        };
        let strangers = release.assets.iter().filter(|held| !wanted(&held.name));
        let (old, strangers): (Vec<_>, Vec<_>) =
            strangers.partition(|held| draft && held.name.ends_with(".sigstore.json"));
        if let Some(first) = old.first() {
            let name = crate::text::Untrusted::new(&first.name).for_terminal();
            let thing = match old.len() {
                1 => name,
                n => format!("{name} and {} more", n - 1),
            };
            let reason = format!("in our draft on {service} is evidence of another configuration");
            self.plan.blockers.push(
                Blocker::new(Code::Conflict, thing, reason)
                    .detail(format!("draft {}", release.id))
                    .way_out(
                        "Delete the draft on the repository's releases page: relpub makes it anew.",
                    ),
            );
        }
        for held in strangers {
            let name = crate::text::Untrusted::new(&held.name).for_terminal();
            if draft {
                self.plan.blockers.push(
                    Blocker::new(
                        Code::Conflict,
                        name,
                        format!("is in our draft on {service} and is not part of this release"),
                    )
                    .detail(format!("draft {}", release.id))
                    .way_out("Delete it there, or add it to the configuration."),
                );
            } else {
                self.plan.warnings.push(format!("{name} is in the published release on {service} and is not part of this promotion"));
            }
        }
    }

    /// Judges the evidence, and plans what is left to sign and to attach.
    fn judge_evidence(&mut self) {
        let evidence::Judged { rows, blockers } = evidence::judge(self.promotion, self.observed);
        let steps = evidence::steps(&rows, self.promotion, self.observed);
        for release in self
            .promotion
            .evidence
            .releases
            .iter()
            .filter(|_| !steps.is_empty())
        {
            let kind = self.config.destinations.get(release).map(|it| &it.kind);
            self.plan
                .steps
                .extend(kind.map(|kind| steps::confirm(release, kind)));
        }
        let stores = |step: &Step| {
            matches!(
                step.action,
                Action::Attach {
                    carrier: Carrier::Store,
                    ..
                }
            )
        };
        if steps.iter().any(stores) {
            self.plan.assumptions.push(format!(
                "this credential may write attestations of {}",
                self.promotion.repository.name
            ));
        }
        self.plan.steps.extend(steps);
        self.plan.blockers.extend(blockers);
        self.plan
            .blockers
            .extend(evidence::misfits(&rows, self.promotion));
        let warnings = evidence::warnings(&rows, self.promotion, self.observed);
        self.plan.warnings.extend(warnings);
        if let SignerState::Ready(claims) = &self.observed.signer {
            self.plan.signer = Some(claims.clone());
        }
        self.plan.evidence = rows;
    }

    /// Plans the pointers that are not where they belong.
    fn point(&mut self) {
        for rule in &self.promotion.pointers {
            self.plan.steps.extend(
                pointer::left_to_do(rule, self.config, self.promotion, self.observed)
                    .map(steps::point),
            );
        }
    }

    /// Describes the release, where one is about to be made.
    fn describe(&mut self) {
        let has_release = |step: &Step| matches!(step.action, Action::Open { .. });
        if !self.plan.steps.iter().any(has_release) {
            return;
        }
        let generated = match &self.observed.generated_notes {
            Some(Known::Seen(text)) => text.as_str(),
            Some(Known::Unknown(failure)) => {
                self.note_unreadable_notes(failure);
                ""
            }
            None => "",
        };
        let vars = Vars::new(self.config, &self.promotion.tag).with_commit(&self.promotion.commit);
        let repository = &self.promotion.repository;
        let rule = &self.config.evidence;
        let rules = rule.signer_rules(&vars, &repository.name, repository.id);
        let signers = Signers {
            // Nobody can have signed where the rules cannot be told.
            rules: &rules.unwrap_or_default(),
            private: rule.sigstore != SigstoreRule::Public,
        };
        let (release, promotion) = (self.release, self.promotion);
        let notes = Notes::render(self.title(), release, promotion, signers, generated);
        self.plan.notes = Some(notes);
    }

    /// The title's template; it was checked when the configuration was read, so
    /// only a version without the form it asks for can fail it.
    fn title(&self) -> String {
        let vars = Vars::new(self.config, &self.promotion.tag).with_commit(&self.promotion.commit);
        let title = self.config.notes.title.render(&vars);
        title.unwrap_or_else(|_| self.promotion.tag.name.clone())
    }

    /// Whoever may not write to the repository may not ask for its notes either:
    /// that is an assumption, since the one who promotes may.
    fn note_unreadable_notes(&mut self, failure: &Failure) {
        match failure.decision {
            Decision::Unauthenticated | Decision::Forbidden | Decision::NotFound => {
                self.plan.assumptions.push(format!(
                    "GitHub generates the notes for whoever promotes ({})",
                    failure.message
                ));
            }
            _ => self
                .plan
                .blockers
                .push(unreadable("the generated notes", failure)),
        }
    }

    fn take(&mut self, found: Found) -> Presence {
        self.plan.blockers.extend(found.blocker);
        found.presence
    }

    fn finish(mut self, findings: &Findings) -> Plan {
        self.plan.rows = rows(self.release, findings, &self.presence);
        self.plan.steps.sort();
        self.plan.steps.dedup();
        self.plan.blockers.sort();
        self.plan.blockers.dedup();
        self.plan.assumptions.sort();
        self.plan.assumptions.dedup();
        self.plan
    }
}

/// Returns a destination's name for people.
pub fn service_name(destination: &DestinationName) -> &str {
    match destination.as_str() {
        "pypi" => "PyPI",
        "testpypi" => "TestPyPI",
        "github" => "GitHub",
        other => other,
    }
}

fn rows(
    release: &Release,
    findings: &Findings,
    presence: &BTreeMap<(DestinationName, FileName), Presence>,
) -> Vec<Row> {
    let mut out: Vec<Row> = Vec::new();
    for artifact in &release.artifacts {
        let finding = findings.artifacts.get(&artifact.path);
        let bytes = finding.and_then(|finding| finding.bytes);
        let sbom = finding.and_then(|finding| finding.sbom.as_ref());
        for place in &artifact.places {
            let found = presence
                .get(&(place.destination.clone(), place.name.clone()))
                .copied();
            let entry = (
                place.destination.clone(),
                found.unwrap_or(Presence::Unknown),
            );
            let known = out
                .iter_mut()
                .find(|row| row.path == artifact.path && row.name == place.name);
            if let Some(row) = known {
                row.presence.extend([entry]);
                continue;
            }
            out.push(Row {
                path: artifact.path.clone(),
                name: place.name.clone(),
                kind: artifact.kind,
                size: bytes.map(|bytes| bytes.size),
                sha256: bytes.map(|bytes| bytes.sha256),
                components: sbom.map(|sbom| sbom.components),
                presence: BTreeMap::from([entry]),
            });
        }
    }
    out
}
