//! What the upload endpoint takes and refuses.

use reqwest::StatusCode;

use crate::support::{Upload, take, wheel, world};

#[tokio::test]
async fn the_same_file_may_come_again_and_another_may_not() {
    let world = world().await;
    let (pypi, url) = (&world.pypi, world.pypi.upload_url());
    let upload = Upload::wheel(&pypi.token(), "Demo-App", "1.2.0");
    take(&world, upload.clone()).await;
    take(&world, upload.clone()).await;
    assert_eq!(pypi.uploads().len(), 1);
    assert_eq!(pypi.files("demo.app")[0].filename, upload.filename);

    let other = wheel("Demo-App", "1.2.0", &[("more.py", "")]);
    let (status, code) = upload.clone().bytes(other).send(&url).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let start = format!(
        "400 File already exists ('{}', with blake2_256 hash '",
        upload.filename
    );
    assert!(code.starts_with(&start), "{code}");

    let renamed = upload.named("demo_app-1.2.0-1-py3-none-any.whl");
    let (_, code) = renamed.send(&url).await;
    let start = "400 File already exists ('demo_app-1.2.0-1-py3-none-any.whl', with";
    assert!(code.starts_with(start), "{code}");
    assert_eq!(pypi.uploads().len(), 1);
}
