//! The hub's clock: what everybody in the hub is handed for the present moment.
//!
//! It follows the machine's clock while that is plausible. When that jumps, time here goes on by a clock that
//! nobody can set, and no certificates are issued until the machine's clock is right again or a person has
//! confirmed it (decision 0008).

use std::sync::Arc;
use std::time::Duration;

use ironroot_registry::{ClockAgreed, ClockStepped, Fact};
use ironroot_time::{Clock, ClockChange, ClockStep, Timeline, Tolerance, UnixTime};
use parking_lot::Mutex;
use serde::Deserialize;

use crate::drain::Drain;
use crate::fault::chain;
use crate::ledger::Ledger;

/// How far the machine's clock is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClockSettings {
    /// How many seconds it may be set back while the hub runs, or lie before the journal's last entry at a
    /// start.
    pub back_max_s: u64,
    /// How many seconds it may be set forward while the hub runs.
    pub ahead_max_s: u64,
    /// How many days the hub may have been off: how far past the journal's last entry the clock may be at a
    /// start.
    pub away_max_days: u32,
}

impl Default for ClockSettings {
    fn default() -> Self {
        Self {
            back_max_s: 300,
            ahead_max_s: 86_400,
            away_max_days: 366,
        }
    }
}

impl From<ClockSettings> for Tolerance {
    fn from(settings: ClockSettings) -> Self {
        Self {
            back: Duration::from_secs(settings.back_max_s),
            ahead: Duration::from_secs(settings.ahead_max_s),
            away: DAY.saturating_mul(settings.away_max_days),
        }
    }
}

/// A clock that never goes back and that does not follow jumps.
#[derive(Debug)]
pub struct HubClock {
    machine: Arc<dyn Clock>,
    tolerance: Tolerance,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    timeline: Timeline,
    /// What is not in the journal yet, oldest first; at most [`CHANGES_MAX`].
    changes: Vec<ClockChange>,
}

/// The machine's clock has jumped, and nobody has confirmed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the machine's clock jumped from {} to {}: set it right, or confirm it with `ironroot clock confirm`",
    .0.expected, .0.shown
)]
pub struct Stepped(pub ClockStep);

impl HubClock {
    /// A clock that begins with what the machine's shows.
    pub fn new(machine: Arc<dyn Clock>, settings: ClockSettings) -> Self {
        let tolerance = settings.into();
        Self {
            machine,
            tolerance,
            state: Mutex::new(State {
                timeline: Timeline::new(tolerance),
                changes: Vec::new(),
            }),
        }
    }

    /// Goes on after `last`, the time of the journal's last entry.
    pub fn go_on_after(&self, last: UnixTime) {
        let steady = self.machine.steady();
        *self.state.lock() = State {
            timeline: Timeline::after(last, steady, self.tolerance),
            changes: Vec::new(),
        };
    }

    /// The present moment, if certificates may be issued now.
    ///
    /// # Errors
    /// [`Stepped`] when the machine's clock has jumped.
    pub fn trusted_now(&self) -> Result<UnixTime, Stepped> {
        let now = self.now();
        match self.step() {
            Some(step) => Err(Stepped(step)),
            None => Ok(now),
        }
    }

    /// The jump that nobody has confirmed.
    pub fn step(&self) -> Option<ClockStep> {
        self.look(|state, _steady| state.timeline.step())
    }

    /// Follows the machine's clock from what it shows now.
    pub fn confirm(&self) {
        let (shown, steady) = (self.machine.now(), self.machine.steady());
        self.state.lock().timeline.confirm(shown, steady);
    }

    /// Looks at the machine's clock, then at what came of it.
    fn look<T>(&self, then: impl FnOnce(&mut State, Duration) -> T) -> T {
        let mut state = self.state.lock();
        let (shown, steady) = (self.machine.now(), self.machine.steady());
        let change = state.timeline.observe(shown, steady);
        if state.changes.len() < CHANGES_MAX {
            state.changes.extend(change);
        }
        then(&mut state, steady)
    }

    fn unrecorded(&self) -> Option<ClockChange> {
        self.look(|state, _steady| state.changes.first().copied())
    }

    fn recorded(&self) {
        self.state.lock().changes.remove(0);
    }
}

impl Clock for HubClock {
    fn now(&self) -> UnixTime {
        self.look(|state, steady| state.timeline.now(steady))
    }

    fn steady(&self) -> Duration {
        self.machine.steady()
    }
}

/// Looks at the clock every second, and records and reports its jumps, until the hub drains.
pub async fn watch(clock: Arc<HubClock>, ledger: Ledger, mut drain: Drain) {
    let mut told = None;
    loop {
        while let Some(change) = clock.unrecorded() {
            if told != Some(change) {
                report(change);
                told = Some(change);
            }
            match ledger.record(&fact(change)).await {
                Ok(_) => clock.recorded(),
                Err(cause) => {
                    tracing::debug!(error = %chain(&cause), "A jump of the clock is not recorded yet.");
                    break;
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_INTERVAL) => {}
            () = drain.begun() => return,
        }
    }
}

fn report(change: ClockChange) {
    match change {
        ClockChange::Stepped(ClockStep { expected, shown }) => {
            tracing::error!(clock.expected = %expected, clock.shown = %shown, "The machine's clock jumped; no certificates are issued until it is right or a person confirms it.");
        }
        ClockChange::Agreed { shown } => {
            tracing::warn!(clock.shown = %shown, "The machine's clock is right again; certificates are issued.");
        }
    }
}

fn fact(change: ClockChange) -> Fact {
    match change {
        ClockChange::Stepped(ClockStep { expected, shown }) => Fact::from(ClockStepped {
            expected: expected.as_ms(),
            shown: shown.as_ms(),
        }),
        ClockChange::Agreed { shown } => Fact::from(ClockAgreed {
            shown: shown.as_ms(),
        }),
    }
}

/// How often the clock is looked at when nobody asks for the time.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// How many changes may wait for the journal; what comes after is not recorded.
const CHANGES_MAX: usize = 16;

const DAY: Duration = Duration::from_secs(86_400);
