//! Snapshots: files that hold every row of one moment, so that a rebuild need not begin at the first entry.
//!
//! The name says of how many entries and with which digest the rows are; the journal has recorded both.
//! The file is a zstd stream: a first line, then each row as three lengths and three texts, then an end
//! that says once more of how many entries it is.

use std::error::Error;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use ironroot_journal::Entry;
use ironroot_registry::{Fact, SnapshotTaken};
use ironroot_store::{
    Base, JournalReader, RawEntry, Source, StateDigest, StateError, StateHasher, StateRow, Store,
    StoreError,
};
use zstd::stream::{read::Decoder, write::Encoder};

/// The folder of a hub's snapshots.
#[derive(Clone, Debug)]
pub struct Snapshots {
    folder: PathBuf,
}

/// A file that claims to be a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Where it lies.
    pub path: PathBuf,
    /// How many entries are folded into its rows.
    pub entries: u64,
    /// The digest of its rows.
    pub state: StateDigest,
}

/// Why no snapshot was taken. Those that there are stay as they were.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotTaken {
    /// A file cannot be written.
    #[error("{} cannot be written", path.display())]
    File {
        /// The file, or its folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The rows are not what the journal says, cannot be read, or not be kept.
    #[error("the rows cannot be kept")]
    Rows(#[source] StateError),
}

impl Snapshots {
    /// The snapshots in `folder`, which is made when the first is taken.
    pub fn new(folder: &Path) -> Self {
        let folder = folder.to_owned();
        Self { folder }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes the rows of this moment, each of which a replay of `source` has given too; when this
    /// returns, the file is durable and whole.
    ///
    /// It blocks. Nobody may rely on the snapshot before its digest is recorded in the journal.
    ///
    /// # Errors
    /// [`NotTaken`]; what was written of it is gone.
    pub fn take(&self, store: &dyn Store, source: Source) -> Result<Snapshot, NotTaken> {
        let unfinished = self.folder.join(UNFINISHED);
        let taken = self.write(store, source, &unfinished);
        if taken.is_err() {
            // The next attempt begins with an empty file in any case; this makes room on a full disk.
            drop(fs::remove_file(&unfinished));
        }
        taken
    }

    fn write(
        &self,
        store: &dyn Store,
        source: Source,
        unfinished: &Path,
    ) -> Result<Snapshot, NotTaken> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |cause| NotTaken::File { path, cause }
        };
        fs::create_dir_all(&self.folder).map_err(failed(&self.folder))?;
        let file = create_private(unfinished).map_err(failed(unfinished))?;
        let mut writer = Writer::new(file).map_err(failed(unfinished))?;
        let mut keep = |table: &str, key: &str, value: &[u8]| Ok(writer.row(table, key, value)?);
        let verified = store.verified_rows(source, &mut keep);
        let entries = verified.map_err(NotTaken::Rows)?;
        let state = writer.finish(entries).map_err(failed(unfinished))?;
        let path = self.folder.join(file_name(entries, &state));
        let named = fs::rename(unfinished, &path).and_then(|()| sync(&self.folder));
        named.map_err(failed(&path))?;
        Ok(Snapshot {
            path,
            entries,
            state,
        })
    }

    /// The files that claim to be snapshots, newest first.
    ///
    /// # Errors
    /// [`io::Error`] when the folder is there and cannot be read.
    pub fn list(&self) -> io::Result<Vec<Snapshot>> {
        let found = match fs::read_dir(&self.folder) {
            Ok(found) => found,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(cause) => return Err(cause),
        };
        let mut snapshots = Vec::new();
        for file in found {
            snapshots.extend(named(file?.path()));
        }
        snapshots.sort_by_key(|snapshot| std::cmp::Reverse(snapshot.entries));
        Ok(snapshots)
    }

    /// Removes all but the newest `count` snapshots.
    ///
    /// # Errors
    /// [`io::Error`] when one cannot be removed.
    pub fn keep(&self, count: usize) -> io::Result<()> {
        for old in self.list()?.iter().skip(count) {
            fs::remove_file(&old.path)?;
        }
        Ok(())
    }
}

impl Snapshot {
    /// Whether `journal` has recorded this snapshot: the entry that did, if so.
    ///
    /// # Errors
    /// [`StoreError`] when the journal cannot be read.
    pub fn recorded_in(&self, journal: &dyn JournalReader) -> Result<Option<u64>, StoreError> {
        let mut next = self.entries;
        loop {
            let entries = journal.raw_entries(next, CHUNK)?;
            let Some(last) = entries.last() else {
                return Ok(None);
            };
            if let Some(record) = entries.iter().find(|raw| self.is_recorded_by(raw)) {
                return Ok(Some(record.index));
            }
            next = last.index.saturating_add(1);
        }
    }

    fn is_recorded_by(&self, raw: &RawEntry) -> bool {
        // Most entries are something else, and need not be parsed to see that.
        let mark = RECORD_MARK.as_bytes();
        if !raw.bytes.windows(mark.len()).any(|window| window == mark) {
            return false;
        }
        let fact = Entry::parse(&raw.bytes)
            .ok()
            .and_then(|entry| Fact::read(&entry).ok());
        matches!(
            fact,
            Some(Fact::SnapshotTaken(SnapshotTaken { entries, state }))
                if entries == self.entries && state == self.state.to_string()
        )
    }

    /// Opens the file to start a replay with.
    ///
    /// # Errors
    /// [`io::Error`] when it cannot be opened, or does not begin as a snapshot does. Whether the rest of
    /// it is good shows when it has been read.
    pub fn open(&self) -> io::Result<Box<dyn Base>> {
        let mut rows = Decoder::new(File::open(&self.path)?)?;
        rows.window_log_max(WINDOW_LOG_MAX)?;
        let mut rows = BufReader::new(rows);
        let mut first = [0; FIRST_LINE.len()];
        rows.read_exact(&mut first)?;
        if first != *FIRST_LINE {
            return Err(io::Error::other("it does not begin as a snapshot does"));
        }
        Ok(Box::new(Reader {
            rows,
            snapshot: self.clone(),
        }))
    }
}

/// Writes a snapshot's rows.
struct Writer {
    out: BufWriter<Encoder<'static, File>>,
    hasher: StateHasher,
}

impl Writer {
    fn new(file: File) -> io::Result<Self> {
        let mut encoder = Encoder::new(file, LEVEL)?;
        encoder.include_checksum(true)?;
        let mut out = BufWriter::new(encoder);
        out.write_all(FIRST_LINE)?;
        Ok(Self {
            out,
            hasher: StateHasher::default(),
        })
    }

    fn row(&mut self, table: &str, key: &str, value: &[u8]) -> io::Result<()> {
        self.hasher.row(table, key, value);
        for part in [table.as_bytes(), key.as_bytes(), value] {
            let length = u32::try_from(part.len()).map_err(io::Error::other)?;
            if length > PART_SIZE_MAX {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            self.out.write_all(&length.to_be_bytes())?;
        }
        for part in [table.as_bytes(), key.as_bytes(), value] {
            self.out.write_all(part)?;
        }
        Ok(())
    }

    fn finish(mut self, entries: u64) -> io::Result<StateDigest> {
        self.out.write_all(&END.to_be_bytes())?;
        self.out.write_all(&entries.to_be_bytes())?;
        let encoder = self
            .out
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        encoder.finish()?.sync_all()?;
        Ok(self.hasher.finish())
    }
}

/// Reads a snapshot's rows.
struct Reader {
    rows: BufReader<Decoder<'static, BufReader<File>>>,
    snapshot: Snapshot,
}

impl Base for Reader {
    fn size(&self) -> u64 {
        self.snapshot.entries
    }

    fn digest(&self) -> StateDigest {
        self.snapshot.state
    }

    fn next_row(&mut self) -> Result<Option<StateRow>, Box<dyn Error + Send + Sync>> {
        let table = self.number()?;
        if table == END {
            let mut entries = [0; 8];
            self.rows.read_exact(&mut entries)?;
            let whole = u64::from_be_bytes(entries) == self.snapshot.entries
                // Reads to the checksum of the stream, and past it there is nothing.
                && self.rows.read(&mut [0])? == 0;
            return if whole {
                Ok(None)
            } else {
                Err("its end is another's".into())
            };
        }
        let (key, value) = (self.number()?, self.number()?);
        let table = String::from_utf8(self.part(table)?)?.into();
        let key = String::from_utf8(self.part(key)?)?.into();
        let value = self.part(value)?.into();
        Ok(Some(StateRow { table, key, value }))
    }
}

impl Reader {
    fn number(&mut self) -> io::Result<u32> {
        let mut number = [0; 4];
        self.rows.read_exact(&mut number)?;
        Ok(u32::from_be_bytes(number))
    }

    fn part(&mut self, length: u32) -> io::Result<Vec<u8>> {
        if length > PART_SIZE_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let mut part = Vec::new();
        let read = (&mut self.rows)
            .take(length.into())
            .read_to_end(&mut part)?;
        if read < usize::try_from(length).unwrap_or(usize::MAX) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(part)
    }
}

fn file_name(entries: u64, state: &StateDigest) -> String {
    format!("{entries:012}-{state}{EXTENSION}")
}

/// What the name of a file says, if it is a snapshot's.
fn named(path: PathBuf) -> Option<Snapshot> {
    let name = path.file_name()?.to_str()?.strip_suffix(EXTENSION)?;
    let (entries, state) = name.split_once('-')?;
    let (entries, state) = (entries.parse().ok()?, state.parse().ok()?);
    Some(Snapshot {
        path,
        entries,
        state,
    })
}

fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(path)
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

const EXTENSION: &str = ".snapshot.zst";

/// Where a snapshot is written before it gets its name.
const UNFINISHED: &str = ".unfinished";

const FIRST_LINE: &[u8; 20] = b"ironroot snapshot 1\n";

/// Stands where the length of a table's name would, behind the last row.
const END: u32 = u32::MAX;

/// The longest name, key or document, in bytes.
const PART_SIZE_MAX: u32 = 16 << 20;

/// How much memory a stream may ask for to be read, as a power of two: what the level below writes.
const WINDOW_LOG_MAX: u32 = 23;

/// Fast, and a fifth of the size of the rows.
const LEVEL: i32 = 3;

/// How many entries are looked through at a time.
const CHUNK: usize = 1_024;

/// Stands in the canonical text of every entry that records a snapshot.
const RECORD_MARK: &str = r#""kind":"snapshot.taken""#;
