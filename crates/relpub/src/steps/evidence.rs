//! The steps that make evidence and put it where it is carried.

use std::collections::BTreeMap;

use relpub_model::decision::{Decision, Failure};
use relpub_model::evidence::{Carrier, Piece, Subject};
use relpub_model::findings::Bytes;
use relpub_model::name::{DestinationName, FileName};
use relpub_model::observed::{Known, Observed, Seen};
use relpub_model::plan::{EvidenceState, repository, service_name};
use relpub_model::promotion::Edge;
use relpub_remote::{Carried, Proof, Publisher};

use super::{Executor, Outcome, not_there, outcome};
use crate::evidence::{Contents, Evidence};

/// The media type of a bundle (Sigstore bundle, version 0.3).
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

impl Executor<'_> {
    pub(super) async fn sign(&self, piece: &Piece) -> Result<Outcome, Failure> {
        let already = self.required(piece)?.make(piece, self.contents()).await?;
        Ok(Outcome {
            already,
            link: None,
        })
    }

    pub(super) async fn attach(
        &self,
        piece: &Piece,
        carrier: &Carrier,
    ) -> Result<Outcome, Failure> {
        let bytes = self.required(piece)?.bytes(piece, self.contents()).await?;
        match carrier {
            Carrier::Asset { destination, name } => {
                let session = self.session(destination).await?;
                let media_type = match piece {
                    Piece::Checksums => "text/plain; charset=utf-8",
                    _ => BUNDLE,
                };
                let replace = self.replaces(piece, carrier);
                let attached = self
                    .publisher(destination)?
                    .attach(&session, name, media_type, &bytes, replace)
                    .await;
                outcome(
                    destination,
                    attached.map(|proof| Proof { url: None, ..proof }),
                )
            }
            Carrier::Store => {
                let forge = self.required(piece)?.forge();
                let stored = forge.attest(&bytes, &piece.to_string()).await;
                outcome(
                    &repository(),
                    stored.map(|proof| Proof { url: None, ..proof }),
                )
            }
            Carrier::Index { destination } => Err(not_there(
                destination,
                &format!("the {piece} goes only with its file"),
                Decision::Protocol,
            )),
        }
    }

    /// Returns what an index is sent with a file.
    pub(super) async fn sent_with(&self, edge: &Edge) -> Result<Carried, Failure> {
        let mut carried = Carried::default();
        let indexes = &self.plan.promotion.evidence.indexes;
        if !indexes.contains(&edge.destination) {
            return Ok(carried);
        }
        let of = Subject {
            name: edge.name.to_string(),
            sha256: edge.sha256,
        };
        let piece = Piece::Publish { of };
        let evidence = self.required(&piece)?;
        let attestation = evidence.attestation(&piece, self.contents()).await?;
        carried
            .attestations
            .insert(edge.name.clone(), vec![attestation]);
        Ok(carried)
    }

    /// Returns the evidence that lies in a draft beside its artifacts, which a
    /// draft must have before it becomes public.
    pub(super) fn beside(
        &self,
        destination: &DestinationName,
    ) -> Result<BTreeMap<FileName, Bytes>, Failure> {
        let mut out = BTreeMap::new();
        for row in &self.plan.evidence {
            for carrier in row.carriers.iter().map(|it| &it.carrier) {
                match carrier {
                    Carrier::Asset {
                        destination: at,
                        name,
                    } if at == destination => {
                        let here = self.required(&row.piece)?.here(&row.piece);
                        let lost = || {
                            let why = format!("the {} went away from the cache", row.piece);
                            not_there(destination, &why, Decision::Protocol)
                        };
                        out.insert(name.clone(), here.ok_or_else(lost)?);
                    }
                    _ => {}
                }
            }
        }
        Ok(out)
    }

    /// Returns the evidence that this run was to put at a destination and that
    /// cannot be seen there yet.
    ///
    /// # Errors
    /// When something else is there, and was when it was looked at before
    /// (`doubted`: one answer can be spoiled on its way), or it could not be read.
    pub(super) async fn evidence_awaited(
        &self,
        destination: &DestinationName,
        publisher: &Publisher,
        doubted: &mut bool,
    ) -> Result<Vec<String>, Failure> {
        let wanted = self.put_at(destination);
        let (Some(evidence), false) = (self.evidence(), wanted.is_empty()) else {
            return Ok(Vec::new());
        };
        let names: Vec<FileName> = self
            .edges(destination)
            .into_iter()
            .map(|e| e.name)
            .collect();
        let probe = publisher.probe(&names, true).await;
        let probe = probe.map_err(|error| error.failure())?;
        let holdings = Known::Seen(probe.holdings);
        let observed = Observed::of(self.cx.clock.now(), destination.clone(), holdings);
        let (mut awaited, mut rejected) = (Vec::new(), false);
        for (piece, carriers) in evidence.look_at(wanted, &observed, true).await {
            for (carrier, seen) in carriers {
                match seen {
                    Seen::Valid => {}
                    Seen::Absent | Seen::Incomplete | Seen::Other => {
                        awaited.push(format!("the {piece} at {carrier}"));
                    }
                    Seen::Rejected(_) if !*doubted => {
                        rejected = true;
                        awaited.push(format!("the {piece} at {carrier}"));
                    }
                    Seen::Rejected(why) => {
                        let why = format!("the {piece} does not verify at {carrier}: {why}");
                        return Err(not_there(destination, &why, Decision::Conflict));
                    }
                    Seen::Unknown(failure) => return Err(failure),
                }
            }
        }
        *doubted = rejected;
        Ok(awaited)
    }

    /// Returns what this run puts at a destination; the store belongs to every
    /// release.
    fn put_at(&self, destination: &DestinationName) -> Vec<(Piece, Carrier)> {
        let is_release = self.plan.promotion.evidence.releases.contains(destination);
        let mut out = Vec::new();
        for row in &self.plan.evidence {
            if matches!(row.piece, Piece::Receipt { .. }) {
                continue;
            }
            for it in &row.carriers {
                let here = it
                    .carrier
                    .destination()
                    .map_or(is_release, |at| at == destination);
                let settled = matches!(it.state, EvidenceState::Valid | EvidenceState::Irreparable)
                    || it.state == EvidenceState::Superseded
                        && !self.replaces(&row.piece, &it.carrier);
                if here && !settled {
                    out.push((row.piece.clone(), it.carrier.clone()));
                }
            }
        }
        out
    }

    /// Tells whether an asset gives way: it is a statement of an earlier
    /// configuration, in a draft.
    fn replaces(&self, piece: &Piece, carrier: &Carrier) -> bool {
        let rows = self.plan.evidence.iter().filter(|row| row.piece == *piece);
        let mut carriers = rows.flat_map(|row| &row.carriers);
        let superseded =
            carriers.any(|it| it.carrier == *carrier && it.state == EvidenceState::Superseded);
        let action = relpub_model::plan::Action::Attach {
            piece: piece.clone(),
            carrier: carrier.clone(),
        };
        superseded && self.plan.steps.iter().any(|step| step.action == action)
    }

    fn contents(&self) -> Contents<'_> {
        Contents {
            sboms: &self.plan.sboms,
            facts: self.facts.get(),
        }
    }

    fn required(&self, piece: &Piece) -> Result<&Evidence<'_>, Failure> {
        self.evidence().ok_or_else(|| {
            let name = repository();
            let why = format!(
                "{} is to get the {piece}, which is not required",
                service_name(&name)
            );
            not_there(&name, &why, Decision::Protocol)
        })
    }
}
