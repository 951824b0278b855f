//! The rows, held by the writer: while it has the pen, nobody else changes them.

use std::collections::HashMap;
use std::sync::Arc;

use ironroot_journal::SaltedDigest;
use ironroot_store::{KeyRange, Payload, Row, RowReader, RowWrite, StoreError, Table};

use crate::reading::Stored;

/// The most bytes of rows that are held; past it the cache begins anew and holds what is asked for.
const SIZE_MAX: usize = 256 << 20;

/// What a row costs beside its bytes, roughly.
const ROW_SIZE: usize = 128;

/// Rows as they are in the database, and which are known not to be there.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    /// By table and key.
    rows: HashMap<Box<str>, HashMap<Box<str>, Value>>,
    size: usize,
    /// Whether every row is here: then one that is not is nowhere.
    whole: bool,
}

/// A document, or that there is none.
type Value = Option<Arc<[u8]>>;

impl Cache {
    /// All rows of `stored`, if they are not too many: then no commit has to ask for one.
    pub(crate) fn load(stored: Stored<'_>) -> Result<Self, StoreError> {
        let mut cache = Self {
            whole: true,
            ..Self::default()
        };
        for row in stored.every_row() {
            let row = row?;
            cache.keep(&row.table, row.key, Some(row.value.into()));
            if !cache.whole {
                break;
            }
        }
        Ok(cache)
    }

    /// Takes note of rows that are durable.
    pub(crate) fn take(&mut self, rows: &[RowWrite]) {
        for row in rows {
            self.keep(row.table.name(), row.key.clone(), row.value.clone());
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// What is known of a row, if anything is.
    fn find(&self, table: Table, key: &str) -> Option<Value> {
        let rows = self.rows.get(table.name());
        let known = rows.and_then(|rows| rows.get(key)).cloned();
        known.or(self.whole.then_some(None))
    }

    fn keep(&mut self, table: &str, key: Box<str>, value: Value) {
        if self.size > SIZE_MAX {
            self.clear();
        }
        let size = |value: &Value| value.as_ref().map_or(0, |value| value.len());
        let (new, key_size) = (size(&value), key.len() + ROW_SIZE);
        let rows = self.rows.entry(table.into()).or_default();
        match rows.insert(key, value) {
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
        if let Some(value) = self.cache.find(table, key) {
            return Ok(value);
        }
        let value = self.stored.row(table, key)?;
        self.cache.keep(table.name(), key.into(), value.clone());
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
    fn a_cache_that_is_full_begins_anew_and_is_whole_no_more() {
        let mut cache = Cache {
            whole: true,
            ..Cache::default()
        };
        assert_eq!(cache.find(T, "0"), Some(None));
        let row = |n: usize| RowWrite {
            table: T,
            key: n.to_string().into(),
            value: Some(vec![0; 1 << 20].into()),
        };
        for n in 0..258 {
            cache.take(&[row(n)]);
        }
        assert!(cache.size < SIZE_MAX / 2, "{}", cache.size);
        assert!(!cache.whole && cache.find(T, "0").is_none());
        assert!(cache.find(T, "257").is_some());
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
