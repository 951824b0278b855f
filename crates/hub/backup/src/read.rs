//! A backup read and checked, member after member; nothing of it is to be believed before the last one was.

use std::error::Error;
use std::io::{self, Read};

use ironroot_custody::seal::{BadSeal, SealKey};
use ironroot_journal::checkpoint::{CheckpointRefused, SignedCheckpoint};
use ironroot_journal::merkle::{Frontier, leaf_hash};
use ironroot_journal::note::{BadNote, NoteRefused, SignedNote, VerifierKey};
use ironroot_store::{Head, Moment, Part, RawEntry};
use ironroot_time::UnixTime;
use serde::Deserialize;
use tar::{Archive, Entry};
use zstd::Decoder;

use crate::CarriedFile;
use crate::format::{
    ENTRIES, FILES, FORMAT, Info, MANIFEST_TITLE, SECRETS_CONTEXT, Stage, sha256, sum_line,
    take_entry, take_payload, take_secret,
};

/// One thing of a backup.
#[derive(Clone, Debug)]
pub enum Item {
    /// What the backup says of itself; the first, once.
    Info(Info),
    /// A file of the data folder.
    File(CarriedFile),
    /// A part of the store.
    Part(Part),
}

/// Who takes the things of a backup.
pub type Taker<'a> = dyn FnMut(Item) -> Result<(), Box<dyn Error + Send + Sync>> + 'a;

/// Who has the sealing key: asked for it once, after the files were handed on, if there are secrets.
pub type KeyHolder<'a> = dyn FnMut() -> Result<Option<SealKey>, Box<dyn Error + Send + Sync>> + 'a;

/// A backup that was read to its end, and holds.
#[derive(Clone, Debug)]
pub struct Verified {
    /// What it says of itself.
    pub info: Info,
    /// The log that signed it.
    pub log: VerifierKey,
    /// The checkpoint over its entries.
    pub checkpoint: SignedCheckpoint,
}

/// Why a backup is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadBackup {
    /// It cannot be read, or is no archive.
    #[error("it cannot be read: damaged, or no backup of Ironroot")]
    Io(#[source] io::Error),
    /// It ends early.
    #[error("it ends too early: it was not written to its end, or was cut short")]
    CutShort,
    /// It does not begin as a backup does.
    #[error("it is no backup of Ironroot")]
    NotABackup,
    /// A newer program made it.
    #[error(
        "it has format {found}, and this program reads formats up to {FORMAT}: use the ironroot that made it, or a newer one"
    )]
    Newer {
        /// The format that it has.
        found: u32,
    },
    /// A member is not what it should be.
    #[error("{member} in it {wrong}")]
    Member {
        /// The member's name.
        member: String,
        /// What is wrong with it.
        wrong: &'static str,
    },
    /// A member was sealed with another key, or was altered.
    #[error("{member} in it does not open")]
    Seal {
        /// The member's name.
        member: String,
        /// Why.
        #[source]
        cause: BadSeal,
    },
    /// The sealing key is not to be had.
    #[error("its keyring cannot be opened")]
    NoKey(#[source] Box<dyn Error + Send + Sync>),
    /// The log's key cannot be read.
    #[error("it names no log")]
    Log,
    /// Another log signed it.
    #[error("it is of the log {found}, not of {expected}")]
    OtherLog {
        /// The log that was asked for.
        expected: Box<VerifierKey>,
        /// The log that it is of.
        found: Box<VerifierKey>,
    },
    /// The manifest or the checkpoint is no signed note.
    #[error("its {member} is no signed note")]
    BadNote {
        /// Which.
        member: &'static str,
        /// Why.
        #[source]
        cause: BadNote,
    },
    /// The log did not sign the manifest.
    #[error("its manifest is not signed by its log")]
    Unsigned(#[source] NoteRefused),
    /// The log did not sign the checkpoint.
    #[error("its checkpoint is not one of its log")]
    Checkpoint(#[source] CheckpointRefused),
    /// Entries were changed, added or taken out.
    #[error("its entries are not those that the log signed")]
    OtherEntries,
    /// Whoever takes it failed.
    #[error("it cannot be taken in")]
    Taker(#[source] Box<dyn Error + Send + Sync>),
}

/// Reads a backup and hands on what is in it; what was handed on holds when this returns, and not before.
///
/// Where `key_holder` has no key, the keyring is checked but stays closed. `log` is the log that it must be of; without
/// one it is only shown to be of the log that it names itself. It blocks, and needs a few megabytes.
///
/// # Errors
/// [`BadBackup`] says what is wrong; whatever was handed on must be thrown away.
pub fn read(
    input: &mut dyn Read,
    log: Option<&VerifierKey>,
    key_holder: &mut KeyHolder<'_>,
    take: &mut Taker<'_>,
) -> Result<Verified, BadBackup> {
    let decoder = Decoder::new(input).map_err(unreadable)?;
    let mut archive = Archive::new(decoder);
    let mut reading = Reading::new(log, key_holder, take);
    // Raw: a backup needs no extension of the format, and an attacker shall have none.
    for member in archive.entries().map_err(unreadable)?.raw(true) {
        let (stage, name, bytes) = open(member.map_err(unreadable)?)?;
        reading.member(stage, &name, &bytes)?;
    }
    read_end(&mut archive.into_inner())?;
    reading.finish()
}

/// Reads what follows the last member, so that the checksum behind it counts too.
fn read_end(rest: &mut dyn Read) -> Result<(), BadBackup> {
    let mut padding = Vec::new();
    let mut bounded = rest.take(PADDING_MAX + 1);
    bounded.read_to_end(&mut padding).map_err(unreadable)?;
    if padding.len() as u64 > PADDING_MAX || padding.iter().any(|byte| *byte != 0) {
        return Err(wrong("manifest", "is not the end"));
    }
    Ok(())
}

fn open(mut member: Entry<'_, impl Read>) -> Result<(Stage, String, Vec<u8>), BadBackup> {
    let name = str::from_utf8(&member.path_bytes()).map(str::to_owned);
    let name = name.map_err(|_not_utf8| BadBackup::NotABackup)?;
    let stage = Stage::of(&name).ok_or_else(|| wrong(&name, "does not belong there"))?;
    if !member.header().entry_type().is_file() {
        return Err(wrong(&name, "is no plain file"));
    }
    if member.size() > stage.size_max() {
        return Err(wrong(&name, "is too large"));
    }
    let size = member.size();
    let mut bytes = Vec::new();
    member.read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 != size {
        return Err(BadBackup::CutShort);
    }
    Ok((stage, name, bytes))
}

struct Reading<'a, 't> {
    expected: Option<&'a VerifierKey>,
    key_holder: &'a mut KeyHolder<'t>,
    keyring: Keyring,
    take: &'a mut Taker<'t>,
    stage: Stage,
    info: Option<(Info, VerifierKey)>,
    sums: String,
    sums_digest: Option<String>,
    tree: Frontier,
    checkpoint: Option<SignedCheckpoint>,
    signed: bool,
}

/// What became of the question for the sealing key.
enum Keyring {
    Unasked,
    Closed,
    Open(SealKey),
}

impl<'a, 't> Reading<'a, 't> {
    fn new(
        expected: Option<&'a VerifierKey>,
        key_holder: &'a mut KeyHolder<'t>,
        take: &'a mut Taker<'t>,
    ) -> Self {
        Self {
            expected,
            key_holder,
            keyring: Keyring::Unasked,
            take,
            stage: Stage::Info,
            info: None,
            sums: String::new(),
            sums_digest: None,
            tree: Frontier::default(),
            checkpoint: None,
            signed: false,
        }
    }

    fn member(&mut self, stage: Stage, name: &str, bytes: &[u8]) -> Result<(), BadBackup> {
        if self.info.is_none() && stage != Stage::Info {
            return Err(BadBackup::NotABackup);
        }
        let repeated = stage == self.stage && matches!(stage, Stage::Checkpoint | Stage::Sums);
        if stage < self.stage || repeated || self.signed {
            return Err(wrong(name, "stands in the wrong place"));
        }
        self.stage = stage;
        if stage < Stage::Sums {
            self.sums += &sum_line(name, bytes);
        }
        match stage {
            Stage::Info => self.take_info(name, bytes),
            Stage::Files => self.take_file(name, bytes),
            Stage::Secrets => self.take_secrets(name, bytes),
            Stage::Payloads => self.take_payloads(name, bytes),
            Stage::Entries => self.take_entries(name, bytes),
            Stage::Checkpoint => self.take_checkpoint(bytes),
            Stage::Sums => self.take_sums(bytes),
            Stage::Manifest => self.take_manifest(bytes),
        }
    }

    fn take_info(&mut self, name: &str, bytes: &[u8]) -> Result<(), BadBackup> {
        if self.info.is_some() {
            return Err(wrong(name, "stands in the wrong place"));
        }
        let format: Format =
            serde_json::from_slice(bytes).map_err(|_not_ours| BadBackup::NotABackup)?;
        if format.format > FORMAT {
            let found = format.format;
            return Err(BadBackup::Newer { found });
        }
        let info: Info = serde_json::from_slice(bytes)
            .map_err(|_other_fields| wrong(name, "has other fields than its format says"))?;
        let log: VerifierKey = info.log.parse().map_err(|_no_key| BadBackup::Log)?;
        if let Some(expected) = self.expected
            && *expected != log
        {
            return Err(BadBackup::OtherLog {
                expected: Box::new(expected.clone()),
                found: Box::new(log),
            });
        }
        let state = info.state.parse();
        let state = state.map_err(|_no_digest| wrong(name, "has no digest of the state"))?;
        let moment = Moment {
            from: 0,
            head: Head {
                size: info.entries,
                at: UnixTime::from_ms(info.last_entry),
            },
            state: Some(state),
        };
        self.info = Some((info.clone(), log));
        self.give(Item::Info(info))?;
        self.give(Item::Part(Part::Moment(moment)))
    }

    fn take_file(&mut self, name: &str, bytes: &[u8]) -> Result<(), BadBackup> {
        let path = name.strip_prefix(FILES).unwrap_or(name);
        if !is_plain(path) {
            return Err(wrong(name, "does not lie below the data folder"));
        }
        self.give(Item::File(CarriedFile {
            path: path.to_owned(),
            bytes: bytes.to_vec(),
        }))
    }

    fn take_secrets(&mut self, name: &str, bytes: &[u8]) -> Result<(), BadBackup> {
        if matches!(self.keyring, Keyring::Unasked) {
            let key = (self.key_holder)().map_err(BadBackup::NoKey)?;
            self.keyring = key.map_or(Keyring::Closed, Keyring::Open);
        }
        let Keyring::Open(seal) = &self.keyring else {
            return Ok(());
        };
        let opened = seal.open(SECRETS_CONTEXT, bytes);
        let opened = opened.map_err(|cause| BadBackup::Seal {
            member: name.to_owned(),
            cause,
        })?;
        let mut rest = opened.expose();
        while !rest.is_empty() {
            let (name, secret) = take_secret(&mut rest).ok_or_else(|| wrong(name, DAMAGED))?;
            self.give(Item::Part(Part::Secret { name, secret }))?;
        }
        Ok(())
    }

    fn take_payloads(&mut self, name: &str, mut rest: &[u8]) -> Result<(), BadBackup> {
        while !rest.is_empty() {
            let payload = take_payload(&mut rest).ok_or_else(|| wrong(name, DAMAGED))?;
            self.give(Item::Part(Part::Payload(payload)))?;
        }
        Ok(())
    }

    fn take_entries(&mut self, name: &str, mut rest: &[u8]) -> Result<(), BadBackup> {
        let first = name.strip_prefix(ENTRIES).and_then(|n| n.parse().ok());
        if first != Some(self.tree.size()) {
            return Err(wrong(name, "does not begin where the one before it ends"));
        }
        while !rest.is_empty() {
            let bytes = take_entry(&mut rest).ok_or_else(|| wrong(name, DAMAGED))?;
            let index = self.tree.size();
            self.tree.push(leaf_hash(bytes));
            let bytes = bytes.to_vec();
            self.give(Item::Part(Part::Entry(RawEntry { index, bytes })))?;
        }
        Ok(())
    }

    fn take_checkpoint(&mut self, bytes: &[u8]) -> Result<(), BadBackup> {
        let signed = SignedCheckpoint::parse(bytes).map_err(|cause| BadBackup::BadNote {
            member: "checkpoint",
            cause,
        })?;
        let (info, log) = self.info.as_ref().ok_or(BadBackup::NotABackup)?;
        let checkpoint = signed.verify(log).map_err(BadBackup::Checkpoint)?;
        let same = checkpoint.size() == self.tree.size()
            && checkpoint.size() == info.entries
            && *checkpoint.root() == self.tree.root();
        if !same {
            return Err(BadBackup::OtherEntries);
        }
        self.checkpoint = Some(signed);
        Ok(())
    }

    fn take_sums(&mut self, bytes: &[u8]) -> Result<(), BadBackup> {
        if bytes != self.sums.as_bytes() {
            return Err(wrong("SHA256SUMS", "does not fit what stands before it"));
        }
        self.sums_digest = Some(sha256(bytes));
        Ok(())
    }

    fn take_manifest(&mut self, bytes: &[u8]) -> Result<(), BadBackup> {
        let note = SignedNote::parse(bytes).map_err(|cause| BadBackup::BadNote {
            member: "manifest",
            cause,
        })?;
        let (_, log) = self.info.as_ref().ok_or(BadBackup::NotABackup)?;
        let text = note.verify(log).map_err(BadBackup::Unsigned)?;
        let sum = self.sums_digest.as_deref().unwrap_or_default();
        if text != format!("{MANIFEST_TITLE}\n{sum}\n") {
            return Err(wrong("manifest", "is the one of another backup"));
        }
        self.signed = true;
        Ok(())
    }

    fn give(&mut self, item: Item) -> Result<(), BadBackup> {
        (self.take)(item).map_err(BadBackup::Taker)
    }

    fn finish(self) -> Result<Verified, BadBackup> {
        match (self.info, self.checkpoint) {
            (Some((info, log)), Some(checkpoint)) if self.signed => Ok(Verified {
                info,
                log,
                checkpoint,
            }),
            (None, _) => Err(BadBackup::NotABackup),
            (Some(_), _) => Err(BadBackup::CutShort),
        }
    }
}

/// The one field that every format has.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

/// Whether a path stays below the folder that it is put in, wherever it is read.
fn is_plain(path: &str) -> bool {
    path.split('/')
        .all(|name| !matches!(name, "" | "." | "..") && !name.contains(['\\', '\0']))
}

fn wrong(member: &str, wrong: &'static str) -> BadBackup {
    BadBackup::Member {
        member: member.to_owned(),
        wrong,
    }
}

fn unreadable(cause: io::Error) -> BadBackup {
    match cause.kind() {
        io::ErrorKind::UnexpectedEof => BadBackup::CutShort,
        _ => BadBackup::Io(cause),
    }
}

/// The most bytes of zeros that end an archive: a record of 20 blocks (POSIX pax, ustar).
const PADDING_MAX: u64 = 20 * 512;

const DAMAGED: &str = "is damaged";
