//! Files of our own beside the artifacts of a release.

use std::collections::BTreeMap;

use relpub_model::Sha256;
use relpub_model::decision::Decision;
use relpub_model::findings::Bytes;
use relpub_model::name::FileName;
use relpub_remote::{Carried, GitHub, Publisher, RemoteError, Session};
use relpub_sandbox::{Fault, FaultKind};

use crate::setup::{COMMIT, REPOSITORY, Run, Setup, TAG};

const KIND: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const LIMIT: usize = 1000;

fn name() -> FileName {
    "demo-1.2.3.tar.gz.sigstore.json".parse().unwrap()
}

async fn attach(
    run: &Run<'_>,
    session: &Session,
    bytes: &[u8],
    replace: bool,
) -> Result<bool, RemoteError> {
    let name = name();
    let attached = run.publisher.attach(session, &name, KIND, bytes, replace);
    Ok(attached.await?.already)
}

fn github<'a>(run: &'a Run<'_>) -> &'a GitHub {
    match &run.publisher {
        Publisher::GitHub(github) => github,
        Publisher::PyPi(_) => panic!("the publisher is GitHub's"),
    }
}

async fn read(run: &Run<'_>, session: &Session) -> Option<Vec<u8>> {
    let Session::Release { id, .. } = *session else {
        panic!("a release was opened");
    };
    let names = [name(), "absent".parse().unwrap()];
    let read = github(run)
        .read_assets(id, &names, LIMIT, false)
        .await
        .unwrap();
    assert!(read.len() < 2);
    read.into_values().next()
}

#[tokio::test]
async fn a_file_is_attached_once_and_replaced_only_on_request() {
    let setup = Setup::start().await;
    let run = setup.run();
    let session = run.open().await.unwrap();
    assert_eq!(read(&run, &session).await, None);
    setup.world.github.starter_next(1);
    assert!(!attach(&run, &session, b"one", false).await.unwrap());
    assert!(attach(&run, &session, b"one", false).await.unwrap());
    let other = attach(&run, &session, b"two", false).await.unwrap_err();
    assert_eq!(other.decision, Decision::Conflict);
    assert_eq!(read(&run, &session).await.unwrap(), b"one");
    assert!(!attach(&run, &session, b"two", true).await.unwrap());
    assert_eq!(read(&run, &session).await.unwrap(), b"two");
    assert!(
        !attach(&run, &session, &[b' '; LIMIT + 1], true)
            .await
            .unwrap()
    );
    assert_eq!(read(&run, &session).await, None);
}

#[tokio::test]
async fn a_fault_while_attaching_changes_nothing_about_the_end() {
    for kind in [
        FaultKind::LostAnswer,
        FaultKind::Reset,
        FaultKind::ServerError(502),
        FaultKind::TruncatedBody,
    ] {
        for endpoint in ["upload-asset", "delete-asset"] {
            let setup = Setup::start().await;
            let run = setup.run();
            let session = run.open().await.unwrap();
            attach(&run, &session, b"one", false).await.unwrap();
            let fault = Fault::new(kind, "github").at(endpoint);
            setup.world.faults().add(fault);
            let replaced = attach(&run, &session, b"two", true).await;
            replaced.unwrap_or_else(|error| panic!("{kind} at {endpoint}: {error}"));
            assert_eq!(read(&run, &session).await.unwrap(), b"two");
            let assets = setup.world.github.releases(REPOSITORY).remove(0).assets;
            assert_eq!(assets.len(), 1);
        }
    }
}

/// Publishes the release with what `carried` says lies beside the artifacts.
async fn publish(run: &Run<'_>, session: &Session, carried: &[u8]) -> Result<(), RemoteError> {
    let bytes = Bytes {
        sha256: Sha256::of(carried),
        size: carried.len() as u64,
    };
    let carried = Carried {
        attestations: BTreeMap::new(),
        files: BTreeMap::from([(name(), bytes)]),
    };
    let edges = run.setup.edges();
    let published = run.publish_with(session, &edges, &carried).await?;
    assert!(!published.already);
    Ok(())
}

#[tokio::test]
async fn a_draft_becomes_public_with_its_evidence_or_not_at_all() {
    let setup = Setup::start().await;
    let run = setup.run();
    let session = run.open().await.unwrap();
    for edge in setup.edges() {
        run.stage(&session, &edge).await.unwrap();
    }
    let commit = COMMIT.parse().unwrap();
    run.forge.create_tag(TAG, &commit).await.unwrap();
    let error = publish(&run, &session, b"one").await.unwrap_err();
    assert!(
        error.why.ends_with("lacks demo-1.2.3.tar.gz.sigstore.json"),
        "{error}"
    );
    attach(&run, &session, b"one", false).await.unwrap();
    let error = publish(&run, &session, b"two").await.unwrap_err();
    assert_eq!(error.decision, Decision::Conflict);
    publish(&run, &session, b"one").await.unwrap();

    // What is public takes more, and is read without a credential.
    let session = run.open().await.unwrap();
    assert!(matches!(session, Session::Release { draft: false, .. }));
    assert!(!attach(&run, &session, b"two", true).await.unwrap());
    let stranger = setup.run_with(None);
    assert_eq!(read(&stranger, &session).await.unwrap(), b"two");
}

#[tokio::test]
async fn an_immutable_release_takes_nothing_more() {
    let setup = Setup::start().await;
    setup.world.github.set_immutable(REPOSITORY, true).unwrap();
    let run = setup.run();
    let Session::Release { id, .. } = run.open().await.unwrap() else {
        panic!("a draft was opened");
    };
    setup
        .patch(
            &format!("/releases/{id}"),
            &serde_json::json!({"draft": false}),
        )
        .await;
    let session = Session::Release { id, draft: false };
    let error = attach(&run, &session, b"one", false).await.unwrap_err();
    let rule = "immutable release".to_owned();
    assert_eq!(error.decision, Decision::Refused { rule });
}
