//! Whether an entry is proved: four checks, each with what it rests on.

use ironroot_journal::checkpoint::Checkpoint;
use ironroot_journal::merkle::{Hash, leaf_hash, verify_consistency, verify_inclusion};
use ironroot_journal::proof::Proof;

use crate::{NotShown, Views};

/// What checking an entry against the signed log has shown.
#[derive(Clone, Debug)]
pub struct Proved {
    /// The entry's bytes and the hashes beside it give the root.
    pub under_root: bool,
    /// The log's key has signed that root.
    pub signed: bool,
    /// Names of others who have signed it too.
    pub witnesses: Vec<String>,
    /// The tree has grown from the one that this hub found when it started, and how large that was.
    pub grown: Option<Grown>,
    /// How many entries the root covers.
    pub size: u64,
    /// The hashes beside the entry, from its leaf up.
    pub path: Vec<Neighbour>,
    /// The signed note.
    pub note: String,
    /// The proof as a text file (C2SP tlog-proof).
    pub file: String,
}

/// A hash that the way from an entry up to the root meets.
#[derive(Clone, Debug)]
pub struct Neighbour {
    /// Whether it lies to the right of the way.
    pub right: bool,
    /// The hash, in hexadecimal.
    pub hash: String,
}

/// A tree that was there before, and whether the present one holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grown {
    /// How many entries it had.
    pub from: u64,
    /// Whether the present tree begins with it.
    pub holds: bool,
}

impl Views {
    /// Checks one entry, as the database has it, against the log on disk.
    ///
    /// # Errors
    /// [`NotShown`] when the entry is not there, or not signed yet.
    pub async fn proved(&self, index: u64) -> Result<Proved, NotShown> {
        let entry = self.recorded(index).await?;
        let entry = entry.ok_or_else(|| crate::journal::unknown(index))?;
        let file = self.proof(index).await?.proof;
        let proof = Proof::parse(file.as_bytes()).map_err(NotShown::BadProof)?;
        let key = self.log.key();
        let note = proof.checkpoint.to_string();
        let signed = proof.checkpoint.verify(key).ok();
        let claimed = signed.clone().or_else(|| proof.checkpoint.unverified());
        let leaf = leaf_hash(entry.bytes());
        let under_root = claimed.as_ref().is_some_and(|checkpoint| {
            let (size, root) = (checkpoint.size(), checkpoint.root());
            verify_inclusion(&leaf, index, size, &proof.path, root).is_ok()
        });
        let size = claimed.as_ref().map_or(0, Checkpoint::size);
        let others = proof.checkpoint.note().signatures().iter();
        let others = others.filter(|signature| signature.name() != key.name());
        let grown = match claimed.as_ref().zip(self.log.first()) {
            None => None,
            Some((now, (from, root))) => {
                let path = self.log.consistency(from, now.size()).await?;
                let grown = verify_consistency(from, &root, now.size(), now.root(), &path);
                Some(Grown {
                    from,
                    holds: grown.is_ok(),
                })
            }
        };
        Ok(Proved {
            under_root,
            signed: signed.is_some(),
            witnesses: others
                .map(|signature| signature.name().to_owned())
                .collect(),
            grown,
            size,
            path: neighbours(index, size, &proof.path),
            note,
            file,
        })
    }
}

/// On which side of the way each hash lies (RFC 9162 section 2.1.3.2).
fn neighbours(index: u64, size: u64, path: &[Hash]) -> Vec<Neighbour> {
    let (mut position, mut last) = (index, size.saturating_sub(1));
    let mut all = Vec::with_capacity(path.len());
    for hash in path {
        let left = position & 1 == 1 || position == last;
        if left {
            while position & 1 == 0 && position != 0 {
                (position, last) = (position >> 1, last >> 1);
            }
        }
        (position, last) = (position >> 1, last >> 1);
        all.push(Neighbour {
            right: !left,
            hash: hex::encode(hash.0),
        });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sides_of_a_way_are_those_of_the_tree() {
        // Seven leaves (RFC 9162 section 2.1.5): the audit path of leaf 6 has two hashes, both to its left;
        // that of leaf 0 has three, all to its right.
        let hashes = [Hash([0; 32]); 3];
        let sides = |index, count: usize| {
            let path = hashes.get(..count).unwrap();
            neighbours(index, 7, path)
                .iter()
                .map(|found| found.right)
                .collect::<Vec<_>>()
        };
        assert_eq!(sides(6, 2), [false, false]);
        assert_eq!(sides(0, 3), [true, true, true]);
        assert_eq!(sides(3, 3), [false, false, true]);
    }
}
