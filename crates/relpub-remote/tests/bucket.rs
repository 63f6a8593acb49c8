//! Sources against the sandbox's bucket and a folder.

#![allow(clippy::unwrap_used, reason = "a test fails where it cannot go on")]

mod common;

use common::{Bench, write};
use relpub_model::config::Credential;
use relpub_model::decision::Decision;
use relpub_model::name::SourcePath;
use relpub_model::release::Pin;
use relpub_remote::bucket::Found;
use relpub_remote::{Environment, RemoteError, Source};
use relpub_sandbox::{Fault, FaultKind};

const PREFIX: &str = "commit/0123456";

impl Bench {
    fn source(&self, credential: &Credential) -> Source {
        let endpoints = self.endpoints();
        let (s3, environment) = (endpoints.s3.as_ref(), self.environment());
        let prefix = format!("{PREFIX}/");
        Source::s3(&self.http, "builds", &prefix, s3, credential, &environment).unwrap()
    }

    fn put(&self, key: &str, bytes: &[u8]) {
        let key = format!("{PREFIX}/{key}");
        self.world.bucket.put("builds", &key, bytes, None).unwrap();
    }
}

/// Reads everything, in pieces.
async fn read(bench: &Bench, source: &Source, found: &Found) -> Result<Vec<u8>, RemoteError> {
    let mut bytes = Vec::new();
    let mut sink = |piece: &[u8]| {
        bytes.extend_from_slice(piece);
        Ok(())
    };
    let read = source.download(&bench.http, &found.path, &found.pin, found.size, &mut sink);
    read.await.map(|()| bytes)
}

fn big() -> Vec<u8> {
    (0..3_000_000_u32).map(|i| (i % 251) as u8).collect()
}

#[tokio::test]
async fn a_bucket_is_listed_and_read_under_its_pins() {
    let bench = Bench::start().await;
    bench.put("wheels/a+b~1-1.0.whl", &big());
    bench.put("manifest.json", b"{}");
    bench.put("empty", b"");
    bench.put("wheels/", b"");
    let key = format!("{PREFIX}/zipped");
    let bucket = &bench.world.bucket;
    bucket
        .put("builds", &key, b"\x1f\x8b", Some("gzip"))
        .unwrap();
    bucket
        .put("builds", "commit/01234567/no", b"", None)
        .unwrap();

    let source = bench.source(&Credential::Ambient);
    let found = source.list().await.unwrap();
    let paths: Vec<_> = found.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(
        paths,
        ["empty", "manifest.json", "wheels/a+b~1-1.0.whl", "zipped"]
    );
    assert_eq!(read(&bench, &source, &found[0]).await.unwrap(), b"");
    assert_eq!(read(&bench, &source, &found[2]).await.unwrap(), big());
    assert!(!is_gzip(&source, &found[1]).await);
    assert!(is_gzip(&source, &found[3]).await);
    let small = source.read_small(&found[1].path, &found[1].pin, 2).await;
    assert_eq!(small.unwrap(), b"{}");
    let small = source.read_small(&found[1].path, &found[1].pin, 1).await;
    assert!(
        small
            .unwrap_err()
            .to_string()
            .ends_with("it has 2 bytes, more than the 1 allowed")
    );
}

async fn is_gzip(source: &Source, found: &Found) -> bool {
    source.head(&found.path, &found.pin).await.unwrap().gzip
}

#[tokio::test]
async fn a_download_goes_on_where_it_broke_off() {
    let bench = Bench::start().await;
    bench.put("a.whl", &big());
    let source = bench.source(&Credential::Ambient);
    let found = source.list().await.unwrap();
    let fault = |kind| Fault::new(kind, "bucket").at("get-object");
    for kind in [
        FaultKind::TruncatedBody,
        FaultKind::Reset,
        FaultKind::TooManyRequests { retry_after: 60 },
        FaultKind::TruncatedBody,
    ] {
        bench.world.faults().add(fault(kind));
    }
    assert_eq!(read(&bench, &source, &found[0]).await.unwrap(), big());
    let requests = bench.requests("bucket", "get-object");
    let ranges: Vec<_> = requests.iter().filter_map(|it| it.range.clone()).collect();
    assert_eq!(ranges.len(), 5);
    assert_eq!(ranges[0], "bytes=0-2999999");
    assert_ne!(ranges[1], ranges[0]);
    assert_eq!(ranges[1], ranges[2]);
    assert!(
        requests
            .iter()
            .all(|it| it.headers.contains_key("if-match"))
    );
    assert_eq!(bench.retries(), 4);

    // Without progress it ends after four attempts.
    bench
        .world
        .faults()
        .add(fault(FaultKind::ServerError(500)).times(9));
    let error = read(&bench, &source, &found[0]).await.unwrap_err();
    assert_eq!(error.decision, Decision::Transient);
    assert_eq!(error.attempts, 4);
    assert_eq!(
        error.to_string().split(": HTTP").next().unwrap(),
        "bucket: could not read s3://builds/commit/0123456/a.whl"
    );
}

#[tokio::test]
async fn another_object_under_the_name_is_not_taken_for_the_listed_one() {
    let bench = Bench::start().await;
    bench.put("a.whl", b"one");
    let source = bench.source(&Credential::Ambient);
    let found = source.list().await.unwrap();
    bench.put("a.whl", b"two");
    let error = read(&bench, &source, &found[0]).await.unwrap_err();
    assert_eq!(error.decision, Decision::SourceChanged);
    let error = source
        .head(&found[0].path, &found[0].pin)
        .await
        .unwrap_err();
    assert_eq!(error.decision, Decision::SourceChanged);
    assert_eq!(
        error.to_string(),
        "bucket: could not read the head of s3://builds/commit/0123456/a.whl: it changed since \
         it was listed: the store holds another object; run again once the source is complete \
         and at rest"
    );
}

#[tokio::test]
async fn a_bucket_is_open_or_asks_for_a_signature() {
    let bench = Bench::start().await;
    bench.put("a.whl", b"one");
    let anonymous = bench.source(&Credential::Anonymous);
    let error = anonymous.list().await.unwrap_err();
    assert_eq!(error.decision, Decision::Forbidden);
    bench.world.bucket.public_read("builds", true).unwrap();
    assert_eq!(anonymous.list().await.unwrap().len(), 1);
    let log = bench.requests("bucket", "list-objects");
    assert!(
        log.iter()
            .all(|it| !it.headers.contains_key("authorization"))
    );

    let nothing = Environment::default();
    let source = Source::s3(&bench.http, "b", "", None, &Credential::Ambient, &nothing);
    let Err(error) = source else {
        panic!("it has no credential")
    };
    assert_eq!(error.decision, Decision::Unauthenticated);
}

#[tokio::test]
async fn a_cancelled_run_begins_no_request() {
    let bench = Bench::start().await;
    let source = bench.source(&Credential::Ambient);
    bench.cancel.cancel();
    let error = source.list().await.unwrap_err();
    assert_eq!(error.decision, Decision::Cancelled);
    assert!(bench.world.log().is_empty());
}

#[tokio::test]
async fn a_folder_is_read_under_its_pins() {
    let bench = Bench::start().await;
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("tree");
    write(&tree.join("wheels/a.whl"), &big());
    write(&tree.join("empty"), b"");
    let source = Source::file(tree.clone());
    let found = source.list().await.unwrap();
    let paths: Vec<_> = found.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(paths, ["empty", "wheels/a.whl"]);
    assert_eq!(read(&bench, &source, &found[0]).await.unwrap(), b"");
    assert_eq!(read(&bench, &source, &found[1]).await.unwrap(), big());

    let other = Pin::File { modified: 1 };
    let path: SourcePath = "wheels/a.whl".parse().unwrap();
    let error = source.head(&path, &other).await.unwrap_err();
    assert_eq!(error.decision, Decision::SourceChanged);
    let mut longer = found[1].clone();
    longer.size += 1;
    let error = read(&bench, &source, &longer).await.unwrap_err();
    assert_eq!(error.decision, Decision::SourceChanged);
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_is_named_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("tree");
    write(&folder.path().join("secret/key"), b"");
    write(&tree.join("a.whl"), b"");
    let source = Source::file(tree.clone());
    let pin = source.list().await.unwrap()[0].pin.clone();
    std::os::unix::fs::symlink("../secret", tree.join("link")).unwrap();
    let error = source.list().await.unwrap_err();
    let why = "`link` is a symbolic link, which is not followed";
    assert!(error.to_string().ends_with(why), "{error}");
    let error = source
        .head(&"link/key".parse().unwrap(), &pin)
        .await
        .unwrap_err();
    assert!(
        error
            .why
            .ends_with("a symbolic link, which is not followed"),
        "{error}"
    );

    std::fs::remove_file(tree.join("link")).unwrap();
    write(&tree.join("a\\b"), b"");
    let error = source.list().await.unwrap_err();
    assert!(error.why.contains("is no path in a source"), "{error}");
}
