//! A world that is stopped and started again on the same folder.

use std::fs;
use std::path::Path;

use relpub_sandbox::{Options, SECRET_MARKER, World};

use crate::get;

#[tokio::test]
async fn a_world_started_again_is_the_same_world() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(Options::new(folder.path())).await.unwrap();
    world
        .bucket
        .put("open", "key", b"content", Some("x"))
        .unwrap();
    world.bucket.public_read("open", true).unwrap();
    let long = "long/".repeat(200);
    world.bucket.put("open", &long, b"long", None).unwrap();
    let environment = world.environment();
    let token = world.identity.issue("index");
    world.stop().await;

    let world = on_fixed_ports(folder.path()).await;
    let response = get(&world, "/open/key").await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "x");
    assert_eq!(response.text().await.unwrap(), "content");
    assert_eq!(world.bucket.get("open", &long).unwrap().unwrap(), b"long");
    for name in ["AWS_SECRET_ACCESS_KEY", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"] {
        assert_eq!(world.environment()[name], environment[name]);
    }
    // Its key is the same too: only the issuer's address has changed.
    let error = world.identity.verify(&token, "index").unwrap_err();
    assert_eq!(error, "the token is from another issuer");
}

#[tokio::test]
async fn clients_find_the_world_in_two_files() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(Options::new(folder.path())).await.unwrap();
    let file = fs::read_to_string(folder.path().join("world.json")).unwrap();
    let file: relpub_sandbox::WorldFile = serde_json::from_str(&file).unwrap();
    assert_eq!(&file, world.file());
    assert_eq!(file.s3.unwrap().endpoint, world.bucket.url());

    let lines = fs::read_to_string(folder.path().join("env")).unwrap();
    assert!(lines.contains("GITHUB_ACTIONS='true'\n"), "{lines}");
    assert!(lines.contains(SECRET_MARKER));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(folder.path().join("env"))
            .unwrap()
            .permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
    }
}

#[tokio::test]
#[should_panic(expected = "the text holds a secret of the sandbox at byte 5")]
async fn a_secret_in_a_text_is_found() {
    let world = World::start(Options::temporary()).await.unwrap();
    world.assert_no_secret("nothing");
    let token = world.identity.issue("index");
    world.assert_no_secret(&format!("here {token}"));
}

/// Starts a world on the first ports in a row that are free.
async fn on_fixed_ports(folder: &Path) -> World {
    for port in (20_000..30_000).step_by(10) {
        let options = Options::new(folder).with_port(Some(port));
        if let Ok(world) = World::start(options).await {
            assert!(world.control().ends_with(&format!(":{port}")));
            return world;
        }
    }
    panic!("no ten ports in a row are free");
}
