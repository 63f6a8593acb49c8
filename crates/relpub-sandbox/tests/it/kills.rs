//! Kill points: a client that dies at an exact request.

use std::time::Duration;

use object_store::path::Path;
use object_store::{ObjectStoreExt as _, PutPayload};
use relpub_sandbox::{KillPoint, World};

use crate::{s3, world};

/// Puts `a`, `b` and `c`, and is killed at the second.
async fn kill_second(world: &World, point: KillPoint) {
    let killed = world.kill_at(1, point);
    let store = s3(world, "open");
    let client = tokio::spawn(async move {
        for name in ["a", "b", "c"] {
            let payload = PutPayload::from(name.to_owned());
            store.put(&Path::from(name), payload).await.unwrap();
        }
    });
    let entry = tokio::time::timeout(Duration::from_secs(10), killed)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(entry.path, "/open/b");
    assert!(!client.is_finished());
    client.abort();
}

#[tokio::test]
async fn killed_before_the_commit_nothing_has_happened() {
    let world = world().await;
    world.bucket.public_read("open", true).unwrap();
    kill_second(&world, KillPoint::BeforeCommit).await;
    assert_eq!(world.bucket.keys("open"), ["a"]);
    let entry = world.log().pop().unwrap();
    assert_eq!(entry.fault.as_deref(), Some("killed before commit"));
    assert_eq!((entry.status, world.mutations()), (None, 2));
}

#[tokio::test]
async fn killed_after_the_commit_it_has_happened() {
    let world = world().await;
    world.bucket.public_read("open", true).unwrap();
    kill_second(&world, KillPoint::AfterCommit).await;
    assert_eq!(world.bucket.keys("open"), ["a", "b"]);

    // The next client is not stopped, and kill points count from where they are set.
    kill_second(&world, KillPoint::BeforeCommit).await;
    assert_eq!(world.mutations(), 4);
}
