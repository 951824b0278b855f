//! A person confirms that the machine's clock is right after it has jumped.

use ironroot_registry::{Actor, ClockConfirmed, Fact};
use ironroot_time::{Clock, UnixTime};

use crate::clock::HubClock;
use crate::fault::{Blame, Fault};
use crate::ledger::{Ledger, NotRecorded};

/// Why nothing was confirmed.
#[derive(Debug, thiserror::Error)]
pub enum NotConfirmed {
    /// There is nothing to confirm.
    #[error("the clock has not jumped, or is right again: there is nothing to confirm")]
    NotStepped,
    /// It could not be recorded, so the clock is not followed.
    #[error("the confirmation was not recorded, so the clock is not followed")]
    NotRecorded(#[from] NotRecorded),
}

impl NotConfirmed {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::NotStepped => Fault::Sender(Blame::State),
            Self::NotRecorded(cause) => cause.fault(),
        }
    }
}

/// Records that `by` confirms the clock, and follows it; returns the entry, and the hub's time from now on.
///
/// # Errors
/// [`NotConfirmed`]; the clock is not followed.
pub async fn confirm(
    ledger: &Ledger,
    clock: &HubClock,
    why: &str,
    by: Actor,
) -> Result<(u64, UnixTime), NotConfirmed> {
    let step = clock.step().ok_or(NotConfirmed::NotStepped)?;
    let why = ledger.words(why);
    let fact = Fact::from(ClockConfirmed {
        expected: step.expected.as_ms(),
        shown: step.shown.as_ms(),
        by,
        why: why.digest().to_string(),
    });
    let receipt = ledger
        .record_with(&fact, |change| change.with_payload(why))
        .await?;
    clock.confirm();
    Ok((receipt.indices.start, clock.now()))
}
