//! `ironroot journal`, as far as a running hub answers it: entries and proofs.

use clap::{Args, Subcommand};
use ironroot_api::{
    Checkpoint as ApiCheckpoint, EntryProof, JournalEntry, JournalQuery, Sealed, SnapshotTaken,
    WordsErased,
};
use ironroot_identity::DeviceId;

use super::export::Export;
use super::{Columns, Part, print_list};
use crate::failure::Failure;
use crate::hub::Hub;
use crate::query::query;
use crate::table::moment;
use crate::terminal::Terminal;
use crate::{Remote, With, run};

/// Entries of the journal, and proofs of them.
#[derive(Debug, Subcommand)]
pub enum JournalCommand {
    /// List entries, newest first.
    List(With<List>),
    /// Show one entry.
    Show(With<Show>),
    /// Print the proof that an entry is in the log, as a .tlog-proof file.
    Proof(With<Proof>),
    /// Print the newest signed checkpoint; keep it where the hub cannot reach it.
    Checkpoint(With<Checkpoint>),
    /// Erase the reason that was given with an entry; the entry itself stays and still verifies.
    Erase(With<Erase>),
    /// Take a snapshot of the state now; a rebuild then starts there.
    Snapshot(With<Snapshot>),
    /// Copy the log to the archive of the hub's settings now, and move every old segment that may go.
    Seal(With<Seal>),
    /// Copy the log to a folder, where anybody can check it without Ironroot.
    Export(With<Export>),
}

impl JournalCommand {
    pub(crate) fn run_on(self, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        match self {
            Self::List(command) => run(command, terminal),
            Self::Show(command) => run(command, terminal),
            Self::Proof(command) => run(command, terminal),
            Self::Checkpoint(command) => run(command, terminal),
            Self::Erase(command) => run(command, terminal),
            Self::Snapshot(command) => run(command, terminal),
            Self::Seal(command) => run(command, terminal),
            Self::Export(command) => run(command, terminal),
        }
    }
}

/// Arguments of `journal list`.
#[derive(Debug, Args)]
pub struct List {
    /// Oldest first, from this entry on
    #[arg(long, value_name = "INDEX")]
    from: Option<u64>,
    /// Only entries about this device
    #[arg(long, value_name = "ID")]
    device: Option<DeviceId>,
    /// Only entries of this kind, or of all that begin so: device.claimed, device.
    #[arg(long)]
    kind: Option<String>,
    /// Only what this person or program did, by the name of the token; hub for the hub itself
    #[arg(long, value_name = "NAME")]
    who: Option<String>,
    /// Only entries of this moment (UTC) or later: 2026-11-22, 2026-11-22T14:07
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only entries before this moment
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    #[command(flatten)]
    part: Part,
}

impl Remote for List {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let wanted = JournalQuery {
            limit: self.part.limit,
            cursor: self.part.cursor,
            from: self.from,
            device: self.device.map(|id| id.to_string()),
            kind: self.kind,
            who: self.who,
            since: self.since,
            until: self.until,
        };
        let answer = hub.get(&format!("/journal{}", query(&wanted)))?;
        let columns = Columns {
            headings: ["ENTRY", "AT (UTC)", "KIND", "WHAT HAPPENED"],
            // The kind: the sentence says it too.
            unhurried: &[2],
            none: "no entry matches",
        };
        print_list(terminal, answer, &columns, |entry: JournalEntry| {
            let index = entry.index.to_string();
            [index, moment(&entry.at), entry.kind, entry.sentence]
        })
    }
}

/// Arguments of `journal show`.
#[derive(Debug, Args)]
pub struct Show {
    /// The entry's index
    index: u64,
}

impl Remote for Show {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let answer = hub.get(&format!("/journal/{}", self.index))?;
        terminal.answer(answer, |terminal, entry: JournalEntry| {
            terminal.line(&entry.sentence)?;
            terminal.line(&format!("at         {} UTC", moment(&entry.at)))?;
            terminal.line(&format!("leaf hash  {}", entry.leaf))?;
            if entry.archived {
                terminal.line("kept       in the archive")?;
            }
            terminal.line(&format!("{:#}", entry.entry))
        })
    }
}

/// Arguments of `journal proof`.
#[derive(Debug, Args)]
pub struct Proof {
    /// The entry's index
    index: u64,
}

impl Remote for Proof {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let answer = hub.get(&format!("/journal/{}/proof", self.index))?;
        terminal.answer(answer, |terminal, proof: EntryProof| {
            terminal.line(proof.proof.trim_end())
        })
    }
}

/// Arguments of `journal erase`.
#[derive(Debug, Args)]
pub struct Erase {
    /// The entry's index
    index: u64,
}

impl Remote for Erase {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let answer = hub.delete(&format!("/journal/{}/why", self.index))?;
        terminal.answer(answer, |terminal, erased: WordsErased| {
            terminal.line(&format!(
                "the words of entry {} are gone from the hub; copies in older backups are not (journal entry {})",
                erased.index, erased.entry
            ))
        })
    }
}

/// Arguments of `journal snapshot`.
#[derive(Debug, Args)]
pub struct Snapshot {}

impl Remote for Snapshot {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let answer = hub.post("/journal/snapshots", &serde_json::Map::new())?;
        terminal.answer(answer, |terminal, taken: SnapshotTaken| {
            terminal.line(&format!(
                "the state after {} entries is in {} (journal entry {})",
                taken.entries, taken.file, taken.entry
            ))?;
            terminal.line(&format!("its digest is {}", taken.state))
        })
    }
}

/// Arguments of `journal seal`.
#[derive(Debug, Args)]
pub struct Seal {}

impl Remote for Seal {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let answer = hub.post("/journal/segments", &serde_json::Map::new())?;
        terminal.answer(answer, |terminal, sealed: Sealed| {
            terminal.line(&format!(
                "the first {} entries of the journal are in {}",
                sealed.archived, sealed.place
            ))?;
            terminal.line(&format!(
                "the hub's database begins with entry {}",
                sealed.floor
            ))
        })
    }
}

/// Arguments of `journal checkpoint`.
#[derive(Debug, Args)]
pub struct Checkpoint {}

impl Remote for Checkpoint {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let answer = hub.get("/journal/checkpoint")?;
        terminal.answer(answer, |terminal, newest: ApiCheckpoint| {
            terminal.line(newest.note.trim_end())
        })
    }
}
