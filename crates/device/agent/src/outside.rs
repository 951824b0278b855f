//! What the machine gives: its clock, chance, and what the service manager hands over.

use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context, Result};
use ironroot_time::{Clock, UnixTime};
use rustix::time::{ClockId, clock_gettime};

/// The machine's clock as it stands.
#[derive(Debug, Default)]
pub(crate) struct SystemClock;

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

    /// Since the machine was started, its sleep counted in.
    fn steady(&self) -> Duration {
        let since = clock_gettime(ClockId::Boottime);
        Duration::try_from(since).unwrap_or(Duration::ZERO)
    }
}

/// Where systemd put the credentials of this service (systemd.exec(5), `LoadCredential=`).
pub(crate) fn credentials_directory() -> Option<PathBuf> {
    std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from)
}

/// Random bytes from the system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes)
        .ok()
        .context("the system gives no random bytes")?;
    Ok(bytes)
}

/// A number between 0 and 1, for waits that are not to fall together.
pub(crate) fn chance() -> f64 {
    // Without randomness every device waits as long as the next one, which is no fault of safety.
    let bytes = random().unwrap_or([0x80; 4]);
    f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)
}
