//! The production endpoints: the only place where registry hosts are put together.
//!
//! Everything else takes its URLs from [`Endpoints`], which comes from here or
//! from a world file.

use std::collections::BTreeMap;

use crate::world::{Endpoints, GitHub, Index};

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
    }
}

fn domain(labels: &[&str]) -> String {
    labels.join(".")
}
