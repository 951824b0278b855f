//! One text file that proves one entry without a network (C2SP tlog-proof).

use std::fmt;

use crate::ENTRY_SIZE_MAX;
use crate::checkpoint::{Checkpoint, CheckpointRefused, SignedCheckpoint};
use crate::merkle::{BadProof, Hash, PROOF_LENGTH_MAX, leaf_hash, verify_inclusion};
use crate::note::{BadNote, NOTE_SIZE_MAX, VerifierKey};
use crate::text::{base64_decode, base64_encode, decimal};

/// The largest proof, in bytes: a note, an entry in base64, and the hashes.
pub const PROOF_SIZE_MAX: usize = NOTE_SIZE_MAX + (128 << 10);

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// A proof as it was read or made; nothing about it has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// What the author put beside the proof, not vouched for by it: here, the entry itself.
    pub extra: Option<Vec<u8>>,
    /// The entry's index in the log.
    pub index: u64,
    /// The hashes from the leaf's sibling up to the root's child.
    pub path: Vec<Hash>,
    /// The checkpoint that the path leads to.
    pub checkpoint: SignedCheckpoint,
}

/// Why bytes are no proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadProofFile {
    /// More than [`PROOF_SIZE_MAX`] bytes, or more hashes than any tree has levels.
    #[error("the proof is too large")]
    TooLarge,
    /// The first line is another.
    #[error("the file does not start with c2sp.org/tlog-proof@v1")]
    Header,
    /// The line of extra data is no base64.
    #[error("the extra data is malformed")]
    Extra,
    /// The line of the index is missing or no plain number.
    #[error("the index is missing or malformed")]
    Index,
    /// A line of the path is no hash, or no blank line ends it.
    #[error("the inclusion proof is malformed")]
    Path,
    /// What follows the path is no signed note.
    #[error("the checkpoint is malformed")]
    Checkpoint(#[source] BadNote),
}

/// Why a proof does not prove an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofRefused {
    /// The checkpoint is not accepted.
    #[error("the checkpoint is refused")]
    Checkpoint(#[source] CheckpointRefused),
    /// The entry does not stand at this index under the checkpoint's root.
    #[error("the entry does not stand at index {index} under the signed root")]
    Inclusion {
        /// The index that the proof names.
        index: u64,
        /// What is wrong with it.
        #[source]
        cause: BadProof,
    },
}

impl Proof {
    /// Reads a proof.
    ///
    /// # Errors
    /// [`BadProofFile`] when the bytes are no proof.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadProofFile> {
        if bytes.len() > PROOF_SIZE_MAX {
            return Err(BadProofFile::TooLarge);
        }
        let file = str::from_utf8(bytes).map_err(|_not_utf8| BadProofFile::Header)?;
        let (header, rest) = file.split_once('\n').ok_or(BadProofFile::Header)?;
        if header != HEADER {
            return Err(BadProofFile::Header);
        }
        let (extra, rest) = parse_extra(rest)?;
        let (index, rest) = rest.split_once('\n').ok_or(BadProofFile::Index)?;
        let index = index.strip_prefix("index ").and_then(decimal);
        let (path, checkpoint) = parse_path(rest)?;
        Ok(Self {
            extra,
            index: index.ok_or(BadProofFile::Index)?,
            path,
            checkpoint: SignedCheckpoint::parse(checkpoint.as_bytes())
                .map_err(BadProofFile::Checkpoint)?,
        })
    }

    /// Checks that `entry` stands in the log of `key` at the proof's index; returns the checkpoint
    /// that vouches for it.
    ///
    /// # Errors
    /// [`ProofRefused`] when it does not.
    pub fn verify(&self, entry: &[u8], key: &VerifierKey) -> Result<Checkpoint, ProofRefused> {
        let index = self.index;
        let checkpoint = self
            .checkpoint
            .verify(key)
            .map_err(ProofRefused::Checkpoint)?;
        verify_inclusion(
            &leaf_hash(entry),
            index,
            checkpoint.size(),
            &self.path,
            checkpoint.root(),
        )
        .map_err(|cause| ProofRefused::Inclusion { index, cause })?;
        Ok(checkpoint)
    }
}

/// Reads the optional second line; returns what follows it.
fn parse_extra(rest: &str) -> Result<(Option<Vec<u8>>, &str), BadProofFile> {
    let Some(extra) = rest.strip_prefix("extra ") else {
        return Ok((None, rest));
    };
    let (extra, rest) = extra.split_once('\n').ok_or(BadProofFile::Extra)?;
    let extra = base64_decode(extra, ENTRY_SIZE_MAX).ok_or(BadProofFile::Extra)?;
    Ok((Some(extra), rest))
}

/// Reads the hashes up to the blank line; returns what follows it.
fn parse_path(rest: &str) -> Result<(Vec<Hash>, &str), BadProofFile> {
    let mut path = Vec::new();
    let mut rest = rest;
    loop {
        let (line, after) = rest.split_once('\n').ok_or(BadProofFile::Path)?;
        if line.is_empty() {
            return Ok((path, after));
        }
        if path.len() >= PROOF_LENGTH_MAX {
            return Err(BadProofFile::TooLarge);
        }
        path.push(line.parse().map_err(|_no_hash| BadProofFile::Path)?);
        rest = after;
    }
}

/// The whole file.
impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", base64_encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.path
            .iter()
            .try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::tests::Leaves;
    use crate::merkle::{inclusion_proof, root};
    use crate::note::SigningKey;

    fn key() -> SigningKey {
        SigningKey::from_seed("log.example", &[7; 32]).unwrap()
    }

    /// A proof of entry 4 of the ten entries that are the numbers 0 to 9 in eight bytes.
    fn proof() -> Proof {
        let mut leaves = Leaves::numbered(10);
        let root = root(10, &mut leaves).unwrap();
        let checkpoint = Checkpoint::new(key().verifier_key(), 10, root);
        Proof {
            extra: Some(4_u64.to_be_bytes().to_vec()),
            index: 4,
            path: inclusion_proof(4, 10, &mut leaves).unwrap(),
            checkpoint: checkpoint.sign(&key()).unwrap(),
        }
    }

    #[test]
    fn a_proof_comes_back_and_verifies() {
        let read = Proof::parse(proof().to_string().as_bytes()).unwrap();
        assert_eq!(read, proof());
        let entry = read.extra.clone().unwrap();
        let checkpoint = read.verify(&entry, key().verifier_key()).unwrap();
        assert_eq!(checkpoint.size(), 10);
    }

    #[test]
    fn refuses_another_entry_another_index_and_another_key() {
        let proof = proof();
        let verifier = key();
        let verifier = verifier.verifier_key();
        let inclusion = |index, cause| Err(ProofRefused::Inclusion { index, cause });
        let entry = 4_u64.to_be_bytes();
        assert_eq!(
            proof.verify(b"another", verifier),
            inclusion(4, BadProof::Root)
        );
        let moved = Proof {
            index: 5,
            ..proof.clone()
        };
        assert_eq!(moved.verify(&entry, verifier), inclusion(5, BadProof::Root));
        let past = Proof {
            index: 10,
            ..proof.clone()
        };
        assert_eq!(
            past.verify(&entry, verifier),
            inclusion(10, BadProof::OutOfRange)
        );
        let other = SigningKey::from_seed("log.example", &[8; 32]).unwrap();
        assert!(matches!(
            proof.verify(&entry, other.verifier_key()),
            Err(ProofRefused::Checkpoint(_))
        ));
    }

    #[test]
    fn refuses_what_is_no_proof() {
        let good = proof().to_string();
        let hash = proof().path[0].to_string();
        for (text, why) in [
            (String::new(), BadProofFile::Header),
            (good.replace("@v1", "@v2"), BadProofFile::Header),
            (good.replace("extra ", "extra !"), BadProofFile::Extra),
            (good.replace("index 4", "index 04"), BadProofFile::Index),
            (good.replace("index 4\n", ""), BadProofFile::Index),
            (good.replace(&hash, &hash[..40]), BadProofFile::Path),
            (good.replace(&hash, &format!(" {hash}")), BadProofFile::Path),
            (
                good.replace(&hash, &format!("{hash}\n").repeat(66)),
                BadProofFile::TooLarge,
            ),
            (
                good.trim_end().to_owned(),
                BadProofFile::Checkpoint(BadNote::Shape),
            ),
        ] {
            assert_eq!(Proof::parse(text.as_bytes()), Err(why), "{text}");
        }
        let larger = vec![b'x'; PROOF_SIZE_MAX + 1];
        assert_eq!(Proof::parse(&larger), Err(BadProofFile::TooLarge));
    }
}
