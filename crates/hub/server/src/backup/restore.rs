//! A hub made again from a backup: taken in and checked beside its place, then put there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use ironroot_backup::{CarriedFile, Info, Item, Verified, read};
use ironroot_custody::Record;
use ironroot_custody::folder::{self, KeysFolder, Sources};
use ironroot_custody::seal::SealKey;
use ironroot_custody::source::Source;
use ironroot_journal::checkpoint::SignedCheckpoint;
use ironroot_journal::note::{SigningKey, VerifierKey};
use ironroot_registry::{Fact, Fold, FoldRow, HubRestored};
use ironroot_store::{Loader, Moment, Part, Store};
use ironroot_time::{Clock, UnixTime};
use ironroot_tree::TreeWriter;

use super::destroyed::destroy_again;
use super::place::{self, PLACING_FOLDER, RESTORING_FOLDER};
use super::{open_backup, print_info};
use crate::files::{self, Mode};
use crate::journal::{LOG_FOLDER, VERIFIER_KEY_FILE};
use crate::keys::{self, KEYS_FOLDER};
use crate::ledger::Ledger;
use crate::outside::SystemRng;
use crate::storage::{NotOpenedCause, Parts, StoreUrl};
use ironroot_machine::{SystemClock, credentials_directory};

/// Arguments of `backup verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The backup
    backup: PathBuf,
    /// The log's verifier key that you kept; without it the backup only shows to be of the log that it names
    #[arg(long, value_name = "KEY")]
    log: Option<VerifierKey>,
    /// Where the sealing key comes from; without it the keyring is checked but not opened
    #[arg(long, value_name = "SOURCE")]
    seal_key: Option<Source>,
}

/// Arguments of `backup restore`.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// The backup
    backup: PathBuf,
    /// Data directory of the hub to be
    #[arg(long, value_name = "DIR", default_value = "./ironroot-data")]
    data: PathBuf,
    /// The empty store to be filled, where it shall not be in the data directory
    #[arg(long, value_name = "URL")]
    store: Option<StoreUrl>,
    /// Where the sealing key comes from, where it is not where it was when the backup was made
    #[arg(long, value_name = "SOURCE")]
    seal_key: Option<Source>,
    /// The log's verifier key that you kept
    #[arg(long, value_name = "KEY")]
    log: Option<VerifierKey>,
    /// Move the hub that is in the data directory aside
    #[arg(long)]
    replace: bool,
    /// Do so even if that hub has entries that the backup lacks
    #[arg(long, requires = "replace")]
    lose_newer_entries: bool,
    /// Nothing was recorded after the backup: go on with its log instead of a new one
    #[arg(long)]
    same_log: bool,
}

/// Checks a backup by restoring it to a folder that is deleted at once.
#[expect(clippy::print_stdout, reason = "the answer")]
pub(super) fn verify(args: &VerifyArgs) -> anyhow::Result<ExitCode> {
    let mut scratch = args.backup.as_os_str().to_owned();
    scratch.push(".verifying");
    let scratch = Scratch::make(PathBuf::from(scratch))?;
    let credentials = credentials_directory();
    let key_holder = |folder: &Path| {
        let Some(source) = &args.seal_key else {
            return Ok(None);
        };
        let sources = Sources {
            named: Some(source),
            credentials: credentials.as_deref(),
        };
        seal_key(folder, folder, sources).map(Some)
    };
    let loader = StoreUrl::default_in(&scratch.0).open_loader(std::sync::Arc::new(Fold))?;
    let log = args.log.as_ref();
    let (verified, loader) = take_in(&args.backup, &scratch.0, loader, log, &key_holder)?;
    loader
        .finish()
        .with_context(|| args.backup.display().to_string())?;
    println!("{} holds:", args.backup.display());
    print_info(&verified.info);
    println!("Every part is what its log signed, and the journal adds up to its state.");
    if args.seal_key.is_none() {
        println!(
            "The keyring was not opened: name the sealing key with --seal-key to try that too."
        );
    }
    if args.log.is_none() {
        println!("Compare the log's key with your own copy, or name that with --log.");
    }
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, reason = "the answer")]
pub(super) fn run(args: &RestoreArgs) -> anyhow::Result<ExitCode> {
    files::make_folder(&args.data)?;
    // Held to the end: no hub runs on this folder, and none starts.
    let _keys = KeysFolder::hold(&args.data.join(KEYS_FOLDER))?;
    if args.data.join(PLACING_FOLDER).exists() {
        place::finish(&args.data)?;
        println!("A restore that had been cut short at its very end was finished.");
        return Ok(ExitCode::SUCCESS);
    }
    let before = Before::find(&args.data)?;
    if before.is_there && !args.replace {
        bail!(
            "{} holds a hub already{}: name another directory, or say --replace to move that hub aside",
            args.data.display(),
            before
                .entries
                .map_or(String::new(), |size| format!(", with {size} entries"))
        );
    }
    let staged = Scratch::make(args.data.join(RESTORING_FOLDER))?;
    let restored = restore_beside(args, &staged.0, &before)?;
    staged.keep();
    place::begin(&args.data)?;
    place::finish(&args.data)?;
    println!("The hub is in {} again:", args.data.display());
    print_info(&restored.info);
    print_what_became_of_the_log(&restored);
    Ok(ExitCode::SUCCESS)
}

/// What a restore came to.
struct Restored {
    info: Info,
    log: VerifierKey,
}

/// Restores everything to `staged`, checks it, and brings it to the present; nothing is in its place then.
fn restore_beside(args: &RestoreArgs, staged: &Path, before: &Before) -> anyhow::Result<Restored> {
    let credentials = credentials_directory();
    let sources = Sources {
        named: args.seal_key.as_ref(),
        credentials: credentials.as_deref(),
    };
    // The operator has put the sealing key where the hub will look for it, and not into the folder beside.
    let keys_in_place = args.data.join(KEYS_FOLDER);
    let key_holder = |folder: &Path| seal_key(folder, &keys_in_place, sources).map(Some);
    let url = args.store.clone();
    let url = url.unwrap_or_else(|| StoreUrl::default_in(staged));
    let loader = url.open_loader(std::sync::Arc::new(Fold))?;
    let (verified, loader) = take_in(&args.backup, staged, loader, args.log.as_ref(), &key_holder)?;
    before.refuse_loss(&verified, args)?;

    let seal = seal_key(staged, &keys_in_place, sources).map_err(anyhow::Error::from_boxed)?;
    let keys_folder = staged.join(KEYS_FOLDER);
    let key = keys::journal_key(&keys_folder, &seal)?;
    if *key.verifier_key() != verified.log {
        bail!("the keys in the backup are not those of its log");
    }
    loader.finish()?;
    let now = SystemClock.now();
    let key = if args.same_log {
        key
    } else {
        let name = name_of_new_log(verified.log.name(), now);
        keys::replace_journal_key(&keys_folder, &seal, &name, &SystemRng)?
    };
    let log = key.verifier_key().clone();
    let vkey = format!("{log}\n");
    files::write(
        &staged.join(VERIFIER_KEY_FILE),
        vkey.as_bytes(),
        Mode::Public,
    )?;
    record(&url, &verified, &log)?;
    grow_log(&url, &staged.join(LOG_FOLDER), key)?;
    let info = verified.info;
    Ok(Restored { info, log })
}

/// Reads the backup into `folder` and `loader`; what came of it is whole and signed when this returns.
fn take_in(
    backup: &Path,
    folder: &Path,
    mut loader: Box<dyn Loader>,
    log: Option<&VerifierKey>,
    key_holder: &dyn Fn(&Path) -> Result<Option<SealKey>, Failure>,
) -> anyhow::Result<(Verified, Box<dyn Loader>)> {
    let mut input = open_backup(backup)?;
    let mut comparable = true;
    let mut take = |item| -> Result<(), Failure> {
        match item {
            Item::Info(info) => {
                comparable = info.fold == FoldRow::PRESENT.version;
                Ok(())
            }
            Item::File(file) => Ok(put_down(folder, &file)?),
            Item::Part(Part::Moment(moment)) if !comparable => {
                let state = None;
                Ok(loader.load(Part::Moment(Moment { state, ..moment }))?)
            }
            Item::Part(part) => Ok(loader.load(part)?),
        }
    };
    let verified = read(&mut input, log, &mut || key_holder(folder), &mut take);
    let verified = verified.with_context(|| backup.display().to_string())?;
    Ok((verified, loader))
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn put_down(folder: &Path, file: &CarriedFile) -> io::Result<()> {
    let path = folder.join(&file.path);
    if let Some(parent) = path.parent() {
        files::make_folder(parent).map_err(io::Error::other)?;
    }
    // The keys are their owner's alone; the rest may be read by whoever gets into the folder.
    let mode = if path.starts_with(folder.join(KEYS_FOLDER)) {
        Mode::Private
    } else {
        Mode::Public
    };
    files::write(&path, &file.bytes, mode).map_err(io::Error::other)
}

/// The key that seals what lies in `folder`, by the record in it; a key file is looked for in `keys_in_place`.
fn seal_key(folder: &Path, keys_in_place: &Path, sources: Sources<'_>) -> Result<SealKey, Failure> {
    let record = Record::read(&folder.join(KEYS_FOLDER))?;
    Ok(folder::open(keys_in_place, record.as_ref(), sources)?)
}

/// Destroys what the journal says is destroyed, and records the restore.
fn record(url: &StoreUrl, verified: &Verified, log: &VerifierKey) -> anyhow::Result<()> {
    let checkpoint = verified.checkpoint.verify(&verified.log)?;
    let fact = Fact::from(HubRestored {
        made: verified.info.made,
        size: checkpoint.size(),
        root: checkpoint.root().to_string(),
        from: verified.log.to_string(),
        log: log.to_string(),
    });
    with_store(url, async |store| {
        destroy_again(&*store).await?;
        let ledger = Ledger::new(store, std::sync::Arc::new(SystemRng));
        ledger.record(&fact).await?;
        Ok(())
    })
}

/// Makes the tiles again, under a checkpoint over all entries.
fn grow_log(url: &StoreUrl, folder: &Path, key: SigningKey) -> anyhow::Result<()> {
    let mut tree = TreeWriter::open(folder, key)?;
    let store = url.open_reader()?;
    while tree.write(&*store)?.waiting > 0 {}
    Ok(())
}

fn with_store(
    url: &StoreUrl,
    work: impl AsyncFnOnce(std::sync::Arc<dyn Store>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let store = url.open_existing(Parts::offline())?;
        work(store).await
    })
}

/// The log's old name, and when it began anew.
fn name_of_new_log(old: &str, now: UnixTime) -> String {
    let root = old.split("/restored-").next().unwrap_or(old);
    format!("{root}/restored-{}", now.as_s())
}

/// What was in the data folder before the restore.
struct Before {
    is_there: bool,
    /// How many entries its store has, if it can be read.
    entries: Option<u64>,
    /// How many entries its log has signed, and with which key.
    signed: Option<SignedCheckpoint>,
}

impl Before {
    fn find(data: &Path) -> anyhow::Result<Self> {
        let url = StoreUrl::default_in(data);
        let (store, entries) = match url.open_reader() {
            Ok(store) => (true, Some(store.size()?)),
            Err(refused) => (!matches!(refused.cause, NotOpenedCause::Absent), None),
        };
        let checkpoint = fs::read(data.join(LOG_FOLDER).join("checkpoint"));
        let keys = ironroot_pki::authority::Authority::exists(&data.join(KEYS_FOLDER));
        Ok(Self {
            is_there: store || keys || checkpoint.is_ok(),
            entries,
            signed: checkpoint
                .ok()
                .and_then(|bytes| SignedCheckpoint::parse(&bytes).ok()),
        })
    }

    /// Refuses what would lose entries, or sign a second history, without being told to.
    fn refuse_loss(&self, verified: &Verified, args: &RestoreArgs) -> anyhow::Result<()> {
        let restored = verified.info.entries;
        let signed = self.signed.as_ref();
        let signed = signed.and_then(|signed| signed.verify(&verified.log).ok());
        let signed = signed.map_or(0, |checkpoint| checkpoint.size());
        let newest = self.entries.unwrap_or(0).max(signed);
        if newest > restored && !args.lose_newer_entries {
            bail!(
                "the hub in {} is newer: it has {newest} entries, and the backup {restored}; say --lose-newer-entries if it is to be replaced all the same",
                args.data.display()
            );
        }
        if args.same_log && signed > restored {
            bail!(
                "--same-log: the log has signed {signed} entries, and the backup has {restored}; to sign others in their place would be a second history: leave --same-log out"
            );
        }
        Ok(())
    }
}

#[expect(clippy::print_stdout, reason = "the answer")]
fn print_what_became_of_the_log(restored: &Restored) {
    if restored.info.log == restored.log.to_string() {
        println!(
            "Its log goes on. If anything was recorded after the backup, auditors will see two"
        );
        println!("histories under one key: then restore again, without --same-log.");
    } else {
        println!(
            "What was recorded after the backup is lost, so the log ended with it. A new one began,"
        );
        println!(
            "with the same first entries, and says so. Give its key to those who check the log:"
        );
        println!("  {}", restored.log);
    }
    println!("The token in admin.token is void: the hub writes a new one when it starts.");
}

/// A folder that is deleted again unless it is kept.
struct Scratch(PathBuf);

impl Scratch {
    fn make(path: PathBuf) -> anyhow::Result<Self> {
        match fs::remove_dir_all(&path) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                return Err(cause).with_context(|| path.display().to_string());
            }
            Ok(()) | Err(_) => {}
        }
        files::make_folder(&path)?;
        Ok(Self(path))
    }

    fn keep(mut self) {
        self.0 = PathBuf::new();
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            let _not_missed = fs::remove_dir_all(&self.0);
        }
    }
}
