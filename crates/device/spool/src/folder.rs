//! The files of a spool: one segment per range of numbers, named by the first of them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A segment as far as its name and its length say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    /// The first number that stands in it.
    pub(crate) first: u64,
    /// Its length in bytes.
    pub(crate) bytes: u64,
}

/// What every segment begins with.
pub(crate) const MAGIC: &[u8] = b"IRSPOOL1";

/// Where a segment lies.
pub(crate) fn path(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("{first:020}.{EXTENSION}"))
}

/// Every segment in the order of its numbers; whatever else lies there is passed over.
pub(crate) fn segments(folder: &Path) -> io::Result<Vec<Segment>> {
    let mut segments = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let first = name
            .to_str()
            .and_then(|name| name.strip_suffix(EXTENSION)?.strip_suffix('.'))
            .filter(|digits| digits.len() == DIGITS && digits.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok());
        if let Some(first) = first {
            let bytes = entry.metadata()?.len();
            segments.push(Segment { first, bytes });
        }
    }
    segments.sort_by_key(|segment| segment.first);
    Ok(segments)
}

/// Begins a segment in place of whatever has its name.
pub(crate) fn create(folder: &Path, first: u64) -> io::Result<File> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(path(folder, first))?;
    file.write_all(MAGIC)?;
    File::open(folder)?.sync_all()?;
    Ok(file)
}

/// Gives a segment its name and nothing in it: that takes no room on a full disk.
pub(crate) fn reserve(folder: &Path, first: u64) -> io::Result<()> {
    File::create(path(folder, first))?;
    File::open(folder)?.sync_all()
}

/// Opens a segment; the last one is written to as well.
pub(crate) fn open(folder: &Path, first: u64) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .open(path(folder, first))
}

const EXTENSION: &str = "spool";
const DIGITS: usize = 20;
