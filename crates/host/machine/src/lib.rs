//! What the machine that a program runs on gives it: the clock, and the credentials of its service manager.
//!
//! Stage: collect. Never: decides what to make of either.

use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use ironroot_time::{Clock, UnixTime};
use rustix::time::{ClockId, clock_gettime};

/// The machine's clock as it stands; whoever trusts it no further asks it through a clock of its own.
#[derive(Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that everybody else is handed"
    )]
    fn now(&self) -> UnixTime {
        let since = std::time::SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        UnixTime::from_ms(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    /// Since the machine was started, its sleep counted in: a laptop that was asleep has not jumped.
    fn steady(&self) -> Duration {
        let since = clock_gettime(ClockId::Boottime);
        Duration::try_from(since).unwrap_or(Duration::ZERO)
    }
}

/// Where systemd put the credentials of this service (systemd.exec(5), `LoadCredential=`).
pub fn credentials_directory() -> Option<PathBuf> {
    std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from)
}
