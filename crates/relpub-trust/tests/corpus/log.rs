//! Two private transparency logs: Rekor v1 and Rekor v2.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use relpub_model::Sha256;
use serde_json::{Value, json};

use crate::keys::{EdKey, Key};

/// The first global index of the v1 log's shard, as after a rotation.
pub(crate) const SHARD: u64 = 4096;
/// The entry's index in its shard.
pub(crate) const INDEX: u64 = 1;

/// Which log takes an entry in.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Log {
    V1,
    V2,
    /// A v1 log whose key is not in force any more.
    Closed,
    /// A v1 log that nobody trusts.
    Stranger,
}

impl Log {
    pub(crate) fn host(self) -> &'static str {
        match self {
            Self::V1 => "rekor.corpus.localhost",
            Self::V2 => "rekor2.corpus.localhost",
            Self::Closed => "closed.corpus.localhost",
            Self::Stranger => "stranger.corpus.localhost",
        }
    }

    pub(crate) fn spki(self) -> Vec<u8> {
        match self {
            Self::V2 => EdKey::named(self.host()).spki(),
            _ => Key::named(self.host()).spki(),
        }
    }

    pub(crate) fn id(self) -> [u8; 32] {
        match self {
            Self::V2 => {
                let key = EdKey::named(self.host());
                let named = [self.host().as_bytes(), &[0x0a, 1], key.public()].concat();
                *Sha256::of(&named).as_bytes()
            }
            _ => Key::named(self.host()).id(),
        }
    }

    pub(crate) fn sign(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::V2 => EdKey::named(self.host()).sign(bytes),
            _ => Key::named(self.host()).sign(bytes),
        }
    }

    /// Takes an entry in between two others, and returns what a bundle holds.
    pub(crate) fn take(self, kind: (&str, &str), body: &[u8], time: Timestamp) -> Value {
        let (before, after) = (leaf(b"before"), leaf(b"after"));
        let root = node(&node(&before, &leaf(body)), &after);
        let index = if self == Self::V2 {
            INDEX
        } else {
            SHARD + INDEX
        };
        let mut entry = json!({
            "logIndex": index.to_string(),
            "logId": { "keyId": STANDARD.encode(self.id()) },
            "kindVersion": { "kind": kind.0, "version": kind.1 },
            "inclusionProof": {
                "logIndex": INDEX.to_string(),
                "rootHash": STANDARD.encode(root),
                "treeSize": "3",
                "hashes": [STANDARD.encode(before), STANDARD.encode(after)],
                "checkpoint": { "envelope": self.checkpoint(self, &root) },
            },
            "canonicalizedBody": STANDARD.encode(body),
        });
        if self != Self::V2 {
            let time = time.as_second();
            let promise = self.promise(body, index, time);
            entry["integratedTime"] = time.to_string().into();
            entry["inclusionPromise"] = json!({ "signedEntryTimestamp": promise });
        }
        entry
    }

    /// Returns a checkpoint with this log's origin, signed by `signer`.
    pub(crate) fn checkpoint(self, signer: Self, root: &[u8; 32]) -> String {
        let shard = if self == Self::V2 { "" } else { " - 1" };
        let text = format!("{}{shard}\n3\n{}\n", self.host(), STANDARD.encode(root));
        let signature = [&signer.id()[..4], &signer.sign(text.as_bytes())].concat();
        format!(
            "{text}\n— {} {}\n",
            signer.host(),
            STANDARD.encode(signature)
        )
    }

    fn promise(self, body: &[u8], index: u64, time: i64) -> String {
        let body = STANDARD.encode(body);
        let id = hex::encode(self.id());
        let text = format!(
            r#"{{"body":"{body}","integratedTime":{time},"logID":"{id}","logIndex":{index}}}"#
        );
        STANDARD.encode(self.sign(text.as_bytes()))
    }
}

pub(crate) fn leaf(body: &[u8]) -> [u8; 32] {
    *Sha256::of(&[&[0], body].concat()).as_bytes()
}

pub(crate) fn node(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    *Sha256::of(&[&[1], &left[..], right].concat()).as_bytes()
}
