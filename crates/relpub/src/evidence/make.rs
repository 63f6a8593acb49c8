//! Makes a piece of evidence: once, verified, on disk.

use std::sync::Arc;

use relpub_model::Sha256;
use relpub_model::decision::{Decision, Failure};
use relpub_model::evidence::Piece;
use relpub_model::findings::Bytes;
use relpub_model::receipt::{Facts, Signed};
use relpub_remote::{Blobs, Log};
use relpub_trust::verify::VerifiedEvidence;
use relpub_trust::{pep740, statement};
use tokio::io::AsyncReadExt;

use super::judge::NotIt;
use super::{Evidence, failed};

/// What statements are made of, besides the promotion.
#[derive(Clone, Copy)]
pub(crate) struct Contents<'a> {
    /// The documents in the store that describe artifacts, by the artifacts'
    /// digests.
    pub(crate) sboms: &'a std::collections::BTreeMap<Sha256, Sha256>,
    /// What was seen in the end, for the receipt statement.
    pub(crate) facts: Option<&'a Facts>,
}

impl Evidence<'_> {
    /// Makes sure that a piece is on disk; returns whether it was already.
    pub(crate) async fn make(&self, piece: &Piece, of: Contents<'_>) -> Result<bool, Failure> {
        if *piece == Piece::Checksums {
            return Ok(true);
        }
        let cell = Arc::clone(self.made.lock().await.entry(piece.clone()).or_default());
        let mut already = true;
        cell.get_or_try_init(|| async {
            if self.read(piece).is_none() {
                already = false;
                self.sign(piece, of).await?;
            }
            Ok(())
        })
        .await?;
        Ok(already)
    }

    /// Returns the bytes of a piece, which are made if they are not there.
    pub(crate) async fn bytes(&self, piece: &Piece, of: Contents<'_>) -> Result<Vec<u8>, Failure> {
        if *piece == Piece::Checksums {
            return Ok(self.promotion.checksums().into_bytes());
        }
        self.make(piece, of).await?;
        let read = self.read(piece).map(|(bundle, _)| bundle);
        read.ok_or_else(|| failed(piece, &"it was on disk and is not any more"))
    }

    /// Returns digest and size of a piece that is here or in the promotion.
    pub(crate) fn here(&self, piece: &Piece) -> Option<Bytes> {
        let bytes = match piece {
            Piece::Checksums => self.promotion.checksums().into_bytes(),
            piece => self.bundles.read(piece)?,
        };
        Some(Bytes {
            sha256: Sha256::of(&bytes),
            size: bytes.len() as u64,
        })
    }

    /// Returns a publish attestation as PyPI takes it.
    pub(crate) async fn attestation(
        &self,
        piece: &Piece,
        of: Contents<'_>,
    ) -> Result<Vec<u8>, Failure> {
        self.make(piece, of).await?;
        let (bundle, evidence) = self
            .read(piece)
            .ok_or_else(|| failed(piece, &"it was on disk and is not any more"))?;
        pep740::attestation(&evidence, &bundle).map_err(|error| failed(piece, &error))
    }

    /// Reads a piece from disk, if it is there and verifies.
    pub(super) fn read(&self, piece: &Piece) -> Option<(Vec<u8>, VerifiedEvidence)> {
        let bundle = self.bundles.read(piece)?;
        let evidence = self.judge(piece, &bundle).ok()?;
        let usable = !matches!(piece, Piece::Publish { .. })
            || pep740::attestation(&evidence, &bundle).is_ok();
        usable.then_some((bundle, evidence))
    }

    /// Signs a piece, verifies what came back, and stores it.
    async fn sign(&self, piece: &Piece, of: Contents<'_>) -> Result<(), Failure> {
        let signing = &self.sigstore.signing;
        let claims = signing.claims().await.map_err(|error| error.failure())?;
        let expected = self.expected.check_token(&claims);
        expected.map_err(|wrong| not_signed(piece, Decision::Forbidden, &wrong))?;
        let thing = piece.to_string();
        let signed = match piece {
            Piece::Signature { of } => signing.sign_digest(&of.sha256, &thing).await,
            other => {
                let payload = self.payload(other, of).await?;
                let log = match other {
                    Piece::Publish { .. } => Log::Rekor1,
                    _ => Log::Configured,
                };
                signing.sign_statement(&payload, &thing, log).await
            }
        };
        let bundle = signed.map_err(|error| error.failure())?;
        let evidence = self.judge(piece, &bundle).map_err(|not_it| {
            let why = match not_it {
                NotIt::Other => "it is about another promotion".to_owned(),
                NotIt::Rejected(why) => why,
            };
            let why = format!("what Sigstore made does not verify, and was thrown away: {why}");
            not_signed(piece, Decision::Protocol, &why)
        })?;
        self.bundles
            .write(piece, &bundle)
            .map_err(|error| failed(piece, &error))?;
        self.note(piece, &evidence);
        Ok(())
    }

    fn note(&self, piece: &Piece, evidence: &VerifiedEvidence) {
        let evidence = evidence.get();
        let signed = Signed {
            piece: piece.clone(),
            signer: evidence.signer.identity.clone(),
            bundle: evidence.bundle.sha256,
            log: evidence.entries.clone(),
        };
        super::lock(&self.signed).push(signed);
    }

    /// Returns the statement to be signed.
    async fn payload(&self, piece: &Piece, of: Contents<'_>) -> Result<Vec<u8>, Failure> {
        let lost = || failed(piece, &"relpub has nothing to make it of; this is a bug");
        match piece {
            Piece::Sbom { of: subject } => {
                let document = of.sboms.get(&subject.sha256).ok_or_else(lost)?;
                let document = self.document(piece, document).await?;
                statement::sbom(subject, &document).map_err(|error| failed(piece, &error))
            }
            Piece::Publish { of: subject } => Ok(statement::publish(subject)),
            Piece::Promotion { part } => {
                let mut parts = statement::promotion(self.promotion);
                (*part <= parts.len())
                    .then(|| parts.swap_remove(part - 1))
                    .ok_or_else(lost)
            }
            Piece::Receipt { part } => {
                let mut parts = statement::receipt(of.facts.ok_or_else(lost)?);
                (*part <= parts.len())
                    .then(|| parts.swap_remove(part - 1))
                    .ok_or_else(lost)
            }
            Piece::Checksums | Piece::Signature { .. } => Err(lost()),
        }
    }

    async fn document(&self, piece: &Piece, sha256: &Sha256) -> Result<String, Failure> {
        let read = async {
            let mut blob = self.cx.store.open(sha256).await?;
            let mut text = String::new();
            blob.reader.read_to_string(&mut text).await?;
            Ok(text)
        };
        read.await
            .map_err(|error: std::io::Error| failed(piece, &error))
    }
}

fn not_signed(piece: &Piece, decision: Decision, why: &dyn std::fmt::Display) -> Failure {
    Failure {
        decision,
        service: "Sigstore".to_owned(),
        message: format!("the {piece} was not signed: {why}"),
        said: None,
    }
}
