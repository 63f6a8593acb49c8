//! What the upload endpoint takes and refuses.

use jiff::SignedDuration;
use relpub_sandbox::{ProjectStatus, Uploads, World};
use reqwest::StatusCode;

use crate::support::{Upload, client, sdist, take, tar_gz, wheel, world, zip};

/// Sends each upload and expects the code of its refusal to begin as told.
async fn refused(world: &World, cases: impl IntoIterator<Item = (Upload, &str)>) {
    for (upload, expected) in cases {
        let filename = upload.filename.clone();
        let (_, code) = upload.send(&world.pypi.upload_url()).await;
        assert!(
            code.starts_with(expected),
            "{filename}:\n{code}\n{expected}"
        );
    }
}

#[tokio::test]
async fn the_same_file_may_come_again_and_another_may_not() {
    let world = world().await;
    let pypi = &world.pypi;
    let upload = Upload::wheel(&pypi.token(), "Demo-App", "1.2.0");
    take(&world, upload.clone()).await;
    take(&world, upload.clone()).await;
    assert_eq!(pypi.uploads().len(), 1);
    assert_eq!(pypi.files("demo.app")[0].filename, upload.filename);

    let other = wheel("Demo-App", "1.2.0", &[("more.py", "")]);
    let renamed = "demo_app-1.2.0-1-py3-none-any.whl";
    refused(
        &world,
        [
            (
                upload.clone().bytes(other),
                "400 File already exists ('demo_app-1.2.0-py3-none-any.whl', with blake2_256 hash '",
            ),
            (
                upload.named(renamed),
                "400 File already exists ('demo_app-1.2.0-1-py3-none-any.whl', with blake2_256",
            ),
        ],
    )
    .await;
    assert_eq!(pypi.uploads().len(), 1);
}

#[tokio::test]
async fn control_fields_are_checked() {
    let world = world().await;
    let token = world.pypi.token();
    let wheel = || Upload::wheel(&token, "demo", "1.0");
    let sdist = || Upload::sdist(&token, "demo", "1.0");
    let wrong = "0".repeat(64);
    let mut picture = wheel();
    picture.media_type = "image/png".to_owned();
    let cases = [
        (
            wheel().with(":action", "submit"),
            "410 Project pre-registration is no longer",
        ),
        (
            wheel().with(":action", "doc_upload"),
            "410 Uploading documentation is no longer",
        ),
        (
            wheel().with("protocol_version", "2"),
            "400 Unknown protocol version.",
        ),
        (
            wheel().with("filetype", "bdist_egg"),
            "400 Invalid value for filetype. Error: Use a known file type.",
        ),
        (
            wheel().without("pyversion"),
            "400 Python version is required for binary distribution uploads.",
        ),
        (
            sdist().with("pyversion", "py3"),
            "400 Use 'source' as Python version for an sdist.",
        ),
        (
            wheel().with("sha256_digest", "abc"),
            "400 Invalid value for sha256_digest. Error: Use a valid, hex-encoded, SHA256 message digest.",
        ),
        (
            wheel().with("sha256_digest", ""),
            "400 Include at least one message digest.",
        ),
        (
            wheel().with("sha256_digest", &wrong),
            "400 The digest supplied does not match a digest calculated from the uploaded file.",
        ),
        (
            wheel().with("blake2_256_digest", &wrong),
            "400 The digest supplied does not match",
        ),
        (
            wheel().with("md5_digest", "0"),
            "400 The digest supplied does not match",
        ),
        (picture, "400 Invalid distribution file."),
        (
            wheel().with("attestations", "[]"),
            "400 Invalid attestations supplied during upload: Attestations are only supported when using Trusted Publishing",
        ),
    ];
    refused(&world, cases).await;
    assert!(world.pypi.uploads().is_empty());
}

#[tokio::test]
async fn metadata_is_checked() {
    let world = world().await;
    let token = world.pypi.token();
    let wheel = || Upload::wheel(&token, "demo", "1.0");
    let long = "x".repeat(513);
    let label = format!("{}, https://example.com", "x".repeat(33));
    let cases = [
        (
            wheel().with("metadata_version", "2.6"),
            "400 '2.6' is not a valid metadata version. See ",
        ),
        (
            wheel()
                .with("metadata_version", "2.3")
                .with("license_file", "LICENSE"),
            "400 license-file introduced in metadata version 2.4, not 2.3. See ",
        ),
        (
            wheel().with("name", "-demo"),
            "400 '-demo' is invalid for 'name'. See ",
        ),
        (
            wheel().without("version"),
            "400 'version' is a required field. See ",
        ),
        (
            wheel().with("version", "one"),
            "400 'one' is invalid for 'version'. See ",
        ),
        (
            wheel().with("version", "1.0+local"),
            "400 The use of local versions in '1.0+local' is not allowed. See ",
        ),
        (
            wheel().with("summary", &long),
            "400 'summary' field must be 512 characters or less. See ",
        ),
        (
            wheel().with("summary", "a").and("summary", "b"),
            "400 'summary' has invalid data. See ",
        ),
        (
            wheel().with("classifiers", "Private :: Do Not Upload"),
            "400 'Private :: Do Not Upload' is not a valid classifier. See ",
        ),
        (wheel().with("project_urls", &label), "400 'xxx"),
        (
            wheel().with("project_urls", "Home, nowhere"),
            "400 'nowhere' is not a valid url. See ",
        ),
        (
            wheel().with("requires_dist", "a @ https://example.com/a"),
            "400 Can't have direct dependency: a @ https://example.com/a. See ",
        ),
        (
            wheel()
                .with("license", "MIT")
                .with("license_expression", "MIT"),
            "400 License is deprecated when License-Expression is present.",
        ),
        (
            wheel().with("dynamic", "Name"),
            "400 'Name' is not allowed as a dynamic field. See ",
        ),
    ];
    refused(&world, cases).await;
    assert!(world.pypi.uploads().is_empty());
    // What old tools wrote for an empty field is as good as nothing.
    take(
        &world,
        wheel()
            .with("license", "UNKNOWN")
            .with("license_expression", "MIT"),
    )
    .await;
}

#[tokio::test]
async fn names_of_files_are_checked() {
    let world = world().await;
    let token = world.pypi.token();
    let wheel = |name: &str| Upload::wheel(&token, "demo-app", "1.0").named(name);
    let sdist = |name: &str| Upload::sdist(&token, "demo-app", "1.0").named(name);
    let cases = [
        (
            wheel("demo_app-1.0-py3-none-linux_x86_64.whl"),
            "400 Binary wheel 'demo_app-1.0-py3-none-linux_x86_64.whl' has an unsupported platform tag 'linux_x86_64'.",
        ),
        (
            wheel("demo.app-1.0-py3-none-any.whl"),
            "400 Filename 'demo.app-1.0-py3-none-any.whl' should contain the normalized project name 'demo_app', not 'demo.app'.",
        ),
        (
            wheel("demo_app-1.1-py3-none-any.whl"),
            "400 Version in filename should be '1.0' not '1.1'.",
        ),
        (
            wheel("demo_app-1.0-py3-any.whl"),
            "400 Invalid wheel filename (wrong number of parts)",
        ),
        (
            wheel("other-1.0-py3-none-any.whl"),
            "400 Start filename for 'demo-app' with 'demo_app'.",
        ),
        (
            wheel("demo_app-1.0-py3-none-any.exe"),
            "400 Invalid file extension: Use .tar.gz, .whl or .zip extension.",
        ),
        (
            sdist("demo_app-1.0.0.tar.gz"),
            "400 Filename 'demo_app-1.0.0.tar.gz' is invalid, should be 'demo_app-1.0.tar.gz'.",
        ),
        (
            sdist("demo-app-1.0.tar.gz"),
            "400 Filename 'demo-app-1.0.tar.gz' is invalid, should be 'demo_app-1.0.tar.gz'.",
        ),
        (
            sdist("demo_app-1.0.zip").bytes(zip(&[("a".to_owned(), String::new())])),
            "400 Filename 'demo_app-1.0.zip' is invalid, should be 'demo_app-1.0.tar.gz'.",
        ),
    ];
    refused(&world, cases).await;
    // The version of a wheel is compared as a version.
    let other = wheel("demo_app-1.0.0-py3-none-any.whl");
    take(
        &world,
        other.bytes(crate::support::wheel("demo-app", "1.0.0", &[])),
    )
    .await;
}

#[tokio::test]
async fn archives_are_checked() {
    let world = world().await;
    let token = world.pypi.token();
    let of = |bytes: Vec<u8>| Upload::wheel(&token, "demo", "1.0").bytes(bytes);
    let source = |bytes: Vec<u8>| Upload::sdist(&token, "demo", "1.0").bytes(bytes);
    let files = |names: &[&str]| -> Vec<(String, String)> {
        names
            .iter()
            .map(|&name| (name.to_owned(), String::new()))
            .collect()
    };
    let trailing = [wheel("demo", "1.0", &[]), vec![0]].concat();
    let points = (
        "demo-1.0.dist-info/entry_points.txt",
        "[console_scripts]\na b = c",
    );
    // Claimed in both places, though nothing is there to be decompressed.
    let mut bomb = wheel("demo", "1.0", &[]);
    let directory = bomb.windows(4).position(|it| it == b"PK\x01\x02").unwrap();
    for at in [22, directory + 24] {
        bomb[at..at + 4].copy_from_slice(&(65_u32 << 20).to_le_bytes());
    }
    let cases = [
        (
            of(sdist("demo", "1.0")),
            "400 Invalid distribution file. File is not a zipfile",
        ),
        (
            of(trailing),
            "400 Invalid distribution file. ZIP archive not accepted: Trailing data. See ",
        ),
        (
            of(bomb),
            "400 Invalid distribution file. File exceeds compression ratio of 50",
        ),
        (
            of(zip(&files(&["a.py"]))),
            "400 Invalid distribution file. WHEEL not found at demo-1.0.dist-info/WHEEL",
        ),
        (
            of(zip(&files(&["demo-1.0.dist-info/WHEEL"]))),
            "400 Wheel 'demo-1.0-py3-none-any.whl' does not contain the required METADATA file: demo-1.0.dist-info/METADATA",
        ),
        (
            of(zip(&files(&[
                "demo-1.0.dist-info/WHEEL",
                "demo-1.0.dist-info/METADATA",
            ]))),
            "400 Wheel 'demo-1.0-py3-none-any.whl' does not contain the required RECORD file: demo-1.0.dist-info/RECORD",
        ),
        (
            of(wheel("demo", "1.0", &[points])),
            "400 Wheel 'demo-1.0-py3-none-any.whl' has invalid entry points defined in the entry_points.txt file",
        ),
        (
            Upload::wheel(&token, "demo", "1.0").with("license_file", "LICENSE"),
            "400 License-File LICENSE does not exist in distribution file demo-1.0-py3-none-any.whl at demo-1.0.dist-info/licenses/LICENSE",
        ),
        (
            source(wheel("demo", "1.0", &[])),
            "400 Invalid distribution file. File is not a tarfile",
        ),
        (
            source(tar_gz(&files(&["demo-1.0/PKG-INFO", "other/a"]))),
            "400 Invalid distribution file. Incorrect number of top-level directories in sdist",
        ),
        (
            source(tar_gz(&files(&["demo-1.0/setup.py"]))),
            "400 Invalid distribution file. PKG-INFO not found at demo-1.0/PKG-INFO",
        ),
        (
            Upload::sdist(&token, "demo", "1.0").with("license_file", "LICENSE"),
            "400 License-File LICENSE does not exist in distribution file demo-1.0.tar.gz at demo-1.0/LICENSE",
        ),
    ];
    refused(&world, cases).await;
    take(&world, Upload::sdist(&token, "demo", "1.0")).await;
}

#[tokio::test]
async fn projects_may_be_closed_to_a_name_a_user_or_everybody() {
    let world = world().await;
    let pypi = &world.pypi;
    let token = pypi.token();
    let wheel = |name: &str| Upload::wheel(&token, name, "1.0");
    pypi.prohibit("evil").unwrap();
    pypi.give_away("theirs").unwrap();
    pypi.seed_file("theirs", "theirs-0.1-py3-none-any.whl", b"foreign")
        .unwrap();
    pypi.set_status("old", ProjectStatus::Archived).unwrap();
    pypi.quarantine("bad").unwrap();
    let mine = pypi.project_token("mine").unwrap();
    let cases = [
        (wheel("evil"), "400 The name 'evil' isn't allowed. See "),
        (
            wheel("asyncio"),
            "400 The name 'asyncio' isn't allowed (conflict with Python Standard Library module name). See ",
        ),
        (
            wheel("o1d"),
            "400 The name 'o1d' is too similar to an existing project. See ",
        ),
        (
            wheel("theirs"),
            "403 The user 'sandbox' isn't allowed to upload to project 'theirs'. See ",
        ),
        (
            wheel("old"),
            "403 The user 'sandbox' isn't allowed to upload to project 'old'. See ",
        ),
        (
            wheel("bad"),
            "403 The user 'sandbox' isn't allowed to upload to project 'bad'. See ",
        ),
        (
            Upload::wheel(&mine, "other", "1.0"),
            "403 The given token isn't allowed to upload to project 'other'. See ",
        ),
        (
            wheel("new").authorized("Basic dXNlcjpwYXNzd29yZA=="),
            "403 Invalid or non-existent authentication information. See ",
        ),
    ];
    refused(&world, cases).await;
    take(&world, Upload::wheel(&mine, "mine", "1.0")).await;
    take(&world, wheel("new").authorized(&format!("token {token}"))).await;

    pypi.set_uploads(Uploads::ReadOnly);
    refused(
        &world,
        [(
            wheel("new"),
            "403 Read-only mode: Uploads are temporarily disabled.",
        )],
    )
    .await;
    pypi.set_uploads(Uploads::Disabled);
    refused(
        &world,
        [(
            wheel("new"),
            "403 New uploads are temporarily disabled. See ",
        )],
    )
    .await;
}

#[tokio::test]
async fn a_release_takes_one_sdist_and_closes_after_two_weeks() {
    let world = world().await;
    let token = world.pypi.token();
    take(&world, Upload::sdist(&token, "demo", "1.0")).await;
    world.pypi.delete_file("demo-1.0.tar.gz").unwrap();
    let burned = "400 This filename was previously used by a file that has since been deleted. Use a different version. See ";
    refused(&world, [(Upload::sdist(&token, "demo", "1.0"), burned)]).await;

    world
        .pypi
        .seed_file("demo", "demo-1.1.tar.gz", b"foreign")
        .unwrap();
    let upload = Upload::sdist(&token, "demo", "1.1").named("demo-1.1.0.tar.gz");
    refused(
        &world,
        [(upload, "400 Only one sdist may be uploaded per release.")],
    )
    .await;

    let wheel = Upload::wheel(&token, "demo", "1.0");
    world
        .clock()
        .advance(SignedDuration::from_hours(14 * 24))
        .unwrap();
    take(&world, wheel.clone()).await;
    world.clock().advance(SignedDuration::from_secs(1)).unwrap();
    let late = "400 Uploading new files to releases older than 14 days is not allowed.";
    refused(
        &world,
        [(
            Upload::sdist(&token, "demo", "1.1")
                .named("demo-1.1-1-py3-none-any.whl")
                .with("filetype", "bdist_wheel"),
            late,
        )],
    )
    .await;
    // What is there already is still welcome.
    take(&world, wheel).await;
}

#[tokio::test]
async fn a_file_may_be_as_large_as_its_project_was_granted() {
    let world = world().await;
    let upload = Upload::wheel(&world.pypi.token(), "demo", "1.0");
    world.pypi.set_limit("demo", 1).unwrap();
    let large = "400 File too large. Limit for project 'demo' is 0 MB. See ";
    refused(&world, [(upload.clone(), large)]).await;
    let size = upload.bytes.len();
    let order = format!("{{\"limit\": {size}}}");
    let control = format!("{}/_sandbox/projects/demo", world.pypi.url());
    let request = client()
        .post(control)
        .header("content-type", "application/json");
    request
        .body(order)
        .send()
        .await
        .unwrap()
        .error_for_status()
        .unwrap();
    take(&world, upload).await;
}

#[tokio::test]
async fn a_refusal_is_also_a_reason_phrase_and_a_page() {
    let world = world().await;
    let mut upload =
        Upload::wheel(&world.pypi.token(), "demo", "1.0").with("protocol_version", "7");
    upload.accept = "*/*".to_owned();
    let (status, body) = upload.send(&world.pypi.upload_url()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        body.contains("<title>400 Unknown protocol version.</title>"),
        "{body}"
    );
    let url = world.pypi.upload_url();
    let answer = client()
        .post(url.trim_end_matches('/'))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::PERMANENT_REDIRECT);
    assert_eq!(answer.headers()["location"], url);
}
