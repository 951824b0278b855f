//! Entries of the journal: pages in both directions, one entry, its proof, the newest checkpoint.

use ironroot_api::{Checkpoint, EntryProof, JournalEntry, JournalQuery, Page, limit};
use ironroot_journal::Entry;
use ironroot_journal::merkle::leaf_hash;
use ironroot_registry::{Fact, TIMELINE, timeline_index, timeline_key};
use ironroot_store::{IndexedEntry, KeyRange, StoreError};
use serde_json::Value;

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
        for moment in query.since.iter().chain(&query.until) {
            check_moment(moment)?;
        }
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
        let mut top = self.journal_size().min(below.unwrap_or(u64::MAX));
        if let Some(until) = &query.until {
            top = top.min(self.first_at(until).await?);
        }
        let mut items = Vec::new();
        let mut at = top;
        while at > top.saturating_sub(SCAN_MAX) && items.len() < limit {
            let count = chunk(query, limit).min(at);
            for entry in self.entries(at - count, count).await?.iter().rev() {
                at = entry.index;
                if is_before(entry, query.since.as_deref()) {
                    return Ok(Page { items, next: None });
                }
                items.extend(self.wanted(entry, query));
                if items.len() == limit {
                    break;
                }
            }
        }
        let next = (at > 0).then(|| at.to_string());
        Ok(Page { items, next })
    }

    /// The index of the first entry of this moment or later: times never fall, so half of what is left is
    /// looked at each time.
    async fn first_at(&self, moment: &str) -> Result<u64, NotShown> {
        let (mut low, mut high) = (0, self.journal_size());
        while low < high {
            let middle = low + (high - low) / 2;
            let found = self.entries(middle, 1).await?;
            match found.first() {
                Some(entry) if is_before(entry, Some(moment)) => low = middle + 1,
                _ => high = middle,
            }
        }
        Ok(low)
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

pub(crate) fn unknown(index: u64) -> NotShown {
    NotShown::Unknown {
        what: "journal entry",
        name: index.to_string(),
    }
}

/// How many entries to read at once: as many as are shown, when all of them are.
fn chunk(query: &JournalQuery, limit: usize) -> u64 {
    if query.kind.is_none() && query.device.is_none() && query.who.is_none() {
        u64::try_from(limit).unwrap_or(CHUNK)
    } else {
        CHUNK
    }
}

impl Views {
    fn wanted(&self, entry: &IndexedEntry, query: &JournalQuery) -> Option<JournalEntry> {
        let of_kind = query.kind.as_deref().is_none_or(|kind| {
            let found = entry.entry.kind();
            kind == found || kind.ends_with('.') && found.starts_with(kind)
        });
        let of_device = query.device.as_deref().is_none_or(|wanted| {
            let fact = Fact::read(&entry.entry).ok();
            fact.is_some_and(|fact| {
                fact.device()
                    .is_some_and(|device| device.as_str() == wanted)
            })
        });
        let by = query.who.as_deref();
        let by_them = by.is_none_or(|who| actor(&entry.entry).is_some_and(|found| found == who));
        let in_time = !is_before(entry, query.since.as_deref())
            && (query.until.as_deref()).is_none_or(|until| is_before(entry, Some(until)));
        (of_kind && of_device && by_them && in_time).then(|| self.shown(entry))
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

/// Takes a moment whole or in part; whatever else it holds would find nothing without saying so.
fn check_moment(moment: &str) -> Result<(), NotShown> {
    let form = b"0000-00-00T00:00:00.000Z";
    let fits = moment.bytes().zip(form).all(|(found, form)| match form {
        b'0' => found.is_ascii_digit(),
        form => found == *form,
    });
    if fits && (4..=form.len()).contains(&moment.len()) {
        Ok(())
    } else {
        Err(NotShown::BadMoment(moment.to_owned()))
    }
}

/// Who did what an entry tells of: the name of a token, or `hub`.
fn actor(entry: &Entry) -> Option<&str> {
    match entry.fields().get("by")? {
        Value::String(hub) => Some(hub),
        by => by.get("token")?.as_str(),
    }
}

/// Whether an entry is older than a moment, which may be given in part: RFC 3339 in UTC sorts as text.
fn is_before(entry: &IndexedEntry, moment: Option<&str>) -> bool {
    moment.is_some_and(|moment| entry.entry.at().to_string().as_str() < moment)
}

/// What an entry says, as a sentence; an entry of a newer hub is shown all the same.
pub(crate) fn sentence(entry: &Entry) -> String {
    Fact::read(entry).map_or_else(|unreadable| unreadable.to_string(), |fact| fact.to_string())
}
