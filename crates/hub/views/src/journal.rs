//! Entries of the journal: pages in both directions, one entry, its proof, the newest checkpoint.

use ironroot_api::{Checkpoint, EntryProof, JournalEntry, JournalQuery, Page, limit};
use ironroot_journal::Entry;
use ironroot_journal::merkle::leaf_hash;
use ironroot_registry::{Fact, TIMELINE, timeline_index, timeline_key};
use ironroot_store::{IndexedEntry, KeyRange, StoreError};

use crate::{NotShown, Views};

/// How many entries one question looks through at most; the page then ends early, with a cursor.
const SCAN_MAX: u64 = 5_000;

/// How many times one question goes to the archive at most; the page then ends early, with a cursor.
const FETCHES_MAX: u64 = 16;

/// How many entries are read at once where most of them may not be wanted.
const CHUNK: u64 = 250;

impl Views {
    /// One page of the journal: newest first, or upwards from an entry.
    ///
    /// # Errors
    /// [`NotShown`] for a cursor of another make, or when the store cannot be read.
    pub async fn journal(&self, query: &JournalQuery) -> Result<Page<JournalEntry>, NotShown> {
        let cursor = query.cursor.as_deref().map(str::parse).transpose();
        let cursor: Option<u64> = cursor.map_err(|_no_number| NotShown::BadCursor)?;
        match (query.from, &query.device) {
            (Some(from), _) => self.upwards(query, cursor.unwrap_or(from)).await,
            (None, Some(device)) => self.of_device(query, device, cursor).await,
            (None, None) => self.downwards(query, cursor).await,
        }
    }

    async fn upwards(
        &self,
        query: &JournalQuery,
        from: u64,
    ) -> Result<Page<JournalEntry>, NotShown> {
        let (size, limit) = (self.journal_size(), limit(query.limit));
        let mut items = Vec::new();
        let mut at = from;
        while at < size.min(from.saturating_add(SCAN_MAX)) && items.len() < limit {
            for entry in self.entries(at, chunk(query, limit)).await? {
                at = entry.index + 1;
                items.extend(self.wanted(&entry, query));
                if items.len() == limit {
                    break;
                }
            }
        }
        let next = (at < size).then(|| at.to_string());
        Ok(Page { items, next })
    }

    async fn downwards(
        &self,
        query: &JournalQuery,
        below: Option<u64>,
    ) -> Result<Page<JournalEntry>, NotShown> {
        let limit = limit(query.limit);
        let top = self.journal_size().min(below.unwrap_or(u64::MAX));
        let mut items = Vec::new();
        let mut at = top;
        while at > top.saturating_sub(SCAN_MAX) && items.len() < limit {
            let count = chunk(query, limit).min(at);
            for entry in self.entries(at - count, count).await?.iter().rev() {
                at = entry.index;
                items.extend(self.wanted(entry, query));
                if items.len() == limit {
                    break;
                }
            }
        }
        let next = (at > 0).then(|| at.to_string());
        Ok(Page { items, next })
    }

    /// Newest first, by the index of entries that the device's timeline is.
    async fn of_device(
        &self,
        query: &JournalQuery,
        device: &str,
        below: Option<u64>,
    ) -> Result<Page<JournalEntry>, NotShown> {
        let limit = limit(query.limit);
        let (mut items, mut next) = (Vec::new(), None);
        let indices = self.timeline_indices(device, below, CHUNK).await?;
        let full = indices.len() == usize::try_from(CHUNK).unwrap_or(usize::MAX);
        let mut indices = indices.into_iter().peekable();
        let mut fetched = 0;
        while let Some(index) = indices.next() {
            fetched += u64::from(self.log.is_archived(index));
            if fetched > FETCHES_MAX {
                break;
            }
            for entry in self.entries(index, 1).await? {
                items.extend(self.wanted(&entry, query));
            }
            let more = indices.peek().is_some() || full;
            next = more.then(|| index.to_string());
            if items.len() == limit {
                break;
            }
        }
        Ok(Page { items, next })
    }

    /// The entries about a device, newest first, below an index.
    pub(crate) async fn timeline_indices(
        &self,
        device: &str,
        below: Option<u64>,
        max: u64,
    ) -> Result<Vec<u64>, NotShown> {
        let Ok(device) = device.parse() else {
            return Ok(Vec::new());
        };
        let mut range = KeyRange::prefix(&format!("{device}/"));
        if let Some(below) = below {
            range = range.after(&timeline_key(&device, below));
        }
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        let rows = self.store.rows(TIMELINE, range, max).await?;
        Ok(rows
            .iter()
            .filter_map(|row| timeline_index(&row.key))
            .collect())
    }

    /// One entry.
    ///
    /// # Errors
    /// [`NotShown::Unknown`] when the journal does not reach so far.
    pub async fn entry(&self, index: u64) -> Result<JournalEntry, NotShown> {
        let found = self.entries(index, 1).await?;
        let entry = found.first().ok_or_else(|| unknown(index))?;
        Ok(self.shown(entry))
    }

    /// One entry as it was recorded; none when the journal does not reach so far.
    ///
    /// # Errors
    /// [`NotShown`] when it cannot be read.
    pub async fn recorded(&self, index: u64) -> Result<Option<Entry>, NotShown> {
        let found = self.entries(index, 1).await?;
        Ok(found.into_iter().next().map(|found| found.entry))
    }

    /// The proof that an entry is in the log.
    ///
    /// # Errors
    /// [`NotShown`] when the entry is not there, or not signed yet.
    pub async fn proof(&self, index: u64) -> Result<EntryProof, NotShown> {
        let entry = self.entry(index).await?;
        let proof = self.log.prove(index).await?;
        Ok(EntryProof {
            index,
            leaf: entry.leaf,
            proof,
        })
    }

    /// The newest signed checkpoint.
    ///
    /// # Errors
    /// [`NotShown::NotSigned`] before the first.
    pub async fn checkpoint(&self) -> Result<Checkpoint, NotShown> {
        let newest = self.log.checkpoint().await?;
        newest.ok_or(NotShown::NotSigned { index: 0 })
    }

    /// How many entries the newest checkpoint covers, from memory.
    pub fn signed_size(&self) -> u64 {
        self.log.signed_size()
    }

    /// A file of the tile log.
    ///
    /// # Errors
    /// [`NotShown::Unknown`] when there is no such file.
    pub async fn log_file(&self, path: &str) -> Result<Vec<u8>, NotShown> {
        let file = self.log.file(path).await?;
        file.ok_or_else(|| NotShown::Unknown {
            what: "log file",
            name: path.to_owned(),
        })
    }

    /// At most `max` entries; perhaps fewer where they come from the archive.
    pub(crate) async fn entries(&self, from: u64, max: u64) -> Result<Vec<IndexedEntry>, NotShown> {
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        match self.store.entries(from, max).await {
            Err(StoreError::Archived { .. }) => self.log.entries(from, max).await,
            read => Ok(read?),
        }
    }
}

fn unknown(index: u64) -> NotShown {
    NotShown::Unknown {
        what: "journal entry",
        name: index.to_string(),
    }
}

/// How many entries to read at once: as many as are shown, when all of them are.
fn chunk(query: &JournalQuery, limit: usize) -> u64 {
    if query.kind.is_none() && query.device.is_none() {
        u64::try_from(limit).unwrap_or(CHUNK)
    } else {
        CHUNK
    }
}

impl Views {
    fn wanted(&self, entry: &IndexedEntry, query: &JournalQuery) -> Option<JournalEntry> {
        let kind = query.kind.as_deref();
        let of_kind = kind.is_none_or(|kind| kind == entry.entry.kind());
        let of_device = query.device.as_deref().is_none_or(|wanted| {
            let fact = Fact::read(&entry.entry).ok();
            fact.is_some_and(|fact| {
                fact.device()
                    .is_some_and(|device| device.as_str() == wanted)
            })
        });
        (of_kind && of_device).then(|| self.shown(entry))
    }

    fn shown(&self, indexed: &IndexedEntry) -> JournalEntry {
        let entry = &indexed.entry;
        JournalEntry {
            index: indexed.index,
            at: entry.at().to_string(),
            kind: entry.kind().to_owned(),
            sentence: sentence(entry),
            leaf: hex::encode(leaf_hash(entry.bytes()).0),
            archived: self.log.is_archived(indexed.index),
            entry: serde_json::from_slice(entry.bytes()).unwrap_or_default(),
        }
    }
}

/// What an entry says, as a sentence; an entry of a newer hub is shown all the same.
pub(crate) fn sentence(entry: &Entry) -> String {
    Fact::read(entry).map_or_else(|unreadable| unreadable.to_string(), |fact| fact.to_string())
}
