//! Finds the promotion of a tag on any machine: by its signed statement.

use relpub_model::config::Config;
use relpub_model::digest::Sha256;
use relpub_model::evidence::promotion_asset;
use relpub_model::observed::{Holdings, Releases, TagState};
use relpub_model::production::PROMOTION_PREDICATE;
use relpub_model::promotion::Promotion;
use relpub_model::release::RepositoryId;
use relpub_model::version::Tag;
use relpub_remote::{Forge, GitHub, Probe, Publisher};
use relpub_trust::{Signer, Wanted, verify};

use super::Sigstore;
use super::bundles::LARGEST;
use crate::context::Context;
use crate::error::Error;
use crate::publishers::forge;

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
    let mut why = Vec::new();
    let beside = seeker.beside(&github, &releases).await?;
    for bundle in beside
        .iter()
        .chain(&seeker.stored(&forge, &releases).await?)
    {
        match seeker.read(bundle) {
            Ok(promotion) if promotion.commit == commit => return Ok(promotion),
            Ok(other) => why.push(format!(
                "a statement is about commit {}, and the tag is at {}",
                other.commit.short(),
                commit.short()
            )),
            Err(rejection) => why.push(rejection),
        }
    }
    Err(not_found(config, tag, &why))
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
        let read = github.read_assets(release.id, std::slice::from_ref(&name), limit);
        Ok(read.await?.into_values().collect())
    }

    /// Reads the store, by the digest of any file of the release.
    async fn stored(&self, forge: &Forge, releases: &Releases) -> Result<Vec<Vec<u8>>, Error> {
        let bundle = |name: &str| name.ends_with(".sigstore.json");
        let assets = releases
            .published
            .iter()
            .flat_map(|release| &release.assets);
        let mut digests = assets
            .filter(|held| !bundle(&held.name))
            .filter_map(|held| held.sha256);
        let sha256: Option<Sha256> = digests.next();
        match sha256 {
            Some(sha256) => Ok(forge.attestations(&sha256, PROMOTION_PREDICATE).await?),
            None => Ok(Vec::new()),
        }
    }

    fn read(&self, bundle: &[u8]) -> Result<Promotion, String> {
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
        Ok(promotion)
    }
}

fn releases(probe: Probe) -> Releases {
    match probe.holdings {
        Holdings::Releases(releases) => releases,
        Holdings::Index(_) => Releases::default(),
    }
}
