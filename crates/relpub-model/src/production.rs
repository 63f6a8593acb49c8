//! The production endpoints: the only place where registry hosts are put together.
//!
//! Everything else takes its URLs from [`Endpoints`], which comes from here or
//! from a world file.

use std::collections::BTreeMap;

use crate::world::{Endpoints, GitHub, Index};

/// The predicate type of a promotion statement: these bytes may go to these
/// destinations.
pub const PROMOTION_PREDICATE: &str = "https://github.com/relpub/relpub/predicates/promotion/v1";

/// The predicate type of a receipt statement: these bytes were seen there.
pub const RECEIPT_PREDICATE: &str = "https://github.com/relpub/relpub/predicates/receipt/v1";

/// Returns the predicate type of PyPI's publish attestation (PEP 740).
pub fn publish_predicate() -> String {
    let docs = domain(&["docs", "pypi", "org"]);
    format!("https://{docs}/attestations/publish/v1")
}

/// Returns where production is.
pub fn endpoints() -> Endpoints {
    let pypi = domain(&["pypi", "org"]);
    let index = |upload: &str, host: &str| Index {
        upload: format!("https://{upload}/legacy/"),
        index: format!("https://{host}/simple/"),
    };
    let test = format!("test.{pypi}");
    Endpoints {
        name: None,
        indexes: BTreeMap::from([
            ("pypi".to_owned(), index(&format!("upload.{pypi}"), &pypi)),
            ("testpypi".to_owned(), index(&test, &test)),
        ]),
        github: GitHub {
            api: "https://api.github.com".to_owned(),
            uploads: "https://uploads.github.com".to_owned(),
            web: "https://github.com".to_owned(),
        },
        s3: None,
        identity: None,
        sigstore: None,
    }
}

fn domain(labels: &[&str]) -> String {
    labels.join(".")
}
