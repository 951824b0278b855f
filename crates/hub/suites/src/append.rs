//! The load that benchmarks put on every store: 64 callers, each waiting for its own acknowledgement,
//! entries of 400 bytes with one row each.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use ironroot_journal::Entry;
use ironroot_store::{
    ApplyError, Change, Committed, Draft, Follower, Projection, Rows, Store, Table,
};
use ironroot_time::{Clock, UnixTime};

/// How many callers there are.
pub const CALLERS: u64 = 64;

/// How many bytes an entry has.
pub const ENTRY_SIZE: usize = 400;

/// How many devices the entries are about: one row each.
pub const DEVICES_COUNT: u64 = 10_000;

const DEVICES: Table = Table::new("devices");

/// Why nothing was measured.
pub type Failure = Box<dyn Error + Send + Sync>;

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// Durable entries a second.
    pub per_second: u128,
    /// After how many microseconds half of them were acknowledged.
    pub median_us: u64,
    /// After how many, 99 of 100.
    pub most_us: u64,
}

/// Loads `store` for as long as `run`.
///
/// # Errors
/// Whatever kept an entry from being committed.
pub fn measure(store: &Arc<dyn Store>, run: Duration) -> Result<Figures, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let started = Instant::now();
    let latencies = runtime.block_on(async {
        let mut callers = tokio::task::JoinSet::new();
        for caller in 0..CALLERS {
            callers.spawn(call(Arc::clone(store), caller, started + run));
        }
        let mut all = Histogram::<u64>::new(3)?;
        while let Some(caller) = callers.join_next().await {
            all.add(caller??)?;
        }
        Ok::<_, Failure>(all)
    })?;
    let elapsed_ms = started.elapsed().as_millis().max(1);
    Ok(Figures {
        per_second: u128::from(latencies.len()) * 1_000 / elapsed_ms,
        median_us: latencies.value_at_quantile(0.5),
        most_us: latencies.value_at_quantile(0.99),
    })
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
    let device = (caller * 7_919 + number * 104_729) % DEVICES_COUNT;
    let fields = [
        ("device".to_owned(), format!("device-{device}").into()),
        ("number".to_owned(), number.into()),
        ("filling".to_owned(), "x".repeat(ENTRY_SIZE - 100).into()),
    ];
    Draft::new("seen", 1, fields.into_iter().collect())
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} durable entries/s, acknowledged after {} us (median) and {} us (99 of 100)",
            self.per_second, self.median_us, self.most_us
        )
    }
}

/// The time since the start.
#[derive(Debug)]
pub struct Running(pub Instant);

impl Clock for Running {
    fn now(&self) -> UnixTime {
        UnixTime::from_ms(1_795_323_961_042).plus(self.0.elapsed())
    }
}

/// One row per device: its last entry.
#[derive(Debug)]
pub struct LastSeen;

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

/// Keeps nothing in memory.
#[derive(Debug)]
pub struct Nobody;

impl Follower for Nobody {
    fn follow(&self, _: &[Committed]) {}
}
