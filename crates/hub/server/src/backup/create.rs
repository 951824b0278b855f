//! A backup made: from the files of a data folder, and by the hub that is asked for one.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use ironroot_backup::{Contents, Info, NotMade, Pace, write};
use ironroot_cli::{Copied, HubArgs};
use ironroot_custody::Record;
use ironroot_custody::folder::{self, NoSealKey, Sources};
use ironroot_custody::source::Source;
use ironroot_journal::checkpoint::SignedCheckpoint;
use ironroot_registry::FoldRow;
use ironroot_store::{Dump, Whole};
use ironroot_time::{Clock, UnixTime};
use ironroot_tree::{LogPlace, LogReader};

use super::folder::{NotCarried, gather};
use super::{open_backup, print_info};
use crate::files::{Beside, Mode};
use crate::journal::{LOG_FOLDER, log_place};
use crate::keys::{self, KEYS_FOLDER, NoKeys};
use crate::storage::StoreUrl;
use ironroot_machine::{SystemClock, credentials_directory};

/// Arguments of `backup create`.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// The file to be made; or a folder, in which it gets a name of its own
    to: PathBuf,
    #[command(flatten)]
    hub: HubArgs,
    /// The store, where it is not in the data directory; needed only while no hub runs
    #[arg(long, value_name = "URL")]
    store: Option<StoreUrl>,
    /// Where the sealing key comes from, if it was moved since the last start; needed only while no hub runs
    #[arg(long, value_name = "SOURCE")]
    seal_key: Option<Source>,
    /// Of the backups in the folder keep this many, the newest
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    keep: Option<u16>,
}

/// What a hub makes backups with.
#[derive(Clone, Debug)]
pub struct Maker {
    /// The data folder.
    pub data: PathBuf,
    /// The log, with the archive that has the entries that the store has dropped.
    pub log: LogPlace,
    /// Where the sealing key comes from, when it was named.
    pub seal_key: Option<Source>,
    /// Where systemd put the hub's credentials.
    pub credentials: Option<PathBuf>,
}

/// Why no backup was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotBackedUp {
    /// The keys cannot be opened.
    #[error("the hub's keys cannot be opened")]
    Keys(#[from] NoKeys),
    /// The sealing key is not to be had.
    #[error("the hub's sealing key")]
    SealKey(#[from] NoSealKey),
    /// A file of the data folder.
    #[error("a file of the data folder cannot be carried")]
    Folder(#[from] NotCarried),
    /// The log's checkpoint.
    #[error("the log's checkpoint cannot be read: `ironroot journal verify` says what is wrong")]
    Checkpoint(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store, or the file.
    #[error(transparent)]
    NotMade(#[from] NotMade),
}

impl Maker {
    /// Writes a backup of `store`, whose first entry is `floor`, to `out`; returns what it is of. It blocks.
    ///
    /// # Errors
    /// [`NotBackedUp`]; what was written is of no use.
    pub fn make(
        &self,
        (store, floor): (&dyn Dump, u64),
        made: UnixTime,
        pace: Pace,
        out: &mut dyn Write,
    ) -> Result<Info, NotBackedUp> {
        let folder = self.data.join(KEYS_FOLDER);
        let sources = Sources {
            named: self.seal_key.as_ref(),
            credentials: self.credentials.as_deref(),
        };
        let record = Record::read(&folder).map_err(NoSealKey::from)?;
        let seal = folder::open(&folder, record.as_ref(), sources)?;
        let key = keys::journal_key(&folder, &seal)?;
        let signed = newest_checkpoint(&self.data.join(LOG_FOLDER))?;
        let signed = signed.map(|signed| signed.verify(key.verifier_key()));
        let signed = signed.transpose();
        let contents = Contents {
            files: gather(&self.data)?,
            seal: &seal,
            key: &key,
            signed: signed.map_err(|cause| NotBackedUp::Checkpoint(cause.into()))?,
            program: env!("CARGO_PKG_VERSION"),
            fold: FoldRow::PRESENT.version,
            made,
            pace,
        };
        let archive = LogReader::new(&self.log, key.verifier_key().clone());
        let store = Whole {
            store,
            floor,
            archive: &archive,
        };
        Ok(write(&store, contents, out)?)
    }
}

fn newest_checkpoint(log: &Path) -> Result<Option<SignedCheckpoint>, NotBackedUp> {
    let bytes = match fs::read(log.join("checkpoint")) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read.map_err(|cause| NotBackedUp::Checkpoint(cause.into()))?,
    };
    let parsed = SignedCheckpoint::parse(&bytes);
    parsed
        .map(Some)
        .map_err(|cause| NotBackedUp::Checkpoint(cause.into()))
}

#[expect(clippy::print_stdout, reason = "the answer")]
pub(super) fn run(args: &CreateArgs) -> anyhow::Result<ExitCode> {
    let now = SystemClock.now();
    if args.keep.is_some() && !args.to.is_dir() {
        bail!(
            "--keep counts the backups of a folder, and {} is none",
            args.to.display()
        );
    }
    let path = if args.to.is_dir() {
        args.to.join(name_of(now))
    } else {
        args.to.clone()
    };
    if path.exists() {
        bail!(
            "{} is there already, and a backup is never overwritten",
            path.display()
        );
    }
    let mut beside = Beside::begin(&path, Mode::Private)?;
    let mut out = BufWriter::with_capacity(1 << 20, &mut beside.file);
    let offline = matches!(args.hub.copy_backup(&mut out)?, Copied::NoHub);
    if offline {
        make_offline(args, now, &mut out)?;
    }
    out.flush()?;
    drop(out);
    // Read back before it gets its name: a copy that was cut short on its way is no backup.
    let mut written = open_backup(beside.for_now())?;
    let verified = ironroot_backup::read(&mut written, None, &mut || Ok(None), &mut |_| Ok(()))
        .context("the backup did not arrive whole")?;
    let size = beside.file.metadata()?.len();
    beside.finish()?;
    // A hub that was asked for it remembers this by itself.
    let remembered = if offline {
        super::remember(args.hub.data(), now)
    } else {
        Ok(())
    };
    let deleted = match args.keep {
        Some(keep) => prune(&args.to, keep.into())?,
        None => Vec::new(),
    };
    if args.hub.json() {
        println!("{}", serde_json::to_string(&verified.info)?);
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "{} ({size} bytes) holds the hub of this moment.",
        path.display()
    );
    print_info(&verified.info);
    println!(
        "The sealing key is not in it, and nothing opens it without: keep that key, or what gives it, elsewhere."
    );
    if let Err(cause) = remembered {
        println!("The hub itself will not know of it: {cause}.");
    }
    for name in deleted {
        println!("Deleted {name}, which was older than those that are kept.");
    }
    Ok(ExitCode::SUCCESS)
}

fn make_offline(args: &CreateArgs, now: UnixTime, out: &mut dyn Write) -> anyhow::Result<()> {
    let data = args.hub.data();
    let url = args.store.clone();
    let store = url.unwrap_or_else(|| StoreUrl::default_in(data));
    let maker = Maker {
        data: data.to_owned(),
        log: log_place(data, None)?,
        seal_key: args.seal_key.clone(),
        credentials: credentials_directory(),
    };
    let pace = Pace { bytes_per_s: None };
    let store = store.open_reader()?;
    maker.make((&*store, store.floor()?), now, pace, out)?;
    Ok(())
}

/// The name of a backup that is made at `now`; names in order are backups in order.
fn name_of(now: UnixTime) -> String {
    let plain: String = now
        .to_string()
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    format!("{NAME_START}{plain}{NAME_END}")
}

/// Deletes the oldest backups of `folder` until `keep` are left; returns their names.
fn prune(folder: &Path, keep: usize) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for file in fs::read_dir(folder)? {
        let name = file?.file_name();
        names.extend(
            name.to_str()
                .filter(|name| is_ours(name))
                .map(str::to_owned),
        );
    }
    names.sort();
    let excess = names.len().saturating_sub(keep);
    names.truncate(excess);
    for name in &names {
        fs::remove_file(folder.join(name)).with_context(|| name.clone())?;
    }
    Ok(names)
}

/// Whether a file has a name that [`name_of`] gives, and nothing else.
fn is_ours(name: &str) -> bool {
    let moment = name
        .strip_prefix(NAME_START)
        .and_then(|rest| rest.strip_suffix(NAME_END));
    moment.is_some_and(|text| {
        text.len() == name_of(UnixTime::default()).len() - NAME_START.len() - NAME_END.len()
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

const NAME_START: &str = "ironroot-";
const NAME_END: &str = ".tar.zst";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_newest_backups_and_what_is_no_backup() {
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<_> = (1..=5)
            .map(|day| name_of(UnixTime::from_s(1_800_000_000 + day * 86_400)))
            .collect();
        let others = ["ironroot-mine.tar.zst", "ironroot-notes.txt", "zzz"];
        for name in names.iter().map(String::as_str).chain(others) {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        prune(folder.path(), 2).unwrap();
        let there = |name: &&str| folder.path().join(name).exists();
        assert!(others.iter().all(there));
        let left: Vec<_> = names.iter().filter(|name| there(&name.as_str())).collect();
        assert_eq!(left, names[3..].iter().collect::<Vec<_>>());
    }
}
