//! The form fields that describe the upload rather than the project.

use std::fs::File;
use std::io::{self, Read as _};

use md5::{Digest as _, Md5};

use super::form::{Content, Form};
use super::refusal::Refusal;

/// What kind of file is uploaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Sdist,
    Wheel,
}

impl Kind {
    /// Reads `filetype` and the `pyversion` that goes with it.
    pub(super) fn of(form: &Form) -> Result<Self, Refusal> {
        let kind = match form.one("filetype") {
            Some("sdist") => Self::Sdist,
            Some("bdist_wheel") => Self::Wheel,
            Some(_) => return Err(invalid("filetype", "Use a known file type.")),
            None => return Err(invalid("filetype", "This field is required.")),
        };
        match (kind, form.one("pyversion")) {
            (Self::Wheel, None) => Err(Refusal::bad(
                "Python version is required for binary distribution uploads.",
            )),
            (Self::Sdist, Some(python)) if python != "source" => {
                Err(Refusal::bad("Use 'source' as Python version for an sdist."))
            }
            _ => Ok(kind),
        }
    }

    /// Returns the kind as the form names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sdist => "sdist",
            Self::Wheel => "bdist_wheel",
        }
    }
}

/// The digests that a form promises.
#[derive(Debug)]
pub(super) struct Digests {
    sha256: Option<String>,
    blake2b: Option<String>,
    md5: Option<String>,
}

impl Digests {
    /// Reads the digests, of which there must be one at least.
    pub(super) fn of(form: &Form) -> Result<Self, Refusal> {
        let digests = Self {
            sha256: hex_field(form, "sha256_digest", "SHA256")?,
            blake2b: hex_field(form, "blake2_256_digest", "BLAKE2")?,
            md5: form.one("md5_digest").map(str::to_owned),
        };
        if digests.sha256.is_none() && digests.blake2b.is_none() && digests.md5.is_none() {
            return Err(Refusal::bad("Include at least one message digest."));
        }
        Ok(digests)
    }

    /// Refuses a file that is not the promised one.
    pub(super) fn expect_of(&self, content: &Content) -> Result<(), Refusal> {
        let received = content.received()?;
        let sha256 = self
            .sha256
            .as_deref()
            .is_none_or(|it| it == received.sha256);
        let blake2b = self.blake2b.is_none() || self.blake2b == received.blake2b;
        let md5 = match &self.md5 {
            Some(digest) => *digest == md5_of(received.open()?)?,
            None => true,
        };
        if sha256 && blake2b && md5 {
            return Ok(());
        }
        Err(Refusal::bad(
            "The digest supplied does not match a digest calculated from the uploaded file.",
        ))
    }
}

/// Returns the MD5 in small hexadecimal, which is what the server compares.
fn md5_of(mut file: File) -> io::Result<String> {
    let mut hash = Md5::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(hex::encode(hash.finalize()));
        }
        hash.update(&buffer[..count]);
    }
}

fn hex_field(form: &Form, field: &str, name: &str) -> Result<Option<String>, Refusal> {
    let Some(digest) = form.one(field).map(str::to_ascii_lowercase) else {
        return Ok(None);
    };
    if digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(Some(digest));
    }
    let problem = format!("Use a valid, hex-encoded, {name} message digest.");
    Err(invalid(field, &problem))
}

fn invalid(field: &str, problem: &str) -> Refusal {
    Refusal::bad(format!("Invalid value for {field}. Error: {problem}"))
}
