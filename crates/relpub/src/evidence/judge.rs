//! Judges a bundle by the piece of evidence that it should be.

use relpub_model::evidence::{CYCLONEDX, Piece};
use relpub_model::observed::Seen;
use relpub_model::production::{PROMOTION_PREDICATE, RECEIPT_PREDICATE, publish_predicate};
use relpub_trust::verify::VerifiedEvidence;
use relpub_trust::{Rejection, Statement, Wanted, pep740, statement, verify};

use super::Evidence;

/// Why a bundle is not a piece of evidence.
pub(super) enum NotIt {
    /// It is a statement by an expected signer, about another promotion of the
    /// same tag.
    Other,
    /// It is something else; says what.
    Rejected(String),
}

impl From<Rejection> for NotIt {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection.to_string())
    }
}

impl From<NotIt> for Seen {
    fn from(not_it: NotIt) -> Self {
        match not_it {
            NotIt::Other => Self::Other,
            NotIt::Rejected(why) => Self::Rejected(why),
        }
    }
}

impl Evidence<'_> {
    /// Lets a bundle pass if it is the piece of evidence, by an expected signer.
    pub(super) fn judge(&self, piece: &Piece, bundle: &[u8]) -> Result<VerifiedEvidence, NotIt> {
        let publish = publish_predicate();
        let wanted = match piece {
            Piece::Checksums => {
                let why = "checksums are not signed".to_owned();
                return Err(NotIt::Rejected(why));
            }
            Piece::Signature { of } => Wanted::Signature(of.sha256),
            Piece::Sbom { of } => Wanted::StatementAbout(CYCLONEDX, of.sha256),
            Piece::Publish { of } => Wanted::StatementNaming(&publish, of),
            Piece::Promotion { .. } => Wanted::Statement(PROMOTION_PREDICATE),
            Piece::Receipt { .. } => Wanted::Statement(RECEIPT_PREDICATE),
        };
        let root = self.sigstore.root();
        let now = self.cx.clock.now();
        let evidence = verify(bundle, wanted, &self.expected, root, now)?;
        if let Some(statement) = evidence.get().statement() {
            match piece {
                Piece::Promotion { part } => self.is_ours(statement, *part)?,
                Piece::Receipt { .. } => self.is_our_receipt(statement)?,
                _ => {}
            }
        }
        Ok(evidence)
    }

    /// Judges what an index gives out about a file.
    pub(super) fn judge_provenance(&self, piece: &Piece, provenance: &[u8]) -> Seen {
        let Some(file) = piece.subject() else {
            return Seen::Absent;
        };
        let all = match pep740::attestations(provenance) {
            Ok(all) => all,
            Err(rejection) => return Seen::Rejected(rejection.to_string()),
        };
        let (root, now) = (self.sigstore.root(), self.cx.clock.now());
        let mut last = Seen::Absent;
        for attestation in all {
            match pep740::verify_publish(&attestation, file, &self.expected, root, now) {
                Ok(_) => return Seen::Valid,
                // The builder's provenance may lie beside ours.
                Err(Rejection::PredicateType { .. }) => {}
                Err(rejection) => last = Seen::Rejected(rejection.to_string()),
            }
        }
        last
    }

    fn is_ours(&self, found: &Statement, part: usize) -> Result<(), NotIt> {
        let promotion = found
            .promotion()
            .map_err(|error| NotIt::Rejected(error.to_string()))?;
        if promotion.id() != self.promotion.id() {
            let same_tag = promotion.tag == self.promotion.tag
                && promotion.repository.id == self.promotion.repository.id;
            return Err(if same_tag {
                NotIt::Other
            } else {
                NotIt::Rejected(format!(
                    "it is the statement of {} {}",
                    promotion.repository.name, promotion.tag.name
                ))
            });
        }
        let parts = statement::promotion(self.promotion);
        let expected = parts
            .get(part - 1)
            .and_then(|json| Statement::parse(json).ok());
        if expected.is_some_and(|expected| expected.subjects == found.subjects) {
            return Ok(());
        }
        Err(NotIt::Rejected(format!(
            "it is not part {part} of the statement"
        )))
    }

    fn is_our_receipt(&self, found: &Statement) -> Result<(), NotIt> {
        let facts = found
            .receipt()
            .map_err(|error| NotIt::Rejected(error.to_string()))?;
        if facts.id == self.promotion.id() && facts.complete {
            let debts = facts.debts();
            super::lock(&self.debts_named)
                .extend(debts.map(|(piece, carrier)| (piece.clone(), carrier.clone())));
            return Ok(());
        }
        Err(NotIt::Other)
    }
}
