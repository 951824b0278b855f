//! What tests share: a clock that is moved by hand, a seeded source of chance, a database server of one's own.
//!
//! Stage: none; only tests use it.
//! Never: is a dependency of a program.
//! To add something: when two crates' tests need it.

#![expect(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod postgres;

pub use postgres::Postgres;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ironroot_time::{Clock, Rng, UnixTime};

/// A clock that stands still until a test moves it.
#[derive(Debug)]
pub struct ManualClock {
    now_ms: AtomicU64,
    /// What has passed, however the clock was set.
    steady_ms: AtomicU64,
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn at(now: UnixTime) -> Self {
        Self {
            now_ms: AtomicU64::new(now.as_ms()),
            steady_ms: AtomicU64::new(0),
        }
    }

    /// Sets the clock, forwards or back, to `now`; no time passes.
    pub fn set(&self, now: UnixTime) {
        self.now_ms.store(now.as_ms(), Ordering::SeqCst);
    }

    /// Lets `span` pass.
    pub fn advance(&self, span: Duration) {
        let span_ms = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        self.steady_ms.fetch_add(span_ms, Ordering::SeqCst);
        self.set(self.now().plus(span));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_ms(self.now_ms.load(Ordering::SeqCst))
    }

    fn steady(&self) -> Duration {
        Duration::from_millis(self.steady_ms.load(Ordering::SeqCst))
    }
}

/// Bytes that look random and are the same in every run (`SplitMix64`). Never for keys outside tests.
#[derive(Debug)]
pub struct SeededRng {
    state: AtomicU64,
}

impl SeededRng {
    /// The sequence that follows from `seed`.
    pub fn new(seed: u64) -> Self {
        Self {
            state: AtomicU64::new(seed),
        }
    }

    fn next(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let z = self
            .state
            .fetch_add(STEP, Ordering::Relaxed)
            .wrapping_add(STEP);
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl Rng for SeededRng {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let (next, length) = (self.next().to_le_bytes(), chunk.len());
            chunk.copy_from_slice(&next[..length]);
        }
    }
}
