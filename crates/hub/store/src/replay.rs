//! The journal replayed: the same fold over entries that are long durable.

use ironroot_journal::Entry;

use crate::{
    ApplyError, Overlay, Projection, RawEntry, RowReader, StateDigest, StateError, StateHasher,
    StateRow, StoreError,
};

/// Applies `entries`, which start at index `first`, to `overlay`; returns the index after them.
///
/// # Errors
/// [`StateError`] when an entry is missing, damaged or refused.
pub fn replay<B: RowReader>(
    entries: &[RawEntry],
    first: u64,
    projection: &dyn Projection,
    overlay: &mut Overlay<B>,
) -> Result<u64, StateError> {
    let mut index = first;
    for raw in entries {
        if raw.index != index {
            return Err(StoreError::MissingEntry { index }.into());
        }
        let entry =
            Entry::parse(&raw.bytes).map_err(|cause| StoreError::BadEntry { index, cause })?;
        projection
            .apply(index, &entry, overlay)
            .map_err(|error| match error {
                ApplyError::Refused(refusal) => StateError::Refused { index, refusal },
                ApplyError::Store(cause) => StateError::Store(cause),
            })?;
        overlay.settle();
        index += 1;
    }
    Ok(index)
}

/// The rows of a replay, held against the rows of the store.
#[derive(Debug)]
pub struct Comparison<I> {
    replayed: I,
    hasher: StateHasher,
}

impl<I: Iterator<Item = Result<StateRow, StoreError>>> Comparison<I> {
    /// Starts with the rows that a replay gave, in the order of tables and keys.
    pub fn new(replayed: I) -> Self {
        Self {
            replayed,
            hasher: StateHasher::default(),
        }
    }

    /// Compares the next row of the store.
    ///
    /// # Errors
    /// [`StateError::Differs`] when the replay has another.
    pub fn row(&mut self, table: &str, key: &str, value: &[u8]) -> Result<(), StateError> {
        let own = self.replayed.next().transpose()?;
        let own = own
            .as_ref()
            .map(|own| (&*own.table, &*own.key, &*own.value));
        match own {
            Some(own) if own == (table, key, value) => {
                self.hasher.row(table, key, value);
                Ok(())
            }
            // The lower of two different names is the one that the other side lacks.
            Some((own_table, own_key, _)) if (own_table, own_key) < (table, key) => {
                Err(differs(own_table, own_key))
            }
            Some(_) | None => Err(differs(table, key)),
        }
    }

    /// The digest that both sides have, once every row of the store was compared.
    ///
    /// # Errors
    /// [`StateError::Differs`] when the replay has more rows.
    pub fn finish(mut self) -> Result<StateDigest, StateError> {
        match self.replayed.next().transpose()? {
            Some(own) => Err(differs(&own.table, &own.key)),
            None => Ok(self.hasher.finish()),
        }
    }
}

fn differs(table: &str, key: &str) -> StateError {
    StateError::Differs {
        table: table.to_owned(),
        key: key.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compare(replayed: &[(&str, &str)], stored: &[(&str, &str)]) -> Option<String> {
        let replayed = replayed.iter().map(|(key, value)| {
            Ok(StateRow {
                table: "t".into(),
                key: (*key).into(),
                value: value.as_bytes().into(),
            })
        });
        let mut comparison = Comparison::new(replayed);
        let differs = |error| match error {
            StateError::Differs { key, .. } => Some(key),
            other => panic!("{other}"),
        };
        for (key, value) in stored {
            if let Err(error) = comparison.row("t", key, value.as_bytes()) {
                return differs(error);
            }
        }
        comparison.finish().err().and_then(differs)
    }

    #[test]
    fn equal_rows_agree() {
        let replayed = [("a", "1"), ("c", "3")];
        assert_eq!(compare(&replayed, &[("a", "1"), ("c", "3")]), None);
    }

    #[test]
    fn names_the_row_that_is_missing_added_or_changed() {
        let replayed = [("a", "1"), ("c", "3")];
        let named = |stored: &[(&str, &str)]| compare(&replayed, stored).unwrap();
        assert_eq!(named(&[("c", "3")]), "a");
        assert_eq!(named(&[("a", "1")]), "c");
        assert_eq!(named(&[("a", "1"), ("b", "2"), ("c", "3")]), "b");
        assert_eq!(named(&[("a", "1"), ("c", "4")]), "c");
        assert_eq!(named(&[("a", "1"), ("c", "3"), ("d", "4")]), "d");
    }
}
