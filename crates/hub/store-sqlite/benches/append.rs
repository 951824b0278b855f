//! How many durable entries a second: `cargo bench -p ironroot-store-sqlite` prints one line per run.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ironroot_store::Store;
use ironroot_store_sqlite::{Settings, SqliteStore};
use ironroot_suites::append::{Failure, LastSeen, Nobody, Running, measure};

const RUN: Duration = Duration::from_secs(4);
const RUNS: usize = 3;

fn main() -> Result<(), Failure> {
    // On the disk that cargo builds on, or on the one named: a temporary folder may lie in memory.
    let named = std::env::args_os()
        .skip(1)
        .find(|argument| argument != "--bench");
    let place = named.map_or_else(|| env!("CARGO_TARGET_TMPDIR").into(), PathBuf::from);
    for _ in 0..RUNS {
        let folder = tempfile::tempdir_in(&place)?;
        let settings = Settings::new(folder.path().join("store.db"));
        let store = SqliteStore::open(
            &settings,
            Arc::new(Running(Instant::now())),
            Arc::new(LastSeen),
            Arc::new(Nobody),
        )?;
        let store: Arc<dyn Store> = Arc::new(store);
        println!("{}", measure(&store, RUN)?);
    }
    Ok(())
}
