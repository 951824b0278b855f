//! The journal: entries as people read them, and the proofs that outsiders check.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which entries are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct JournalQuery {
    /// How many entries at most; 50 when absent, never more than 500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// The `next` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Oldest first from this index; without it, newest first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
    /// Only entries about this device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Only entries of this kind; `device.` stands for all kinds that begin so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Only what this person or program did, by the name of the token; `hub` for what the hub did by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// Only entries of this moment or later: RFC 3339 in UTC, or its beginning, such as `2026-11-22`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Only entries before this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JournalEntry {
    /// Its place in the log, from 0, without gaps.
    pub index: u64,
    /// When it was committed.
    #[schema(format = DateTime)]
    pub at: String,
    /// What happened, as one word.
    pub kind: String,
    /// What happened, as a sentence.
    pub sentence: String,
    /// Leaf hash in hexadecimal (RFC 6962 section 2.1): SHA-256 of a zero byte and the entry's bytes.
    pub leaf: String,
    /// Whether it was read from the archive: the hub's database has it no more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub archived: bool,
    /// The entry itself; its bytes in the log are this object with keys sorted and no white space.
    #[schema(value_type = Object)]
    pub entry: serde_json::Value,
}

/// The newest signed checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Checkpoint {
    /// The log's name.
    pub origin: String,
    /// Entries it covers.
    pub size: u64,
    /// Root hash, in hexadecimal.
    pub root: String,
    /// The signed note itself (C2SP tlog-checkpoint); keep a copy where the hub cannot reach it.
    pub note: String,
    /// The key that signed it, as a verifier key (C2SP signed-note); ask for it once, early, and keep it.
    pub verifier_key: String,
}

/// A person's words that were erased; the entry that they belonged to stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WordsErased {
    /// The entry that the words belonged to.
    pub index: u64,
    /// The entry that records the erasure.
    pub entry: u64,
}

/// A snapshot of the state that was taken, and that the journal has recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SnapshotTaken {
    /// How many entries are folded into its rows.
    pub entries: u64,
    /// The digest over all of them, in hexadecimal.
    pub state: String,
    /// Its file, on the hub's machine.
    pub file: String,
    /// The entry that records it.
    pub entry: u64,
}

/// How far the journal is archived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Sealed {
    /// The archive's URL.
    pub place: String,
    /// How many entries the archive has.
    pub archived: u64,
    /// The index of the first entry that the hub's database has still.
    pub floor: u64,
}

/// Proof that one entry is in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EntryProof {
    /// The entry's place in the log.
    pub index: u64,
    /// Leaf hash of the entry, in hexadecimal.
    pub leaf: String,
    /// The proof as a text file (C2SP tlog-proof), checkpoint included.
    pub proof: String,
}
