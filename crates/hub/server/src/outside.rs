//! The real clock, the real source of randomness and what the service manager hands over.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use aws_lc_rs::rand::fill;
use ironroot_time::{Clock, Rng, UnixTime};

/// The machine's clock, made never to go backwards while the hub runs.
#[derive(Debug, Default)]
pub struct SystemClock {
    latest_ms: AtomicU64,
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that everybody else is handed"
    )]
    fn now(&self) -> UnixTime {
        let since = std::time::SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        let now_ms = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        let before = self.latest_ms.fetch_max(now_ms, Ordering::Relaxed);
        UnixTime::from_ms(now_ms.max(before))
    }
}

/// Where systemd put the credentials of this service (systemd.exec(5), `LoadCredential=`).
pub fn credentials_directory() -> Option<PathBuf> {
    std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from)
}

/// The crypto provider's random generator.
#[derive(Debug, Default)]
pub struct SystemRng;

impl Rng for SystemRng {
    /// Panics when the system gives none: without randomness no key or token is safe.
    fn fill(&self, bytes: &mut [u8]) {
        assert!(fill(bytes).is_ok(), "the system gives no random bytes");
    }
}
