//! What an index means when it refuses an upload.
//!
//! PyPI's messages begin in ways that its documentation promises or its source
//! keeps; those of other servers are recognised by a phrase. A message never
//! says which bytes are there: that is for the simple index to tell.

use relpub_model::decision::Decision;

use crate::http::{Again, RemoteError};

/// What a refusal means.
enum Meaning {
    /// A rule speaks against it, for good.
    Rule(&'static str),
    /// The name is taken.
    Taken,
    /// We are not who we say.
    Unknown,
    /// We may not.
    NotAllowed,
    /// It was damaged on the way, or the server is closed for a while.
    Later,
    /// It is not before hours have passed.
    MuchLater,
}

/// How messages begin, what they mean, and what to do about it.
const MESSAGES: [(&str, Meaning, &str); 29] = {
    use Meaning::{Later, MuchLater, NotAllowed, Rule, Taken, Unknown};
    const NEW_VERSION: &str = "release a new version";
    const NEW_NAME: &str = "choose another project name";
    [
        (
            "File already exists",
            Taken,
            "the name holds other bytes, or the bytes another name; release a new version",
        ),
        (
            "This filename was previously used",
            Rule("a deleted file's name is never used again"),
            NEW_VERSION,
        ),
        (
            "Uploading new files to releases older",
            Rule("a release is closed after 14 days"),
            NEW_VERSION,
        ),
        (
            "Only one sdist may be uploaded",
            Rule("a release has one sdist"),
            NEW_VERSION,
        ),
        (
            "File too large",
            Rule("the project's limit per file"),
            "ask for a higher limit on the project's page",
        ),
        (
            "Project size too large",
            Rule("the project's limit in all"),
            "ask for a higher limit on the project's page",
        ),
        ("The digest supplied does not match", Later, ""),
        (
            "Invalid distribution file",
            Rule("what an archive may be"),
            "build the file anew with a current tool",
        ),
        (
            "Filename ",
            Rule("how files are named"),
            "build the file anew with a current tool",
        ),
        (
            "Start filename for",
            Rule("how files are named"),
            "build the file anew with a current tool",
        ),
        (
            "Version in filename",
            Rule("how files are named"),
            "build the file anew with a current tool",
        ),
        (
            "Binary wheel",
            Rule("which platforms a wheel may be for"),
            "build the wheel for a manylinux or musllinux tag",
        ),
        (
            "Invalid attestations supplied during upload: Attestations are only supported",
            Rule("attestations come with trusted publishing only"),
            "use trusted publishing, or send no attestations",
        ),
        (
            "Attestations are only supported",
            Rule("attestations come with trusted publishing only"),
            "use trusted publishing, or send no attestations",
        ),
        (
            "Invalid attestations",
            Rule("which attestations are taken"),
            "they must be signed by the very publisher that uploads",
        ),
        (
            "Non-user identities cannot create",
            NotAllowed,
            "register a pending publisher for exactly this project name",
        ),
        (
            "The use of local versions",
            Rule("no local versions"),
            "release a version without `+`",
        ),
        (
            "Invalid value for",
            Rule("what metadata may say"),
            "correct the project's metadata and build anew",
        ),
        (
            "Can't have direct dependency",
            Rule("no dependencies by URL"),
            "depend on a released version and build anew",
        ),
        (
            "Wheel '",
            Rule("what a wheel holds"),
            "build the wheel anew with a current tool",
        ),
        (
            "License-File",
            Rule("license files are in the archive"),
            "build the file anew with a current tool",
        ),
        (
            "The name '",
            Rule("which project names are taken"),
            NEW_NAME,
        ),
        (
            "Invalid or non-existent authentication",
            Unknown,
            "the token is wrong, expired or revoked",
        ),
        (
            "The user '",
            NotAllowed,
            "give the token's user a role in the project",
        ),
        (
            "The given token isn't allowed",
            NotAllowed,
            "use a token for this project, or register the workflow as its publisher",
        ),
        (
            "Read-only mode",
            Later,
            "the index takes nothing for now; run again later",
        ),
        (
            "New uploads are temporarily disabled",
            Later,
            "the index takes nothing for now; run again later",
        ),
        (
            "Too many new projects",
            MuchLater,
            "the index takes no more new projects from here for some hours",
        ),
        (
            "Unknown protocol version",
            Rule("the upload API's version"),
            "",
        ),
    ]
};

/// Phrases by which other servers say that the name is taken.
const TAKEN_ELSEWHERE: [&str; 6] = [
    "already exist",
    "already been taken",
    "updating asset",
    "cannot be updated",
    "overwrite artifact",
    "delete/overwrite",
];

/// Gives a refused upload its decision and a way out.
pub(super) fn judge(mut error: RemoteError) -> RemoteError {
    let Some(status @ 400..=499) = error.status else {
        return error;
    };
    let said = error.said.as_ref().map(|said| said.raw().trim().to_owned());
    let said = said.unwrap_or_default();
    let known = MESSAGES
        .iter()
        .find(|(begin, _, _)| said.starts_with(begin));
    if let Some((_, meaning, hint)) = known {
        meaning.decide(&mut error);
        return match *hint {
            "" => error,
            hint => error.with_hint(hint),
        };
    }
    let lower = said.to_lowercase();
    let taken = TAKEN_ELSEWHERE.iter().any(|phrase| lower.contains(phrase));
    if taken || status == 409 {
        error.decision = Decision::Conflict;
        return error;
    }
    match status {
        413 => Meaning::Rule("the size of a file").decide(&mut error),
        404 | 405 | 410 => {
            error.decision = Decision::Protocol;
            return error.with_hint("is this where files are uploaded? see the index's `url`");
        }
        400 | 415 | 422 => Meaning::Rule("the index does not take the file").decide(&mut error),
        _ => {}
    }
    error
}

impl Meaning {
    fn decide(&self, error: &mut RemoteError) {
        error.again = Again::Never;
        error.decision = match self {
            Self::Rule(rule) => Decision::Refused {
                rule: (*rule).to_owned(),
            },
            Self::Taken => Decision::Conflict,
            Self::Unknown => Decision::Unauthenticated,
            Self::NotAllowed => Decision::Forbidden,
            Self::MuchLater => Decision::RateLimited { until: None },
            Self::Later => {
                error.again = Again::After(None);
                Decision::Transient
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Deed, Repeat};
    use jiff::Timestamp;
    use reqwest::StatusCode;
    use reqwest::header::HeaderMap;

    fn decide(status: u16, said: &str) -> RemoteError {
        let deed = Deed::new("PyPI", "upload", "demo-1.0.tar.gz");
        let status = StatusCode::from_u16(status).unwrap();
        let answer = (status, &HeaderMap::new(), said);
        let now = Timestamp::UNIX_EPOCH;
        judge(RemoteError::answered(&deed, Repeat::IfUnsent, now, answer))
    }

    /// Status, what is said, and what it means; after an empty line, other servers.
    const ANSWERS: &str = "
        400 | File already exists ('x', with blake2_256 hash 'a'). See … | conflict
        400 | This filename was previously used by a file that has since been deleted. Use … | a deleted file's name is never used again
        400 | Uploading new files to releases older than 14 days is not allowed. | a release is closed after 14 days
        400 | Only one sdist may be uploaded per release. | a release has one sdist
        400 | File too large. Limit for project 'p' is 100 MB. … | the project's limit per file
        400 | Project size too large. Limit for project 'p' total size is 10 GB. … | the project's limit in all
        400 | The digest supplied does not match a digest calculated from the uploaded file. | transient, again
        400 | Invalid distribution file. File is not a zipfile | what an archive may be
        400 | Filename 'f' is invalid, should be 'g.tar.gz'. | how files are named
        400 | Start filename for 'p' with 'n'. | how files are named
        400 | Version in filename should be '1' not '2'. | how files are named
        400 | Binary wheel 'f' has an unsupported platform tag 'linux_x86_64'. | which platforms a wheel may be for
        400 | Invalid attestations supplied during upload: no | which attestations are taken
        400 | Non-user identities cannot create new projects. … | forbidden
        400 | The name 'n' isn't allowed. … | which project names are taken
        400 | The name 'n' is too similar to an existing project. … | which project names are taken
        400 | The use of local versions in '1+a' is not allowed. … | no local versions
        400 | Invalid value for classifiers. Error: … | what metadata may say
        400 | something new | the index does not take the file
        409 | The name 'n' conflicts with an existing project. See … | which project names are taken
        403 | Invalid or non-existent authentication information. See … | unauthenticated
        403 | The user 'u' isn't allowed to upload to project 'p'. See … | forbidden
        403 | The given token isn't allowed to upload to project 'p'. See … | forbidden
        403 | Read-only mode: Uploads are temporarily disabled. | transient, again
        403 | New uploads are temporarily disabled. … | transient, again
        429 | Too many new projects created | rate-limited
        500 | | ambiguous

        409 | Package 'f' already exists! | conflict
        400 | Repository does not allow updating assets: r | conflict
        403 | Not enough permissions to delete/overwrite all artifacts under 'p' | conflict
        400 | Validation failed: File name has already been taken | conflict
        409 | | conflict
        413 | | the size of a file
        404 | | protocol
    ";

    #[test]
    fn every_answer_of_the_server_is_told_apart() {
        for line in ANSWERS.lines().filter(|line| !line.trim().is_empty()) {
            let cells: Vec<_> = line.split('|').map(str::trim).collect();
            let error = decide(cells[0].parse().unwrap(), cells[1]);
            let again = match error.again {
                Again::Never => "",
                Again::After(_) => ", again",
            };
            let decision = match &error.decision {
                Decision::Refused { rule } => rule.clone(),
                Decision::RateLimited { .. } => "rate-limited".to_owned(),
                other => format!("{other:?}").to_lowercase(),
            };
            assert_eq!(format!("{decision}{again}"), cells[2], "{line}");
        }
    }

    #[test]
    fn a_person_reads_one_line() {
        assert_eq!(
            decide(400, "File too large. Limit for project 'p' is 100 MB.").to_string(),
            "PyPI: could not upload demo-1.0.tar.gz: HTTP 400: File too large. Limit for \
             project 'p' is 100 MB.; ask for a higher limit on the project's page"
        );
    }
}
