//! Multipart uploads: an object that arrives in numbered parts.
//!
//! Uploads that were begun lie on disk with their parts, and outlive the process.

use std::collections::BTreeMap;
use std::io;

use axum::body::Body;
use http::{Method, Response, StatusCode};
use serde::{Deserialize, Serialize};

use super::Bucket;
use super::error::Refusal;
use super::list::element;
use super::requests::{self, Call, condition, empty, kept_headers, receive_text, xml_answer};
use super::store::Store;
use crate::disk::{Disk, Hashes};
use crate::secrets::random_hex;

/// The largest number of a part.
const MOST_PARTS: u32 = 10_000;

const UPLOAD: &str = "upload";

/// An upload that was begun.
#[derive(Serialize, Deserialize)]
struct Upload {
    key: String,
    headers: BTreeMap<String, String>,
}

/// Answers the requests about multipart uploads that have no body worth reading.
///
/// Returns `None` for all others.
pub(super) fn answer(store: &Bucket, call: &Call) -> Result<Option<Response<Body>>, Refusal> {
    match (&call.parts.method, call.parameter("uploadId")) {
        (&Method::POST, _) if call.parameter("uploads").is_some() => begin(store, call).map(Some),
        (&Method::DELETE, Some(id)) => {
            let uploads = store.inner.store.uploads(&call.bucket)?;
            find(&uploads, id, call)?;
            remove(&uploads, id)?;
            Ok(Some(empty(StatusCode::NO_CONTENT)))
        }
        (&(Method::GET | Method::HEAD), Some(_)) => {
            Err(Refusal::not_implemented("listing the parts of an upload"))
        }
        _ => Ok(None),
    }
}

fn begin(store: &Bucket, call: &Call) -> Result<Response<Body>, Refusal> {
    let id = random_hex::<16>();
    let uploads = store.inner.store.uploads(&call.bucket)?;
    let upload = Upload {
        key: call.key.clone(),
        headers: kept_headers(&call.parts.headers),
    };
    uploads.folder(&id)?.write_json(UPLOAD, &upload)?;
    let mut xml = opening("InitiateMultipartUploadResult");
    element(&mut xml, "Bucket", &call.bucket);
    element(&mut xml, "Key", &call.key);
    element(&mut xml, "UploadId", &id);
    xml.push_str("</InitiateMultipartUploadResult>");
    Ok(xml_answer(xml))
}

/// Stores one part.
pub(super) async fn put(
    store: &Bucket,
    call: &Call,
    body: Body,
) -> Result<Response<Body>, Refusal> {
    let id = call.parameter("uploadId").unwrap_or_default().to_owned();
    let number = call.parameter("partNumber").and_then(|it| it.parse().ok());
    let number = number
        .filter(|it| (1..=MOST_PARTS).contains(it))
        .ok_or_else(|| Refusal::new(400, "InvalidArgument", "partNumber is not valid."))?;
    let uploads = store.inner.store.uploads(&call.bucket)?;
    let (folder, _) = find(&uploads, &id, call)?;
    let received = requests::receive(store, &call.parts.headers, body).await?;
    let tag = part_tag(&received.sha256);
    received.keep(&folder.path(&part_file(number, &tag)))?;
    let mut response = empty(StatusCode::OK);
    let tag = format!("\"{tag}\"").parse();
    if let Ok(tag) = tag {
        response.headers_mut().insert("etag", tag);
    }
    Ok(response)
}

/// Puts the parts together and the object in its place.
pub(super) async fn complete(
    store: &Bucket,
    call: &Call,
    body: Body,
) -> Result<Response<Body>, Refusal> {
    let id = call.parameter("uploadId").unwrap_or_default().to_owned();
    let objects = &store.inner.store;
    let uploads = objects.uploads(&call.bucket)?;
    let (folder, upload) = find(&uploads, &id, call)?;
    let condition = condition(&call.parts.headers)?;
    let parts = listed_parts(&receive_text(&call.parts.headers, body).await?)?;
    let received = join(objects, &folder, &parts)?;
    let object = objects.put(
        &call.bucket,
        &call.key,
        received,
        upload.headers,
        &condition,
    )?;
    remove(&uploads, &id)?;
    let mut xml = opening("CompleteMultipartUploadResult");
    element(&mut xml, "Bucket", &call.bucket);
    element(&mut xml, "Key", &call.key);
    element(&mut xml, "ETag", &object.etag());
    xml.push_str("</CompleteMultipartUploadResult>");
    Ok(xml_answer(xml))
}

fn join(
    objects: &Store,
    folder: &Disk,
    parts: &[(u32, String)],
) -> Result<crate::disk::Received, Refusal> {
    let mut writing = objects.begin(Hashes::Sha256)?;
    for (number, tag) in parts {
        let path = folder.path(&part_file(*number, tag));
        match std::fs::File::open(path) {
            Ok(mut file) => writing.copy(&mut file)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let message = format!("Part {number} with this entity tag is not there.");
                return Err(Refusal::new(400, "InvalidPart", message));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(writing.finish()?)
}

/// Reads the numbers and tags of a `CompleteMultipartUpload` document.
fn listed_parts(xml: &str) -> Result<Vec<(u32, String)>, Refusal> {
    let malformed = || Refusal::new(400, "MalformedXML", "The list of parts is malformed.");
    let mut parts = Vec::new();
    for part in xml.split("<Part>").skip(1) {
        let number = inner(part, "PartNumber").and_then(|it| it.parse().ok());
        let tag = inner(part, "ETag").ok_or_else(malformed)?;
        let tag = tag.replace("&quot;", "").replace("&#34;", "");
        parts.push((
            number.ok_or_else(malformed)?,
            tag.trim_matches('"').to_owned(),
        ));
    }
    let ordered = parts.is_sorted_by(|(one, _), (next, _)| one < next);
    match (parts.is_empty(), ordered) {
        (true, _) => Err(malformed()),
        (_, false) => Err(Refusal::new(
            400,
            "InvalidPartOrder",
            "The parts must be listed in order.",
        )),
        _ => Ok(parts),
    }
}

fn inner<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let start = xml.find(&format!("<{name}>"))? + name.len() + 2;
    let end = xml[start..].find(&format!("</{name}>"))?;
    Some(xml[start..start + end].trim())
}

fn find(uploads: &Disk, id: &str, call: &Call) -> Result<(Disk, Upload), Refusal> {
    if !uploads.path(id).is_dir() {
        return Err(Refusal::no_such_upload());
    }
    let folder = uploads.folder(id)?;
    match folder.read_json::<Upload>(UPLOAD)? {
        Some(upload) if upload.key == call.key => Ok((folder, upload)),
        _ => Err(Refusal::no_such_upload()),
    }
}

fn remove(uploads: &Disk, id: &str) -> io::Result<()> {
    std::fs::remove_dir_all(uploads.path(id))
}

fn part_tag(sha256: &str) -> String {
    format!("sandbox-{}", &sha256[..32])
}

fn part_file(number: u32, tag: &str) -> String {
    format!("{number}-{tag}")
}

fn opening(name: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{name} xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_in_every_spelling_of_a_quote() {
        let xml = r#"<CompleteMultipartUpload><Part><ETag>"a"</ETag><PartNumber>1</PartNumber></Part><Part><PartNumber> 2 </PartNumber><ETag>&quot;b&quot;</ETag></Part></CompleteMultipartUpload>"#;
        let parts = listed_parts(xml).unwrap();
        assert_eq!(parts, [(1, "a".to_owned()), (2, "b".to_owned())]);
        assert!(listed_parts("<CompleteMultipartUpload/>").is_err());
    }
}
