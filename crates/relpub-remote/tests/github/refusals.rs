//! What stops a promotion, and in which words.

use relpub_model::decision::Decision;
use relpub_remote::{RemoteError, Session};

use crate::ELSEWHERE;
use crate::setup::{COMMIT, REPOSITORY, Run, Setup, TAG, edge};

fn id_of(session: &Session) -> u64 {
    match session {
        Session::Release { id, .. } => *id,
        Session::None => panic!("a release was opened"),
    }
}

/// Stages everything, so that only the publication is left.
async fn staged(run: &Run<'_>) -> Session {
    let session = run.open().await.unwrap();
    for edge in run.setup.edges() {
        run.stage(&session, &edge).await.unwrap();
    }
    session
}

fn assert_hidden(setup: &Setup) {
    assert!(
        setup
            .world
            .github
            .releases(REPOSITORY)
            .iter()
            .all(|it| it.draft)
    );
}

fn refused<T: std::fmt::Debug>(result: Result<T, RemoteError>) -> (Decision, String) {
    let error = result.unwrap_err();
    (error.decision.clone(), error.to_string())
}

#[tokio::test]
async fn other_bytes_under_the_name_are_a_conflict() {
    let setup = Setup::start().await;
    let run = setup.run();
    let session = run.open().await.unwrap();
    let edge = &setup.edges()[1];
    setup
        .upload(id_of(&session), edge.name.as_str(), b"other")
        .await;
    let (decision, why) = refused(run.stage(&session, edge).await);
    assert_eq!(decision, Decision::Conflict);
    assert!(why.contains("has other bytes under this name: "), "{why}");
    assert_eq!(setup.counted("delete-asset"), 0);
}

#[tokio::test]
async fn a_name_that_github_changes_is_refused_and_not_left_behind() {
    let setup = Setup::start().await;
    let run = setup.run();
    let session = run.open().await.unwrap();
    let renamed = edge("demo-1.0~rc1.deb", b"a wheel");
    let (_, why) = refused(run.stage(&session, &renamed).await);
    assert_eq!(
        why,
        "GitHub: could not upload demo-1.0~rc1.deb: GitHub changed the name to demo-1.0.rc1.deb; \
         publish it under a name of letters, digits, `.`, `_` and `-`"
    );
    assert!(setup.world.github.releases(REPOSITORY)[0].assets.is_empty());
}

#[tokio::test]
async fn a_draft_that_is_not_exactly_the_set_stays_hidden() {
    let setup = Setup::start().await;
    let github = &setup.world.github;
    github.add_tag(REPOSITORY, TAG, COMMIT, false).unwrap();
    let run = setup.run();
    let session = staged(&run).await;
    let id = id_of(&session);
    let (decision, why) = refused(run.publish(&session, &setup.edges()[..1]).await);
    assert_eq!(decision, Decision::Conflict);
    assert!(
        why.ends_with("also has demo-1.2.3.tar.gz, not of this promotion"),
        "{why}"
    );
    let mut more = setup.edges();
    more.push(edge("another.zip", b"a wheel"));
    let (decision, why) = refused(run.publish(&session, &more).await);
    assert_eq!(decision, Decision::NotFound);
    assert!(
        why.ends_with(&format!("release {id} lacks another.zip")),
        "{why}"
    );
    assert_hidden(&setup);
}

#[tokio::test]
async fn a_tag_elsewhere_or_nowhere_keeps_the_draft_hidden() {
    let setup = Setup::start().await;
    let github = &setup.world.github;
    let run = setup.run();
    let session = staged(&run).await;
    let publish = || async { refused(run.publish(&session, &setup.edges()).await) };
    let words = "GitHub: could not publish the release v1.2.3";
    let (decision, why) = publish().await;
    assert_eq!(
        (decision, why),
        (
            Decision::NotFound,
            format!("{words}: the tag does not exist")
        )
    );
    github
        .add_commit(REPOSITORY, ELSEWHERE, &[COMMIT], "later")
        .unwrap();
    github.add_tag(REPOSITORY, TAG, ELSEWHERE, true).unwrap();
    let (decision, why) = publish().await;
    let moved = format!("{words}: the tag is at ffffffff, not at 01234567");
    assert_eq!((decision, why), (Decision::Conflict, moved));
    assert_hidden(&setup);
}

#[tokio::test]
async fn drafts_of_others_are_named_and_left_alone() {
    let setup = Setup::start().await;
    let foreign = serde_json::json!({"tag_name": TAG, "draft": true, "body": "by hand"});
    setup.post("/releases", &foreign).await;
    let run = setup.run();
    let (decision, why) = refused(run.open().await);
    assert_eq!(decision, Decision::Conflict);
    let id = setup.world.github.releases(REPOSITORY)[0].id;
    assert!(
        why.contains(&format!("draft {id} for this tag has no mark of")),
        "{why}"
    );
    setup.post("/releases", &foreign).await;
    let (_, why) = refused(run.open().await);
    assert!(why.contains("2 drafts for this tag exist ("), "{why}");
    assert_eq!(setup.counted("create-release"), 2);
}

#[tokio::test]
async fn a_token_without_the_right_says_so() {
    let setup = Setup::start().await;
    let run = setup.run_with(Some(setup.world.github.read_token()));
    let (decision, why) = refused(run.open().await);
    assert_eq!(decision, Decision::Forbidden);
    assert!(
        why.starts_with("GitHub: could not open a draft for v1.2.3: HTTP 403: "),
        "{why}"
    );
    setup.world.assert_no_secret(&why);
    assert!(!run.releases().await.drafts_visible);
    let notes = run
        .forge
        .generated_notes(TAG, &COMMIT.parse().unwrap(), None)
        .await;
    assert_eq!(notes.unwrap_err().decision, Decision::Forbidden);
}

#[tokio::test]
async fn an_immutable_release_takes_no_more() {
    let setup = Setup::start().await;
    setup.world.github.set_immutable(REPOSITORY, true).unwrap();
    setup
        .world
        .github
        .add_tag(REPOSITORY, TAG, COMMIT, false)
        .unwrap();
    let [wheel, archive] = <[_; 2]>::try_from(setup.edges()).unwrap();
    let run = setup.run();
    let session = run.open().await.unwrap();
    run.stage(&session, &wheel).await.unwrap();
    run.publish(&session, &[wheel]).await.unwrap();
    let (decision, _) = refused(run.open().await);
    let rule = "immutable release".to_owned();
    assert_eq!(decision, Decision::Refused { rule: rule.clone() });
    let (decision, _) = refused(run.stage(&session, &archive).await);
    assert_eq!(decision, Decision::Refused { rule });
}

#[tokio::test]
async fn a_repository_that_cannot_be_seen_says_what_that_means() {
    let setup = Setup::start().await;
    setup.world.github.set_private(REPOSITORY, true).unwrap();
    let run = setup.run_with(None);
    let (decision, why) = refused(run.forge.repository().await);
    assert_eq!(decision, Decision::NotFound);
    assert!(
        why.ends_with("it does not exist, or this credential may not see it"),
        "{why}"
    );
}
