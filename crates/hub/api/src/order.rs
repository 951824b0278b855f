//! A person's order about one device.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{FieldFault, GrantSummary, Lifecycle, Tier, problem::outcome, words::words};

/// The largest number of bytes in a person's explanation.
pub const WHY_LENGTH_MAX: usize = 1_000;

/// The largest number of devices in one order.
pub const ORDERS_MAX: usize = 500;

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
    /// The `position` of the consequence that was looked at: the order is refused when what the device may do
    /// has changed since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<u64>,
}

/// One order about several devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrders {
    /// What to do.
    pub order: Order,
    /// Why: see the order about one device.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub why: String,
    /// The least `position` of the consequences that were looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<u64>,
    /// The ids of the devices, each once; at most 500.
    #[schema(max_items = 500)]
    pub devices: Vec<String>,
}

impl NewOrders {
    /// The order for each of the devices.
    pub fn each(&self) -> NewOrder {
        NewOrder {
            order: self.order,
            why: self.why.clone(),
            seen: self.seen,
        }
    }

    /// Checks the form.
    ///
    /// # Errors
    /// What is wrong with the order, and `devices` when there are none, too many, or one twice.
    pub fn check(&self) -> Result<(), Vec<FieldFault>> {
        let mut faults = self.each().check().err().unwrap_or_default();
        let count = self.devices.len();
        let different = self.devices.iter().collect::<BTreeSet<_>>().len();
        if count == 0 || count > ORDERS_MAX {
            let detail = format!("it names {count} devices; an order is about 1 to {ORDERS_MAX}");
            faults.push(FieldFault::new("devices", detail));
        } else if different < count {
            faults.push(FieldFault::new("devices", "it names a device twice"));
        }
        outcome(faults)
    }
}

/// What became of one order about several devices: each is carried out or refused by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrdersDone {
    /// Those for which it was carried out.
    pub done: Vec<OrderDone>,
    /// Those for which it was not.
    pub refused: Vec<OrderRefused>,
}

/// A device for which an order was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderRefused {
    /// The device.
    pub device: String,
    /// Why not.
    pub detail: String,
}

/// What an order would make of one device, by the functions that decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Consequence {
    /// The device.
    pub device: String,
    /// The order.
    pub order: Order,
    /// How many entries the journal had: hand it back as `seen` with the order.
    pub position: u64,
    /// How the device is.
    pub now: OrderState,
    /// How it would be; null when the order would be refused.
    #[schema(required = true)]
    pub after: Option<OrderState>,
    /// Why the order would be refused; absent when it would not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// A device before or after an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderState {
    /// Its lifecycle state.
    pub lifecycle: Lifecycle,
    /// Its tier.
    pub tier: Tier,
    /// Reasons for quarantine.
    pub reasons_count: u32,
    /// Its certificates that are neither revoked nor known to have ended.
    pub certificates: u32,
    /// What it may do.
    pub grant: GrantSummary,
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
            seen: None,
        }
    }

    #[test]
    fn an_order_about_several_devices_names_each_once() {
        let about = |devices: Vec<String>| NewOrders {
            order: Order::Release,
            why: String::new(),
            seen: None,
            devices,
        };
        let many = |count| (0..count).map(|n| format!("cam-{n}")).collect::<Vec<_>>();
        assert_eq!(about(many(ORDERS_MAX)).check(), Ok(()));
        for refused in [many(0), many(ORDERS_MAX + 1), [many(1), many(1)].concat()] {
            assert_eq!(about(refused).check().unwrap_err()[0].field, "devices");
        }
        let json = r#"{"order":"release","why":"","devices":["cam-1"]}"#;
        assert_eq!(
            serde_json::from_str::<NewOrders>(json).unwrap().devices,
            ["cam-1"]
        );
        let misspelt = r#"{"order":"release","wy":"","devices":["cam-1"]}"#;
        assert!(serde_json::from_str::<NewOrders>(misspelt).is_err());
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
