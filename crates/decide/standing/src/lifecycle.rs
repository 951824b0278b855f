//! The lifecycle of a device as one table: every transition, allowed and refused.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::QuarantineReason;

/// Where a device stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lifecycle {
    /// Its owner has claimed the serial; no certificate yet.
    Claimed,
    /// It holds an LDevID and was not seen with it yet.
    Enrolled,
    /// It has used its LDevID.
    Active,
    /// It is shut out, for at least one reason.
    Quarantined,
    /// It was given up by its owner and waits to be claimed by the next.
    Transferred,
    /// Its life here has ended; nothing leads back.
    Retired,
}

/// What happens to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A person claims the serial, with a new token.
    Claim,
    /// The device gets its first LDevID.
    Enrol,
    /// The device replaces its LDevID by a new one.
    Reenrol,
    /// The device uses its LDevID for the first time.
    Activate,
    /// A reason for quarantine comes up.
    Quarantine,
    /// The last reason for quarantine is gone.
    Release,
    /// The owner gives the device up for another.
    Transfer,
    /// A person ends the device's life here.
    Retire,
}

/// The table does not allow this event in this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAllowed {
    /// The hub knows no device of this id.
    #[error("the device was never claimed")]
    Unknown,
    /// The device is in a state that the event cannot leave.
    #[error("a device that is {from} cannot be {event}")]
    From {
        /// The state it is in.
        from: Lifecycle,
        /// What was asked for.
        event: Event,
    },
}

impl Lifecycle {
    /// All states, in the order of a device's life.
    pub const ALL: [Self; 6] = [
        Self::Claimed,
        Self::Enrolled,
        Self::Active,
        Self::Quarantined,
        Self::Transferred,
        Self::Retired,
    ];
}

/// What an event makes of each state, in the order of [`Lifecycle::ALL`]; `REFUSED` stands for no transition.
#[rustfmt::skip]
const TABLE: [(Event, [Option<Lifecycle>; 6]); 8] = {
    use Lifecycle::{Active, Claimed, Enrolled, Quarantined, Retired, Transferred};
    const REFUSED: Option<Lifecycle> = None;
    [
        //                   claimed         enrolled           active             quarantined        transferred    retired
        (Event::Claim,      [Some(Claimed),  REFUSED,           REFUSED,           REFUSED,           Some(Claimed), REFUSED]),
        (Event::Enrol,      [Some(Enrolled), REFUSED,           REFUSED,           REFUSED,           REFUSED,       REFUSED]),
        (Event::Reenrol,    [REFUSED,        Some(Enrolled),    Some(Active),      REFUSED,           REFUSED,       REFUSED]),
        (Event::Activate,   [REFUSED,        Some(Active),      Some(Active),      REFUSED,           REFUSED,       REFUSED]),
        (Event::Quarantine, [REFUSED,        Some(Quarantined), Some(Quarantined), Some(Quarantined), REFUSED,       REFUSED]),
        (Event::Release,    [REFUSED,        REFUSED,           REFUSED,           Some(Active),      REFUSED,       REFUSED]),
        (Event::Transfer,   [REFUSED,        Some(Transferred), Some(Transferred), Some(Transferred), REFUSED,       REFUSED]),
        (Event::Retire,     [Some(Retired),  Some(Retired),     Some(Retired),     Some(Retired),     Some(Retired), REFUSED]),
    ]
};

/// The state after `event`; `from` is `None` for a device that the hub does not know.
///
/// # Errors
/// [`NotAllowed`] when the table has no such transition.
pub fn transition(from: Option<Lifecycle>, event: Event) -> Result<Lifecycle, NotAllowed> {
    let Some(from) = from else {
        return if event == Event::Claim {
            Ok(Lifecycle::Claimed)
        } else {
            Err(NotAllowed::Unknown)
        };
    };
    let row = TABLE
        .iter()
        .find(|(of, _)| *of == event)
        .map(|(_, row)| row);
    let column = Lifecycle::ALL.iter().position(|state| *state == from);
    let to = row
        .zip(column)
        .and_then(|(row, column)| row.get(column).copied().flatten());
    to.ok_or(NotAllowed::From { from, event })
}

/// Why a reason for quarantine cannot be taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReleased {
    /// The table has no such transition.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// The device is under quarantine for other reasons.
    #[error("it is not under quarantine for the reason {0}")]
    NoSuchReason(QuarantineReason),
}

/// The state after `taken` is no reason any more: a device is released with the last of its `reasons`.
///
/// # Errors
/// [`NotReleased`] when it is not under quarantine, or not for this reason.
pub fn release(
    from: Lifecycle,
    reasons: &[QuarantineReason],
    taken: QuarantineReason,
) -> Result<Lifecycle, NotReleased> {
    let released = transition(Some(from), Event::Release)?;
    if !reasons.contains(&taken) {
        return Err(NotReleased::NoSuchReason(taken));
    }
    let last = reasons.iter().all(|reason| *reason == taken);
    Ok(if last { released } else { from })
}

/// The whole table as Markdown, for the manual.
pub fn print_table() -> String {
    let cell = |from, event| {
        transition(from, event).map_or_else(|_| "refused".to_owned(), |to| to.to_string())
    };
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let states = [None].into_iter().chain(Lifecycle::ALL.map(Some));
    let head = states
        .clone()
        .map(|state| state.map_or_else(|| "unknown".to_owned(), |state| state.to_string()));
    let mut out = line(["event".to_owned()].into_iter().chain(head).collect());
    out.push_str("|---|---|---|---|---|---|---|---|\n");
    for (event, _) in TABLE {
        let cells = states.clone().map(|from| cell(from, event));
        out.push_str(&line(
            [event.to_string()].into_iter().chain(cells).collect(),
        ));
    }
    out
}

impl fmt::Display for Lifecycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Claimed => "claimed",
            Self::Enrolled => "enrolled",
            Self::Active => "active",
            Self::Quarantined => "quarantined",
            Self::Transferred => "transferred",
            Self::Retired => "retired",
        })
    }
}

/// The past participle, so that it reads in a sentence: "cannot be released".
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Claim => "claimed",
            Self::Enrol => "enrolled",
            Self::Reenrol => "re-enrolled",
            Self::Activate => "activated",
            Self::Quarantine => "quarantined",
            Self::Release => "released",
            Self::Transfer => "transferred",
            Self::Retire => "retired",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: [Event; 8] = [
        Event::Claim,
        Event::Enrol,
        Event::Reenrol,
        Event::Activate,
        Event::Quarantine,
        Event::Release,
        Event::Transfer,
        Event::Retire,
    ];

    #[test]
    fn a_life_runs_from_claim_to_retirement() {
        let mut at = None;
        for (event, to) in [
            (Event::Claim, Lifecycle::Claimed),
            (Event::Enrol, Lifecycle::Enrolled),
            (Event::Activate, Lifecycle::Active),
            (Event::Reenrol, Lifecycle::Active),
            (Event::Quarantine, Lifecycle::Quarantined),
            (Event::Release, Lifecycle::Active),
            (Event::Transfer, Lifecycle::Transferred),
            (Event::Claim, Lifecycle::Claimed),
            (Event::Retire, Lifecycle::Retired),
        ] {
            at = Some(transition(at, event).unwrap());
            assert_eq!(at, Some(to));
        }
    }

    #[test]
    fn nothing_leads_out_of_retirement() {
        for event in EVENTS {
            assert_eq!(
                transition(Some(Lifecycle::Retired), event),
                Err(NotAllowed::From {
                    from: Lifecycle::Retired,
                    event
                })
            );
        }
    }

    #[test]
    fn an_unknown_device_can_only_be_claimed() {
        for event in EVENTS {
            assert_eq!(transition(None, event).is_ok(), event == Event::Claim);
        }
    }

    #[test]
    fn a_quarantined_device_gets_no_certificate() {
        for event in [Event::Enrol, Event::Reenrol] {
            assert!(transition(Some(Lifecycle::Quarantined), event).is_err());
        }
    }

    #[test]
    fn a_device_is_released_with_the_last_of_its_reasons() {
        use QuarantineReason::{Finding, Person};
        let shut = Lifecycle::Quarantined;
        assert_eq!(release(shut, &[Person], Person), Ok(Lifecycle::Active));
        assert_eq!(release(shut, &[Finding, Person], Person), Ok(shut));
        assert_eq!(
            release(shut, &[Finding], Person),
            Err(NotReleased::NoSuchReason(Person))
        );
        assert!(release(Lifecycle::Active, &[], Person).is_err());
    }

    #[test]
    fn the_manual_shows_this_table() {
        let manual = include_str!("../../../../docs/lifecycle.md");
        assert!(
            manual.contains(&print_table()),
            "docs/lifecycle.md wants this table:\n{}",
            print_table()
        );
    }

    #[test]
    fn the_printed_table_has_a_row_for_every_event() {
        let table = print_table();
        assert_eq!(table.lines().count(), 2 + EVENTS.len());
        assert!(table.contains("| released | refused | refused | refused | refused | active |"));
    }
}
