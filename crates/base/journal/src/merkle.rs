//! The Merkle tree of RFC 6962 section 2.1 and RFC 9162 section 2.1: hashes, roots and proofs.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::text::{base64_decode, base64_encode};

/// The longest inclusion or consistency proof: one hash per level of a tree of 2^64 leaves, and one.
pub const PROOF_LENGTH_MAX: usize = 65;

/// A SHA-256 hash of the tree. Printed and parsed as base64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

/// A text that is no hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a hash is 32 bytes in base64")]
pub struct BadHash;

/// The complete subtree over the leaves from `index << level` on, 2^`level` of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    /// The height; 0 is a leaf.
    pub level: u8,
    /// The position among the subtrees of this height, from the left.
    pub index: u64,
}

/// Where the hashes of complete subtrees come from: tiles, or memory.
pub trait HashSource {
    /// Why a hash cannot be had.
    type Error;

    /// The hash of a complete subtree of the tree.
    ///
    /// # Errors
    /// Whatever keeps the source from having it.
    fn hash(&mut self, node: Node) -> Result<Hash, Self::Error>;
}

/// Why a proof is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadProof {
    /// The tree does not reach to the entry or to the older tree.
    #[error("the tree is too small for this proof")]
    OutOfRange,
    /// A proof between these positions has another number of hashes.
    #[error("the proof has too few or too many hashes")]
    Length,
    /// The hashes do not give the root.
    #[error("the hashes do not give the root")]
    Root,
}

/// The hash of a leaf (RFC 9162 section 2.1.1).
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Hash(
        Sha256::new_with_prefix([0])
            .chain_update(entry)
            .finalize()
            .into(),
    )
}

/// The hash over two subtrees (RFC 9162 section 2.1.1).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let hasher = Sha256::new_with_prefix([1]).chain_update(left.0);
    Hash(hasher.chain_update(right.0).finalize().into())
}

/// The root of the tree of the first `size` leaves.
///
/// # Errors
/// What `source` refuses with.
pub fn root<S: HashSource>(size: u64, source: &mut S) -> Result<Hash, S::Error> {
    subtree(0, size, source)
}

/// A tree that grows leaf by leaf, of which only the right edge is kept.
#[derive(Clone, Debug, Default)]
pub struct Frontier {
    size: u64,
    /// The roots of the complete subtrees, from the left; each is smaller than the one before it.
    roots: Vec<Hash>,
}

impl Frontier {
    /// How many leaves the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds the next leaf.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        // Each bit that carries joins two complete subtrees of one size.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.roots.pop() {
                hash = node_hash(&left, &hash);
            }
        }
        self.roots.push(hash);
        self.size = self.size.saturating_add(1);
    }

    /// The root of the tree as it is now.
    pub fn root(&self) -> Hash {
        let joined = self.roots.iter().rev().copied();
        let joined = joined.reduce(|right, left| node_hash(&left, &right));
        joined.unwrap_or_else(empty_root)
    }
}

/// The hashes from the leaf's sibling up to the root's child (RFC 9162 section 2.1.3.1).
///
/// Empty when the tree has no leaf `index`.
///
/// # Errors
/// What `source` refuses with.
pub fn inclusion_proof<S: HashSource>(
    index: u64,
    size: u64,
    source: &mut S,
) -> Result<Vec<Hash>, S::Error> {
    let mut proof = Vec::new();
    let (mut start, mut end) = (0, size);
    while let Some(middle) = split(start, end).filter(|_| index < size) {
        if index < middle {
            proof.push(subtree(middle, end, source)?);
            end = middle;
        } else {
            proof.push(subtree(start, middle, source)?);
            start = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// The hashes that show the tree of `older` leaves within that of `size` (RFC 9162 section 2.1.4.1).
///
/// Empty when one of them is no tree within the other.
///
/// # Errors
/// What `source` refuses with.
pub fn consistency_proof<S: HashSource>(
    older: u64,
    size: u64,
    source: &mut S,
) -> Result<Vec<Hash>, S::Error> {
    let mut proof = Vec::new();
    if older == 0 || older >= size {
        return Ok(proof);
    }
    let (mut start, mut end) = (0, size);
    while let Some(middle) = split(start, end).filter(|_| older != end) {
        if older <= middle {
            proof.push(subtree(middle, end, source)?);
            end = middle;
        } else {
            proof.push(subtree(start, middle, source)?);
            start = middle;
        }
    }
    // The verifier has the older root already when it is a subtree on the left edge.
    if start > 0 {
        proof.push(subtree(start, end, source)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Checks that `leaf` stands at `index` of the tree of `size` leaves under `root`
/// (RFC 9162 section 2.1.3.2).
///
/// # Errors
/// [`BadProof`] when it does not.
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), BadProof> {
    let mut last = size
        .checked_sub(1)
        .filter(|last| index <= *last)
        .ok_or(BadProof::OutOfRange)?;
    let (mut position, mut hash) = (index, *leaf);
    for sibling in proof {
        if last == 0 {
            return Err(BadProof::Length);
        }
        if is_odd(position) || position == last {
            hash = node_hash(sibling, &hash);
            skip_missing_siblings(&mut position, &mut last);
        } else {
            hash = node_hash(&hash, sibling);
        }
        (position, last) = (position >> 1, last >> 1);
    }
    match (last, hash == *root) {
        (0, true) => Ok(()),
        (0, false) => Err(BadProof::Root),
        _ => Err(BadProof::Length),
    }
}

/// Checks that the tree of `size` leaves under `root` grew out of that of `older` leaves under
/// `older_root` (RFC 9162 section 2.1.4.2).
///
/// # Errors
/// [`BadProof`] when it did not. From the empty tree every tree grows, without a proof.
pub fn verify_consistency(
    older: u64,
    older_root: &Hash,
    size: u64,
    root: &Hash,
    proof: &[Hash],
) -> Result<(), BadProof> {
    if older == 0 || older >= size {
        return verify_trivial_consistency(older, older_root, size, root, proof);
    }
    // Step 2: the older root itself is left out of the proof when its tree is complete.
    let (first, rest) = match proof.split_first() {
        _ if older.is_power_of_two() => (older_root, proof),
        Some(split) => split,
        None => return Err(BadProof::Length),
    };
    let (mut position, mut last) = (older.saturating_sub(1), size.saturating_sub(1));
    while is_odd(position) {
        (position, last) = (position >> 1, last >> 1);
    }
    let (mut older_hash, mut hash) = (*first, *first);
    for sibling in rest {
        if last == 0 {
            return Err(BadProof::Length);
        }
        if is_odd(position) || position == last {
            older_hash = node_hash(sibling, &older_hash);
            hash = node_hash(sibling, &hash);
            skip_missing_siblings(&mut position, &mut last);
        } else {
            hash = node_hash(&hash, sibling);
        }
        (position, last) = (position >> 1, last >> 1);
    }
    match (last, older_hash == *older_root && hash == *root) {
        (0, true) => Ok(()),
        (0, false) => Err(BadProof::Root),
        _ => Err(BadProof::Length),
    }
}

fn verify_trivial_consistency(
    older: u64,
    older_root: &Hash,
    size: u64,
    root: &Hash,
    proof: &[Hash],
) -> Result<(), BadProof> {
    if older > size {
        return Err(BadProof::OutOfRange);
    }
    if !proof.is_empty() {
        return Err(BadProof::Length);
    }
    let same = older_root == root;
    let grew_from_nothing = size > 0 && *older_root == empty_root();
    let holds = if older == size {
        same
    } else {
        grew_from_nothing
    };
    if holds { Ok(()) } else { Err(BadProof::Root) }
}

/// A right edge without a sibling rises until it is a right child (RFC 9162 section 2.1.3.2, 4.b.ii).
fn skip_missing_siblings(position: &mut u64, last: &mut u64) {
    while !is_odd(*position) && *position != 0 {
        *position >>= 1;
        *last >>= 1;
    }
}

fn is_odd(position: u64) -> bool {
    position & 1 == 1
}

/// The root of the tree without leaves.
fn empty_root() -> Hash {
    Hash(Sha256::digest([]).into())
}

/// Where RFC 9162 section 2.1.1 splits the leaves from `start` to `end`: at the largest power of
/// two below their number. `None` for fewer than two leaves.
fn split(start: u64, end: u64) -> Option<u64> {
    let before_last = end.checked_sub(start)?.checked_sub(2)?;
    start.checked_add(1 << before_last.saturating_add(1).ilog2())
}

/// The hash over the leaves from `start` to `end`, a range that [`split`] arrives at.
fn subtree<S: HashSource>(start: u64, end: u64, source: &mut S) -> Result<Hash, S::Error> {
    let mut complete = Vec::new();
    let mut start = start;
    while let Some(count) = end.checked_sub(start).filter(|count| *count > 0) {
        let level = count.ilog2();
        let node = Node {
            level: u8::try_from(level).unwrap_or(u8::MAX),
            index: start >> level,
        };
        complete.push(source.hash(node)?);
        start = start.saturating_add(1 << level);
    }
    let joined = complete.into_iter().rev();
    Ok(joined
        .reduce(|right, left| node_hash(&left, &right))
        .unwrap_or_else(empty_root))
}

impl FromStr for Hash {
    type Err = BadHash;

    fn from_str(text: &str) -> Result<Self, BadHash> {
        let bytes = base64_decode(text, 32).ok_or(BadHash)?;
        let bytes = <[u8; 32]>::try_from(bytes);
        bytes.map(Self).map_err(|_other_length| BadHash)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64_encode(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "an overflow fails the test")]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::convert::Infallible;

    /// Leaves in memory.
    pub(crate) struct Leaves(pub(crate) Vec<Hash>);

    impl Leaves {
        pub(crate) fn numbered(count: u64) -> Self {
            Self((0..count).map(|n| leaf_hash(&n.to_be_bytes())).collect())
        }
    }

    impl HashSource for Leaves {
        type Error = Infallible;

        fn hash(&mut self, node: Node) -> Result<Hash, Infallible> {
            let width = 1_usize << node.level;
            let start = usize::try_from(node.index).unwrap() * width;
            Ok(mth(&self.0[start..start + width]))
        }
    }

    /// MTH of RFC 9162 section 2.1.1, word for word.
    pub(crate) fn mth(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => empty_root(),
            [leaf] => *leaf,
            _ => {
                let k = leaves.len().next_power_of_two() / 2;
                node_hash(&mth(&leaves[..k]), &mth(&leaves[k..]))
            }
        }
    }

    #[test]
    fn a_tree_that_grows_has_the_root_of_its_leaves_at_every_size() {
        let leaves = Leaves::numbered(70).0;
        let mut growing = Frontier::default();
        for size in 0..leaves.len() {
            assert_eq!(growing.root(), mth(&leaves[..size]));
            assert_eq!(growing.size(), size as u64);
            growing.push(leaves[size]);
        }
    }

    fn get<T>(result: Result<T, Infallible>) -> T {
        result.unwrap()
    }

    /// The test vectors that Certificate Transparency implementations share (RFC 6962 trees of the
    /// eight leaves of `google/certificate-transparency`, `merkletree_test.cc`).
    #[test]
    fn gives_the_roots_of_certificate_transparency() {
        let leaves = [
            "",
            "00",
            "10",
            "2021",
            "3031",
            "40414243",
            "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        ];
        let mut leaves = Leaves(
            leaves
                .iter()
                .map(|hex| leaf_hash(&hex::decode(hex).unwrap()))
                .collect(),
        );
        for (size, expected) in [
            (
                0,
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            ),
            (
                1,
                "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            ),
            (
                2,
                "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            ),
            (
                3,
                "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            ),
            (
                4,
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ),
            (
                5,
                "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            ),
            (
                6,
                "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            ),
            (
                7,
                "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            ),
            (
                8,
                "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
            ),
        ] {
            assert_eq!(hex::encode(get(root(size, &mut leaves)).0), expected);
        }
    }

    #[test]
    fn every_leaf_of_every_small_tree_is_proved_and_only_there() {
        let mut leaves = Leaves::numbered(40);
        for size in 1..=40 {
            let root = get(root(size, &mut leaves));
            for index in 0..size {
                let leaf = leaves.0[usize::try_from(index).unwrap()];
                let proof = get(inclusion_proof(index, size, &mut leaves));
                assert_eq!(verify_inclusion(&leaf, index, size, &proof, &root), Ok(()));
                let wrong = (index + 1) % size;
                if wrong != index {
                    assert!(verify_inclusion(&leaf, wrong, size, &proof, &root).is_err());
                }
            }
        }
    }

    #[test]
    fn every_small_tree_is_shown_to_grow_out_of_every_smaller_one() {
        let mut leaves = Leaves::numbered(40);
        for size in 0..=40 {
            let new_root = get(root(size, &mut leaves));
            for older in 0..=size {
                let old_root = get(root(older, &mut leaves));
                let proof = get(consistency_proof(older, size, &mut leaves));
                let verified = verify_consistency(older, &old_root, size, &new_root, &proof);
                assert_eq!(verified, Ok(()), "{older} in {size}");
            }
        }
    }

    #[test]
    fn refuses_a_tree_that_forgot_an_entry() {
        let mut honest = Leaves::numbered(20);
        let old_root = get(root(13, &mut honest));
        honest.0.remove(4);
        let new_root = get(root(19, &mut honest));
        let proof = get(consistency_proof(13, 19, &mut honest));
        assert_eq!(
            verify_consistency(13, &old_root, 19, &new_root, &proof),
            Err(BadProof::Root)
        );
    }

    #[test]
    fn refuses_an_older_tree_that_is_larger() {
        let hash = leaf_hash(b"");
        assert_eq!(
            verify_consistency(2, &hash, 1, &hash, &[]),
            Err(BadProof::OutOfRange)
        );
        assert_eq!(
            verify_inclusion(&hash, 1, 1, &[], &hash),
            Err(BadProof::OutOfRange)
        );
        assert_eq!(
            verify_inclusion(&hash, 0, 0, &[], &hash),
            Err(BadProof::OutOfRange)
        );
    }

    #[test]
    fn refuses_another_root_of_the_same_size() {
        let (one, other) = (leaf_hash(b"1"), leaf_hash(b"2"));
        assert_eq!(verify_consistency(1, &one, 1, &one, &[]), Ok(()));
        assert_eq!(
            verify_consistency(1, &one, 1, &other, &[]),
            Err(BadProof::Root)
        );
        assert_eq!(
            verify_consistency(0, &one, 1, &one, &[]),
            Err(BadProof::Root)
        );
        assert_eq!(
            verify_consistency(0, &empty_root(), 1, &one, &[one]),
            Err(BadProof::Length)
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_changed_shortened_or_lengthened_inclusion_proof_is_refused(
            size in 2_u64..300, pick in any::<u64>(), place in any::<prop::sample::Index>(), bit in 0_u8..8,
        ) {
            let mut leaves = Leaves::numbered(size);
            let index = pick % size;
            let leaf = leaves.0[usize::try_from(index).unwrap()];
            let root = get(root(size, &mut leaves));
            let proof = get(inclusion_proof(index, size, &mut leaves));
            let refused = |proof: &[Hash]| verify_inclusion(&leaf, index, size, proof, &root).is_err();

            let mut changed = proof.clone();
            changed[place.index(proof.len())].0[7] ^= 1 << bit;
            prop_assert!(refused(&changed));
            prop_assert!(refused(&proof[1..]));
            prop_assert!(refused(&[&proof[..], &[root]].concat()));
        }

        #[test]
        fn a_changed_shortened_or_lengthened_consistency_proof_is_refused(
            size in 3_u64..300, pick in any::<u64>(), place in any::<prop::sample::Index>(), bit in 0_u8..8,
        ) {
            let mut leaves = Leaves::numbered(size);
            let older = 1 + pick % (size - 1);
            let (old_root, new_root) = (get(root(older, &mut leaves)), get(root(size, &mut leaves)));
            let proof = get(consistency_proof(older, size, &mut leaves));
            let refused = |proof: &[Hash]| verify_consistency(older, &old_root, size, &new_root, proof).is_err();

            let mut changed = proof.clone();
            changed[place.index(proof.len())].0[7] ^= 1 << bit;
            prop_assert!(refused(&changed));
            prop_assert!(refused(&proof[1..]));
            prop_assert!(refused(&[&proof[..], &[new_root]].concat()));
        }
    }
}
