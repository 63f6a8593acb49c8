//! An index's client against the sandbox's PyPI.

#![allow(clippy::unwrap_used, reason = "a test fails where it cannot go on")]

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::{Bench, Files};
use jiff::SignedDuration;
use relpub_model::config::{Audience, ConfirmBy, Credential, Destination, DestinationKind, When};
use relpub_model::decision::Decision;
use relpub_model::event::Event;
use relpub_model::findings::{Distribution, Metadata};
use relpub_model::name::FileName;
use relpub_model::observed::{CredentialState, Held, HeldState, Holdings, IndexProject};
use relpub_model::plan::Presence;
use relpub_model::promotion::{Edge, Mutability};
use relpub_model::world::Endpoints;
use relpub_remote::{Carried, Environment, Publisher, PyPi, RemoteError, Session};
use relpub_sandbox::{Fault, FaultKind, Uploads};

const PURE: &str = "relpub_demo-1.2.3-py3-none-any.whl";
const SDIST: &str = "relpub_demo-1.2.3.tar.gz";

/// A world, the demo's distributions, and the index they go to.
struct Shop {
    bench: Bench,
    files: Files,
    pure: Edge,
    sdist: Edge,
}

impl Shop {
    async fn open() -> Self {
        let mut files = Files::default();
        let mut edge = |folder: &str, name: &str| {
            let bytes = files.add(&demo(folder).join(name));
            Edge {
                destination: "pypi".parse().unwrap(),
                name: name.parse().unwrap(),
                sha256: bytes.sha256,
                size: bytes.size,
                mutability: Mutability::Immutable,
            }
        };
        Self {
            bench: Bench::start().await,
            pure: edge("wheels", PURE),
            sdist: edge("dist", SDIST),
            files,
        }
    }

    fn index_with(&self, credential: Credential, environment: &Environment) -> Publisher {
        self.index_at(&self.bench.endpoints(), credential, environment)
    }

    fn index_at(
        &self,
        endpoints: &Endpoints,
        credential: Credential,
        environment: &Environment,
    ) -> Publisher {
        let destination = Destination {
            name: "pypi".parse().unwrap(),
            kind: DestinationKind::Index { urls: None },
            credential,
            audience: Audience::Public,
            confirm: ConfirmBy::Digest,
            attestations: true,
            when: When::default(),
        };
        let urls = &endpoints.indexes["pypi"];
        let identity = endpoints.identity.as_ref();
        let http = self.bench.http.clone();
        let pypi = PyPi::new(http, &destination, urls, environment, identity);
        Publisher::PyPi(pypi).with_distributions(distributions())
    }

    fn trusted(&self) -> Publisher {
        self.index_with(Credential::Trusted, &self.bench.environment())
    }

    fn token(&self, token: &str) -> Publisher {
        let vars = [("TOKEN".to_owned(), token.to_owned())];
        let environment = Environment::from_vars(vars);
        self.index_with(Credential::Env("TOKEN".to_owned()), &environment)
    }

    async fn upload(&self, index: &Publisher, edge: &Edge) -> Result<bool, RemoteError> {
        let edges = std::slice::from_ref(edge);
        let proof = index.publish(&Session::None, edges, &self.files).await?;
        Ok(proof.already)
    }

    async fn project(&self, index: &Publisher, fresh: bool) -> IndexProject {
        let wanted: [FileName; 2] = [self.pure.name.clone(), self.sdist.name.clone()];
        let probe = index.probe(&wanted, fresh).await.unwrap();
        let Holdings::Index(mut projects) = probe.holdings else {
            panic!("an index")
        };
        projects.remove(&"relpub-demo".parse().unwrap()).unwrap()
    }

    fn uploads(&self) -> usize {
        self.bench.world.pypi.uploads().len()
    }

    fn fail(&self, kind: FaultKind, endpoint: &str) {
        let fault = Fault::new(kind, "pypi").at(endpoint);
        self.bench.world.faults().add(fault);
    }
}

fn demo(folder: &str) -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.join("../../testdata/demo/bucket").join(folder)
}

fn distributions() -> Arc<BTreeMap<FileName, Distribution>> {
    let of = |name: &str| {
        let fields = [
            ("Metadata-Version", "2.1"),
            ("Name", "relpub-demo"),
            ("Version", "1.2.3"),
            ("Summary", "A demo"),
        ];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let distribution = Distribution {
            name: name.parse().unwrap(),
            metadata: Metadata {
                fields: fields.into(),
            },
            native: Vec::new(),
        };
        (name.parse().unwrap(), distribution)
    };
    Arc::new([PURE, SDIST].map(of).into())
}

#[tokio::test]
async fn a_file_is_uploaded_once_and_read_back() {
    let shop = Shop::open().await;
    let index = shop.trusted();
    assert!(!shop.project(&index, false).await.exists);
    assert_eq!(index.credential().await, CredentialState::Ready);
    assert!(shop.bench.requests("pypi", "mint-token").is_empty());

    assert!(!shop.upload(&index, &shop.pure).await.unwrap());
    assert!(!shop.upload(&index, &shop.sdist).await.unwrap());
    assert_eq!(shop.bench.requests("pypi", "mint-token").len(), 1);
    assert_eq!(shop.uploads(), 2);
    let project = shop.project(&index, true).await;
    assert_eq!(project.status, "active");
    let held = project.files.iter().find(|held| held.name == PURE).unwrap();
    assert_eq!(
        *held,
        Held {
            name: PURE.to_owned(),
            sha256: Some(shop.pure.sha256),
            size: Some(shop.pure.size),
            state: HeldState::Complete,
            uploaded: held.uploaded,
        }
    );
    let edges = [shop.pure.clone(), shop.sdist.clone()];
    for by in [ConfirmBy::Digest, ConfirmBy::Bytes] {
        let confirmed = index.confirm(&edges, Audience::Public, by).await.unwrap();
        assert!(confirmed.iter().all(|it| it.presence == Presence::Same));
    }
    assert_eq!(shop.bench.requests("pypi", "file").len(), 2);
    let events = shop.bench.events.lock().unwrap();
    let sent = |event: &Event| matches!(event, Event::Sending { done, total, .. } if done == total);
    assert!(events.iter().any(sent));
}

#[tokio::test]
async fn an_upload_that_was_lost_or_failed_is_found_or_repeated() {
    for (kind, already, attempts) in [
        (FaultKind::LostAnswer, true, 1),
        (FaultKind::Reset, false, 2),
        (FaultKind::ServerError(503), false, 2),
        (FaultKind::TooManyRequests { retry_after: 60 }, false, 2),
    ] {
        let shop = Shop::open().await;
        let index = shop.token(&shop.bench.world.pypi.token());
        shop.fail(kind, "upload");
        assert_eq!(
            shop.upload(&index, &shop.pure).await.unwrap(),
            already,
            "{kind:?}"
        );
        assert_eq!(shop.bench.requests("pypi", "upload").len(), attempts);
        assert_eq!(shop.uploads(), 1);
        assert!(
            !shop.upload(&index, &shop.pure).await.unwrap(),
            "the same bytes are taken"
        );
        assert_eq!(shop.uploads(), 1);
    }
}

#[tokio::test]
async fn an_index_that_stays_away_is_ambiguous_after_four_attempts() {
    let shop = Shop::open().await;
    let index = shop.trusted();
    for _ in 0..4 {
        shop.fail(FaultKind::ServerError(500), "upload");
    }
    let error = shop.upload(&index, &shop.pure).await.unwrap_err();
    assert_eq!(
        (error.decision.clone(), error.attempts),
        (Decision::Ambiguous, 4)
    );
    let words = error.to_string();
    let begin = format!("PyPI: could not upload {PURE}: HTTP 500: ");
    assert!(
        words.starts_with(&begin) && words.ends_with(" (tried 4 times)"),
        "{words}"
    );
}

#[tokio::test]
async fn a_missing_slash_is_put_right_with_the_body_opened_again() {
    let shop = Shop::open().await;
    let mut endpoints = shop.bench.endpoints();
    let urls = endpoints.indexes.get_mut("pypi").unwrap();
    urls.upload = urls.upload.trim_end_matches('/').to_owned();
    let index = shop.index_at(&endpoints, Credential::Trusted, &shop.bench.environment());
    shop.upload(&index, &shop.pure).await.unwrap();
    assert_eq!(shop.bench.requests("pypi", "upload").len(), 2);
    assert_eq!(shop.uploads(), 1);
}

#[tokio::test]
async fn a_token_is_minted_again_when_it_is_old_or_refused() {
    let shop = Shop::open().await;
    let index = shop.trusted();
    shop.fail(FaultKind::LostAnswer, "mint-token");
    shop.upload(&index, &shop.pure).await.unwrap();
    assert_eq!(shop.bench.requests("pypi", "mint-token").len(), 2);
    let clock = shop.bench.world.clock();
    clock.advance(SignedDuration::from_mins(11)).unwrap();
    shop.upload(&index, &shop.sdist).await.unwrap();
    assert_eq!(shop.bench.requests("pypi", "mint-token").len(), 3);
}

#[tokio::test]
async fn each_refusal_says_what_it_means() {
    let shop = Shop::open().await;
    let pypi = &shop.bench.world.pypi;
    let index = shop.token(&pypi.token());
    let upload = |edge| shop.upload(&index, edge);
    let rule = |rule: &str| Decision::Refused {
        rule: rule.to_owned(),
    };

    pypi.set_uploads(Uploads::ReadOnly);
    let error = upload(&shop.pure).await.unwrap_err();
    assert_eq!((&error.decision, error.attempts), (&Decision::Transient, 4));
    pypi.set_uploads(Uploads::Open);

    let stranger = shop.token("pypi-AgEIcHlwaS5vcmc");
    let error = shop.upload(&stranger, &shop.pure).await.unwrap_err();
    assert_eq!(error.decision, Decision::Unauthenticated);

    pypi.set_limit("relpub-demo", 1000).unwrap();
    let error = upload(&shop.pure).await.unwrap_err();
    assert_eq!(error.decision, rule("the project's limit per file"));
    assert!(error.hint.is_some() && error.attempts == 1);
    pypi.set_limit("relpub-demo", 1 << 30).unwrap();

    pypi.prohibit("relpub-demo").unwrap();
    let error = upload(&shop.pure).await.unwrap_err();
    assert_eq!(error.decision, rule("which project names are taken"));
}

#[tokio::test]
async fn a_taken_name_is_a_conflict_whatever_the_server_says() {
    let shop = Shop::open().await;
    let pypi = &shop.bench.world.pypi;
    let index = shop.token(&pypi.token());
    pypi.seed_file("relpub-demo", PURE, b"other bytes").unwrap();
    let error = shop.upload(&index, &shop.pure).await.unwrap_err();
    assert_eq!(error.decision, Decision::Conflict);
    let by = ConfirmBy::Digest;
    let edges = [shop.pure.clone(), shop.sdist.clone()];
    let confirmed = index.confirm(&edges, Audience::Public, by).await.unwrap();
    let presence: Vec<_> = confirmed.into_iter().map(|it| it.presence).collect();
    assert_eq!(presence, [Presence::Conflict, Presence::Absent]);

    pypi.delete_file(PURE).unwrap();
    let error = shop.upload(&index, &shop.pure).await.unwrap_err();
    let burned = "a deleted file's name is never used again".to_owned();
    assert_eq!(error.decision, Decision::Refused { rule: burned });

    shop.upload(&index, &shop.sdist).await.unwrap();
    pypi.yank(SDIST, "broken").unwrap();
    let held = shop.project(&index, true).await.files;
    assert_eq!(held[0].state, HeldState::Yanked);

    pypi.give_away("relpub-demo").unwrap();
    let error = shop.upload(&index, &shop.pure).await.unwrap_err();
    assert_eq!(error.decision, Decision::Forbidden);
    pypi.quarantine("relpub-demo").unwrap();
    let project = shop.project(&index, true).await;
    assert_eq!(
        (project.status.as_str(), project.files.len()),
        ("quarantined", 0)
    );
}

/// Returns the refusal of an upload with an attestation that proves nothing.
async fn attested(shop: &Shop, index: &Publisher) -> RemoteError {
    let attestation = br#"{"version": 2}"#.to_vec();
    let carried = Carried {
        attestations: [(shop.pure.name.clone(), vec![attestation])].into(),
        ..Carried::default()
    };
    let edges = std::slice::from_ref(&shop.pure);
    let upload = index.publish_with(&Session::None, edges, &shop.files, &carried);
    upload.await.unwrap_err()
}

#[tokio::test]
async fn attestations_go_with_the_upload_of_their_file() {
    let shop = Shop::open().await;
    let error = attested(&shop, &shop.trusted()).await;
    let rule = "which attestations are taken".to_owned();
    assert_eq!(error.decision, Decision::Refused { rule });
    let said = error.said.as_ref().unwrap().raw().to_owned();
    assert!(said.contains("decoding the included attestation"), "{said}");

    let token = shop.token(&shop.bench.world.pypi.token());
    let error = attested(&shop, &token).await;
    let rule = "attestations come with trusted publishing only".to_owned();
    assert_eq!(error.decision, Decision::Refused { rule });
    assert_eq!(shop.uploads(), 0);
}

#[tokio::test]
async fn provenance_is_read_back() {
    let shop = Shop::open().await;
    let publisher = shop.trusted();
    let Publisher::PyPi(index) = &publisher else {
        panic!("an index")
    };
    let pypi = &shop.bench.world.pypi;
    let name = &shop.pure.name;
    assert_eq!(index.provenance(name, true).await.unwrap(), None);
    shop.upload(&publisher, &shop.pure).await.unwrap();
    assert_eq!(index.provenance(name, true).await.unwrap(), None);
    let provenance = serde_json::json!({"version": 1, "attestation_bundles": []});
    pypi.set_provenance(PURE, Some(provenance.clone())).unwrap();
    pypi.set_stale(600);
    let read = index.provenance(name, false).await.unwrap().unwrap();
    let read: serde_json::Value = serde_json::from_slice(&read).unwrap();
    assert_eq!(read, provenance);
    pypi.set_provenance(PURE, None).unwrap();
    assert!(index.provenance(name, false).await.unwrap().is_some());
    assert_eq!(index.provenance(name, true).await.unwrap(), None);
}

#[tokio::test]
async fn a_cached_page_tells_its_age() {
    let shop = Shop::open().await;
    let pypi = &shop.bench.world.pypi;
    let index = shop.token(&pypi.token());
    pypi.seed_file("relpub-demo", PURE, b"x").unwrap();
    pypi.set_stale(600);
    let wanted = [shop.pure.name.clone()];
    let first = index.probe(&wanted, false).await.unwrap();
    let clock = shop.bench.world.clock();
    clock.advance(SignedDuration::from_secs(90)).unwrap();
    let cached = index.probe(&wanted, false).await.unwrap();
    assert_eq!(cached.born, first.born);
    let fresh = index.probe(&wanted, true).await.unwrap();
    assert_eq!(fresh.born, clock.now());
}

#[tokio::test]
async fn a_credential_that_cannot_work_is_known_before() {
    let shop = Shop::open().await;
    let bad = |state| match state {
        CredentialState::Bad(why) => why,
        other => panic!("{other:?}"),
    };
    let index = shop.token("ghp_abc");
    assert_eq!(
        bad(index.credential().await),
        "what TOKEN holds is no token of the index: those begin with `pypi-`"
    );
    for token in ["pypi-", "pypi-abc\n", "pypi-a.b"] {
        bad(shop.token(token).credential().await);
    }
    assert_eq!(
        shop.token("").credential().await,
        CredentialState::Absent("the variable TOKEN is not set".to_owned())
    );
    let nowhere = shop.index_with(Credential::Trusted, &Environment::default());
    assert!(matches!(
        nowhere.credential().await,
        CredentialState::Absent(_)
    ));
    shop.bench.world.identity.issue_expired(true);
    let why = bad(shop.trusted().credential().await);
    assert!(
        why.contains("the identity token expired at 2026-11-20T"),
        "{why}"
    );
    assert!(shop.bench.requests("pypi", "mint-token").is_empty());
}

#[tokio::test]
async fn an_unregistered_publisher_is_told_what_to_register() {
    let shop = Shop::open().await;
    shop.bench.world.pypi.clear_publishers().unwrap();
    let error = shop.upload(&shop.trusted(), &shop.pure).await.unwrap_err();
    assert_eq!(error.decision, Decision::Forbidden);
    let hint = error.hint.clone().unwrap();
    assert!(
        hint.contains("repository relpub/demo, workflow relpub/demo/.github/"),
        "{hint}"
    );
    shop.bench
        .world
        .assert_no_secret(&format!("{error} {error:?} {:?}", error.failure()));
}

#[tokio::test]
async fn a_file_that_changed_in_the_store_never_arrives() {
    let mut shop = Shop::open().await;
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join(PURE);
    std::fs::copy(demo("wheels").join(PURE), &copy).unwrap();
    shop.files = Files::default();
    shop.files.add(&copy);
    std::fs::write(&copy, vec![0; usize::try_from(shop.pure.size).unwrap()]).unwrap();
    let index = shop.token(&shop.bench.world.pypi.token());
    let error = shop.upload(&index, &shop.pure).await.unwrap_err();
    assert!(
        error.why.starts_with("the stored bytes cannot be read"),
        "{error}"
    );
    assert!(shop.bench.requests("pypi", "upload").is_empty());
}
