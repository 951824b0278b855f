//! The machine's clock: it jumped, and was right again by itself or by a person's word.

use std::fmt::{self, Formatter};

use ironroot_store::ApplyError;
use ironroot_time::UnixTime;
use serde::{Deserialize, Serialize};

use super::{Actor, Kind};
use crate::fold::Step;

/// The machine's clock jumped and was not followed; certificates stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockStepped {
    /// What it was expected to show.
    pub expected: u64,
    /// What it showed.
    pub shown: u64,
}

impl Kind for ClockStepped {
    const KIND: &'static str = "clock.stepped";

    fn sentence(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "The machine's clock jumped from {} to {}; certificates stopped.",
            UnixTime::from_ms(self.expected),
            UnixTime::from_ms(self.shown)
        )
    }

    fn fold(&self, _step: &mut Step<'_>) -> Result<(), ApplyError> {
        Ok(())
    }
}

/// The machine's clock was right again by itself; certificates went on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockAgreed {
    /// What it showed.
    pub shown: u64,
}

impl Kind for ClockAgreed {
    const KIND: &'static str = "clock.agreed";

    fn sentence(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "The machine's clock was right again at {}; certificates went on.",
            UnixTime::from_ms(self.shown)
        )
    }

    fn fold(&self, _step: &mut Step<'_>) -> Result<(), ApplyError> {
        Ok(())
    }
}

/// A person confirmed the machine's clock after it had jumped; certificates went on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockConfirmed {
    /// What it was expected to show when it jumped.
    pub expected: u64,
    /// What it showed then.
    pub shown: u64,
    /// Who confirmed it.
    pub by: Actor,
    /// Why, in their words: the digest of a payload.
    pub why: String,
}

impl Kind for ClockConfirmed {
    const KIND: &'static str = "clock.confirmed";

    fn sentence(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} confirmed the machine's clock; certificates went on.",
            self.by
        )
    }

    fn fold(&self, _step: &mut Step<'_>) -> Result<(), ApplyError> {
        Ok(())
    }

    fn why(&self) -> Option<&str> {
        Some(&self.why)
    }
}
