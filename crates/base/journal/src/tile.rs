//! Tiles: runs of up to 256 hashes or entries, each a file of its own (C2SP tlog-tiles).

use std::fmt;
use std::str::FromStr;

use crate::ENTRY_SIZE_MAX;
use crate::merkle::{Hash, HashSource, Node, node_hash};
use crate::text::decimal;

/// How many hashes or entries a full tile holds.
pub const TILE_WIDTH: u16 = 256;

/// How many levels of the tree a tile of hashes spans.
const TILE_HEIGHT: u8 = 8;

/// The highest level of tiles that a path can name.
const LEVEL_MAX: u8 = 63;

/// The largest index of a tile: the leaves below it are numbered in 64 bits.
const INDEX_MAX: u64 = (1 << 56) - 1;

/// A tile's name. Printed and parsed as its path: `tile/0/x001/x234/067.p/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    content: Content,
    index: u64,
    width: u16,
}

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Content {
    /// Hashes of subtrees of 256^`level` leaves.
    Hashes {
        /// The level, from 0 for the leaves.
        level: u8,
    },
    /// The entries themselves: an entry bundle.
    Entries,
}

/// Why a text or numbers name no tile, or bytes hold none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadTile {
    /// The level, index or width is out of range.
    #[error("no tile has this level, index or width")]
    OutOfRange,
    /// The text is no path of a tile.
    #[error("the text is no path of a tile")]
    Path,
    /// The bytes are too few or too many for the tile's width.
    #[error("the tile has {size} bytes, which does not fit its width")]
    Size {
        /// How many bytes there are.
        size: usize,
    },
    /// An entry is too large for a bundle.
    #[error("an entry of {size} bytes is too large for a bundle")]
    EntrySize {
        /// The entry's size in bytes.
        size: usize,
    },
}

impl Tile {
    /// The tile at `index` of its level that is `width` hashes or entries wide, from 1 to 256.
    ///
    /// # Errors
    /// [`BadTile::OutOfRange`] when there is none.
    pub fn new(content: Content, index: u64, width: u16) -> Result<Self, BadTile> {
        let level_exists = match content {
            Content::Hashes { level } => level <= LEVEL_MAX,
            Content::Entries => true,
        };
        if !level_exists || index > INDEX_MAX || !(1..=TILE_WIDTH).contains(&width) {
            return Err(BadTile::OutOfRange);
        }
        Ok(Self {
            content,
            index,
            width,
        })
    }

    /// The tile at `index` as wide as it is in a tree of `size` leaves; `None` when it is not there.
    pub fn within(content: Content, index: u64, size: u64) -> Option<Self> {
        let before = index.checked_mul(u64::from(TILE_WIDTH))?;
        let available = level_width(content, size).checked_sub(before)?;
        let width = available.min(u64::from(TILE_WIDTH));
        Self::new(content, index, u16::try_from(width).ok()?).ok()
    }

    /// The tile that is not full yet at the right edge of a tree of `size` leaves, if there is one.
    pub fn partial(content: Content, size: u64) -> Option<Self> {
        let index = level_width(content, size) >> TILE_HEIGHT;
        Self::within(content, index, size)
    }

    /// What it holds.
    pub fn content(&self) -> Content {
        self.content
    }

    /// Its position within its level, from 0.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes or entries it holds, from 1 to 256.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Whether it is as wide as a tile can be.
    pub fn is_full(&self) -> bool {
        self.width == TILE_WIDTH
    }

    /// The position within its level of the first hash or entry.
    pub fn first(&self) -> u64 {
        self.index.saturating_mul(u64::from(TILE_WIDTH))
    }

    /// The path of the full tile at this place, which may or may not be there yet.
    pub fn full_path(&self) -> String {
        let mut path = match self.content {
            Content::Hashes { level } => format!("tile/{level}"),
            Content::Entries => "tile/entries".to_owned(),
        };
        // Zero-padded groups of three digits, all but the last behind an `x`.
        let digits = format!("{:03}", self.index);
        let digits = format!(
            "{digits:0>width$}",
            width = digits.len().next_multiple_of(3)
        );
        let mut groups = digits.as_bytes().chunks(3).peekable();
        while let Some(group) = groups.next() {
            path.push_str(if groups.peek().is_some() { "/x" } else { "/" });
            path.extend(group.iter().map(|digit| char::from(*digit)));
        }
        path
    }
}

/// How many hashes or entries a tree of `size` leaves has at a level of tiles.
fn level_width(content: Content, size: u64) -> u64 {
    match content {
        Content::Hashes { level } => u32::from(level)
            .checked_mul(u32::from(TILE_HEIGHT))
            .and_then(|shift| size.checked_shr(shift))
            .unwrap_or(0),
        Content::Entries => size,
    }
}

/// The tiles of a tree of `size` leaves that are not in the tree of `older` leaves: new ones, and
/// those that grew.
pub fn tiles_since(older: u64, size: u64) -> impl Iterator<Item = Tile> {
    let hashes = (0..TILE_HEIGHT).map(|level| Content::Hashes { level });
    hashes
        .chain([Content::Entries])
        .flat_map(move |content| level_tiles_since(content, older, size))
}

fn level_tiles_since(content: Content, older: u64, size: u64) -> impl Iterator<Item = Tile> {
    let (older, width) = (level_width(content, older), level_width(content, size));
    let indices = older >> TILE_HEIGHT..width.div_ceil(u64::from(TILE_WIDTH));
    let indices = indices.filter(move |_| width > older);
    indices.filter_map(move |index| Tile::within(content, index, size))
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.full_path())?;
        if self.is_full() {
            return Ok(());
        }
        write!(f, ".p/{}", self.width)
    }
}

impl FromStr for Tile {
    type Err = BadTile;

    fn from_str(path: &str) -> Result<Self, BadTile> {
        let place = path.strip_prefix("tile/").ok_or(BadTile::Path)?;
        let (level, place) = place.split_once('/').ok_or(BadTile::Path)?;
        let content = match level {
            "entries" => Content::Entries,
            level => {
                let level = decimal(level).ok_or(BadTile::Path)?;
                let level = u8::try_from(level).map_err(|_too_high| BadTile::OutOfRange)?;
                Content::Hashes { level }
            }
        };
        let (index, width) = match place.split_once(".p/") {
            Some((index, width)) => (index, partial_width(width)?),
            None => (place, TILE_WIDTH),
        };
        let tile = Self::new(content, parse_index(index)?, width)?;
        // Each tile has one path: what prints differently was none, `x000/001` for example.
        let canonical = tile.to_string() == path;
        canonical.then_some(tile).ok_or(BadTile::Path)
    }
}

fn partial_width(text: &str) -> Result<u16, BadTile> {
    let width = decimal(text).ok_or(BadTile::Path)?;
    u16::try_from(width)
        .ok()
        .filter(|width| *width < TILE_WIDTH)
        .ok_or(BadTile::OutOfRange)
}

fn parse_index(text: &str) -> Result<u64, BadTile> {
    let mut index = 0_u64;
    for group in text.split('/') {
        let digits = group.strip_prefix('x').unwrap_or(group);
        if digits.len() != 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(BadTile::Path);
        }
        let digits: u64 = digits.parse().map_err(|_no_number| BadTile::Path)?;
        index = index
            .checked_mul(1_000)
            .and_then(|index| index.checked_add(digits))
            .ok_or(BadTile::OutOfRange)?;
    }
    Ok(index)
}

/// The bytes of a tile of hashes.
pub fn encode_hashes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// The hashes of a tile.
///
/// # Errors
/// [`BadTile::Size`] when there are not `width` of them exactly.
pub fn decode_hashes(bytes: &[u8], width: u16) -> Result<Vec<Hash>, BadTile> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    if !rest.is_empty() || hashes.len() != usize::from(width) {
        return Err(BadTile::Size { size: bytes.len() });
    }
    Ok(hashes.iter().copied().map(Hash).collect())
}

/// The bytes of an entry bundle: each entry behind its length in two bytes, big-endian.
///
/// # Errors
/// [`BadTile::EntrySize`] when an entry has more than [`ENTRY_SIZE_MAX`] bytes.
pub fn encode_entries<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, BadTile> {
    let mut bundle = Vec::new();
    for entry in entries {
        let size = entry.len();
        let length = u16::try_from(size).map_err(|_over_max| BadTile::EntrySize { size })?;
        bundle.extend(length.to_be_bytes());
        bundle.extend(entry);
    }
    Ok(bundle)
}

/// The entries of a bundle.
///
/// # Errors
/// [`BadTile::Size`] when there are not `width` of them exactly.
pub fn decode_entries(bytes: &[u8], width: u16) -> Result<Vec<&[u8]>, BadTile> {
    let bad = BadTile::Size { size: bytes.len() };
    let mut entries = Vec::with_capacity(width.min(TILE_WIDTH).into());
    let mut rest = bytes;
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length));
        let (entry, after) = after.split_at_checked(length).ok_or(bad)?;
        entries.push(entry);
        rest = after;
        if entries.len() > usize::from(width) {
            return Err(bad);
        }
    }
    let whole = rest.is_empty() && entries.len() == usize::from(width);
    whole.then_some(entries).ok_or(bad)
}

/// The largest entry bundle, in bytes.
pub const BUNDLE_SIZE_MAX: usize = (ENTRY_SIZE_MAX + 2) * TILE_WIDTH as usize;

/// Where the hashes of tiles come from.
pub trait TileSource {
    /// Why a tile cannot be had.
    type Error;

    /// The hashes of a tile, as many as it is wide.
    ///
    /// # Errors
    /// Whatever keeps the source from having it.
    fn tile(&mut self, tile: Tile) -> Result<Vec<Hash>, Self::Error>;
}

/// A tree of a given size whose hashes are read from tiles. It remembers the last tile it read.
#[derive(Debug)]
pub struct TiledTree<S> {
    size: u64,
    source: S,
    last: Option<(Tile, Vec<Hash>)>,
}

impl<S: TileSource> TiledTree<S> {
    /// The tree of `size` leaves over the tiles of `source`.
    pub fn new(size: u64, source: S) -> Self {
        let last = None;
        Self { size, source, last }
    }

    fn read(&mut self, tile: Tile) -> Result<&[Hash], S::Error> {
        let hashes = match self.last.take() {
            Some((held, hashes)) if held == tile => hashes,
            Some(_) | None => self.source.tile(tile)?,
        };
        Ok(&self.last.insert((tile, hashes)).1)
    }
}

/// Why a tiled tree does not have a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TiledTreeError<E> {
    /// The tree is too small to have this subtree.
    #[error("the tree has no such subtree")]
    OutOfRange,
    /// The tile cannot be had.
    #[error("a tile of the tree cannot be had")]
    Source(#[source] E),
}

impl<S: TileSource> HashSource for TiledTree<S> {
    type Error = TiledTreeError<S::Error>;

    fn hash(&mut self, node: Node) -> Result<Hash, Self::Error> {
        // A subtree lies within one tile: at level L = level / 8, as 2^(level % 8) of its hashes.
        let (level, height) = (node.level / TILE_HEIGHT, node.level % TILE_HEIGHT);
        let first = node
            .index
            .checked_mul(1 << height)
            .ok_or(TiledTreeError::OutOfRange)?;
        let tile = Tile::within(Content::Hashes { level }, first >> TILE_HEIGHT, self.size)
            .ok_or(TiledTreeError::OutOfRange)?;
        let hashes = self.read(tile).map_err(TiledTreeError::Source)?;
        let start = usize::try_from(first & 0xff).unwrap_or(usize::MAX);
        let subtree = hashes.get(start..).and_then(|from| from.get(..1 << height));
        let subtree = subtree.ok_or(TiledTreeError::OutOfRange)?;
        complete_root(subtree).ok_or(TiledTreeError::OutOfRange)
    }
}

/// The root over a power of two of hashes.
pub fn complete_root(hashes: &[Hash]) -> Option<Hash> {
    match hashes {
        [] => None,
        [root] => Some(*root),
        hashes => {
            let (pairs, odd) = hashes.as_chunks::<2>();
            let above: Vec<_> = pairs
                .iter()
                .map(|[left, right]| node_hash(left, right))
                .collect();
            odd.is_empty().then(|| complete_root(&above))?
        }
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "an overflow fails the test")]
mod tests {
    use super::*;
    use crate::merkle::tests::Leaves;
    use crate::merkle::{inclusion_proof, leaf_hash, root};

    fn hashes(level: u8, index: u64, width: u16) -> Result<Tile, BadTile> {
        Tile::new(Content::Hashes { level }, index, width)
    }

    #[test]
    fn a_path_comes_back_as_the_same_tile() {
        for (tile, path) in [
            (hashes(0, 0, 256), "tile/0/000"),
            (hashes(0, 1_234_067, 256), "tile/0/x001/x234/067"),
            (hashes(63, 999, 1), "tile/63/999.p/1"),
            (hashes(1, 1_000, 255), "tile/1/x001/000.p/255"),
            (Tile::new(Content::Entries, 67, 8), "tile/entries/067.p/8"),
        ] {
            assert_eq!(tile.unwrap().to_string(), path);
            assert_eq!(path.parse(), tile);
        }
    }

    #[test]
    fn refuses_every_other_path() {
        for path in [
            "",
            "tile/0",
            "tile/0/",
            "tile/0/1",
            "tile/0/0001",
            "tile/0/x000/001",
            "tile/0/001/002",
            "tile/0/x001",
            "tile/00/001",
            "tile/64/001",
            "tile/300/001",
            "tile/0/001.p/0",
            "tile/0/001.p/01",
            "tile/0/001.p/256",
            "tile/0/001.p/70000",
            "tile/0/../001",
            "tile/entries/+01",
            "/tile/0/001",
            "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
        ] {
            assert!(path.parse::<Tile>().is_err(), "{path}");
        }
    }

    /// The example of C2SP tlog-tiles, "Partial Tiles".
    #[test]
    fn a_tree_of_seventy_thousand_has_the_tiles_that_the_standard_counts() {
        let tiles: Vec<_> = tiles_since(0, 70_000).collect();
        let count = |level, width: u16| {
            let content = Content::Hashes { level };
            let of_level = tiles.iter().filter(|tile| tile.content() == content);
            of_level.filter(|tile| tile.width() == width).count()
        };
        assert_eq!((count(0, 256), count(0, 112)), (273, 1));
        assert_eq!((count(1, 256), count(1, 17)), (1, 1));
        assert_eq!(count(2, 1), 1);
        assert_eq!(tiles.len(), 273 + 1 + 1 + 1 + 1 + 273 + 1);
        let of_256: Vec<_> = tiles_since(0, 256).map(|tile| tile.to_string()).collect();
        assert_eq!(of_256, ["tile/0/000", "tile/1/000.p/1", "tile/entries/000"]);
    }

    #[test]
    fn growth_touches_the_tiles_on_the_right_edge_alone() {
        let since = |older, size| -> Vec<_> {
            tiles_since(older, size)
                .map(|tile| tile.to_string())
                .collect()
        };
        assert_eq!(since(256, 257), ["tile/0/001.p/1", "tile/entries/001.p/1"]);
        assert_eq!(
            since(511, 513),
            [
                "tile/0/001",
                "tile/0/002.p/1",
                "tile/1/000.p/2",
                "tile/entries/001",
                "tile/entries/002.p/1"
            ]
        );
        assert!(since(513, 513).is_empty() && since(513, 300).is_empty());
        let partial = |size| Tile::partial(Content::Entries, size).map(|tile| tile.to_string());
        assert_eq!(partial(513).as_deref(), Some("tile/entries/002.p/1"));
        assert_eq!(partial(512), None);
    }

    #[test]
    fn a_bundle_comes_back_as_its_entries() {
        let largest = vec![b'x'; ENTRY_SIZE_MAX];
        let entries = [b"one".as_slice(), b"", &largest];
        let bundle = encode_entries(entries).unwrap();
        assert_eq!(decode_entries(&bundle, 3).unwrap(), entries);
        let size = ENTRY_SIZE_MAX + 1;
        let larger = vec![b'x'; size];
        assert_eq!(
            encode_entries([larger.as_slice()]),
            Err(BadTile::EntrySize { size })
        );
    }

    #[test]
    fn refuses_a_bundle_of_another_width_or_cut_short() {
        let bundle = encode_entries([b"one".as_slice(), b"two"]).unwrap();
        for (bytes, width) in [
            (&bundle[..], 1),
            (&bundle, 3),
            (&bundle[..9], 2),
            (&bundle[..6], 2),
        ] {
            let size = bytes.len();
            assert_eq!(decode_entries(bytes, width), Err(BadTile::Size { size }));
        }
    }

    #[test]
    fn refuses_a_tile_of_another_width_or_cut_short() {
        let bytes = encode_hashes(&[leaf_hash(b"1"), leaf_hash(b"2")]);
        assert!(decode_hashes(&bytes, 2).is_ok());
        for (bytes, width) in [(&bytes[..], 1), (&bytes, 3), (&bytes[..63], 2)] {
            assert_eq!(
                decode_hashes(bytes, width),
                Err(BadTile::Size { size: bytes.len() })
            );
        }
    }

    /// Tiles computed from leaves in memory.
    struct Tiles(Leaves);

    impl TileSource for Tiles {
        type Error = std::convert::Infallible;

        fn tile(&mut self, tile: Tile) -> Result<Vec<Hash>, Self::Error> {
            let Content::Hashes { level } = tile.content() else {
                panic!("{tile} holds no hashes");
            };
            let nodes = tile.first()..tile.first() + u64::from(tile.width());
            let level = level * TILE_HEIGHT;
            nodes
                .map(|index| self.0.hash(Node { level, index }))
                .collect()
        }
    }

    #[test]
    fn a_tiled_tree_gives_the_same_root_and_proofs() {
        for size in [1, 2, 255, 256, 257, 700] {
            let mut leaves = Leaves::numbered(size);
            let mut tiled = TiledTree::new(size, Tiles(Leaves::numbered(size)));
            assert_eq!(
                root(size, &mut tiled).unwrap(),
                root(size, &mut leaves).unwrap()
            );
            for index in [0, size / 2, size - 1] {
                assert_eq!(
                    inclusion_proof(index, size, &mut tiled).unwrap(),
                    inclusion_proof(index, size, &mut leaves).unwrap()
                );
            }
        }
    }

    #[test]
    fn a_tiled_tree_reaches_the_third_level_of_tiles() {
        let size = 65_537;
        let mut leaves = Leaves::numbered(size);
        let expected = root(size, &mut leaves).unwrap();
        let mut tiled = TiledTree::new(size, Tiles(leaves));
        assert_eq!(root(size, &mut tiled).unwrap(), expected);
    }

    #[test]
    fn a_tiled_tree_refuses_a_subtree_past_its_edge() {
        let mut tiled = TiledTree::new(300, Tiles(Leaves::numbered(300)));
        for node in [
            Node {
                level: 0,
                index: 300,
            },
            Node {
                level: 3,
                index: 37,
            },
            Node { level: 9, index: 0 },
            Node {
                level: 255,
                index: u64::MAX,
            },
        ] {
            assert!(
                matches!(tiled.hash(node), Err(TiledTreeError::OutOfRange)),
                "{node:?}"
            );
        }
    }
}
