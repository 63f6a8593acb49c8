//! Evidence: looked for where it is carried, made where it is missing, judged
//! before it counts.
//!
//! A bundle leaves this machine only after it was verified against the very
//! signer that consumers are told to expect, and was stored durably: a run that
//! is killed in between finds it again, and does not sign twice.

mod bundles;
mod describe;
mod file;
mod find;
mod judge;
mod look;
mod make;
mod sigstore;

use std::collections::BTreeMap;
use std::sync::Arc;

use relpub_model::Sha256;
use relpub_model::config::{Config, Vars};
use relpub_model::decision::Failure;
use relpub_model::evidence::{Carrier, EvidenceKind, Piece};
use relpub_model::findings::Findings;
use relpub_model::name::Commit;
use relpub_model::observed::{Observed, Seen, SignerState};
use relpub_model::promotion::Promotion;
use relpub_model::receipt::Signed;
use relpub_model::release::{Release, RepositoryId};
use relpub_model::version::Tag;
use relpub_remote::Forge;
use relpub_trust::Signer;
use tokio::sync::{Mutex, OnceCell};

use crate::context::Context;
use crate::error::Error;
use crate::publishers::forge;
use bundles::Bundles;
pub use file::{FileQuery, FileVerdict, Finding, Told, verify_file};
pub use find::find_promotion;
pub(crate) use make::Contents;
pub(crate) use sigstore::Sigstore;

/// The evidence of one promotion.
pub(crate) struct Evidence<'a> {
    cx: &'a Context,
    config: &'a Config,
    promotion: &'a Promotion,
    sigstore: Arc<Sigstore>,
    expected: Signer,
    forge: Forge,
    bundles: Bundles,
    /// Whether what is read and verifies is kept, for what is still to be done.
    keep: bool,
    /// What a receipt statement that was read names as missing for good.
    debts_named: std::sync::Mutex<Vec<(Piece, Carrier)>>,
    /// What this run made or found, each once however many carriers ask.
    made: Mutex<BTreeMap<Piece, Arc<OnceCell<()>>>>,
    /// What this run signed.
    signed: std::sync::Mutex<Vec<Signed>>,
}

impl<'a> Evidence<'a> {
    /// Reads whom to trust and whom to expect; `None` where a promotion requires
    /// no evidence.
    ///
    /// # Errors
    /// When the trusted root or a signing config cannot be had.
    pub(crate) async fn open(
        cx: &'a Context,
        config: &'a Config,
        promotion: &'a Promotion,
    ) -> Result<Option<Self>, Error> {
        if promotion.evidence.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self {
            sigstore: cx.sigstore(&config.evidence.sigstore).await?,
            expected: signer(
                config,
                &promotion.tag,
                &promotion.commit,
                &promotion.repository,
            )?,
            bundles: Bundles::new(cx, promotion),
            forge: forge(cx, config),
            keep: true,
            debts_named: std::sync::Mutex::default(),
            cx,
            config,
            promotion,
            made: Mutex::default(),
            signed: std::sync::Mutex::default(),
        }))
    }

    /// Says whom this machine would sign as.
    async fn signer(&self) -> SignerState {
        if !self.sigstore.signing.is_available() {
            return SignerState::Absent(relpub_remote::IDENTITY_LOOKED_FOR.to_owned());
        }
        let claims = match self.sigstore.signing.claims().await {
            Ok(claims) => claims,
            Err(error) => return SignerState::Unknown(error.failure()),
        };
        if !self.promotion.evidence.indexes.is_empty() && !self.sigstore.has_rekor1 {
            let why = "PyPI takes attestations from Rekor v1 only, and the signing config names no such log; say `attestations = false` for the index to go without";
            return SignerState::Wrong(why.to_owned());
        }
        match self.expected.check_token(&claims) {
            Ok(claims) => SignerState::Ready(claims),
            Err(wrong) => SignerState::Wrong(wrong.to_string()),
        }
    }

    fn debts_named(&self) -> Vec<(Piece, Carrier)> {
        lock(&self.debts_named).clone()
    }

    /// Returns what this run signed so far.
    pub(crate) fn signed(&self) -> Vec<Signed> {
        lock(&self.signed).clone()
    }

    /// Returns the client of the repository, whose limits everything shares.
    pub(crate) fn forge(&self) -> &Forge {
        &self.forge
    }
}

/// Forgets the bundles of a promotion that has ended well.
pub(crate) fn forget(cx: &Context, promotion: &Promotion) {
    let pieces = promotion.pieces();
    Bundles::new(cx, promotion).remove(pieces.iter().map(|carried| &carried.piece));
}

/// Returns who is expected to sign what belongs to a tag.
///
/// # Errors
/// When a rule of the configuration cannot be used.
fn signer(
    config: &Config,
    tag: &Tag,
    commit: &Commit,
    repository: &RepositoryId,
) -> Result<Signer, Error> {
    let vars = Vars::new(config, tag).with_commit(commit);
    let rules = config
        .evidence
        .signer_rules(&vars, &repository.name, repository.id);
    let usage = |error: &dyn std::fmt::Display| Error::Usage(format!("[evidence] signer: {error}"));
    let rules = rules.map_err(|error| usage(&error))?;
    Signer::one_of(&rules).map_err(|error| usage(&error))
}

/// Looks for the evidence that a release requires, and describes the contents of
/// the artifacts whose description is still to be signed. Nothing is written
/// outside.
///
/// # Errors
/// When nobody says whom to trust, the source cannot be opened, or the cache
/// cannot be written.
pub async fn examine(
    cx: &Context,
    config: &Config,
    release: &Release,
    mut observed: Observed,
    mut findings: Findings,
) -> Result<(Observed, Findings), Error> {
    let promotion = Promotion::new(config, release, &findings);
    cx.unless_cancelled(async {
        if let Some(evidence) = Evidence::open(cx, config, &promotion).await? {
            observed.evidence = evidence.look(&observed, false).await;
            observed.warnings.extend(evidence.sigstore.warning.clone());
            observed.debts_named = evidence.debts_named();
            if is_wanting(&observed) {
                observed.signer = evidence.signer().await;
            }
            let undescribed = undescribed(&promotion, &observed);
            describe::describe(cx, config, release, &undescribed, &mut findings).await?;
        }
        Ok(())
    })
    .await?;
    Ok((observed, findings))
}

/// Adds to an observation of a promotion what evidence there is.
pub(crate) async fn observe(
    cx: &Context,
    config: &Config,
    promotion: &Promotion,
    observed: &mut Observed,
) -> Result<(), Error> {
    if let Some(mut evidence) = Evidence::open(cx, config, promotion).await? {
        evidence.keep = false;
        observed.evidence = evidence.look(observed, true).await;
    }
    Ok(())
}

fn is_wanting(observed: &Observed) -> bool {
    let mut all = observed.evidence.values().flat_map(BTreeMap::values);
    all.any(|seen| !matches!(seen, Seen::Valid))
}

/// Returns the artifacts of which no carrier has a description.
fn undescribed(promotion: &Promotion, observed: &Observed) -> Vec<Sha256> {
    let carried = promotion.pieces().into_iter();
    let sboms = carried.filter(|it| it.piece.kind() == Some(EvidenceKind::Sbom));
    let missing = sboms.filter(|it| {
        let seen = observed.evidence.get(&it.piece);
        let valid =
            |all: &BTreeMap<Carrier, Seen>| all.values().any(|it| matches!(it, Seen::Valid));
        !it.carriers.is_empty() && !seen.is_some_and(valid)
    });
    missing
        .filter_map(|it| it.piece.subject().map(|of| of.sha256))
        .collect()
}

fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A failure of a piece of evidence on this machine.
fn failed(piece: &Piece, why: &dyn std::fmt::Display) -> Failure {
    let message = format!("the {piece}: {why}");
    Failure {
        decision: relpub_model::decision::Decision::Refused {
            rule: message.clone(),
        },
        service: "this machine".to_owned(),
        message,
        said: None,
    }
}
