//! How many durable entries a second: 64 callers, each waiting for its own acknowledgement, entries
//! of 400 bytes with one row each. `cargo bench -p ironroot-store-sqlite` prints one line per run.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use ironroot_journal::Entry;
use ironroot_store::{
    ApplyError, Change, Committed, Draft, Follower, Projection, Rows, Store, Table,
};
use ironroot_store_sqlite::{Settings, SqliteStore};
use ironroot_time::{Clock, UnixTime};

const CALLERS: u64 = 64;
const ENTRY_SIZE: usize = 400;
const RUN: Duration = Duration::from_secs(4);
const RUNS: usize = 3;
type Failure = Box<dyn Error + Send + Sync>;

const DEVICES: Table = Table::new("devices");

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
        measure(&store)?;
    }
    Ok(())
}

fn measure(store: &Arc<dyn Store>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let started = Instant::now();
    let latencies = runtime.block_on(async {
        let mut callers = tokio::task::JoinSet::new();
        for caller in 0..CALLERS {
            callers.spawn(call(Arc::clone(store), caller, started + RUN));
        }
        let mut all = Histogram::<u64>::new(3)?;
        while let Some(caller) = callers.join_next().await {
            all.add(caller??)?;
        }
        Ok::<_, Failure>(all)
    })?;
    let elapsed_ms = started.elapsed().as_millis().max(1);
    println!(
        "{} durable entries/s, acknowledged after {} us (median) and {} us (99 of 100)",
        u128::from(latencies.len()) * 1_000 / elapsed_ms,
        latencies.value_at_quantile(0.5),
        latencies.value_at_quantile(0.99),
    );
    Ok(())
}

async fn call(store: Arc<dyn Store>, caller: u64, end: Instant) -> Result<Histogram<u64>, Failure> {
    let mut latencies = Histogram::new(3)?;
    for number in 0.. {
        let asked = Instant::now();
        if asked >= end {
            break;
        }
        store.commit(Change::of(draft(caller, number))).await?;
        latencies.record(u64::try_from(asked.elapsed().as_micros())?)?;
    }
    Ok(latencies)
}

fn draft(caller: u64, number: u64) -> Draft {
    let device = format!("device-{}", (caller * 7_919 + number * 104_729) % 10_000);
    let fields = [
        ("device".to_owned(), device.into()),
        ("number".to_owned(), number.into()),
        ("filling".to_owned(), "x".repeat(ENTRY_SIZE - 100).into()),
    ];
    Draft::new("seen", 1, fields.into_iter().collect())
}

/// The time since the start.
#[derive(Debug)]
struct Running(Instant);

impl Clock for Running {
    fn now(&self) -> UnixTime {
        UnixTime::from_ms(1_795_323_961_042).plus(self.0.elapsed())
    }
}

/// One row per device: its last entry.
struct LastSeen;

impl Projection for LastSeen {
    fn apply(&self, _: u64, entry: &Entry, rows: &mut dyn Rows) -> Result<(), ApplyError> {
        let device = entry
            .fields()
            .get("device")
            .and_then(|device| device.as_str());
        let device = device.unwrap_or_default();
        drop(rows.row(DEVICES, device)?);
        rows.put(DEVICES, device, entry.bytes()[..200].to_vec());
        Ok(())
    }
}

struct Nobody;

impl Follower for Nobody {
    fn follow(&self, _: &[Committed]) {}
}
