//! The object store, asked by `object_store` and by plain HTTP.

use std::time::Duration;

use futures::TryStreamExt as _;
use object_store::path::Path;
use object_store::signer::Signer as _;
use object_store::{
    Attribute, Attributes, Error, GetOptions, ObjectStore as _, ObjectStoreExt as _, PutMode,
    PutOptions, UpdateVersion, WriteMultipart,
};
use reqwest::{Method, StatusCode};

use crate::{builder, client, get, s3, world};

#[tokio::test]
async fn a_signed_client_puts_and_gets() {
    let world = world().await;
    world.bucket.public_read("builds", false).unwrap();
    let store = s3(&world, "builds");
    let path = Path::parse("commit/abc/a file+ü.whl").unwrap();
    store.put(&path, "content".into()).await.unwrap();

    let got = store.get(&path).await.unwrap();
    assert_eq!(got.meta.size, 7);
    assert_eq!(got.bytes().await.unwrap(), "content");
    let range = store.get_range(&path, 2..5).await.unwrap();
    assert_eq!(range, "nte");
    assert_eq!(world.bucket.keys("builds"), ["commit/abc/a file+ü.whl"]);

    store.head(&path).await.unwrap();
    let missing = store.head(&Path::from("nothing")).await.unwrap_err();
    assert!(matches!(missing, Error::NotFound { .. }), "{missing}");
}

#[tokio::test]
async fn writes_and_reads_can_be_conditional() {
    let world = world().await;
    world.bucket.public_read("builds", false).unwrap();
    let store = s3(&world, "builds");
    let path = Path::from("lock");
    let create = || PutOptions::from(PutMode::Create);
    let first = store.put_opts(&path, "1".into(), create()).await.unwrap();
    let again = store.put_opts(&path, "2".into(), create()).await;
    assert!(
        matches!(again, Err(Error::AlreadyExists { .. })),
        "{again:?}"
    );

    let update = |version: &UpdateVersion| PutOptions::from(PutMode::Update(version.clone()));
    let first = UpdateVersion::from(first);
    store
        .put_opts(&path, "3".into(), update(&first))
        .await
        .unwrap();
    let stale = store.put_opts(&path, "4".into(), update(&first)).await;
    assert!(
        matches!(stale, Err(Error::Precondition { .. })),
        "{stale:?}"
    );

    let pinned = GetOptions {
        if_match: first.e_tag.clone(),
        ..GetOptions::default()
    };
    let moved = store.get_opts(&path, pinned).await;
    assert!(
        matches!(moved, Err(Error::Precondition { .. })),
        "{moved:?}"
    );
}

#[tokio::test]
async fn listing_folds_at_the_delimiter_and_goes_on_over_pages() {
    let world = world().await;
    for number in 0..1005 {
        let key = format!("many/{number:04}");
        world.bucket.put("builds", &key, b"x", None).unwrap();
    }
    world
        .bucket
        .put("builds", "top & bottom", b"x", None)
        .unwrap();
    let store = s3(&world, "builds");
    let all: Vec<_> = store.list(None).try_collect().await.unwrap();
    assert_eq!(all.len(), 1006);
    assert_eq!(all[1004].location.as_ref(), "many/1004");
    let folded = store.list_with_delimiter(None).await.unwrap();
    assert_eq!(folded.common_prefixes, [Path::from("many")]);
    assert_eq!(folded.objects[0].location.as_ref(), "top & bottom");
}

#[tokio::test]
async fn an_object_can_come_in_parts() {
    let world = world().await;
    world.bucket.public_read("builds", false).unwrap();
    let store = s3(&world, "builds");
    let path = Path::from("large");
    let content = vec![7; 11 * 1024 * 1024];
    let mut upload = WriteMultipart::new(store.put_multipart(&path).await.unwrap());
    upload.write(&content);
    upload.finish().await.unwrap();
    assert_eq!(
        world.bucket.get("builds", "large").unwrap().unwrap(),
        content
    );
}

#[tokio::test]
async fn stored_bytes_come_back_as_they_are_with_their_headers() {
    let world = world().await;
    let packed = b"\x1f\x8bnot really gzip";
    world
        .bucket
        .put("open", "a.json", packed, Some("gzip"))
        .unwrap();
    world.bucket.public_read("open", true).unwrap();
    let response = client()
        .get(format!("{}/open/a.json", world.bucket.url()))
        .header("x-amz-checksum-mode", "ENABLED")
        .send()
        .await
        .unwrap();
    let headers = response.headers().clone();
    assert_eq!(headers["content-encoding"], "gzip");
    assert_eq!(headers["content-length"], "17");
    assert_eq!(headers["x-amz-checksum-type"], "FULL_OBJECT");
    assert_eq!(headers["x-amz-checksum-sha256"].len(), 44);
    assert_eq!(headers["last-modified"], "Thu, 01 Jan 2026 00:00:00 GMT");
    assert_eq!(response.bytes().await.unwrap(), packed.as_slice());

    let store = s3(&world, "open");
    let attributes = Attributes::from_iter([(Attribute::ContentEncoding, "br")]);
    let path = Path::from("b.json");
    store
        .put_opts(&path, "x".into(), attributes.into())
        .await
        .unwrap();
    let response = get(&world, "/open/b.json").await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "br");
}

#[tokio::test]
async fn only_the_owner_writes_and_a_wrong_signature_is_refused() {
    let world = world().await;
    world.bucket.put("shut", "key", b"x", None).unwrap();
    world.bucket.put("open", "key", b"x", None).unwrap();
    world.bucket.public_read("open", true).unwrap();
    let send = async |method: Method, path: &str| {
        let url = format!("{}{path}", world.bucket.url());
        let response = client()
            .request(method, url)
            .body("y")
            .send()
            .await
            .unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        let code = text
            .split("<Code>")
            .nth(1)
            .map_or("", |it| it.split('<').next().unwrap());
        format!("{status} {code}").trim().to_owned()
    };
    assert_eq!(send(Method::GET, "/open/key").await, "200");
    assert_eq!(send(Method::GET, "/open/none").await, "404 NoSuchKey");
    assert_eq!(send(Method::GET, "/none/key").await, "404 NoSuchBucket");
    assert_eq!(send(Method::GET, "/shut/key").await, "403 AccessDenied");
    assert_eq!(send(Method::PUT, "/open/key").await, "403 AccessDenied");
    assert_eq!(send(Method::DELETE, "/open/key").await, "403 AccessDenied");

    let wrong = builder(&world, "shut", "not the secret");
    let error = wrong.get(&Path::from("key")).await.unwrap_err().to_string();
    assert!(error.contains("SignatureDoesNotMatch"), "{error}");
}

#[tokio::test]
async fn a_presigned_address_needs_no_other_credential() {
    let world = world().await;
    world.bucket.put("shut", "a b/c", b"content", None).unwrap();
    let store = s3(&world, "shut");
    let path = Path::from("a b/c");
    let url = store
        .signed_url(Method::GET, &path, Duration::from_mins(1))
        .await
        .unwrap();
    let response = reqwest::get(url.clone()).await.unwrap();
    assert_eq!(response.text().await.unwrap(), "content");

    let other = url.as_str().replace("/c?", "/d?");
    let response = reqwest::get(other).await.unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    let last = world.log().pop().unwrap();
    assert!(last.query.unwrap().contains("X-Amz-Signature=redacted"));
}

#[tokio::test]
async fn an_impossible_range_is_named() {
    let world = world().await;
    world.bucket.put("open", "key", b"12345", None).unwrap();
    world.bucket.public_read("open", true).unwrap();
    let response = client()
        .get(format!("{}/open/key", world.bucket.url()))
        .header("range", "bytes=5-")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(response.headers()["content-range"], "bytes */5");
    assert!(response.text().await.unwrap().contains("InvalidRange"));
}
