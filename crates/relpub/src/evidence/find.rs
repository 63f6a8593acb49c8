//! Finds the promotion of a tag on any machine: by its signed statement.

use jiff::Timestamp;
use relpub_model::config::Config;
use relpub_model::evidence::promotion_asset;
use relpub_model::observed::{Holdings, Releases, TagState};
use relpub_model::production::PROMOTION_PREDICATE;
use relpub_model::promotion::Promotion;
use relpub_model::release::RepositoryId;
use relpub_model::version::Tag;
use relpub_remote::{Forge, GitHub, Probe, Publisher, RemoteError};
use relpub_trust::{Signer, Wanted, verify};

use super::Sigstore;
use super::bundles::LARGEST;
use crate::context::Context;
use crate::error::Error;
use crate::publishers::forge;

/// By how many files of a release the store is asked.
const TRIES: usize = 5;

/// Finds what was promoted under a tag: the promotion statement beside the
/// release, or else the one in the attestation store, if an expected signer made
/// it. Nothing is taken from the source, and nothing from this machine.
///
/// # Errors
/// When nothing is found that an expected signer made, or GitHub cannot be read.
pub async fn find_promotion(cx: &Context, config: &Config, tag: &Tag) -> Result<Promotion, Error> {
    Box::pin(cx.unless_cancelled(find(cx, config, tag))).await
}

async fn find(cx: &Context, config: &Config, tag: &Tag) -> Result<Promotion, Error> {
    let forge = forge(cx, config);
    let repository = forge.repository().await?;
    let TagState::At(commit) = forge.tag(&tag.name).await? else {
        let why = format!("there is no tag {tag} in {}", config.repository);
        return Err(Error::Unknown(why));
    };
    let github = GitHub::new(forge.clone(), tag.clone(), commit.clone());
    let probe = Publisher::GitHub(github.clone()).probe(&[], true).await?;
    let releases = releases(probe);
    let seeker = Seeker {
        sigstore: cx.sigstore(&config.evidence.sigstore).await?,
        expected: super::signer(config, tag, &commit, &repository)?,
        cx,
        repository,
        tag,
    };
    let beside = seeker.beside(&github, &releases).await?;
    let (stored, unread) = seeker.stored(&forge, &releases).await;
    let mut why = Vec::new();
    let mut newest: Option<(Option<Timestamp>, Promotion)> = None;
    for bundle in beside.iter().chain(&stored) {
        match seeker.read(bundle) {
            Ok((at, promotion)) if promotion.commit == commit => {
                if newest.as_ref().is_none_or(|known| known.0 < at) {
                    newest = Some((at, promotion));
                }
            }
            Ok((_, other)) => why.push(format!(
                "a statement is about commit {}, and the tag is at {}",
                other.commit.short(),
                commit.short()
            )),
            Err(rejection) => why.push(rejection),
        }
    }
    match (newest, unread) {
        (Some((_, promotion)), _) => Ok(promotion),
        (None, Some(error)) => Err(error.into()),
        (None, None) => Err(not_found(config, tag, &why)),
    }
}

fn not_found(config: &Config, tag: &Tag, why: &[String]) -> Error {
    let repository = &config.repository;
    let found = why.first().map_or_else(String::new, |why| {
        format!(" (what is there does not count: {why})")
    });
    Error::Unknown(format!(
        "no signed promotion statement of {tag} by an expected signer was found at GitHub, neither in the release nor in the attestation store of {repository}{found}; name a receipt with --receipt FILE"
    ))
}

/// Looks for the statement.
struct Seeker<'a> {
    cx: &'a Context,
    sigstore: std::sync::Arc<Sigstore>,
    expected: Signer,
    repository: RepositoryId,
    tag: &'a Tag,
}

impl Seeker<'_> {
    /// Reads the asset of the release.
    async fn beside(&self, github: &GitHub, releases: &Releases) -> Result<Vec<Vec<u8>>, Error> {
        let Some(release) = releases.published.as_ref().or(releases.drafts.first()) else {
            return Ok(Vec::new());
        };
        let name = promotion_asset(1);
        let limit = usize::try_from(LARGEST).unwrap_or(usize::MAX);
        let public = releases.published.is_some();
        let read = github.read_assets(release.id, std::slice::from_ref(&name), limit, public);
        Ok(read.await?.into_values().collect())
    }

    /// Reads the store, by the digests of some files of the release: one may have
    /// come later. That it cannot be read is returned beside what was.
    async fn stored(
        &self,
        forge: &Forge,
        releases: &Releases,
    ) -> (Vec<Vec<u8>>, Option<RemoteError>) {
        let bundle = |name: &str| name.ends_with(".sigstore.json");
        let assets = releases
            .published
            .iter()
            .flat_map(|release| &release.assets);
        let digests = assets
            .filter(|held| !bundle(&held.name))
            .filter_map(|held| held.sha256);
        let (mut out, mut unread) = (Vec::new(), None);
        for sha256 in digests.take(TRIES) {
            match forge.attestations(&sha256, PROMOTION_PREDICATE).await {
                Ok(found) => out.extend(found),
                Err(error) => unread = Some(error),
            }
            if !out.is_empty() || unread.is_some() {
                break;
            }
        }
        (out, unread)
    }

    fn read(&self, bundle: &[u8]) -> Result<(Option<Timestamp>, Promotion), String> {
        let wanted = Wanted::Statement(PROMOTION_PREDICATE);
        let (root, now) = (self.sigstore.root(), self.cx.clock.now());
        let evidence = verify(bundle, wanted, &self.expected, root, now);
        let evidence = evidence.map_err(|rejection| rejection.to_string())?;
        let statement = evidence.get().statement().ok_or("it holds no statement")?;
        let promotion = statement.promotion().map_err(|error| error.to_string())?;
        if promotion.tag != *self.tag || promotion.repository != self.repository {
            return Err(format!(
                "a statement is about {} {}",
                promotion.repository.name, promotion.tag
            ));
        }
        Ok((evidence.get().signed_at(), promotion))
    }
}

fn releases(probe: Probe) -> Releases {
    match probe.holdings {
        Holdings::Releases(releases) => releases,
        Holdings::Index(_) => Releases::default(),
    }
}
