//! What becomes of a batch of changes: which are kept, with which indices and which time.

use ironroot_journal::{Entry, SaltedDigest};
use ironroot_time::UnixTime;

use crate::{
    ApplyError, Change, CommitError, Committed, Draft, Head, LaterCause, Overlay, Payload,
    Projection, Receipt, RowReader, SecretWrite, StoreError,
};

/// A batch that was decided but is not durable yet.
#[derive(Debug)]
pub struct Batch {
    /// What to tell the author of each change, once the batch is durable, in the order of changes.
    pub outcomes: Vec<Result<Receipt, CommitError>>,
    /// The entries to append, in order, dense from the old head.
    pub committed: Vec<Committed>,
    /// What else to write for each change that is kept, in order.
    pub attachments: Vec<Attachment>,
    /// The head after the batch.
    pub head: Head,
}

/// The payloads and secrets of one change.
#[derive(Debug)]
pub struct Attachment {
    /// Payloads to keep.
    pub payloads: Vec<Payload>,
    /// Payloads to erase.
    pub erased: Vec<SaltedDigest>,
    /// Steps of the keyring, in order.
    pub secrets: Vec<SecretWrite>,
}

/// Decides `changes` in turn over `overlay`, after `head` and at `now`.
///
/// A refused change leaves no trace in the overlay, and the next one is decided as if it had never
/// been. Nobody may be told of any outcome before the batch is durable: a refusal, too, can rest on
/// a change of the same batch.
pub fn decide<B: RowReader>(
    changes: Vec<Change>,
    head: Head,
    now: UnixTime,
    projection: &dyn Projection,
    overlay: &mut Overlay<B>,
) -> Batch {
    let mut batch = Batch {
        outcomes: Vec::with_capacity(changes.len()),
        committed: Vec::with_capacity(changes.len()),
        attachments: Vec::with_capacity(changes.len()),
        head,
    };
    for change in changes {
        let outcome = batch.take(change, now, projection, overlay);
        batch.outcomes.push(outcome);
    }
    batch
}

impl Batch {
    fn take<B: RowReader>(
        &mut self,
        change: Change,
        now: UnixTime,
        projection: &dyn Projection,
        overlay: &mut Overlay<B>,
    ) -> Result<Receipt, CommitError> {
        change.check_bounds()?;
        let (undo, kept) = (overlay.mark(), self.committed.len());
        for payload in &change.payloads {
            overlay.put_payload(payload.clone());
        }
        for digest in &change.erased {
            overlay.erase_payload(*digest);
        }
        // The clock may have been set back since the last entry; the journal's time may not.
        let at = now.max(self.head.at);
        let first = self.head.size;
        for (draft, index) in change.entries.into_iter().zip(first..) {
            match apply(draft, index, at, projection, overlay) {
                Ok(committed) => self.committed.push(committed),
                Err(refused) => {
                    self.committed.truncate(kept);
                    overlay.undo(undo);
                    return Err(refused);
                }
            }
        }
        let size = first + (self.committed.len() - kept) as u64;
        if size > first {
            self.head = Head { size, at };
        }
        self.attachments.push(Attachment {
            payloads: change.payloads,
            erased: change.erased,
            secrets: change.secrets,
        });
        let indices = first..size;
        Ok(Receipt { indices, at })
    }
}

fn apply<B: RowReader>(
    draft: Draft,
    index: u64,
    at: UnixTime,
    projection: &dyn Projection,
    overlay: &mut Overlay<B>,
) -> Result<Committed, CommitError> {
    let entry =
        Entry::compose(at, &draft.kind, draft.v, draft.fields).map_err(CommitError::BadDraft)?;
    let before = overlay.mark();
    projection.apply(index, &entry, overlay)?;
    let writes = overlay.writes_since(before);
    Ok(Committed {
        index,
        entry,
        writes,
    })
}

impl From<ApplyError> for CommitError {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Refused(refusal) => Self::Refused(refusal),
            ApplyError::Store(StoreError::Later(cause)) => Self::Later(cause),
            ApplyError::Store(cause) => Self::Later(LaterCause::failed(cause)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KeyRange, Row, Rows, Table};
    use serde_json::{Map, json};
    use std::sync::Arc;

    const SEEN: Table = Table::new("seen");

    struct Nothing;

    impl RowReader for Nothing {
        fn row(&mut self, _: Table, _: &str) -> Result<Option<Arc<[u8]>>, StoreError> {
            Ok(None)
        }
        fn rows(&mut self, _: Table, _: &KeyRange, _: usize) -> Result<Vec<Row>, StoreError> {
            Ok(Vec::new())
        }
        fn payload(&mut self, _: &SaltedDigest) -> Result<Option<Payload>, StoreError> {
            Ok(None)
        }
    }

    /// Takes each kind once.
    struct Once;

    impl Projection for Once {
        fn apply(&self, _: u64, entry: &Entry, rows: &mut dyn Rows) -> Result<(), ApplyError> {
            if rows.row(SEEN, entry.kind())?.is_some() {
                return Err(ApplyError::refuse(std::fmt::Error));
            }
            rows.put(SEEN, entry.kind(), Vec::new());
            Ok(())
        }
    }

    fn draft(kind: &'static str) -> Draft {
        Draft::new(kind, 1, Map::new())
    }

    fn decide_at(now: u64, head: Head, changes: Vec<Change>) -> (Batch, usize) {
        let mut overlay = Overlay::new(Nothing);
        let now = UnixTime::from_ms(now);
        let batch = decide(changes, head, now, &Once, &mut overlay);
        (batch, overlay.into_parts().1.count())
    }

    #[test]
    fn a_refused_change_leaves_no_gap_and_no_row() {
        let changes = vec![
            Change::of(draft("a")),
            Change::of(draft("b")).and(draft("a")),
            Change::of(draft("b")),
        ];
        let (batch, rows) = decide_at(5, Head::default(), changes);
        let indices = |nth: usize| {
            batch.outcomes[nth]
                .as_ref()
                .map(|done| done.indices.clone())
        };
        assert_eq!(indices(0).unwrap(), 0..1);
        assert!(matches!(batch.outcomes[1], Err(CommitError::Refused(_))));
        assert_eq!(indices(2).unwrap(), 1..2);
        assert_eq!((batch.committed.len(), batch.head.size, rows), (2, 2, 2));
    }

    #[test]
    fn time_stands_still_while_the_clock_is_behind() {
        let head = Head {
            size: 9,
            at: UnixTime::from_ms(100),
        };
        let (batch, _) = decide_at(70, head, vec![Change::of(draft("a"))]);
        assert_eq!(batch.outcomes[0].as_ref().unwrap().at, head.at);
        assert_eq!(batch.committed[0].entry.at(), head.at);
        let (batch, _) = decide_at(101, head, vec![Change::of(draft("a"))]);
        assert_eq!(batch.head.at, UnixTime::from_ms(101));
    }

    #[test]
    fn a_draft_that_is_no_entry_is_refused_alone() {
        let mut fraction = draft("a");
        fraction.fields.insert("x".into(), json!(1.5));
        let changes = vec![Change::of(fraction), Change::of(draft("a"))];
        let (batch, _) = decide_at(0, Head::default(), changes);
        assert!(matches!(batch.outcomes[0], Err(CommitError::BadDraft(_))));
        assert!(batch.outcomes[1].is_ok());
    }

    #[test]
    fn a_change_without_entries_moves_no_head() {
        let (batch, _) = decide_at(7, Head::default(), vec![Change::default().shredding("k")]);
        assert_eq!(batch.outcomes[0].as_ref().unwrap().indices, 0..0);
        assert_eq!(batch.head, Head::default());
        assert_eq!(batch.attachments.len(), 1);
    }
}
