//! Judges one file by the evidence that lies beside it and at GitHub.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use relpub_model::Sha256;
use relpub_model::config::{Config, Credential, EvidenceRule, SigstoreRule};
use relpub_model::decision::Failure;
use relpub_model::evidence::{CYCLONEDX, EvidenceKind, LogEntry, SignerClaims, SignerRule};
use relpub_model::findings::Bytes;
use relpub_model::name::Repository;
use relpub_model::production::PROMOTION_PREDICATE;
use relpub_model::promotion::Promotion;
use relpub_remote::Forge;
use relpub_trust::{Hasher, Signer, Wanted, verify};

use super::Sigstore;
use super::bundles::LARGEST;
use crate::context::Context;
use crate::error::Error;
use crate::fetch::blocking;
use crate::os;
use crate::state::StateError;

/// Which file is judged, and by whom its evidence should be.
#[derive(Clone, Debug)]
pub struct FileQuery<'a> {
    /// The file.
    pub path: PathBuf,
    /// Bundles to look at besides the one that lies beside the file.
    pub bundles: Vec<PathBuf>,
    /// The repository whose workflows are expected to have signed.
    pub repository: Repository,
    /// The project's configuration, if it is at hand: its `[evidence] signer` is
    /// narrower than any workflow of the repository.
    pub config: Option<&'a Config>,
}

/// What was found out about a file.
#[derive(Clone, Debug)]
pub struct FileVerdict {
    /// Digest and size of the file.
    pub bytes: Bytes,
    /// What was looked at, in the order in which it was.
    pub findings: Vec<Finding>,
    /// What could not be read.
    pub unread: Vec<Failure>,
}

/// A bundle that was looked at.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What it should be.
    pub kind: EvidenceKind,
    /// Where it was.
    pub place: String,
    /// What it says, or why it does not count.
    pub told: Result<Told, String>,
}

/// What a bundle says that counts.
#[derive(Clone, Debug)]
pub struct Told {
    /// Who signed.
    pub signer: SignerClaims,
    /// When, by the earliest of those who are trusted to say so.
    pub at: Option<jiff::Timestamp>,
    /// Where logs hold the signature.
    pub log: Vec<LogEntry>,
    /// The promotion that the file is part of, where the bundle holds one.
    pub promotion: Option<Box<Promotion>>,
}

impl FileVerdict {
    /// Tells whether a signature or a promotion statement counts, and nothing
    /// beside the file speaks against it. What a file contains is not who released
    /// it, so an SBOM alone is not enough.
    pub fn is_good(&self) -> bool {
        self.counts() && self.rejected().next().is_none()
    }

    /// Returns what does not count, except in the store where something else
    /// does: anybody's statements may lie there beside ours.
    pub fn rejected(&self) -> impl Iterator<Item = &Finding> {
        let counts = self.counts();
        let stands = move |it: &&Finding| it.told.is_err() && (it.place != STORE || !counts);
        self.findings.iter().filter(stands)
    }

    fn counts(&self) -> bool {
        let counts = |it: &Finding| it.kind != EvidenceKind::Sbom && it.told.is_ok();
        self.findings.iter().any(counts)
    }
}

/// What the attestation store is called.
const STORE: &str = "GitHub's attestation store";

/// Judges a file: hashes it, and verifies every signature and statement about
/// these bytes that lies beside it or in the repository's attestation store.
///
/// # Errors
/// When the file or a named bundle cannot be read, or nobody says whom to trust.
/// That GitHub cannot be read is part of the verdict.
pub async fn verify_file(cx: &Context, query: &FileQuery<'_>) -> Result<FileVerdict, Error> {
    cx.unless_cancelled(judge(cx, query)).await
}

async fn judge(cx: &Context, query: &FileQuery<'_>) -> Result<FileVerdict, Error> {
    let path = query.path.clone();
    let hashed = blocking(move || hash(&path)).await;
    let bytes = hashed.map_err(|error| StateError::new("cannot read", &query.path, error))?;
    let forge = Forge::new(
        cx.http.clone(),
        &cx.endpoints.github,
        query.repository.clone(),
        &Credential::Env("GITHUB_TOKEN".to_owned()),
        &cx.environment,
    );
    let rule = query
        .config
        .map_or(&SigstoreRule::Public, |it| &it.evidence.sigstore);
    let mut unread = Vec::new();
    let id = match forge.repository().await {
        Ok(repository) => Some(repository.id),
        Err(error) => {
            unread.push(error.failure());
            None
        }
    };
    let judge = Judge {
        cx,
        query,
        sigstore: cx.sigstore(rule).await?,
        signer: signer(query, id)?,
        id,
        sha256: bytes.sha256,
    };
    let mut findings = judge.beside()?;
    for kind in [EvidenceKind::Promotion, EvidenceKind::Sbom] {
        let predicate = kind.predicate_type().unwrap_or_default();
        match forge.attestations(&bytes.sha256, &predicate).await {
            Ok(all) => findings.extend(all.iter().map(|it| judge.one(kind, STORE, it))),
            Err(error) => unread.push(error.failure()),
        }
    }
    Ok(FileVerdict {
        bytes,
        findings,
        unread,
    })
}

struct Judge<'a> {
    cx: &'a Context,
    query: &'a FileQuery<'a>,
    sigstore: std::sync::Arc<Sigstore>,
    signer: Signer,
    id: Option<u64>,
    sha256: Sha256,
}

impl Judge<'_> {
    /// Judges the bundle that lies beside the file, and those that are named.
    fn beside(&self) -> Result<Vec<Finding>, Error> {
        let mut name = self.query.path.clone().into_os_string();
        name.push(".sigstore.json");
        let sidecar = PathBuf::from(name);
        let mut paths = self.query.bundles.clone();
        if !paths.contains(&sidecar) && sidecar.exists() {
            paths.insert(0, sidecar);
        }
        let mut out = Vec::new();
        for path in paths {
            let bundle = read(&path)?;
            let place = path.display().to_string();
            let kinds = [
                EvidenceKind::Signature,
                EvidenceKind::Promotion,
                EvidenceKind::Sbom,
            ];
            // A bundle does not say what it is for until it is read as that.
            let mut tried = kinds.map(|kind| self.one(kind, &place, &bundle));
            let fits = tried.iter().position(|finding| finding.told.is_ok());
            tried.swap(0, fits.unwrap_or(0));
            out.extend(tried.into_iter().take(1));
        }
        Ok(out)
    }

    fn one(&self, kind: EvidenceKind, place: &str, bundle: &[u8]) -> Finding {
        Finding {
            kind,
            place: place.to_owned(),
            told: self.told(kind, bundle),
        }
    }

    fn told(&self, kind: EvidenceKind, bundle: &[u8]) -> Result<Told, String> {
        let wanted = match kind {
            EvidenceKind::Promotion => Wanted::StatementAbout(PROMOTION_PREDICATE, self.sha256),
            EvidenceKind::Sbom => Wanted::StatementAbout(CYCLONEDX, self.sha256),
            _ => Wanted::Signature(self.sha256),
        };
        let (root, now) = (self.sigstore.root(), self.cx.clock.now());
        let evidence = verify(bundle, wanted, &self.signer, root, now);
        let evidence = evidence.map_err(|rejection| rejection.to_string())?;
        let evidence = evidence.get();
        let statement = evidence
            .statement()
            .filter(|_| kind == EvidenceKind::Promotion);
        let promotion = statement.map(|it| it.promotion().map_err(|error| error.to_string()));
        let promotion = promotion.transpose()?.map(Box::new);
        if let Some(promotion) = &promotion {
            self.is_by_whom_the_tag_expects(promotion, &evidence.signer)?;
        }
        Ok(Told {
            signer: evidence.signer.clone(),
            at: evidence.signed_at(),
            log: evidence.entries.clone(),
            promotion,
        })
    }

    /// A configured signer may depend on the tag, which only the statement names.
    fn is_by_whom_the_tag_expects(
        &self,
        promotion: &Promotion,
        signer: &SignerClaims,
    ) -> Result<(), String> {
        if promotion.repository.name != self.query.repository
            || self.id.is_some_and(|id| id != promotion.repository.id)
        {
            return Err(format!(
                "it is a promotion of {}",
                promotion.repository.name
            ));
        }
        let Some(config) = self.query.config else {
            return Ok(());
        };
        let expected = super::signer(
            config,
            &promotion.tag,
            &promotion.commit,
            &promotion.repository,
        );
        let expected = expected.map_err(|error| error.to_string())?;
        expected.check(signer).map_err(|wrong| wrong.to_string())
    }
}

/// Returns who may have signed, before a tag is known.
fn signer(query: &FileQuery<'_>, id: Option<u64>) -> Result<Signer, Error> {
    let rules: Vec<SignerRule> = query
        .config
        .map_or_else(EvidenceRule::default, |config| config.evidence.clone())
        .any_tag(&query.repository, id);
    let signer = Signer::one_of(&rules);
    signer.map_err(|error| Error::Usage(format!("[evidence] signer: {error}")))
}

fn hash(path: &Path) -> io::Result<Bytes> {
    let mut file = os::open_no_follow(path)?;
    let mut hasher = Hasher::new();
    let mut piece = vec![0; 64 * 1024];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hasher.finish()),
            n => hasher.update(&piece[..n]),
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let read = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        std::fs::File::open(path)?
            .take(LARGEST + 1)
            .read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    Ok(read().map_err(|error| StateError::new("cannot read", path, error))?)
}
