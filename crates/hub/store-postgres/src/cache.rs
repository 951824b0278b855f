//! The rows that the writer has seen or written: while it holds the pen, nobody else changes them.

use std::collections::HashMap;
use std::sync::Arc;

use ironroot_journal::SaltedDigest;
use ironroot_store::{KeyRange, Payload, Row, RowReader, RowWrite, StoreError, Table};

use crate::reading::Stored;

/// The most bytes of rows that are kept; past it the cache begins anew.
const SIZE_MAX: usize = 64 << 20;

/// What a row costs beside its bytes, roughly.
const ROW_SIZE: usize = 128;

/// Rows as they are in the database, and which are not there.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    rows: HashMap<(Table, Box<str>), Value>,
    size: usize,
}

/// A document, or that there is none.
type Value = Option<Arc<[u8]>>;

impl Cache {
    /// Takes note of rows that are durable.
    pub(crate) fn take(&mut self, rows: &[RowWrite]) {
        for row in rows {
            self.keep(row.table, row.key.clone(), row.value.clone());
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    fn keep(&mut self, table: Table, key: Box<str>, value: Value) {
        let size = |value: &Value| value.as_ref().map_or(0, |value| value.len());
        if self.size > SIZE_MAX {
            self.clear();
        }
        let (new, key_size) = (size(&value), key.len() + ROW_SIZE);
        match self.rows.insert((table, key), value) {
            Some(old) => self.size = self.size - size(&old) + new,
            None => self.size += key_size + new,
        }
    }
}

/// The database's rows, the ones in the cache without asking.
pub(crate) struct Cached<'c> {
    pub(crate) stored: Stored<'c>,
    pub(crate) cache: &'c mut Cache,
}

impl RowReader for Cached<'_> {
    fn row(&mut self, table: Table, key: &str) -> Result<Option<Arc<[u8]>>, StoreError> {
        let name = (table, key.into());
        if let Some(value) = self.cache.rows.get(&name) {
            return Ok(value.clone());
        }
        let value = self.stored.row(table, key)?;
        self.cache.keep(table, name.1, value.clone());
        Ok(value)
    }

    fn rows(&mut self, table: Table, range: &KeyRange, max: usize) -> Result<Vec<Row>, StoreError> {
        self.stored.rows(table, range, max)
    }

    fn payload(&mut self, digest: &SaltedDigest) -> Result<Option<Payload>, StoreError> {
        self.stored.payload(digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Table = Table::new("t");

    #[test]
    fn a_cache_that_is_full_begins_anew() {
        let mut cache = Cache::default();
        let row = |n: usize| RowWrite {
            table: T,
            key: n.to_string().into(),
            value: Some(vec![0; 1 << 20].into()),
        };
        for n in 0..66 {
            cache.take(&[row(n)]);
        }
        assert!(cache.size < SIZE_MAX / 2, "{}", cache.size);
        assert_eq!(cache.rows.len(), 2);
    }

    #[test]
    fn a_row_that_is_replaced_counts_once() {
        let mut cache = Cache::default();
        let row = |size: usize| RowWrite {
            table: T,
            key: "k".into(),
            value: (size > 0).then(|| vec![0; size].into()),
        };
        cache.take(&[row(10), row(20), row(0)]);
        assert_eq!(cache.size, 1 + ROW_SIZE);
    }
}
