//! A signed head of the tree (C2SP tlog-checkpoint): whose log, how many entries, which root.

use crate::merkle::Hash;
use crate::note::{BadNote, NoteRefused, SignedNote, SigningKey, VerifierKey};
use crate::text::decimal;

/// What a log says of its tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Hash,
}

/// A checkpoint as it was read; neither its signature nor its text has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint(SignedNote);

/// Why a checkpoint is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointRefused {
    /// The log's key did not sign it.
    #[error("the checkpoint's signature is refused")]
    Signature(#[source] NoteRefused),
    /// The text is not an origin, a size and a root.
    #[error("the checkpoint's text is not an origin, a size and a root")]
    Text,
    /// It is the checkpoint of another log than the key's.
    #[error("the checkpoint is that of another log")]
    Origin,
}

impl Checkpoint {
    /// The checkpoint of the log that `key` signs for: the key's name is the log's origin.
    pub fn new(key: &VerifierKey, size: u64, root: Hash) -> Self {
        Self {
            origin: key.name().to_owned(),
            size,
            root,
        }
    }

    /// Whose log it is.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How many entries the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root over all entries.
    pub fn root(&self) -> &Hash {
        &self.root
    }

    /// Signs the checkpoint. A log must never sign two that are inconsistent.
    ///
    /// # Errors
    /// [`BadNote`] when the origin cannot stand in a note.
    pub fn sign(&self, key: &SigningKey) -> Result<SignedCheckpoint, BadNote> {
        let text = format!("{}\n{}\n{}\n", self.origin, self.size, self.root);
        SignedNote::sign(text, key).map(SignedCheckpoint)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        // Extension lines are opaque, but not empty.
        if origin.is_empty() || lines.any(str::is_empty) {
            return None;
        }
        Some(Self {
            origin: origin.to_owned(),
            size: decimal(size)?,
            root: root.parse().ok()?,
        })
    }
}

impl SignedCheckpoint {
    /// Reads a checkpoint with all its signatures.
    ///
    /// # Errors
    /// [`BadNote`] when the bytes are no signed note.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadNote> {
        SignedNote::parse(bytes).map(Self)
    }

    /// What the checkpoint says, if the log of `key` signed it.
    ///
    /// # Errors
    /// [`CheckpointRefused`] when it did not, or when it is the checkpoint of another log.
    pub fn verify(&self, key: &VerifierKey) -> Result<Checkpoint, CheckpointRefused> {
        let text = self.0.verify(key).map_err(CheckpointRefused::Signature)?;
        let checkpoint = Checkpoint::parse(text).ok_or(CheckpointRefused::Text)?;
        let own = checkpoint.origin == key.name();
        own.then_some(checkpoint).ok_or(CheckpointRefused::Origin)
    }

    /// What the checkpoint says, whoever signed it; nothing when its text is no checkpoint's.
    pub fn unverified(&self) -> Option<Checkpoint> {
        Checkpoint::parse(self.0.unverified_text())
    }

    /// The note with all its signatures.
    pub fn note(&self) -> &SignedNote {
        &self.0
    }

    /// The note, to add a witness's signature to.
    pub fn note_mut(&mut self) -> &mut SignedNote {
        &mut self.0
    }
}

/// The whole note.
impl std::fmt::Display for SignedCheckpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::leaf_hash;

    fn key(name: &str) -> SigningKey {
        SigningKey::from_seed(name, &[7; 32]).unwrap()
    }

    fn signed(text: &str) -> SignedCheckpoint {
        SignedCheckpoint(SignedNote::sign(text.to_owned(), &key("log")).unwrap())
    }

    #[test]
    fn a_checkpoint_comes_back_and_verifies() {
        let key = key("log");
        let checkpoint = Checkpoint::new(key.verifier_key(), 12, leaf_hash(b"x"));
        let written = checkpoint.sign(&key).unwrap().to_string();
        let read = SignedCheckpoint::parse(written.as_bytes()).unwrap();
        assert_eq!(read.verify(key.verifier_key()), Ok(checkpoint));
    }

    #[test]
    fn refuses_a_text_that_is_no_checkpoint() {
        let root = leaf_hash(b"x");
        let verify = |text: &str| signed(text).verify(key("log").verifier_key());
        assert!(verify(&format!("log\n1\n{root}\nextension\n")).is_ok());
        for text in [
            "log\n".to_owned(),
            "log\n1\n".to_owned(),
            format!("\n1\n{root}\n"),
            format!("log\n01\n{root}\n"),
            format!("log\n-1\n{root}\n"),
            format!("log\n1\n{root}=\n"),
            "log\n1\nAAAA\n".to_owned(),
            format!("log\n1\n{root}\n\nx\n"),
        ] {
            assert_eq!(verify(&text), Err(CheckpointRefused::Text), "{text:?}");
        }
    }

    #[test]
    fn refuses_the_checkpoint_of_another_log() {
        let text = format!("other\n1\n{}\n", leaf_hash(b"x"));
        let refused = signed(&text).verify(key("log").verifier_key());
        assert_eq!(refused, Err(CheckpointRefused::Origin));
        let unsigned = signed(&text).verify(key("other").verifier_key());
        assert_eq!(
            unsigned,
            Err(CheckpointRefused::Signature(NoteRefused::Unsigned))
        );
    }
}
