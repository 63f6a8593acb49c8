//! The GitHub publisher against the sandbox's GitHub, faults included.

#![expect(clippy::unwrap_used, reason = "in a test it is an assertion")]

mod attestations;
mod beside;
mod faults;
mod refusals;
mod setup;

use relpub_model::config::{Audience, ConfirmBy};
use relpub_model::observed::{CredentialState, HeldState, TagState};
use relpub_model::plan::{Pointer, Presence};
use relpub_remote::{RemoteError, Session};

use crate::setup::{COMMIT, MARKER, REPOSITORY, Run, Setup, TAG};

/// Another commit of the repository.
const ELSEWHERE: &str = "ffffffffffffffffffffffffffffffffffffffff";

/// The tag of an older release.
const OLDER: &str = "v1.2.2";

fn to_latest(to: &str) -> Pointer {
    Pointer::Latest {
        destination: "github".parse().unwrap(),
        from: None,
        to: to.to_owned(),
    }
}

/// A world in which another release is the latest.
async fn after_another_release() -> Setup {
    let setup = Setup::start().await;
    let older = serde_json::json!({"tag_name": OLDER, "target_commitish": COMMIT});
    setup.post("/releases", &older).await;
    setup
}

/// A promotion as relpub does it, up to the pointer.
async fn promote(run: &Run<'_>) -> Result<(), RemoteError> {
    let edges = run.setup.edges();
    let session = run.open().await?;
    if let Session::Release { draft: true, .. } = session {
        for edge in &edges {
            run.stage(&session, edge).await?;
        }
        run.forge.create_tag(TAG, &COMMIT.parse().unwrap()).await?;
    }
    run.publish(&session, &edges).await?;
    let confirmed = run.confirm(Audience::Public, ConfirmBy::Bytes).await?;
    assert_eq!(confirmed, [Presence::Same, Presence::Same]);
    run.publisher.point(&session, &to_latest(TAG)).await?;
    Ok(())
}

/// Asserts what consumers find in the end, however it came about.
fn assert_released(setup: &Setup) {
    let github = &setup.world.github;
    let mut releases = github.releases(REPOSITORY);
    releases.retain(|release| release.tag != OLDER);
    let seen: Vec<_> = releases
        .iter()
        .map(|it| (it.tag.as_str(), it.draft))
        .collect();
    assert_eq!(seen, [(TAG, false)]);
    let mut found: Vec<_> = releases[0]
        .assets
        .iter()
        .map(|asset| (asset.name.clone(), asset.sha256.clone().unwrap_or_default()))
        .collect();
    found.sort();
    let wanted: Vec<_> = setup
        .edges()
        .iter()
        .map(|edge| (edge.name.to_string(), edge.sha256.to_string()))
        .collect();
    assert_eq!(found, wanted);
    assert_eq!(github.tag(REPOSITORY, TAG).as_deref(), Some(COMMIT));
    assert_eq!(github.latest(REPOSITORY).as_deref(), Some(TAG));
}

#[tokio::test]
async fn a_release_appears_whole_and_a_second_run_changes_nothing() {
    let setup = after_another_release().await;
    promote(&setup.run()).await.unwrap();
    assert_released(&setup);
    let made = setup.world.mutations();
    // The older release; the draft, two assets, the tag, the publication, the
    // pointer.
    assert_eq!(made, 1 + 6);

    let again = setup.run();
    promote(&again).await.unwrap();
    let releases = setup.world.github.releases(REPOSITORY);
    let id = releases.iter().find(|it| it.tag == TAG).unwrap().id;
    let as_draft = Session::Release { id, draft: true };
    let published = again.publish(&as_draft, &setup.edges()).await.unwrap();
    assert!(published.already);
    let url = published.url.unwrap();
    assert!(url.ends_with("/relpub/demo/releases/tag/v1.2.3"), "{url}");
    assert_eq!(setup.world.mutations(), made);
}

#[tokio::test]
async fn a_second_run_adopts_the_draft_of_the_first() {
    let setup = Setup::start().await;
    let [wheel, archive] = <[_; 2]>::try_from(setup.edges()).unwrap();
    let first = setup.run();
    let session = first.open().await.unwrap();
    assert!(!first.stage(&session, &wheel).await.unwrap().already);

    let second = setup.run();
    let seen = second.releases().await;
    assert!(seen.drafts_visible);
    assert_eq!(seen.published, None);
    assert_eq!(seen.drafts[0].marker.as_deref(), Some(MARKER));
    assert_eq!(seen.drafts[0].assets[0].sha256, Some(wheel.sha256));
    assert_eq!(second.open().await.unwrap(), session);
    assert!(second.stage(&session, &wheel).await.unwrap().already);
    assert!(!second.stage(&session, &archive).await.unwrap().already);
    assert_eq!(setup.world.mutations(), 3);
}

#[tokio::test]
async fn the_text_of_a_draft_is_ours_until_it_is_published() {
    let setup = Setup::start().await;
    let run = setup.run();
    let session = run.open().await.unwrap();
    let id = setup.world.github.releases(REPOSITORY)[0].id;
    let body = format!("<!-- {MARKER} --> edited");
    let edit = serde_json::json!({"name": "Edited", "body": body});
    setup.patch(&format!("/releases/{id}"), &edit).await;
    assert_eq!(run.open().await.unwrap(), session);
    let release = setup.world.github.releases(REPOSITORY).remove(0);
    assert_eq!(release.name.as_deref(), Some("Demo 1.2.3"));
    assert_eq!(
        release.body.unwrap(),
        format!("What is new\n\n<!-- {MARKER} -->\n")
    );
}

#[tokio::test]
async fn a_draft_is_found_behind_hundreds_of_releases() {
    let setup = Setup::start().await;
    let run = setup.run();
    let session = run.open().await.unwrap();
    for number in 0..120 {
        let prerelease = number % 2 == 0;
        let new = serde_json::json!({"tag_name": format!("v0.{number}.0"), "prerelease": prerelease, "target_commitish": COMMIT});
        setup.post("/releases", &new).await;
    }
    assert_eq!(run.open().await.unwrap(), session);
    let seen = run.releases().await;
    assert_eq!(seen.drafts.len(), 1);
    assert_eq!(seen.stable_tags.len(), 60);
}

#[tokio::test]
async fn releases_with_long_notes_do_not_make_the_list_too_long() {
    let setup = Setup::start().await;
    let run = setup.run();
    run.open().await.unwrap();
    // Together they have more than an answer may have.
    // Each character is six bytes of JSON.
    let body = "\u{1}".repeat(125_000);
    for number in 0..50 {
        let new = serde_json::json!({"tag_name": format!("v0.{number}.0"), "body": body, "target_commitish": COMMIT});
        setup.post("/releases", &new).await;
    }
    let seen = run.releases().await;
    assert_eq!((seen.drafts.len(), seen.stable_tags.len()), (1, 50));
}

#[tokio::test]
async fn a_release_with_many_assets_is_read_whole() {
    let setup = Setup::start().await;
    let run = setup.run();
    let session = run.open().await.unwrap();
    let Session::Release { id, .. } = session else {
        panic!("a draft was opened");
    };
    for number in 0..101 {
        setup.upload(id, &format!("file-{number}"), b"x").await;
    }
    run.stage(&session, &setup.edges()[0]).await.unwrap();
    assert_eq!(run.releases().await.drafts[0].assets.len(), 102);
}

#[tokio::test]
async fn a_published_release_of_ours_takes_what_it_lacks() {
    let setup = Setup::start().await;
    let [wheel, archive] = <[_; 2]>::try_from(setup.edges()).unwrap();
    let run = setup.run();
    let session = run.open().await.unwrap();
    run.stage(&session, &wheel).await.unwrap();
    run.forge
        .create_tag(TAG, &COMMIT.parse().unwrap())
        .await
        .unwrap();
    run.publish(&session, std::slice::from_ref(&wheel))
        .await
        .unwrap();

    let run = setup.run();
    let session = run.open().await.unwrap();
    assert!(matches!(session, Session::Release { draft: false, .. }));
    assert!(
        !run.publish(&session, std::slice::from_ref(&archive))
            .await
            .unwrap()
            .already
    );
    let confirmed = run
        .confirm(Audience::Public, ConfirmBy::Digest)
        .await
        .unwrap();
    assert_eq!(confirmed, [Presence::Same, Presence::Same]);
}

#[tokio::test]
async fn leftovers_make_room() {
    let setup = Setup::start().await;
    let run = setup.run();
    let session = run.open().await.unwrap();
    setup.world.github.starter_next(2);
    let edge = &setup.edges()[1];
    assert!(!run.stage(&session, edge).await.unwrap().already);
    let assets = &run.releases().await.drafts[0].assets;
    assert_eq!(assets.len(), 1);
    assert_eq!(
        (assets[0].sha256, assets[0].state),
        (Some(edge.sha256), HeldState::Complete)
    );
    assert_eq!(setup.counted("delete-asset"), 2);
}

#[tokio::test]
async fn tags_are_peeled_and_made_once() {
    let setup = Setup::start().await;
    let github = &setup.world.github;
    let forge = setup.run().forge;
    github
        .add_commit(REPOSITORY, ELSEWHERE, &[COMMIT], "later")
        .unwrap();
    github
        .add_tag(REPOSITORY, "release/1", COMMIT, true)
        .unwrap();
    let at = |commit: &str| TagState::At(commit.parse().unwrap());
    assert_eq!(forge.tag("release/1").await.unwrap(), at(COMMIT));
    assert_eq!(forge.tag(TAG).await.unwrap(), TagState::Absent);
    let commit = COMMIT.parse().unwrap();
    assert!(!forge.create_tag(TAG, &commit).await.unwrap().already);
    assert!(forge.create_tag(TAG, &commit).await.unwrap().already);
    let moved = forge.create_tag(TAG, &ELSEWHERE.parse().unwrap()).await;
    assert_eq!(
        moved.unwrap_err().to_string(),
        "GitHub: could not create the tag v1.2.3: it is at 01234567, not at ffffffff"
    );
    assert!(forge.commit_exists(&commit).await.unwrap());
    let unknown = "e".repeat(40).parse().unwrap();
    assert!(!forge.commit_exists(&unknown).await.unwrap());
}

#[tokio::test]
async fn notes_and_names_come_from_the_repository() {
    let setup = Setup::start().await;
    let forge = setup.run().forge;
    let github = &setup.world.github;
    github.add_tag(REPOSITORY, "v1.2.2", COMMIT, false).unwrap();
    github
        .add_commit(REPOSITORY, ELSEWHERE, &[COMMIT], "Fix it (#12)")
        .unwrap();
    let made = setup.world.mutations();
    let commit = ELSEWHERE.parse().unwrap();
    let notes = forge
        .generated_notes(TAG, &commit, Some("v1.2.2"))
        .await
        .unwrap();
    assert!(notes.contains("Fix it"), "{notes}");
    assert_eq!(setup.world.mutations(), made);
    let repository = forge.repository().await.unwrap();
    assert_eq!(
        (repository.id, repository.name.as_str()),
        (800_000_001, REPOSITORY)
    );
}

#[tokio::test]
async fn the_credential_is_tried_before_it_is_needed() {
    let setup = Setup::start().await;
    let state = |token: Option<&'static str>| {
        let run = setup.run_with(token);
        async move { run.publisher.credential().await }
    };
    assert_eq!(
        setup.run().publisher.credential().await,
        CredentialState::Ready
    );
    assert_eq!(
        state(None).await,
        CredentialState::Absent("TOKEN".to_owned())
    );
    assert_eq!(
        state(Some("ghs_old")).await,
        CredentialState::Bad(
            "GitHub: could not read the repository relpub/demo: HTTP 401: Bad credentials; \
             the token is wrong, expired or revoked; replace it"
                .to_owned()
        )
    );
    let CredentialState::Bad(why) = state(Some("ghs_a\nghs_b")).await else {
        panic!("a token has no line break");
    };
    assert!(!why.contains("ghs_"), "{why}");
}

fn has_credential(entry: &relpub_sandbox::Entry) -> bool {
    entry.headers.contains_key("authorization")
}

#[tokio::test]
async fn readers_are_anonymous_unless_the_release_is_private() {
    let setup = Setup::start().await;
    promote(&setup.run()).await.unwrap();
    let run = setup.run();
    for (by, range) in [
        (ConfirmBy::Digest, Some("bytes=0-0")),
        (ConfirmBy::Bytes, None),
    ] {
        setup.world.clear_log();
        let same = run.confirm(Audience::Public, by).await.unwrap();
        assert_eq!(same, [Presence::Same, Presence::Same]);
        let log = setup.world.log();
        let (api, web): (Vec<_>, Vec<_>) =
            log.iter().partition(|it| it.path.starts_with("/repos/"));
        // Strangers can ask the API 60 times an hour.
        let has_credential = |it: &&&_| has_credential(it);
        assert_eq!(api.iter().filter(has_credential).count(), 1);
        assert_eq!(web.iter().filter(has_credential).count(), 0);
        assert_eq!((api.len(), web.len()), (1, 4));
        assert!(web.iter().all(|it| it.range.as_deref() == range));
    }

    setup.world.github.set_private(REPOSITORY, true).unwrap();
    let absent = run
        .confirm(Audience::Public, ConfirmBy::Digest)
        .await
        .unwrap();
    assert_eq!(absent, [Presence::Absent, Presence::Absent]);
    let same = run
        .confirm(Audience::Private, ConfirmBy::Bytes)
        .await
        .unwrap();
    assert_eq!(same, [Presence::Same, Presence::Same]);
}

#[tokio::test]
async fn latest_moves_forward_only() {
    let setup = Setup::start().await;
    let run = setup.run();
    let session = Session::None;
    let publish = |tag: &'static str, latest: &'static str| {
        let new =
            serde_json::json!({"tag_name": tag, "make_latest": latest, "target_commitish": COMMIT});
        let setup = &setup;
        async move { setup.post("/releases", &new).await }
    };
    publish("v1.2.2", "true").await;
    publish(TAG, "false").await;
    assert!(
        !run.publisher
            .point(&session, &to_latest(TAG))
            .await
            .unwrap()
            .already
    );
    assert_eq!(run.releases().await.latest.as_deref(), Some(TAG));
    assert!(
        run.publisher
            .point(&session, &to_latest("v1.2.2"))
            .await
            .unwrap()
            .already
    );
    publish("v1.10.0", "false").await;
    publish("v1.9.0", "false").await;
    let overtaken = run.publisher.point(&session, &to_latest("v1.9.0")).await;
    assert_eq!(
        overtaken.unwrap_err().to_string(),
        "GitHub: could not make the latest release v1.9.0: v1.10.0 was published meanwhile and is newer"
    );
    assert_eq!(run.releases().await.latest.as_deref(), Some(TAG));
}
