//! The words for time and chance that every Ironroot program shares.
//!
//! Stage: all three; pure code is handed a [`UnixTime`], programs hold a [`Clock`] and an [`Rng`].
//! Never: reads a real clock or a real source of randomness; programs implement the traits for that.
//! To add a clock: implement [`Clock`] beside the place that needs it (`server::wiring`, `testkit`).
#![no_std]
#![warn(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm
)]

extern crate alloc;

mod civil;
mod timeline;

use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

pub use timeline::{ClockChange, ClockStep, Timeline, Tolerance};

/// Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted (POSIX time).
///
/// Arithmetic saturates: a moment past the end of the scale is the end of the scale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime {
    ms: u64,
}

impl UnixTime {
    /// The moment `ms` milliseconds after the epoch.
    pub const fn from_ms(ms: u64) -> Self {
        Self { ms }
    }

    /// The moment `s` seconds after the epoch.
    pub const fn from_s(s: u64) -> Self {
        Self {
            ms: s.saturating_mul(1_000),
        }
    }

    /// Whole milliseconds since the epoch.
    pub const fn as_ms(self) -> u64 {
        self.ms
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn as_s(self) -> u64 {
        self.ms / 1_000
    }

    /// This moment and `span` more.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self {
            ms: self.ms.saturating_add(whole_ms(span)),
        }
    }

    /// This moment less `span`.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self {
            ms: self.ms.saturating_sub(whole_ms(span)),
        }
    }

    /// How long after `earlier` this moment lies; zero when it does not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.ms.saturating_sub(earlier.ms))
    }
}

/// Printed as RFC 3339 in UTC with milliseconds: `2026-11-22T05:06:01.000Z`.
impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        civil::write_rfc3339(self.ms, f)
    }
}

/// A source of the present moment. A hub hands round one that never goes back, made with a [`Timeline`].
pub trait Clock: Send + Sync + fmt::Debug {
    /// The present moment.
    fn now(&self) -> UnixTime;

    /// How long some fixed moment is ago, by a clock that nobody can set. A clock that nobody sets is one.
    fn steady(&self) -> Duration {
        Duration::from_millis(self.now().as_ms())
    }
}

/// A source of unpredictable bytes, fit for keys and tokens outside tests.
pub trait Rng: Send + Sync + fmt::Debug {
    /// Fills `bytes` whole.
    fn fill(&self, bytes: &mut [u8]);
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> UnixTime {
        (**self).now()
    }

    fn steady(&self) -> Duration {
        (**self).steady()
    }
}

impl<R: Rng + ?Sized> Rng for Arc<R> {
    fn fill(&self, bytes: &mut [u8]) {
        (**self).fill(bytes);
    }
}

fn whole_ms(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn prints_rfc_3339_in_utc() {
        assert_eq!(UnixTime::from_ms(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(
            UnixTime::from_ms(1_795_323_961_042).to_string(),
            "2026-11-22T05:06:01.042Z"
        );
        assert_eq!(
            UnixTime::from_s(951_782_400).to_string(),
            "2000-02-29T00:00:00.000Z"
        );
    }

    #[test]
    fn saturates_at_both_ends() {
        assert_eq!(
            UnixTime::from_s(1).minus(Duration::from_secs(2)),
            UnixTime::from_ms(0)
        );
        assert_eq!(
            UnixTime::from_s(u64::MAX).plus(Duration::MAX),
            UnixTime::from_ms(u64::MAX)
        );
        assert_eq!(
            UnixTime::from_s(1).since(UnixTime::from_s(2)),
            Duration::ZERO
        );
    }
}
