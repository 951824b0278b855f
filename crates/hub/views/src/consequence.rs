//! What an order would make of a device, before anybody gives it.

use ironroot_api::{Consequence, Order, OrderState};
use ironroot_registry::DeviceRow;
use ironroot_standing::{
    Event, Grant, Lifecycle, QuarantineReason, Standing, grant_device, release, transition,
};

use crate::device::summary;
use crate::{NotShown, Views, words};

impl Views {
    /// What an order would make of the device, by the functions that decide when it is given.
    ///
    /// # Errors
    /// [`NotShown::Unknown`].
    pub fn consequence(&self, id: &str, order: Order) -> Result<Consequence, NotShown> {
        // Before the device is read: what is recorded meanwhile then counts as a change since.
        let position = self.journal_size();
        let device = self.registry.device(id).ok_or_else(|| NotShown::Unknown {
            what: "device",
            name: id.to_owned(),
        })?;
        let row = device.row();
        let now = Outcome {
            lifecycle: row.lifecycle,
            reasons: row.reasons.len(),
            certificates: row.certificates.len(),
        };
        let (after, refused) = match outcome(&row, order) {
            Ok(after) => (Some(self.order_state(&row, &after)), None),
            Err(cause) => (None, Some(cause)),
        };
        Ok(Consequence {
            device: id.to_owned(),
            order,
            position,
            now: self.order_state(&row, &now),
            after,
            refused,
        })
    }

    fn order_state(&self, row: &DeviceRow, outcome: &Outcome) -> OrderState {
        let standing = Standing {
            lifecycle: outcome.lifecycle,
            ..row.standing()
        };
        let profile = self.registry.profile(row.profile.as_str());
        let grant = profile.map_or_else(Grant::nothing, |profile| {
            grant_device(standing, &profile.profile)
        });
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        OrderState {
            lifecycle: words::life(row, standing.lifecycle),
            tier: words::tier(standing.tier),
            reasons_count: count(outcome.reasons),
            certificates: count(outcome.certificates),
            grant: summary(&grant, row.id.as_str()),
        }
    }
}

/// What a device is left with.
struct Outcome {
    lifecycle: Lifecycle,
    reasons: usize,
    certificates: usize,
}

fn outcome(row: &DeviceRow, order: Order) -> Result<Outcome, String> {
    let moved = |event| {
        let lifecycle = transition(Some(row.lifecycle), event);
        lifecycle.map_err(|cause| cause.to_string())
    };
    let reasons = row.reason_kinds();
    let others = reasons.iter().filter(|kind| **kind != PERSON).count();
    let kept = |lifecycle, reasons| Outcome {
        lifecycle,
        reasons,
        certificates: row.certificates.len(),
    };
    let ended = |lifecycle| Outcome {
        lifecycle,
        reasons: 0,
        certificates: 0,
    };
    match order {
        Order::Quarantine => Ok(kept(moved(Event::Quarantine)?, others + 1)),
        Order::Release => {
            let released = release(row.lifecycle, &reasons, PERSON);
            let lifecycle = released.map_err(|cause| cause.to_string())?;
            Ok(kept(lifecycle, others))
        }
        Order::Transfer => Ok(ended(moved(Event::Transfer)?)),
        Order::Retire => Ok(ended(moved(Event::Retire)?)),
    }
}

/// The reason that a person's order brings and takes away.
const PERSON: QuarantineReason = QuarantineReason::Person;
