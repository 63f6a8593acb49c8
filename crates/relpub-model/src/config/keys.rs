//! The tables of `relpub.toml` and their keys.
//!
//! One description serves three purposes: which keys are known, unknown or not
//! supported yet; what a value may look like; and the JSON Schema.

/// A TOML table.
pub(super) struct Table {
    /// Its name in the schema.
    pub(super) name: &'static str,
    /// What it is for.
    pub(super) doc: &'static str,
    /// Its keys.
    pub(super) keys: &'static [Key],
}

/// A key of a table.
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) need: Need,
    pub(super) shape: Shape,
    pub(super) doc: &'static str,
}

/// Whether a key must, may or cannot be given.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Required,
    Optional,
    /// It belongs to the language, but this version does not act on it.
    Later,
}

/// What a value looks like.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    Text,
    Texts,
    Flag,
    Date,
    /// One of the first words; the others belong to the language, but this
    /// version does not act on them.
    Word(&'static [&'static str], &'static [&'static str]),
    /// Any of the first words, once each; the others as with `Word`.
    Words(&'static [&'static str], &'static [&'static str]),
    /// `"listed"` or a number.
    Count,
    /// Patterns, or a table of patterns and new names.
    Files,
    /// A word, `env:NAME` or a table.
    Credential,
    /// A list or table of platforms.
    Platforms,
    /// A text, short for one key of a table, or the table.
    Short(&'static Table),
    One(&'static Table),
    Many(&'static Table),
    /// A table, or a list of such tables.
    OneOrMany(&'static Table),
    /// A table of such tables by name.
    Named(&'static Table),
}

impl Key {
    /// Returns what the key is for, as a hint.
    pub(super) fn hint(&self) -> String {
        let mut chars = self.doc.chars();
        match chars.next() {
            Some(first) => first.to_lowercase().chain(chars).collect(),
            None => String::new(),
        }
    }
}

impl Shape {
    /// Returns what a value must be, as the end of "`key` takes …".
    pub(super) fn takes(self) -> String {
        match self {
            Self::Text => "a text".to_owned(),
            Self::Texts => "a text or a list of texts".to_owned(),
            Self::Flag => "true or false".to_owned(),
            Self::Date => "a date without quotes, such as 2026-12-31".to_owned(),
            Self::Word(words, _) => {
                let quoted: Vec<_> = words.iter().map(|word| format!("`\"{word}\"`")).collect();
                quoted.join(" or ")
            }
            Self::Words(words, _) => format!("a list of {}", Self::Word(words, &[]).takes()),
            Self::Count => "`\"listed\"` or a number from 1".to_owned(),
            Self::Files => "patterns, or a table of patterns and new names".to_owned(),
            Self::Credential => {
                "`\"trusted\"`, `\"ambient\"`, `\"anonymous\"`, `\"env:NAME\"` or `{ username, password = \"env:NAME\" }`".to_owned()
            }
            Self::Platforms => {
                "a list of target triples, or a table of names and target triples".to_owned()
            }
            Self::Short(table) => format!("a text or a table [{}]", table.name),
            Self::One(table) => format!("a table [{}]", table.name),
            Self::Many(table) => format!("tables [[{}]]", table.name),
            Self::OneOrMany(table) => {
                format!("a table [{0}] or a list of such tables", table.name)
            }
            Self::Named(table) => format!("tables [{}.NAME]", table.name),
        }
    }
}

const fn need(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key {
        name,
        need: Need::Required,
        shape,
        doc,
    }
}

const fn may(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key {
        name,
        need: Need::Optional,
        shape,
        doc,
    }
}

const fn later(name: &'static str) -> Key {
    Key {
        name,
        need: Need::Later,
        shape: Shape::Text,
        doc: "",
    }
}

const WHEN: Key = may(
    "when",
    Shape::Texts,
    "Channel names (any of), or names with `!` (none of): stable, alpha, beta, rc, dev, prerelease",
);

const CREDENTIAL_KEY: Key = may(
    "credential",
    Shape::Credential,
    "How relpub is let in; never a secret itself",
);

pub(super) static TOP: Table = Table {
    name: "relpub.toml",
    doc: "What a release consists of and where it goes",
    keys: &[
        need(
            "repository",
            Shape::Text,
            "Where tag and release live, `owner/name`",
        ),
        may(
            "project",
            Shape::Text,
            "The name in messages and state; by default the repository's",
        ),
        may(
            "tag",
            Shape::Text,
            "How tags are spelled; by default `v{version}`",
        ),
        may(
            "create-tag",
            Shape::Flag,
            "Whether an absent tag is made just before the release is published",
        ),
        may("platforms", Shape::Platforms, "The project's platforms"),
        may(
            "follow-ups",
            Shape::Texts,
            "What people still do by hand afterwards",
        ),
        need(
            "source",
            Shape::Short(&SOURCE),
            "Where the artifacts come from",
        ),
        may(
            "artifacts",
            Shape::Many(&ARTIFACT),
            "What the release consists of",
        ),
        may(
            "destinations",
            Shape::Named(&DESTINATION),
            "Where artifacts go",
        ),
        may("notes", Shape::One(&NOTES), "How the release is described"),
        may(
            "evidence",
            Shape::One(&EVIDENCE),
            "What is signed and attested, and by whom",
        ),
        may(
            "waivers",
            Shape::Many(&WAIVER),
            "What may be missing, and why",
        ),
        later("policy"),
        later("state"),
        later("images"),
        later("channels"),
        later("pointers"),
        later("indexes"),
        later("hooks"),
        later("notify"),
        later("changes"),
    ],
};

pub(super) static SOURCE: Table = Table {
    name: "source",
    doc: "Where the artifacts come from",
    keys: &[
        need(
            "from",
            Shape::Texts,
            "`s3://BUCKET/PREFIX` or `file:PATH`; several make one tree",
        ),
        may(
            "manifest",
            Shape::Texts,
            "Paths of manifests: names, sizes and digests",
        ),
        may(
            "ignore",
            Shape::Texts,
            "Patterns that are taken away before anything is matched",
        ),
        may("endpoint", Shape::Text, "The URL of an S3-compatible store"),
        CREDENTIAL_KEY,
        later("wait"),
        later("events"),
    ],
};

pub(super) static ARTIFACT: Table = Table {
    name: "artifacts",
    doc: "Files that are expected, and where they go",
    keys: &[
        need(
            "files",
            Shape::Files,
            "Patterns that match exactly one file each",
        ),
        need("to", Shape::Texts, "Destinations; none means verified only"),
        may(
            "count",
            Shape::Count,
            "One pattern stands for so many files that the manifest lists",
        ),
        may(
            "optional",
            Shape::Flag,
            "Whether a pattern may match nothing",
        ),
        may(
            "version",
            Shape::Word(&["same", "any"], &[]),
            "Whether the version inside must be the tag's",
        ),
        may(
            "target",
            Shape::Text,
            "The target triple of the machine code inside",
        ),
        may(
            "kind",
            Shape::Word(
                &["wheel", "sdist", "binary", "library", "archive", "file"],
                &["crate"],
            ),
            "What the files are, where the extension does not tell it",
        ),
        WHEN,
        later("inside"),
        later("rolling"),
        later("headers"),
    ],
};

pub(super) static DESTINATION: Table = Table {
    name: "destinations",
    doc: "A place that artifacts go to",
    keys: &[
        may(
            "kind",
            Shape::Word(&["pypi"], &["crates-io", "github"]),
            "Which protocol a destination of your own speaks",
        ),
        may("url", Shape::Text, "Where an index takes uploads"),
        may("index", Shape::Text, "Where an index is read"),
        CREDENTIAL_KEY,
        may(
            "audience",
            Shape::Word(&["public", "private"], &[]),
            "As whom the result is read back",
        ),
        may(
            "confirm",
            Shape::Word(&["digest", "bytes"], &[]),
            "How the result is read back",
        ),
        may(
            "latest",
            Shape::Word(&["auto", "never"], &[]),
            "Whether GitHub's latest release is moved",
        ),
        may(
            "attestations",
            Shape::Flag,
            "Whether an index is sent publish attestations, signed by the job that uploads",
        ),
        WHEN,
        later("required"),
        later("public-url"),
        later("endpoint"),
        later("region"),
        later("headers"),
        later("new-names"),
        later("create"),
        later("hold"),
        later("discussion"),
    ],
};

pub(super) static CREDENTIAL: Table = Table {
    name: "credential",
    doc: "A user name, and the variable that holds the password",
    keys: &[
        need("username", Shape::Text, "The user's name"),
        need("password", Shape::Text, "`env:NAME`"),
        later("command"),
    ],
};

pub(super) static PLATFORM: Table = Table {
    name: "platform",
    doc: "A platform with an unusual wheel tag",
    keys: &[
        need("target", Shape::Text, "The target triple"),
        may("wheel", Shape::Text, "The wheel platform tag that means it"),
    ],
};

pub(super) static NOTES: Table = Table {
    name: "notes",
    doc: "How the release is described",
    keys: &[
        may(
            "title",
            Shape::Text,
            "The release's title; by default `{tag}`",
        ),
        may(
            "body",
            Shape::Word(&["github", "none"], &["commits", "changelog", "manifest"]),
            "Where the text comes from",
        ),
        later("changelog"),
        later("template"),
    ],
};

pub(super) static EVIDENCE: Table = Table {
    name: "evidence",
    doc: "What is signed and attested, and by whom",
    keys: &[
        may(
            "attest",
            Shape::Words(&["promotion", "sbom", "receipt"], &["verification-summary"]),
            "Signed statements in every carrier an artifact has; by default promotion and sbom",
        ),
        may(
            "sign",
            Shape::Word(&["none", "bundle"], &["bundle+legacy"]),
            "Whether every file is signed; by default by a bundle beside it",
        ),
        may(
            "sbom",
            Shape::Word(&["none", "cyclonedx-1.6"], &["cyclonedx-1.7"]),
            "How the contents of every artifact are described",
        ),
        may(
            "checksums",
            Shape::Text,
            "The name of an asset with the digests of all artifacts",
        ),
        may(
            "signer",
            Shape::OneOrMany(&SIGNER),
            "Who signs; by default any workflow of the repository on GitHub Actions",
        ),
        may(
            "sigstore",
            Shape::Text,
            "`public`, or the folder with a private instance's trusted root and signing config",
        ),
        later("dependency-graph"),
        later("carry"),
        later("outage"),
        later("outage-wait"),
    ],
};

pub(super) static SIGNER: Table = Table {
    name: "signer",
    doc: "An identity that signs; what is left out is not compared",
    keys: &[
        may(
            "workflow",
            Shape::Text,
            "The workflow's path in the repository; globs and variables are allowed",
        ),
        may(
            "ref",
            Shape::Text,
            "The full ref that it runs for, such as `refs/tags/v*`; globs and variables are allowed",
        ),
        may("environment", Shape::Text, "The deployment environment"),
        may(
            "repository",
            Shape::Text,
            "The repository that runs; by default this one",
        ),
        may(
            "issuer",
            Shape::Text,
            "The issuer of the identity; by default GitHub Actions",
        ),
    ],
};

pub(super) static WAIVER: Table = Table {
    name: "waivers",
    doc: "Something that may be missing from one version",
    keys: &[
        need(
            "missing",
            Shape::Text,
            "A platform's name, or a pattern over source paths",
        ),
        need("because", Shape::Text, "Why"),
        need("version", Shape::Text, "The version it is for"),
        need("until", Shape::Date, "The last day on which it counts"),
        later("rule"),
        later("of"),
    ],
};
