//! `ironroot store migrate`: a hub's store copied from one database into another.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use ironroot_registry::Fold;
use ironroot_store::{Dump, Whole};
use ironroot_tree::{LogReader, verify_tree};

use crate::fault::chain;
use crate::journal::{log_place, verifier_key};
use crate::storage::{Parts, StoreUrl};

/// Commands about a hub's database.
#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Copy the store into another, empty database, and check the copy; the hub must not be running
    Migrate(MigrateArgs),
}

/// Arguments of `store migrate`.
#[derive(Debug, Args)]
pub struct MigrateArgs {
    /// Data directory of the hub
    #[arg(long, value_name = "DIR", default_value = "./ironroot-data")]
    data: PathBuf,
    /// The store as it is; SQLite in the data directory when absent
    #[arg(long, value_name = "URL")]
    from: Option<StoreUrl>,
    /// The empty store to be filled
    #[arg(long, value_name = "URL")]
    to: StoreUrl,
}

impl StoreCommand {
    /// Carries the command out; 1 when the copy is not what it should be.
    ///
    /// # Errors
    /// What stood in the way; the store as it was is untouched.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let Self::Migrate(args) = self;
        migrate(&args)
    }
}

#[expect(clippy::print_stdout, reason = "the answer")]
fn migrate(args: &MigrateArgs) -> anyhow::Result<ExitCode> {
    let from = args.from.clone();
    let from = from.unwrap_or_else(|| StoreUrl::default_in(&args.data));
    if from == args.to {
        bail!("--from and --to are the same store");
    }
    let key = verifier_key(&args.data)?;
    let log = log_place(&args.data, None)?;
    let moment = {
        // Both pens are held: no hub writes to either of them while they are alike.
        let source = from.open_existing(Parts::offline())?;
        let mut target = args.to.open_loader(Arc::new(Fold))?;
        let archive = LogReader::new(&log, key.clone());
        let whole = Whole {
            store: &*source,
            floor: source.floor()?,
            archive: &archive,
        };
        whole
            .dump(0, &mut |part| Ok(target.load(part)?))
            .with_context(|| format!("copying {from} to {}", args.to))?;
        target.finish()?
    };
    println!(
        "{} entries were copied from {from} to {}.",
        moment.head.size, args.to
    );
    if let Some(state) = moment.state {
        println!("The state made from them is what it was: {state}");
    }
    let copy = args.to.open_reader()?;
    let report = verify_tree(&log, &key, Some(&*copy), &mut |_, _| ())?;
    for fault in &report.faults {
        println!("Wrong: {}.", chain(fault));
    }
    if !report.holds() {
        return Ok(ExitCode::FAILURE);
    }
    println!(
        "{} of them are under the signed checkpoint, as they should be.",
        report.verified
    );
    println!("Start the hub on it, and never again on the other:");
    println!(
        "  ironroot up --data {} --store {}",
        args.data.display(),
        args.to
    );
    Ok(ExitCode::SUCCESS)
}
