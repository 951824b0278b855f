//! What devices notice of a backup: commits per second, and how long one takes, with a backup running and
//! without, in turns. `cargo bench -p ironroot-server --bench backup -- [MEGABYTES] [SECONDS] [BYTES PER SECOND]`.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use ironroot_backup::{Contents, Pace, write};
use ironroot_custody::seal::SealKey;
use ironroot_journal::note::SigningKey;
use ironroot_profile::BUILT_IN;
use ironroot_registry::{Actor, DeviceClaimed, Fact, FoldRow, ProfileSet, TokenIssued};
use ironroot_server::storage::{Parts, StoreUrl};
use ironroot_store::{Change, Store};
use ironroot_time::UnixTime;
use zeroize::Zeroizing;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How many callers commit one change after the other.
const CALLERS: u64 = 16;

/// How often both are measured.
const ROUNDS: u32 = 3;

/// How many entries of filler are in one change.
const FILLERS: usize = 32;

fn main() -> Result<(), Failure> {
    let mut numbers = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .map(|argument| argument.parse::<u64>());
    let size = numbers.next().unwrap_or(Ok(1_000))? << 20;
    let seconds = Duration::from_secs(numbers.next().unwrap_or(Ok(10))?);
    let pace = Pace {
        bytes_per_s: Some(numbers.next().unwrap_or(Ok(16 << 20))?),
    };
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let _entered = runtime.enter();
    let store = StoreUrl::default_in(folder.path()).open(Parts::offline())?;
    runtime.block_on(fill(&store, &folder.path().join("store.sqlite"), size))?;
    println!("{} entries, {} MB", store.head().size, size >> 20);
    let claimed = Arc::new(AtomicU64::new(0));
    for round in 1..=ROUNDS {
        let alone = runtime.block_on(load(
            &store,
            &claimed,
            seconds,
            &Arc::new(AtomicBool::new(true)),
        ))?;
        let backup = Backup::begin(&store, folder.path(), pace);
        let beside = runtime.block_on(load(&store, &claimed, seconds, &backup.running))?;
        let still = backup.running.load(Ordering::Relaxed);
        let took = backup.end()?;
        let ratio = beside.rate() / alone.rate();
        println!("round {round}: alone  {alone}");
        println!("         beside {beside}  ratio {ratio:.3}");
        println!(
            "         the backup took {:.1} s{}",
            took.as_secs_f64(),
            if still {
                ""
            } else {
                ", less than was measured: use a larger store"
            }
        );
    }
    Ok(())
}

/// Fills the store with entries of about a kilobyte until its file has `size` bytes.
async fn fill(store: &Arc<dyn Store>, file: &Path, size: u64) -> Result<(), Failure> {
    let (name, text) = BUILT_IN[0];
    let profile = Fact::from(ProfileSet {
        name: name.parse()?,
        text: text.to_owned(),
        by: None,
    });
    store.commit(Change::of(profile.draft()?)).await?;
    let filler = Fact::from(TokenIssued {
        name: "n".repeat(1_000),
        by: None,
    });
    let filler = filler.draft()?;
    while std::fs::metadata(file)?.len() < size {
        let waiting: Vec<_> = (0..64)
            .map(|_| {
                store.commit(Change {
                    entries: vec![filler.clone(); FILLERS],
                    ..Change::default()
                })
            })
            .collect();
        for committed in waiting {
            committed.await?;
        }
    }
    Ok(())
}

/// What the callers saw.
struct Seen {
    took: Duration,
    latency_us: Histogram<u64>,
}

impl Seen {
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    fn rate(&self) -> f64 {
        self.latency_us.len() as f64 / self.took.as_secs_f64()
    }
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = |quantile| self.latency_us.value_at_quantile(quantile);
        write!(
            f,
            "{:7.0} commits/s, p50 {} us, p99 {} us, p99.9 {} us",
            self.rate(),
            at(0.5),
            at(0.99),
            at(0.999)
        )
    }
}

/// Claims devices for `longest`, or until `going` says no more.
async fn load(
    store: &Arc<dyn Store>,
    claimed: &Arc<AtomicU64>,
    longest: Duration,
    going: &Arc<AtomicBool>,
) -> Result<Seen, Failure> {
    let started = Instant::now();
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..CALLERS {
        let (store, claimed, going) = (store.clone(), claimed.clone(), going.clone());
        callers.spawn(async move {
            let mut latency_us = Histogram::<u64>::new(3)?;
            while started.elapsed() < longest && going.load(Ordering::Relaxed) {
                let claim = claim(claimed.fetch_add(1, Ordering::Relaxed))?;
                let began = Instant::now();
                store.commit(claim).await?;
                latency_us.record(u64::try_from(began.elapsed().as_micros())?)?;
            }
            Ok::<_, Failure>(latency_us)
        });
    }
    let mut latency_us = Histogram::<u64>::new(3)?;
    while let Some(caller) = callers.join_next().await {
        latency_us.add(caller??)?;
    }
    let took = started.elapsed();
    Ok(Seen { took, latency_us })
}

fn claim(nth: u64) -> Result<Change, Failure> {
    let fact = Fact::from(DeviceClaimed {
        device: format!("cam-{nth:09}").parse()?,
        profile: BUILT_IN[0].0.parse()?,
        expires: u64::MAX >> 12,
        by: Actor::Token("admin".to_owned()),
    });
    Ok(Change::of(fact.draft()?))
}

/// A backup that runs on a thread of its own.
struct Backup {
    running: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<Result<Duration, Failure>>,
}

impl Backup {
    fn begin(store: &Arc<dyn Store>, folder: &Path, pace: Pace) -> Self {
        let running = Arc::new(AtomicBool::new(true));
        let (going, store, to) = (running.clone(), store.clone(), folder.join("backup"));
        let thread = std::thread::spawn(move || {
            let started = Instant::now();
            let made = back_up(&store, &to, pace);
            going.store(false, Ordering::Relaxed);
            made.map(|()| started.elapsed())
        });
        Self { running, thread }
    }

    fn end(self) -> Result<Duration, Failure> {
        let joined = self.thread.join();
        joined.map_err(|_panicked| Failure::from("the backup panicked"))?
    }
}

fn back_up(store: &Arc<dyn Store>, to: &Path, pace: Pace) -> Result<(), Failure> {
    let contents = Contents {
        files: Vec::new(),
        seal: &SealKey::from_random(Zeroizing::new([1; 32])),
        key: &SigningKey::from_seed("bench.example/ironroot", &[1; 32])?,
        signed: None,
        program: env!("CARGO_PKG_VERSION"),
        fold: FoldRow::PRESENT.version,
        made: UnixTime::default(),
        pace,
    };
    let mut out = BufWriter::new(File::create(to)?);
    write(&**store, contents, &mut out)?;
    out.into_inner()?.sync_all()?;
    Ok(())
}
