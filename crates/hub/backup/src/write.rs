//! A backup written, member after member, while the store is read.

use std::error::Error;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use ironroot_custody::seal::{SealFailed, SealKey};
use ironroot_journal::checkpoint::Checkpoint;
use ironroot_journal::merkle::{Frontier, leaf_hash};
use ironroot_journal::note::{BadNote, SignedNote, SigningKey};
use ironroot_store::{Dump, DumpError, Moment, Part, RawEntry};
use ironroot_time::UnixTime;
use tar::{Builder, Header};
use zeroize::Zeroizing;
use zstd::Encoder;

use crate::CarriedFile;
use crate::format::{
    CHECKPOINT, CHUNK_SIZE, ENTRIES, FILES, INFO, Info, MANIFEST, MANIFEST_TITLE, NAME_LENGTH_MAX,
    PAYLOADS, SECRETS, SECRETS_CONTEXT, SECRETS_SIZE, SUMS, push_entry, push_payload, push_secret,
    sha256, sum_line,
};

/// Light compression: the hub has better things to do while it is backed up.
const COMPRESSION_LEVEL: i32 = 1;

/// What a backup is made of, beside the store.
#[derive(Debug)]
pub struct Contents<'a> {
    /// Files of the data folder.
    pub files: Vec<CarriedFile>,
    /// What the keyring is sealed with.
    pub seal: &'a SealKey,
    /// The log's key.
    pub key: &'a SigningKey,
    /// The newest checkpoint of the log, read before the store is: the store must bear it out.
    pub signed: Option<Checkpoint>,
    /// The version of this program.
    pub program: &'a str,
    /// Which version of the projection made the rows.
    pub fold: u32,
    /// The present moment.
    pub made: UnixTime,
    /// How fast to go.
    pub pace: Pace,
}

/// How much is read from the store per second at most.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Bytes of entries, payloads and secrets; `None` is as fast as it goes.
    pub bytes_per_s: Option<u64>,
}

/// Why no backup was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotMade {
    /// The backup cannot be written.
    #[error("the backup cannot be written")]
    Io(#[from] io::Error),
    /// The store cannot be read.
    #[error("the store cannot be backed up")]
    Store(#[source] DumpError),
    /// The store is not the one whose entries were signed.
    #[error(
        "the store is not what the log signed at entry {0}: `ironroot journal verify` says what differs"
    )]
    OtherJournal(u64),
    /// A secret cannot be sealed.
    #[error(transparent)]
    Seal(#[from] SealFailed),
    /// The log's name cannot stand in a signed note.
    #[error("the checkpoint cannot be signed")]
    Note(#[from] BadNote),
    /// A file of the data folder has a name that a backup does not take.
    #[error("{0} has too long a name for a backup")]
    Name(String),
    /// What is in the store has no form in a backup.
    #[error("{0} has no form in a backup")]
    Unfit(&'static str),
}

/// Writes a backup of `store` to `out`; returns what it is of. It blocks, and needs a few megabytes.
///
/// Nothing of what is in `out` is a backup before this returns: the caller puts it in its place then.
///
/// # Errors
/// [`NotMade`]; what was written is of no use.
pub fn write(
    store: &dyn Dump,
    contents: Contents<'_>,
    out: &mut dyn Write,
) -> Result<Info, NotMade> {
    let mut writer = Writer::new(contents, out)?;
    let mut take = |part| -> Result<(), Box<dyn Error + Send + Sync>> { Ok(writer.take(part)?) };
    match store.dump(0, &mut take) {
        Ok(()) => writer.finish(),
        Err(DumpError::Taker(cause)) => match cause.downcast() {
            Ok(own) => Err(*own),
            Err(other) => Err(NotMade::Store(DumpError::Taker(other))),
        },
        Err(cause) => Err(NotMade::Store(cause)),
    }
}

struct Writer<'a> {
    contents: Contents<'a>,
    members: Members<'a>,
    info: Option<Info>,
    secrets: Zeroizing<Vec<u8>>,
    secrets_chunks: u64,
    payloads: Vec<u8>,
    payloads_chunks: u64,
    entries: Vec<u8>,
    /// The index of the first entry in `entries`.
    entries_first: u64,
    tree: Frontier,
    started: Instant,
    read: u64,
}

impl<'a> Writer<'a> {
    fn new(contents: Contents<'a>, out: &'a mut dyn Write) -> Result<Self, NotMade> {
        Ok(Self {
            members: Members::new(out, contents.made)?,
            contents,
            info: None,
            secrets: Zeroizing::new(Vec::with_capacity(2 * SECRETS_SIZE)),
            secrets_chunks: 0,
            payloads: Vec::new(),
            payloads_chunks: 0,
            entries: Vec::new(),
            entries_first: 0,
            tree: Frontier::default(),
            started: Instant::now(),
            read: 0,
        })
    }

    fn take(&mut self, part: Part) -> Result<(), NotMade> {
        match part {
            Part::Moment(moment) => self.begin(&moment),
            Part::Secret { name, secret } => {
                self.keep_pace(secret.expose().len());
                push_secret(&mut self.secrets, &name, &secret);
                self.flush_secrets(SECRETS_SIZE)
            }
            Part::Payload(payload) => {
                self.flush_secrets(1)?;
                self.keep_pace(payload.bytes().len());
                push_payload(&mut self.payloads, &payload);
                self.flush_payloads(CHUNK_SIZE)
            }
            Part::Entry(entry) => {
                self.flush_secrets(1)?;
                self.flush_payloads(1)?;
                self.keep_pace(entry.bytes.len());
                self.take_entry(&entry)
            }
        }
    }

    /// Writes what the backup is of, and the files that belong to it.
    fn begin(&mut self, moment: &Moment) -> Result<(), NotMade> {
        if let Some(signed) = &self.contents.signed
            && signed.size() > moment.head.size
        {
            return Err(NotMade::OtherJournal(signed.size()));
        }
        let log = self.contents.key.verifier_key().to_string();
        let made = self.contents.made.as_ms();
        let info = Info::new(
            moment,
            log,
            (self.contents.program, self.contents.fold),
            made,
        );
        let json = serde_json::to_vec_pretty(&info).map_err(io::Error::from)?;
        self.members.add(INFO, &json)?;
        self.info = Some(info);
        for file in &self.contents.files {
            self.members
                .add(&format!("{FILES}{}", file.path), &file.bytes)?;
        }
        Ok(())
    }

    fn take_entry(&mut self, entry: &RawEntry) -> Result<(), NotMade> {
        push_entry(&mut self.entries, &entry.bytes).ok_or(NotMade::Unfit("an entry"))?;
        self.tree.push(leaf_hash(&entry.bytes));
        if let Some(signed) = &self.contents.signed
            && signed.size() == self.tree.size()
            && *signed.root() != self.tree.root()
        {
            return Err(NotMade::OtherJournal(signed.size()));
        }
        self.flush_entries(CHUNK_SIZE)
    }

    fn flush_secrets(&mut self, least: usize) -> Result<(), NotMade> {
        if self.secrets.len() >= least {
            let sealed = self.contents.seal.seal(SECRETS_CONTEXT, &self.secrets)?;
            self.members
                .add(&chunk_name(SECRETS, self.secrets_chunks), &sealed)?;
            self.secrets.clear();
            self.secrets_chunks += 1;
        }
        Ok(())
    }

    fn flush_payloads(&mut self, least: usize) -> Result<(), NotMade> {
        if self.payloads.len() >= least {
            self.members
                .add(&chunk_name(PAYLOADS, self.payloads_chunks), &self.payloads)?;
            self.payloads.clear();
            self.payloads_chunks += 1;
        }
        Ok(())
    }

    fn flush_entries(&mut self, least: usize) -> Result<(), NotMade> {
        if self.entries.len() >= least {
            self.members
                .add(&chunk_name(ENTRIES, self.entries_first), &self.entries)?;
            self.entries.clear();
            self.entries_first = self.tree.size();
        }
        Ok(())
    }

    /// Waits until `more` bytes may be read.
    fn keep_pace(&mut self, more: usize) {
        self.read = self.read.saturating_add(more as u64);
        if let Some(bytes_per_s) = self.contents.pace.bytes_per_s {
            let due = self.read.saturating_mul(1_000) / bytes_per_s.max(1);
            let early = Duration::from_millis(due).saturating_sub(self.started.elapsed());
            // Short waits are saved up: the system's timer is no finer.
            if early >= Duration::from_millis(2) {
                std::thread::sleep(early);
            }
        }
    }

    fn finish(mut self) -> Result<Info, NotMade> {
        let info = self
            .info
            .take()
            .ok_or(NotMade::Unfit("a store without a moment"))?;
        self.flush_secrets(1)?;
        self.flush_payloads(1)?;
        self.flush_entries(1)?;
        let key = self.contents.key;
        let checkpoint = Checkpoint::new(key.verifier_key(), self.tree.size(), self.tree.root());
        let checkpoint = checkpoint.sign(key)?;
        self.members
            .add(CHECKPOINT, checkpoint.note().to_string().as_bytes())?;
        self.members.finish(key)?;
        Ok(info)
    }
}

/// The archive, and the digests of what is in it.
struct Members<'a> {
    archive: Builder<Encoder<'static, &'a mut dyn Write>>,
    sums: String,
    made: UnixTime,
}

impl<'a> Members<'a> {
    fn new(out: &'a mut dyn Write, made: UnixTime) -> Result<Self, NotMade> {
        let mut encoder = Encoder::new(out, COMPRESSION_LEVEL)?;
        encoder.include_checksum(true)?;
        Ok(Self {
            archive: Builder::new(encoder),
            sums: String::new(),
            made,
        })
    }

    fn add(&mut self, name: &str, bytes: &[u8]) -> Result<(), NotMade> {
        self.sums += &sum_line(name, bytes);
        self.append(name, bytes)
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> Result<(), NotMade> {
        if name.len() > NAME_LENGTH_MAX {
            return Err(NotMade::Name(name.to_owned()));
        }
        let mut header = Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(self.made.as_s());
        Ok(self.archive.append_data(&mut header, name, bytes)?)
    }

    /// Signs what was added, and ends the archive.
    fn finish(mut self, key: &SigningKey) -> Result<(), NotMade> {
        let sums = std::mem::take(&mut self.sums);
        self.append(SUMS, sums.as_bytes())?;
        let sum = sha256(sums.as_bytes());
        let manifest = SignedNote::sign(format!("{MANIFEST_TITLE}\n{sum}\n"), key)?;
        self.append(MANIFEST, manifest.to_string().as_bytes())?;
        self.archive.into_inner()?.finish()?.flush()?;
        Ok(())
    }
}

fn chunk_name(folder: &str, number: u64) -> String {
    format!("{folder}{number:012}")
}
