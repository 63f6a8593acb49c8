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
const MESSAGES: [(&str, Meaning, &str); 27] = {
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
            "Invalid attestations",
            Rule("which attestations are taken"),
            "",
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
