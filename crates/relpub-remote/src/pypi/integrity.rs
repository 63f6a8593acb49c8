//! The integrity API: the attestations that an index keeps of a file (PEP 740).

use relpub_model::config::Audience;
use relpub_model::decision::Decision;
use relpub_model::dist::DistName;
use relpub_model::name::FileName;
use reqwest::StatusCode;
use reqwest::header::{ACCEPT, CACHE_CONTROL};
use url::Url;

use super::{PyPi, parse};
use crate::http::{RemoteError, Request};

impl PyPi {
    /// Returns the provenance object of a file as the index gives it; `fresh`
    /// goes past caches.
    ///
    /// `None` means that there is none: the index has no attestations of the
    /// file, does not have the file, or is not known to have this API, which is
    /// looked for beside `simple/` only. An index that gives out no provenance at
    /// present is [`Decision::Forbidden`].
    pub async fn provenance(
        &self,
        file: &FileName,
        fresh: bool,
    ) -> Result<Option<Vec<u8>>, RemoteError> {
        let inner = &*self.inner;
        let deed = inner.deed("read the provenance of", file);
        let index = parse(&inner.urls.index, &deed)?;
        let parsed = file.as_str().parse().ok();
        let Some(url) = parsed.and_then(|name| provenance_url(&index, file, &name)) else {
            return Ok(None);
        };
        let mut request = Request::get(url, deed)
            .header(ACCEPT, "application/vnd.pypi.integrity.v1+json")
            .allow(StatusCode::NOT_FOUND);
        if fresh {
            request = request.header(CACHE_CONTROL, "no-cache");
        }
        if inner.audience == Audience::Private {
            request = inner.login.read(request);
        }
        let answer = inner.http.call(&request).await;
        let answer = answer.map_err(|error| match error.decision {
            Decision::Forbidden => error.with_hint("the index gives out no provenance at present"),
            _ => error,
        })?;
        Ok((answer.status != StatusCode::NOT_FOUND).then(|| answer.body.into()))
    }
}

/// Returns where the provenance of a file is: beside the simple index.
fn provenance_url(index: &Url, file: &FileName, name: &DistName) -> Option<Url> {
    if !index.path().ends_with("/simple/") {
        return None;
    }
    let mut url = index.clone();
    let mut path = url.path_segments_mut().ok()?;
    let (project, version) = (name.project().to_string(), name.version().to_string());
    path.pop_if_empty().pop().extend([
        "integrity",
        &project,
        &version,
        file.as_str(),
        "provenance",
    ]);
    drop(path);
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(index: &str) -> Option<String> {
        let file: FileName = "Demo_Pkg-1.0+cu-py3-none-any.whl".parse().unwrap();
        let name = file.as_str().parse().unwrap();
        provenance_url(&index.parse().unwrap(), &file, &name).map(String::from)
    }

    #[test]
    fn provenance_is_beside_the_simple_index() {
        let whole = "/integrity/demo-pkg/1.0+cu/Demo_Pkg-1.0+cu-py3-none-any.whl/provenance";
        assert_eq!(
            at("https://index.example/simple/").unwrap(),
            format!("https://index.example{whole}")
        );
        assert_eq!(
            at("http://127.0.0.1:1/pypi/simple/").unwrap(),
            format!("http://127.0.0.1:1/pypi{whole}")
        );
        assert_eq!(at("https://packages.example/api/pypi/"), None);
    }
}
