//! Checkpoints: what a log says about its tree, as a signed note (C2SP).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::keys::Key;
use super::tree::Hash;

/// A checkpoint before it is signed.
pub(super) struct Checkpoint<'a> {
    /// The first line, which names the log.
    pub(super) origin: &'a str,
    pub(super) size: usize,
    pub(super) root: Hash,
}

/// Who signs a note.
pub(super) struct Signer<'a> {
    pub(super) name: &'a str,
    /// What the key is known by; its first four bytes stand in the note.
    pub(super) key_hash: [u8; 32],
}

impl Checkpoint<'_> {
    /// Returns the text that is signed.
    pub(super) fn text(&self) -> String {
        let root = STANDARD.encode(self.root);
        format!("{}\n{}\n{root}\n", self.origin, self.size)
    }
}

impl Signer<'_> {
    /// Returns the line with a signature.
    pub(super) fn line(&self, signature: &[u8]) -> String {
        let signature = STANDARD.encode([&self.key_hash[..4], signature].concat());
        format!("\u{2014} {} {signature}\n", self.name)
    }
}

/// Returns the line of a signer that the log does not know.
pub(super) fn stranger(text: &str) -> String {
    let signer = Signer {
        name: "witness.example.org",
        key_hash: [7; 32],
    };
    signer.line(&Key::foreign().sign(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_has_three_lines_and_a_signature() {
        let checkpoint = Checkpoint {
            origin: "log.example.org",
            size: 3,
            root: [0; 32],
        };
        assert_eq!(
            checkpoint.text(),
            "log.example.org\n3\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
        );
        let signer = Signer {
            name: "log.example.org",
            key_hash: [1; 32],
        };
        assert_eq!(signer.line(&[2, 3]), "\u{2014} log.example.org AQEBAQID\n");
    }
}
