//! Rows that are written but not yet in the database: what a batch of changes makes of the base.

use std::collections::BTreeMap;
use std::sync::Arc;

use ironroot_journal::SaltedDigest;

use crate::{KeyRange, Payload, Row, RowReader, RowWrite, Rows, StoreError, Table};

/// Writes over a base that only is read; any suffix of them can be undone.
#[derive(Debug)]
pub struct Overlay<B> {
    base: B,
    rows: BTreeMap<RowName, Now<Arc<[u8]>>>,
    payloads: BTreeMap<SaltedDigest, Now<Payload>>,
    log: Vec<Written>,
}

/// A moment in the life of an overlay that it can go back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undo(usize);

type RowName = (Table, Box<str>);

/// What the overlay says of a thing, whatever the base says.
#[derive(Clone, Debug)]
enum Now<T> {
    Is(T),
    Gone,
}

/// One write and what the overlay had there before, if anything.
#[derive(Debug)]
enum Written {
    Row {
        write: RowWrite,
        before: Option<Now<Arc<[u8]>>>,
    },
    Payload {
        digest: SaltedDigest,
        before: Option<Now<Payload>>,
    },
}

impl<T> Now<T> {
    fn of(value: Option<T>) -> Self {
        value.map_or(Self::Gone, Self::Is)
    }

    fn into_option(self) -> Option<T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Gone => None,
        }
    }
}

impl<B: RowReader> Overlay<B> {
    /// An overlay over `base` that changes nothing yet.
    pub fn new(base: B) -> Self {
        Self {
            base,
            rows: BTreeMap::new(),
            payloads: BTreeMap::new(),
            log: Vec::new(),
        }
    }

    /// The present moment, to come back to or to read the writes since.
    pub fn mark(&self) -> Undo {
        Undo(self.log.len())
    }

    /// Takes back every write since `mark`.
    pub fn undo(&mut self, mark: Undo) {
        while self.log.len() > mark.0 {
            match self.log.pop() {
                Some(Written::Row { write, before }) => {
                    let name = (write.table, write.key);
                    match before {
                        Some(value) => self.rows.insert(name, value),
                        None => self.rows.remove(&name),
                    };
                }
                Some(Written::Payload { digest, before }) => {
                    match before {
                        Some(payload) => self.payloads.insert(digest, payload),
                        None => self.payloads.remove(&digest),
                    };
                }
                None => return,
            }
        }
    }

    /// Forgets how to undo the writes so far; marks made before mean nothing any more.
    pub fn settle(&mut self) {
        self.log.clear();
    }

    /// The row writes since `mark`, in order.
    pub fn writes_since(&self, mark: Undo) -> Vec<RowWrite> {
        let since = self.log.iter().skip(mark.0);
        since
            .filter_map(|written| match written {
                Written::Row { write, .. } => Some(write.clone()),
                Written::Payload { .. } => None,
            })
            .collect()
    }

    /// Makes a payload readable, as it will be once the batch is durable.
    pub fn put_payload(&mut self, payload: Payload) {
        self.set_payload(*payload.digest(), Some(payload));
    }

    /// Makes a payload unreadable.
    pub fn erase_payload(&mut self, digest: SaltedDigest) {
        self.set_payload(digest, None);
    }

    /// Takes the overlay apart: the base, and each row written with its last value, in order.
    pub fn into_parts(self) -> (B, impl Iterator<Item = RowWrite>) {
        let rows = self.rows.into_iter();
        let writes = rows.map(|((table, key), value)| RowWrite {
            table,
            key,
            value: value.into_option(),
        });
        (self.base, writes)
    }

    fn set_payload(&mut self, digest: SaltedDigest, payload: Option<Payload>) {
        let before = self.payloads.insert(digest, Now::of(payload));
        self.log.push(Written::Payload { digest, before });
    }

    fn set(&mut self, write: RowWrite) {
        let name = (write.table, write.key.clone());
        let before = self.rows.insert(name, Now::of(write.value.clone()));
        self.log.push(Written::Row { write, before });
    }

    /// The overlay's own rows within `range`.
    fn own(&self, table: Table, range: &KeyRange) -> impl Iterator<Item = (&str, &Now<Arc<[u8]>>)> {
        let own = self.rows.range((table, range.first().into())..);
        own.map(|((in_table, key), value)| (*in_table, &**key, value))
            .take_while(move |(in_table, key, _)| *in_table == table && range.reaches(key))
            .map(|(_, key, value)| (key, value))
    }
}

impl<B: RowReader> RowReader for Overlay<B> {
    fn row(&mut self, table: Table, key: &str) -> Result<Option<Arc<[u8]>>, StoreError> {
        match self.rows.get(&(table, key.into())) {
            Some(now) => Ok(now.clone().into_option()),
            None => self.base.row(table, key),
        }
    }

    fn rows(&mut self, table: Table, range: &KeyRange, max: usize) -> Result<Vec<Row>, StoreError> {
        // The overlay hides at most as many rows of the base as it has itself.
        let hidden_max = self.own(table, range).count();
        let base = self
            .base
            .rows(table, range, max.saturating_add(hidden_max))?;
        let mut merged: BTreeMap<_, _> = base
            .into_iter()
            .map(|row| (row.key, Now::Is(row.value)))
            .collect();
        merged.extend(
            self.own(table, range)
                .map(|(key, now)| (key.into(), now.clone())),
        );
        let present = merged
            .into_iter()
            .filter_map(|(key, now)| now.into_option().map(|value| Row { key, value }));
        Ok(present.take(max).collect())
    }

    fn payload(&mut self, digest: &SaltedDigest) -> Result<Option<Payload>, StoreError> {
        match self.payloads.get(digest) {
            Some(now) => Ok(now.clone().into_option()),
            None => self.base.payload(digest),
        }
    }
}

impl<B: RowReader> Rows for Overlay<B> {
    fn put(&mut self, table: Table, key: &str, value: Vec<u8>) {
        let (key, value) = (key.into(), Some(value.into()));
        self.set(RowWrite { table, key, value });
    }

    fn delete(&mut self, table: Table, key: &str) {
        let (key, value) = (key.into(), None);
        self.set(RowWrite { table, key, value });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ironroot_journal::SALT_SIZE;

    const T: Table = Table::new("t");
    const OTHER: Table = Table::new("u");

    /// A base with the rows `a`, `b`, `c` in table `t`.
    struct Base;

    impl RowReader for Base {
        fn row(&mut self, table: Table, key: &str) -> Result<Option<Arc<[u8]>>, StoreError> {
            let found = table == T && ["a", "b", "c"].contains(&key);
            Ok(found.then(|| key.as_bytes().into()))
        }

        fn rows(
            &mut self,
            table: Table,
            range: &KeyRange,
            max: usize,
        ) -> Result<Vec<Row>, StoreError> {
            let keys = ["a", "b", "c"].into_iter().filter(|_| table == T);
            let found = keys.filter(|key| *key >= range.first() && range.reaches(key));
            Ok(found
                .map(|key| Row {
                    key: key.into(),
                    value: key.as_bytes().into(),
                })
                .take(max)
                .collect())
        }

        fn payload(&mut self, _: &SaltedDigest) -> Result<Option<Payload>, StoreError> {
            Ok(None)
        }
    }

    fn keys(overlay: &mut Overlay<Base>, range: &KeyRange, max: usize) -> String {
        let rows = overlay.rows(T, range, max).unwrap();
        rows.iter().map(|row| &*row.key).collect()
    }

    #[test]
    fn reads_its_own_writes_over_the_base() {
        let mut overlay = Overlay::new(Base);
        overlay.put(T, "b", b"new".to_vec());
        overlay.delete(T, "a");
        overlay.put(OTHER, "a", b"x".to_vec());
        assert_eq!(overlay.row(T, "b").unwrap().unwrap()[..], *b"new");
        assert_eq!(overlay.row(T, "a").unwrap(), None);
        assert_eq!(overlay.row(T, "c").unwrap().unwrap()[..], *b"c");
    }

    #[test]
    fn a_scan_merges_both_and_keeps_its_bound() {
        let mut overlay = Overlay::new(Base);
        overlay.delete(T, "a");
        overlay.put(T, "bb", vec![]);
        overlay.put(T, "d", vec![]);
        overlay.put(OTHER, "e", vec![]);
        let all = KeyRange::all();
        assert_eq!(keys(&mut overlay, &all, 9), "bbbcd");
        assert_eq!(keys(&mut overlay, &all, 1), "b");
        assert_eq!(keys(&mut overlay, &KeyRange::prefix("b"), 9), "bbb");
        assert_eq!(keys(&mut overlay, &all.after("b"), 2), "bbc");
    }

    #[test]
    fn undo_leaves_no_trace_of_a_refused_change() {
        let payload = Payload::new([0; SALT_SIZE], b"p".to_vec());
        let mut overlay = Overlay::new(Base);
        overlay.put(T, "x", b"first".to_vec());
        let mark = overlay.mark();
        overlay.put(T, "x", b"second".to_vec());
        overlay.delete(T, "x");
        overlay.put(T, "y", vec![]);
        overlay.put_payload(payload.clone());
        assert_eq!(overlay.writes_since(mark).len(), 3);
        overlay.undo(mark);
        assert_eq!(overlay.row(T, "x").unwrap().unwrap()[..], *b"first");
        assert_eq!(overlay.row(T, "y").unwrap(), None);
        assert_eq!(overlay.payload(payload.digest()).unwrap(), None);
        assert_eq!(overlay.into_parts().1.count(), 1);
    }
}
