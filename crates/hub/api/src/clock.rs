//! A person's word that the machine's clock is right after it has jumped.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{FieldFault, order, problem::outcome};

/// The confirmation of the clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewClockConfirmation {
    /// Why, for whoever reads the journal; at most 1,000 bytes.
    #[schema(max_length = 1000)]
    pub why: String,
}

impl NewClockConfirmation {
    /// Checks the form.
    ///
    /// # Errors
    /// `why` when it is missing or too long.
    pub fn check(&self) -> Result<(), Vec<FieldFault>> {
        let mut faults: Vec<_> = order::why_too_long(&self.why).into_iter().collect();
        if self.why.trim().is_empty() {
            faults.push(FieldFault::new(
                "why",
                "a confirmation needs a reason: it stands in the journal",
            ));
        }
        outcome(faults)
    }
}

/// The clock was confirmed and is followed again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClockConfirmed {
    /// The journal entry that records it.
    pub entry: u64,
    /// The hub's time from now on. It never goes back: after a clock that was set back it stands still
    /// until the clock has caught up.
    #[schema(format = DateTime)]
    pub time: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confirmation_needs_a_reason_within_its_bound() {
        let check = |why: &str| {
            let why = why.to_owned();
            NewClockConfirmation { why }.check()
        };
        assert_eq!(check("checked against the wall clock"), Ok(()));
        for why in [" ", &"x".repeat(order::WHY_LENGTH_MAX + 1)] {
            assert_eq!(check(why).unwrap_err()[0].field, "why");
        }
    }
}
