//! A person's order about one device.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{FieldFault, Lifecycle, problem::outcome, words::words};

/// The largest number of bytes in a person's explanation.
pub const WHY_LENGTH_MAX: usize = 1_000;

words! {
    /// What a person can order about a device.
    pub enum Order {
        /// Cut its sessions and grant only what its profile leaves to a quarantined device.
        Quarantine = "quarantine",
        /// Take a person's reason for quarantine away; others, if there are any, stay.
        Release = "release",
        /// Revoke its certificates and forget its secrets, for good.
        Retire = "retire",
        /// Give it up, so that a new owner can claim it.
        Transfer = "transfer",
    }
}

impl Order {
    /// Whether the order needs an explanation: those that take something away do.
    pub const fn needs_why(self) -> bool {
        match self {
            Self::Quarantine | Self::Retire | Self::Transfer => true,
            Self::Release => false,
        }
    }
}

/// An order about the device in the path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrder {
    /// What to do.
    pub order: Order,
    /// Why, for whoever reads the journal; at most 1,000 bytes, and required unless the order is
    /// `release`.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub why: String,
}

impl NewOrder {
    /// Checks the form.
    ///
    /// # Errors
    /// `why` when it is too long, or missing where the order needs one.
    pub fn check(&self) -> Result<(), Vec<FieldFault>> {
        let mut faults = Vec::new();
        if self.order.needs_why() && self.why.trim().is_empty() {
            faults.push(FieldFault::new(
                "why",
                format!("{} needs a reason: it stands in the journal", self.order),
            ));
        }
        faults.extend(why_too_long(&self.why));
        outcome(faults)
    }
}

/// What is wrong with a reason that is longer than the bound.
pub(crate) fn why_too_long(why: &str) -> Option<FieldFault> {
    let length = why.len();
    let fault = || format!("it has {length} bytes; at most {WHY_LENGTH_MAX} are kept");
    (length > WHY_LENGTH_MAX).then(|| FieldFault::new("why", fault()))
}

/// An order that was carried out and journalled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderDone {
    /// The device.
    pub device: String,
    /// Its lifecycle state after the order.
    pub lifecycle: Lifecycle,
    /// The journal entry that records the order.
    pub entry: u64,
    /// How many live sessions were cut.
    pub sessions_cut: u32,
    /// Reasons for quarantine that remain.
    pub reasons_count: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(order: Order, why: &str) -> NewOrder {
        NewOrder {
            order,
            why: why.to_owned(),
        }
    }

    #[test]
    fn an_order_that_takes_something_away_needs_a_reason() {
        for taking in [Order::Quarantine, Order::Retire, Order::Transfer] {
            assert_eq!(order(taking, " \n").check().unwrap_err()[0].field, "why");
            assert_eq!(order(taking, "stolen").check(), Ok(()));
        }
        assert_eq!(order(Order::Release, "").check(), Ok(()));
    }

    #[test]
    fn refuses_a_reason_longer_than_the_bound() {
        let longest = "x".repeat(WHY_LENGTH_MAX);
        assert_eq!(order(Order::Retire, &longest).check(), Ok(()));
        assert!(order(Order::Retire, &(longest + "x")).check().is_err());
    }
}
