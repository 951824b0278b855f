//! What a row of state is: a document in a table, found by its key.

use std::fmt;
use std::sync::Arc;

use ironroot_journal::SaltedDigest;

use crate::{Payload, StoreError};

/// The name of a table of rows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Table(&'static str);

impl Table {
    /// The table called `name`.
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The table's name.
    pub const fn name(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.0, f)
    }
}

/// A row that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The key, unique in its table.
    pub key: Box<str>,
    /// The document.
    pub value: Arc<[u8]>,
}

/// What became of one row: its new document, or nothing when the row was deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowWrite {
    /// The table.
    pub table: Table,
    /// The key, unique in its table.
    pub key: Box<str>,
    /// The new document; `None` when the row is gone.
    pub value: Option<Arc<[u8]>>,
}

/// Which keys of a table are meant; keys are ordered by their bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRange {
    prefix: String,
    first: String,
}

impl KeyRange {
    /// Every key.
    pub fn all() -> Self {
        Self::default()
    }

    /// The keys that start with `prefix`.
    pub fn prefix(prefix: &str) -> Self {
        Self {
            prefix: prefix.into(),
            first: prefix.into(),
        }
    }

    /// Of these keys, the ones after `key`: how to ask for the next page.
    #[must_use]
    pub fn after(mut self, key: &str) -> Self {
        // No text lies between a key and the key with a NUL behind it.
        self.first = self.first.max(format!("{key}\0"));
        self
    }

    /// The lowest key that may lie in the range.
    pub fn first(&self) -> &str {
        &self.first
    }

    /// Whether `key`, which is not below [`KeyRange::first`], lies in the range.
    ///
    /// Keys in order that start with a prefix stand side by side, so the first key outside ends a scan.
    pub fn reaches(&self, key: &str) -> bool {
        key.starts_with(&self.prefix)
    }
}

/// How rows and payloads are read while an entry is applied.
pub trait RowReader {
    /// The document of one row.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn row(&mut self, table: Table, key: &str) -> Result<Option<Arc<[u8]>>, StoreError>;

    /// The first `max` rows of `range`, in the order of their keys.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn rows(&mut self, table: Table, range: &KeyRange, max: usize) -> Result<Vec<Row>, StoreError>;

    /// The payload with this digest; `None` when it was erased or never kept.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn payload(&mut self, digest: &SaltedDigest) -> Result<Option<Payload>, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_left_at_the_first_key_without_the_prefix() {
        let range = KeyRange::prefix("cam-1/");
        assert_eq!(range.first(), "cam-1/");
        assert!(range.reaches("cam-1/a"));
        assert!(!range.reaches("cam-10"));
    }

    #[test]
    fn the_next_page_starts_right_after_the_last_key() {
        let range = KeyRange::prefix("a").after("ab");
        assert!(range.first() > "ab" && range.first() < "ab\u{1}");
        assert_eq!(KeyRange::prefix("b").after("a").first(), "b");
    }
}
