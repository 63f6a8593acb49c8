//! SHA-256 of what is read, made without relpub's own code.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context as _, Result};
use aws_lc_rs::digest::{Context, SHA256};

/// Reads to the end and returns the SHA-256 in hexadecimal.
pub(crate) fn sha256(mut from: impl Read) -> io::Result<String> {
    let mut hash = Context::new(&SHA256);
    let mut buffer = vec![0; 1 << 16];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(hex::encode(hash.finish())),
            n => hash.update(&buffer[..n]),
        }
    }
}

/// Returns the SHA-256 of a file in hexadecimal.
pub(crate) fn sha256_of(path: &Path) -> Result<String> {
    File::open(path)
        .and_then(sha256)
        .with_context(|| format!("could not read {}", path.display()))
}
