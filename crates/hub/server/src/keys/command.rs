//! `ironroot keys`: what is where, and its rotation, on the files of a data folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use ironroot_custody::Record;
use ironroot_custody::folder::{self, KEY_FILE, KeysFolder, NoSealKey, Sources};
use ironroot_custody::reseal::sealed_files;
use ironroot_custody::seal::KeyId;
use ironroot_custody::source::Source;
use ironroot_pki::authority::ROOT_FILE;
use ironroot_pki::facts::CertificateFacts;
use ironroot_time::{Clock, UnixTime};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::journal::{JournalKeys, set_aside};
use super::{KEYS_FOLDER, context};
use crate::fault::chain;
use crate::journal::VERIFIER_KEY_FILE;
use crate::outside::SystemRng;
use ironroot_machine::{SystemClock, credentials_directory};

/// Commands about the keys of a data folder.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// What is where, since when, and whether it opens; shows no secret
    Status(Status),
    /// Seal all keys again under a new sealing key: its rotation, and its move to another source
    Seal(Seal),
    /// Change a key for a new one
    #[command(subcommand)]
    Rotate(Rotate),
}

/// Arguments of `keys status`.
#[derive(Debug, Args)]
pub struct Status {
    #[command(flatten)]
    place: Place,
}

/// Arguments of `keys seal`.
#[derive(Debug, Args)]
pub struct Seal {
    #[command(flatten)]
    place: Place,
    /// Where the new key comes from: FILE (made when it is not there), passphrase:FILE, credential:NAME, tpm
    /// or tpm:sha256:7
    #[arg(long, value_name = "SOURCE")]
    to: Source,
}

/// Keys that are changed for new ones here.
#[derive(Debug, Subcommand)]
pub enum Rotate {
    /// The key that signs the journal's checkpoints; the next start hands over
    Journal(RotateJournal),
}

/// Arguments of `keys rotate journal`.
#[derive(Debug, Args)]
pub struct RotateJournal {
    #[command(flatten)]
    place: Place,
    /// The old key is lost: the journal says so, and nothing but the tree ties its entries to the new key
    #[arg(long)]
    lost: bool,
}

/// Which keys, and what opens them.
#[derive(Debug, Args)]
struct Place {
    /// Data directory of the hub
    #[arg(long, value_name = "DIR", default_value = "./ironroot-data")]
    data: PathBuf,
    /// Where the present sealing key comes from, if it was moved since the last start
    #[arg(long, value_name = "SOURCE")]
    seal_key: Option<Source>,
}

impl KeysCommand {
    /// Carries the command out.
    ///
    /// # Errors
    /// What stood in the way of carrying it out.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Status(args) => args.run(),
            Self::Seal(args) => args.run(),
            Self::Rotate(Rotate::Journal(args)) => args.run(),
        }
    }
}

impl Place {
    fn folder(&self) -> anyhow::Result<PathBuf> {
        let folder = self.data.join(KEYS_FOLDER);
        anyhow::ensure!(
            folder.is_dir(),
            "{} is not there: name the data directory with --data",
            folder.display()
        );
        Ok(folder)
    }
}

impl Status {
    #[expect(clippy::print_stdout, reason = "the answer")]
    fn run(self) -> anyhow::Result<ExitCode> {
        let folder = self.place.folder()?;
        let now = SystemClock.now();
        let record = match KeysFolder::hold(&folder) {
            Ok(held) => held.settle()?,
            // A hub that is up has settled it.
            Err(NoSealKey::InUse(_)) => Record::read(&folder)?,
            Err(cause) => return Err(cause.into()),
        };
        match &record {
            Some(record) => println!(
                "sealing key  {}  {}, made {}",
                record.key,
                record.source(),
                age(record.made, now)
            ),
            None => println!("sealing key  file:{KEY_FILE}  not recorded by this older hub"),
        }
        let credentials = credentials_directory();
        let sources = Sources {
            named: self.place.seal_key.as_ref(),
            credentials: credentials.as_deref(),
        };
        let opened = folder::open(&folder, record.as_ref(), sources);
        let files = sealed_files(&folder)?;
        for (path, sealed_under) in &files {
            let state = match (&opened, sealed_under) {
                (_, None) => "is damaged: restore it from a backup".to_owned(),
                (Ok(key), Some(id)) if *id == key.id() => "opens with it".to_owned(),
                (Ok(_), Some(id)) => format!("needs sealing key {id}"),
                (Err(_), Some(id)) => format!("sealed under {id}"),
            };
            println!("             {}  {state}", name(path));
        }
        print_certificates(&self.place.data, now);
        print_root(&files);
        print_journal_key(&self.place.data);
        match opened {
            Ok(_) => Ok(ExitCode::SUCCESS),
            Err(cause) => {
                println!("Wrong: {}.", chain(&cause));
                Ok(ExitCode::FAILURE)
            }
        }
    }
}

/// The hub's CAs, as the file says that its clients take as their anchors.
#[expect(clippy::print_stdout, reason = "the answer")]
fn print_certificates(data: &Path, now: UnixTime) {
    let Ok(certificates) = CertificateDer::pem_file_iter(data.join("ca.pem")) else {
        return;
    };
    for facts in certificates
        .flatten()
        .filter_map(|certificate| CertificateFacts::read(&certificate).ok())
    {
        let kind = if facts.subject == facts.issuer {
            "root CA"
        } else {
            "issuing CA"
        };
        println!(
            "{kind:<11}  {}, since {}, until {}",
            facts.subject,
            age(facts.not_before, now),
            facts.not_after
        );
    }
}

#[expect(clippy::print_stdout, reason = "the answer")]
fn print_root(files: &[(PathBuf, Option<KeyId>)]) {
    let here = files.iter().any(|(path, _)| name(path) == ROOT_FILE);
    println!(
        "root's key   {}",
        if here {
            "lies here: move root-ca.sealed to a place offline, with the sealing key that it needs"
        } else {
            "is not here"
        }
    );
}

#[expect(clippy::print_stdout, reason = "the answer")]
fn print_journal_key(data: &Path) {
    match fs::read_to_string(data.join(VERIFIER_KEY_FILE)) {
        Ok(key) => println!("journal key  {}", key.trim()),
        Err(_not_there) => println!("journal key  {VERIFIER_KEY_FILE} is not there: start the hub"),
    }
}

impl Seal {
    #[expect(clippy::print_stdout, reason = "the answer")]
    fn run(self) -> anyhow::Result<ExitCode> {
        let folder = KeysFolder::hold(&self.place.folder()?)?;
        let credentials = credentials_directory();
        let old = folder
            .open_key(Sources {
                named: self.place.seal_key.as_ref(),
                credentials: credentials.as_deref(),
            })
            .context("the present sealing key")?;
        let before = Record::read(folder.path())?.map_or_else(
            || Source::KeyFile(KEY_FILE.into()),
            |record| record.source(),
        );
        let now = SystemClock.now();
        let done = folder
            .reseal(&old, &self.to, credentials.as_deref(), now, context)
            .context("nothing was changed")?;
        println!(
            "Sealed again under key {} by {}:",
            done.record.key,
            done.record.source()
        );
        for path in &done.files {
            println!("  {}", name(path));
        }
        println!(
            "The next start finds it by itself. Backups made before now, and a root-ca.sealed that is kept elsewhere, still need key {} by {before}.",
            old.id()
        );
        Ok(ExitCode::SUCCESS)
    }
}

impl RotateJournal {
    #[expect(clippy::print_stdout, reason = "the answer")]
    fn run(self) -> anyhow::Result<ExitCode> {
        let folder = KeysFolder::hold(&self.place.folder()?)?;
        let credentials = credentials_directory();
        let seal = folder.open_key(Sources {
            named: self.place.seal_key.as_ref(),
            credentials: credentials.as_deref(),
        })?;
        let kept = JournalKeys::read(folder.path(), &seal);
        let keys = if self.lost {
            anyhow::ensure!(
                kept.is_err(),
                "the journal's key is not lost: journal.sealed opens; leave --lost out, so that the old key vouches for the new one"
            );
            let lost = fs::read_to_string(self.place.data.join(VERIFIER_KEY_FILE))
                .context("journal.vkey in the data directory names the lost key: put it back")?;
            let lost = lost.trim().parse().context("journal.vkey")?;
            set_aside(folder.path())?;
            JournalKeys::replace_lost(lost, &SystemRng)?
        } else {
            let mut keys = kept?;
            keys.rotate(&SystemRng)?;
            keys
        };
        keys.keep(folder.path(), &seal)?;
        if let Some(change) = keys.change() {
            println!("The new key is made; the next start of the hub hands over to it:");
            println!("  from  {}", change.from);
            println!("  to    {}", change.to);
        }
        if self.lost {
            println!(
                "Tell everybody who checks this journal, by another way than the journal: only you can say that the new key is yours."
            );
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// `2026-11-22T09:00:00Z (3 days ago)`.
fn age(since: UnixTime, now: UnixTime) -> String {
    let days = now.since(since).as_secs() / 86_400;
    match days {
        0 => format!("{since} (today)"),
        1 => format!("{since} (a day ago)"),
        days => format!("{since} ({days} days ago)"),
    }
}
