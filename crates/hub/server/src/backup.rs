//! `ironroot backup`: a hub copied into one file, and made again from it.

mod create;
mod destroyed;
mod folder;
mod last;
mod place;
mod restore;

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;
use ironroot_backup::Info;
use ironroot_time::UnixTime;

pub use create::{CreateArgs, Maker, NotBackedUp};
pub use folder::NotCarried;
pub use last::{last, remember};
pub use place::PLACING_FOLDER;
pub use restore::{RestoreArgs, VerifyArgs};

/// Commands about backups.
#[derive(Debug, Subcommand)]
pub enum BackupCommand {
    /// Copy a hub into one file, while it runs or while it does not
    Create(CreateArgs),
    /// Check a backup as a restore would, and put nothing anywhere
    Verify(VerifyArgs),
    /// Make a hub again from a backup
    Restore(RestoreArgs),
}

impl BackupCommand {
    /// Carries the command out.
    ///
    /// # Errors
    /// What stood in the way; nothing was put in its place then.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Create(args) => create::run(&args),
            Self::Verify(args) => restore::verify(&args),
            Self::Restore(args) => restore::run(&args),
        }
    }
}

fn open_backup(path: &Path) -> anyhow::Result<BufReader<File>> {
    let file = File::open(path).with_context(|| path.display().to_string())?;
    Ok(BufReader::with_capacity(1 << 20, file))
}

#[expect(clippy::print_stdout, reason = "the answer")]
fn print_info(info: &Info) {
    println!(
        "  made      {}, by ironroot {}",
        UnixTime::from_ms(info.made),
        info.program
    );
    println!("  log       {}", info.log);
    println!(
        "  journal   {} entries, the last of {}",
        info.entries,
        UnixTime::from_ms(info.last_entry)
    );
    println!("  state     {}", info.state);
}
