//! The members of a backup: their names, their order, their bounds, and how secrets and payloads lie in them.

use aws_lc_rs::digest::{SHA256, digest};
use ironroot_journal::SALT_SIZE;
use ironroot_secret::Secret;
use ironroot_store::{Moment, PAYLOAD_SIZE_MAX, Payload, StateDigest};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// The format that this program writes, and the newest that it reads. Readers of older ones stay.
pub const FORMAT: u32 = 1;

pub(crate) const INFO: &str = "backup.json";
pub(crate) const FILES: &str = "files/";
pub(crate) const SECRETS: &str = "secrets/";
pub(crate) const PAYLOADS: &str = "payloads/";
pub(crate) const ENTRIES: &str = "entries/";
pub(crate) const CHECKPOINT: &str = "checkpoint";
pub(crate) const SUMS: &str = "SHA256SUMS";
pub(crate) const MANIFEST: &str = "manifest";

/// In which context secrets are sealed, so that nothing else that was sealed passes for them.
pub(crate) const SECRETS_CONTEXT: &str = "ironroot backup secrets";

/// The first line of the manifest, which no checkpoint has.
pub(crate) const MANIFEST_TITLE: &str = "Ironroot backup manifest";

/// How many bytes of entries or payloads are gathered into one member.
pub(crate) const CHUNK_SIZE: usize = 4 << 20;

/// How many bytes of secrets are sealed together.
pub(crate) const SECRETS_SIZE: usize = 512 << 10;

/// The largest member but for the sums, in bytes: a chunk and what made it overflow.
pub(crate) const MEMBER_SIZE_MAX: u64 = 8 << 20;

/// The largest list of sums, in bytes: some 3 TB of backup.
pub(crate) const SUMS_SIZE_MAX: u64 = 64 << 20;

/// The longest name of a member, in bytes: what a tar header takes without an extension.
pub(crate) const NAME_LENGTH_MAX: usize = 100;

/// In which order members come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Info,
    Files,
    Secrets,
    Payloads,
    Entries,
    Checkpoint,
    Sums,
    Manifest,
}

impl Stage {
    /// The stage that a member belongs to by its name.
    pub(crate) fn of(name: &str) -> Option<Self> {
        let folders = [
            (FILES, Self::Files),
            (SECRETS, Self::Secrets),
            (PAYLOADS, Self::Payloads),
            (ENTRIES, Self::Entries),
        ];
        match name {
            INFO => Some(Self::Info),
            CHECKPOINT => Some(Self::Checkpoint),
            SUMS => Some(Self::Sums),
            MANIFEST => Some(Self::Manifest),
            _ => folders
                .into_iter()
                .find(|(folder, _)| name.starts_with(folder))
                .map(|(_, stage)| stage),
        }
    }

    /// The largest member of the stage, in bytes.
    pub(crate) fn size_max(self) -> u64 {
        match self {
            Self::Sums => SUMS_SIZE_MAX,
            Self::Info
            | Self::Files
            | Self::Secrets
            | Self::Payloads
            | Self::Entries
            | Self::Checkpoint
            | Self::Manifest => MEMBER_SIZE_MAX,
        }
    }
}

/// What a backup says of itself, in `backup.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Info {
    /// The format of the backup.
    pub format: u32,
    /// The version of the program that made it.
    pub program: String,
    /// When it was made, in milliseconds since 1970.
    pub made: u64,
    /// The verifier key of the journal's log.
    pub log: String,
    /// How many entries the journal had.
    pub entries: u64,
    /// The time of the last entry, in milliseconds since 1970.
    pub last_entry: u64,
    /// Which version of the projection made the rows.
    #[serde(default)]
    pub fold: u32,
    /// The digest over all rows.
    pub state: String,
}

impl Info {
    /// Of a backup of `moment` that is made now.
    pub(crate) fn new(
        moment: &Moment,
        log: String,
        (program, fold): (&str, u32),
        made: u64,
    ) -> Self {
        let state = moment.state.as_ref();
        Self {
            format: FORMAT,
            program: program.to_owned(),
            made,
            log,
            entries: moment.head.size,
            last_entry: moment.head.at.as_ms(),
            fold,
            state: state.map_or(String::new(), StateDigest::to_string),
        }
    }
}

/// The line of `SHA256SUMS` for a member.
pub(crate) fn sum_line(name: &str, bytes: &[u8]) -> String {
    format!("{}  {name}\n", sha256(bytes))
}

/// The digest in hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex::encode(digest(&SHA256, bytes))
}

/// Adds a secret to the bytes that are sealed together.
pub(crate) fn push_secret(chunk: &mut Zeroizing<Vec<u8>>, name: &str, secret: &Secret) {
    push_bytes(chunk, name.as_bytes());
    push_bytes(chunk, secret.expose());
}

/// Takes the next secret from the front of `chunk`.
pub(crate) fn take_secret(chunk: &mut &[u8]) -> Option<(String, Secret)> {
    let name = str::from_utf8(take_bytes(chunk)?).ok()?;
    let secret = Secret::new(take_bytes(chunk)?.to_vec());
    Some((name.to_owned(), secret))
}

/// Adds a payload to a chunk.
pub(crate) fn push_payload(chunk: &mut Vec<u8>, payload: &Payload) {
    chunk.extend(payload.salt());
    push_bytes(chunk, payload.bytes());
}

/// Takes the next payload from the front of `chunk`.
pub(crate) fn take_payload(chunk: &mut &[u8]) -> Option<Payload> {
    let (salt, rest) = chunk.split_first_chunk::<SALT_SIZE>()?;
    *chunk = rest;
    let bytes = take_bytes(chunk)?;
    let fits = bytes.len() <= PAYLOAD_SIZE_MAX;
    fits.then(|| Payload::new(*salt, bytes.to_vec()))
}

/// Adds an entry to a chunk as an entry bundle has it (C2SP tlog-tiles): behind its length in two bytes.
pub(crate) fn push_entry(chunk: &mut Vec<u8>, entry: &[u8]) -> Option<()> {
    let length = u16::try_from(entry.len()).ok()?;
    chunk.extend(length.to_be_bytes());
    chunk.extend(entry);
    Some(())
}

/// Takes the next entry from the front of `chunk`.
pub(crate) fn take_entry<'a>(chunk: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = chunk.split_first_chunk()?;
    let (entry, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
    *chunk = rest;
    Some(entry)
}

/// Lengths stand in four bytes, big-endian; nothing in a chunk comes near their end.
fn push_bytes(chunk: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    chunk.extend(length.to_be_bytes());
    chunk.extend(bytes);
}

fn take_bytes<'a>(chunk: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = chunk.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (bytes, rest) = rest.split_at_checked(length)?;
    *chunk = rest;
    Some(bytes)
}
