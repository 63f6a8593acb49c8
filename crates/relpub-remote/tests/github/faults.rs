//! Every endpoint fails in every way, once or for good.

use relpub_model::config::{Audience, ConfirmBy};
use relpub_model::decision::Decision;
use relpub_model::event::Event;
use relpub_model::plan::Presence;
use relpub_sandbox::{Fault, FaultKind};

use crate::setup::Setup;
use crate::{after_another_release, assert_released, promote};

/// Each with how many of its requests are left alone first.
const ENDPOINTS: [(&str, u32); 13] = [
    ("list-releases", 0),
    ("create-release", 0),
    ("list-assets", 0),
    ("upload-asset", 0),
    ("upload-asset", 1),
    ("tag", 0),
    ("create-ref", 0),
    ("release", 0),
    ("update-release", 0),
    // The pointer.
    ("update-release", 1),
    ("latest", 0),
    ("browser-download", 0),
    ("download", 0),
];

const KINDS: [FaultKind; 5] = [
    FaultKind::TooManyRequests { retry_after: 7 },
    FaultKind::ServerError(502),
    FaultKind::Reset,
    FaultKind::LostAnswer,
    FaultKind::TruncatedBody,
];

#[tokio::test]
async fn one_fault_anywhere_changes_nothing_about_the_end() {
    for (endpoint, after) in ENDPOINTS {
        for kind in KINDS {
            let setup = after_another_release().await;
            setup
                .world
                .faults()
                .add(Fault::new(kind, "github").at(endpoint).after(after));
            let done = promote(&setup.run()).await;
            done.unwrap_or_else(|error| panic!("{kind} at {endpoint} {after}: {error}"));
            assert_released(&setup);
            assert!(setup.world.faults().armed().is_empty() || endpoint == "download");
        }
    }
}

#[tokio::test]
async fn a_lost_answer_makes_no_second_draft() {
    let setup = Setup::start().await;
    let fault = Fault::new(FaultKind::LostAnswer, "github").at("create-release");
    setup.world.faults().add(fault);
    let run = setup.run();
    run.open().await.unwrap();
    assert_eq!(setup.counted("create-release"), 1);
    let events = run.events.lock().unwrap();
    assert!(events.iter().any(|it| matches!(it, Event::Retrying { .. })));
}

#[tokio::test]
async fn a_server_that_stays_down_ends_the_run_and_the_next_one_goes_on() {
    let setup = Setup::start().await;
    let down = Fault::new(FaultKind::ServerError(503), "github").at("upload-asset");
    setup.world.faults().add(down.times(100));
    let error = promote(&setup.run()).await.unwrap_err();
    assert_eq!(error.decision, Decision::Ambiguous);
    assert_eq!(error.attempts, 4);
    setup.world.assert_no_secret(&format!("{error} {error:?}"));
    setup.world.faults().clear();
    promote(&setup.run()).await.unwrap();
    assert_released(&setup);
}

#[tokio::test]
async fn a_rate_limit_is_waited_for() {
    let setup = Setup::start().await;
    let before = setup.world.clock().now();
    setup.world.github.limit_requests(3);
    promote(&setup.run()).await.unwrap();
    assert_released(&setup);
    let waited = setup.world.clock().now().duration_since(before);
    assert!(waited.as_mins() >= 60, "{waited}");
}

#[tokio::test]
async fn a_stranger_does_not_wait_an_hour() {
    let setup = Setup::start().await;
    promote(&setup.run()).await.unwrap();
    let before = setup.world.clock().now();
    setup.world.github.limit_requests(0);
    let stranger = setup.run_with(None).publisher;
    let error = stranger.probe(&[], false).await.unwrap_err();
    assert!(matches!(error.decision, Decision::RateLimited { .. }));
    assert_eq!(error.attempts, 1);
    let hint = error.hint.clone().unwrap();
    assert!(
        hint.starts_with("with a token GitHub answers more"),
        "{hint}"
    );
    assert_eq!(setup.world.clock().now(), before);
}

#[tokio::test]
async fn a_confirmation_that_is_put_off_is_not_an_hour_long() {
    let setup = Setup::start().await;
    let run = setup.run();
    promote(&run).await.unwrap();
    let before = setup.world.clock().now();
    let busy = FaultKind::TooManyRequests { retry_after: 3600 };
    let fault = Fault::new(busy, "github").at("browser-download");
    setup.world.faults().add(fault);
    let seen = run.confirm(Audience::Public, ConfirmBy::Digest).await;
    let seen = seen.unwrap();
    let count = |presence| seen.iter().filter(|&&it| it == presence).count();
    assert_eq!((count(Presence::Same), count(Presence::Unknown)), (1, 1));
    assert_eq!(setup.world.clock().now(), before);
}
