//! `ironroot journal verify` and `rebuild`: what is done with the files of a data folder, without a hub.

use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ironroot_archive::{Snapshots, from_newest};
use ironroot_journal::Entry;
use ironroot_journal::note::VerifierKey;
use ironroot_journal::succession::Succession;
use ironroot_registry::{Fact, Fold};
use ironroot_store::{JournalReader, Source, StateDigest, StateError};
use ironroot_tree::{Handover, LogFiles, LogPlace, LogReader, Report, verify_proof, verify_tree};

use crate::enforce::archive::ArchiveSettings;
use crate::enforce::snapshots::SNAPSHOT_FOLDER;
use crate::fault::chain;
use crate::settings::FileSettings;
use crate::storage::{Parts, StoreUrl};

/// The file of the data folder that holds the log's verifier key (C2SP signed-note).
pub const VERIFIER_KEY_FILE: &str = "journal.vkey";

/// The folder of the log below the data folder.
pub const LOG_FOLDER: &str = "journal";

/// Commands about the journal of a data folder.
#[derive(Debug, Subcommand)]
pub enum LocalJournalCommand {
    /// Check the whole log, the store and the state; or one exported .tlog-proof
    Verify(VerifyArgs),
    /// Make the state again from the journal; the hub must not be running
    Rebuild(RebuildArgs),
}

/// Arguments of `journal verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// A .tlog-proof file: only this is checked, with nothing but the key
    proof: Option<PathBuf>,
    /// Data directory of the hub
    #[arg(long, value_name = "DIR", default_value = "./ironroot-data")]
    data: PathBuf,
    /// The database, as it was given to `up`; SQLite in the data directory when absent
    #[arg(long, value_name = "URL")]
    store: Option<StoreUrl>,
    /// Fold every entry from the first on, instead of starting with the newest snapshot
    #[arg(long)]
    from_start: bool,
    /// The hub's settings, which name the archive; `ironroot.toml` in the data directory when absent
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// The log's verifier key that you kept; the data directory's when absent
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
}

/// Arguments of `journal rebuild`.
#[derive(Debug, Args)]
pub struct RebuildArgs {
    /// Data directory of the hub
    #[arg(long, value_name = "DIR", default_value = "./ironroot-data")]
    data: PathBuf,
    /// The database, as it was given to `up`; SQLite in the data directory when absent
    #[arg(long, value_name = "URL")]
    store: Option<StoreUrl>,
    /// Fold every entry from the first on, instead of starting with the newest snapshot
    #[arg(long)]
    from_start: bool,
    /// The hub's settings, which name the archive; `ironroot.toml` in the data directory when absent
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
}

impl LocalJournalCommand {
    /// Carries the command out; 1 when something is wrong with the journal.
    ///
    /// # Errors
    /// What stood in the way of carrying it out.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Verify(args) => match &args.proof {
                Some(proof) => verify_one(&args, proof),
                None => verify_all(&args),
            },
            Self::Rebuild(args) => rebuild(&args),
        }
    }
}

impl VerifyArgs {
    fn key(&self) -> anyhow::Result<VerifierKey> {
        if let Some(key) = &self.key {
            return key
                .parse()
                .context("--key is no verifier key, like NAME+HASH+BASE64");
        }
        verifier_key(&self.data)
    }
}

/// The verifier key of the log in a data folder.
pub(crate) fn verifier_key(data: &Path) -> anyhow::Result<VerifierKey> {
    let path = data.join(VERIFIER_KEY_FILE);
    let text = fs::read_to_string(&path).with_context(|| {
        format!(
            "{}: name the data directory with --data, or the key with --key",
            path.display()
        )
    })?;
    text.trim()
        .parse()
        .with_context(|| path.display().to_string())
}

#[expect(clippy::print_stdout, reason = "the answer")]
fn verify_one(args: &VerifyArgs, proof: &Path) -> anyhow::Result<ExitCode> {
    let file = fs::read(proof).with_context(|| proof.display().to_string())?;
    let key = args.key()?;
    match verify_proof(&file, None, &key) {
        Ok(verified) => {
            println!(
                "Entry {} is in the log {}, under its checkpoint of {} entries.",
                verified.index,
                key.name(),
                verified.checkpoint.size()
            );
            println!("  {}", sentence(&verified.entry));
            println!("  {}", String::from_utf8_lossy(&verified.entry));
            Ok(ExitCode::SUCCESS)
        }
        Err(refused) => {
            println!("Wrong: {}.", chain(&refused));
            Ok(ExitCode::FAILURE)
        }
    }
}

#[expect(clippy::print_stdout, reason = "the answer")]
fn verify_all(args: &VerifyArgs) -> anyhow::Result<ExitCode> {
    let store = store_url(args.store.as_ref(), &args.data).open_reader()?;
    let key = args.key()?;
    let log = log_place(&args.data, args.settings.as_deref())?;
    let bar = progress("entries checked");
    let report = verify_tree(&log, &key, Some(&*store), &mut |done, of| {
        bar.set_length(of);
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    print_report(&report);
    let start = Start::new(
        &args.data,
        args.from_start,
        LogReader::new(&log, key.clone()),
    );
    let state = start.with(&*store, |source| store.verify_state(&Fold, source));
    match &state {
        Ok((start, digest)) => {
            println!("The state is what the journal adds up to: {digest}");
            println!("{start}");
        }
        Err(cause) => println!("Wrong: {}.", chain(cause)),
    }
    if report.holds() && state.is_ok() {
        print_key(&report, &key);
        println!(
            "Compare this key and an older checkpoint with your own copies: without a witness, only they rule out a second history."
        );
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}

/// Which key signed, how it follows from the one that was given, and every change of key before.
#[expect(clippy::print_stdout, reason = "the answer")]
fn print_key(report: &Report, given: &VerifierKey) {
    for Handover { index, succession } in &report.handovers {
        let Succession { from, to, lost } = succession;
        if *lost {
            println!(
                "Entry {index}: the key {from} was lost, and {to} took its place by its own word."
            );
            println!("  Nothing but the tree ties the entries before {index} to the key of today.");
        } else {
            println!(
                "Entry {index}: the key was changed from {from} to {to}, under a checkpoint that both signed."
            );
        }
    }
    match &report.key {
        Some(key) if key != given => {
            println!("The key that you gave, {given}, leads by these entries to the one of today.");
            println!("Signed by {key}");
        }
        Some(_) | None => println!("Signed by {given}"),
    }
}

#[expect(clippy::print_stdout, reason = "the answer")]
fn print_report(report: &Report) {
    for fault in &report.faults {
        println!("Wrong: {}.", chain(fault));
    }
    if report.more_faults > 0 {
        println!("Wrong: {} things more.", report.more_faults);
    }
    println!(
        "{} entries are under the signed checkpoint, {} wait for the next.",
        report.verified, report.waiting
    );
}

#[expect(clippy::print_stdout, reason = "the answer")]
fn rebuild(args: &RebuildArgs) -> anyhow::Result<ExitCode> {
    let url = store_url(args.store.as_ref(), &args.data);
    let bar = progress("rebuilding");
    bar.enable_steady_tick(std::time::Duration::from_millis(100));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let _entered = runtime.enter();
    let store = url.open_existing(Parts::offline())?;
    let before = runtime.block_on(store.state_digest())?;
    let log = log_place(&args.data, args.settings.as_deref())?;
    let archive = LogReader::new(&log, verifier_key(&args.data)?);
    let start = Start::new(&args.data, args.from_start, archive);
    let (start, after) = start.with(&*store, |source| runtime.block_on(store.rebuild(source)))?;
    let size = store.head().size;
    bar.finish_and_clear();
    println!("The state was made again, to entry {size}: {after}");
    println!("{start}");
    if before == after {
        println!("It is what it was before.");
    } else {
        println!("It was {before} before.");
    }
    Ok(ExitCode::SUCCESS)
}

/// The log of a data folder, with the archive that the settings name.
pub(crate) fn log_place(data: &Path, settings: Option<&Path>) -> anyhow::Result<LogPlace> {
    let settings = FileSettings::read(data, settings).map_err(anyhow::Error::msg)?;
    log_with(data, &settings.archive)
}

/// The same, with this archive.
pub(crate) fn log_with(data: &Path, archive: &ArchiveSettings) -> anyhow::Result<LogPlace> {
    let archive = archive.open()?;
    let files = archive.map(|archive| archive.objects as Arc<dyn LogFiles>);
    Ok(LogPlace::new(data.join(LOG_FOLDER)).with_archive(files))
}

/// Where a replay starts, and who has the entries that the store has dropped.
struct Start {
    snapshots: Option<Snapshots>,
    archive: Arc<dyn JournalReader>,
}

impl Start {
    fn new(data: &Path, from_start: bool, archive: LogReader) -> Self {
        let folder = data.join(SNAPSHOT_FOLDER);
        Self {
            snapshots: (!from_start).then(|| Snapshots::new(&folder)),
            archive: Arc::new(archive),
        }
    }

    /// Calls `replay` with the newest good snapshot, or without one; says which it was.
    #[expect(clippy::print_stdout, reason = "a part of the answer")]
    fn with(
        &self,
        journal: &dyn JournalReader,
        mut replay: impl FnMut(Source) -> Result<StateDigest, StateError>,
    ) -> Result<(String, StateDigest), StateError> {
        let from_the_first = "It was folded from the first entry on.".to_owned();
        let Some(snapshots) = &self.snapshots else {
            let source = Source {
                base: None,
                archive: Some(self.archive.clone()),
            };
            return replay(source).map(|digest| (from_the_first, digest));
        };
        let mut refused = |path: &Path, cause: &dyn std::error::Error| {
            println!("Not used: {}: {}.", path.display(), chain(cause));
        };
        let (used, digest) = from_newest(
            snapshots,
            journal,
            Some(&self.archive),
            &mut refused,
            replay,
        )?;
        let start = used.map_or(from_the_first, |used| {
            format!(
                "It was folded from the snapshot of {} entries on; --from-start folds all of them.",
                used.entries
            )
        });
        Ok((start, digest))
    }
}

fn store_url(named: Option<&StoreUrl>, data: &Path) -> StoreUrl {
    named.cloned().unwrap_or_else(|| StoreUrl::default_in(data))
}

/// What an entry says, as far as this version can read it.
fn sentence(bytes: &[u8]) -> String {
    match Entry::parse(bytes) {
        Ok(entry) => Fact::read(&entry).map_or_else(|cause| chain(&cause), |fact| fact.to_string()),
        Err(cause) => chain(&cause),
    }
}

fn progress(what: &'static str) -> ProgressBar {
    let target = if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let style = ProgressStyle::with_template(
        "{spinner} {human_pos} of {human_len} {msg} [{wide_bar}] {eta}",
    );
    let bar = ProgressBar::with_draw_target(Some(0), target).with_message(what);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_bad_template) => bar,
    }
}
