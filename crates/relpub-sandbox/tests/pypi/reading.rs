//! What the index shows, and how fresh it is.

use crate::support::{Upload, json, take, world};

#[tokio::test]
async fn the_simple_index_lists_what_was_uploaded() {
    let world = world().await;
    let upload = Upload::wheel(&world.pypi.token(), "demo", "1.0");
    take(&world, upload.clone()).await;
    let page = json(&format!("{}demo/", world.pypi.simple_url())).await;
    assert_eq!(page["versions"], serde_json::json!(["1.0"]));
    let file = &page["files"][0];
    assert_eq!(file["filename"], upload.filename);
    assert_eq!(file["size"], upload.bytes.len());
    assert_eq!(file["upload-time"], "2026-11-24T08:00:00.000000Z");
    let url = file["url"].as_str().unwrap();
    let bytes = reqwest::get(url).await.unwrap().bytes().await.unwrap();
    assert_eq!(bytes, upload.bytes);
}
