//! A person's order about a device: obeyed at once where it shrinks a Grant, then recorded.
//!
//! When the journal cannot append, an order that shrinks is obeyed all the same and is recorded as soon as
//! the journal can; one that widens is refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use ironroot_api::{NewOrder, Order};
use ironroot_identity::DeviceId;
use ironroot_registry::{
    Actor, Device, DeviceQuarantined, DeviceReleased, DeviceRetired, DeviceTransferred, Fact,
    Registry,
};
use ironroot_standing::{Event, Lifecycle, NotAllowed, QuarantineReason, transition};
use ironroot_store::{Payload, Receipt};
use parking_lot::Mutex;

use super::secrets::claim_secret;
use crate::fault::{Blame, Fault};
use crate::ledger::{Ledger, NotRecorded};

/// Takes orders.
#[derive(Debug)]
pub struct Orders {
    ledger: Ledger,
    registry: Arc<Registry>,
    /// Orders that are obeyed and wait to be recorded; one a device, the latest.
    held: Mutex<BTreeMap<DeviceId, HeldOrder>>,
}

#[derive(Clone, Debug)]
struct HeldOrder {
    fact: Fact,
    why: Payload,
}

/// What became of an order.
#[derive(Clone, Debug)]
pub struct Obeyed {
    /// Where the device stands in its life now.
    pub lifecycle: Lifecycle,
    /// Reasons for quarantine that remain.
    pub reasons_count: usize,
    /// The entry that records the order.
    pub entry: u64,
}

/// Why an order was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum OrderRefused {
    /// There is no such device.
    #[error("there is no device {0}: `ironroot device list` shows those there are")]
    Unknown(DeviceId),
    /// The lifecycle table does not allow it.
    #[error("{device}: {cause}")]
    NotAllowed {
        /// The device.
        device: DeviceId,
        /// What the table says. Part of the sentence above, so no source.
        cause: NotAllowed,
    },
    /// What the device may do has changed since somebody looked at what the order would make of it.
    #[error(
        "what {0} may do has changed since the order's consequence was shown: look at it again before you decide"
    )]
    Changed(DeviceId),
    /// It could not be recorded and was not carried out.
    #[error("the order was not carried out")]
    NotRecorded(#[from] NotRecorded),
    /// It was carried out and could not be recorded yet.
    #[error(
        "{device} is cut off, and the order will be recorded as soon as the journal can append again"
    )]
    Held {
        /// The device.
        device: DeviceId,
        /// Why it could not be recorded.
        #[source]
        cause: NotRecorded,
    },
}

impl OrderRefused {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Unknown(_) => Fault::Sender(Blame::Unknown),
            Self::NotAllowed { .. } | Self::Changed(_) => Fault::Sender(Blame::State),
            Self::NotRecorded(cause) => cause.fault(),
            Self::Held { .. } => Fault::Later,
        }
    }
}

impl Orders {
    /// Takes orders about the devices of `registry`.
    pub fn new(ledger: Ledger, registry: Arc<Registry>) -> Self {
        Self {
            ledger,
            registry,
            held: Mutex::default(),
        }
    }

    /// Carries out an order of `by`.
    ///
    /// # Errors
    /// [`OrderRefused`] tells apart what was not done and what was done and not recorded yet.
    pub async fn give(
        &self,
        device: &DeviceId,
        new: &NewOrder,
        by: Actor,
    ) -> Result<Obeyed, OrderRefused> {
        let order = new.order;
        let Some(known) = self.registry.device(device.as_str()) else {
            return Err(OrderRefused::Unknown(device.clone()));
        };
        if new
            .seen
            .is_some_and(|seen| self.changed_since(&known, seen))
        {
            return Err(OrderRefused::Changed(device.clone()));
        }
        let to = transition(Some(known.lifecycle()), event(order)).map_err(|cause| {
            OrderRefused::NotAllowed {
                device: device.clone(),
                cause,
            }
        })?;
        let why = self.ledger.words(&new.why);
        let fact = fact(order, device, by, why.digest().to_string());
        let receipt = match order {
            Order::Quarantine | Order::Retire | Order::Transfer => {
                self.shrink(&known, to, fact, why).await?
            }
            Order::Release if self.take_back(device) => {
                self.registry.let_go(&known);
                return Ok(obeyed(&known, known.row().changed_entry));
            }
            Order::Release => self.record(&fact, &why).await?,
        };
        Ok(obeyed(&known, receipt.indices.start))
    }

    /// Whether an entry from `seen` on changed the device's Standing, or the profile that its Grant follows from.
    fn changed_since(&self, device: &Device, seen: u64) -> bool {
        let row = device.row();
        let profile = self.registry.profile(row.profile.as_str());
        let newest = profile.map_or(0, |profile| profile.row.entry);
        newest.max(row.changed_entry) >= seen
    }

    /// Records what is obeyed and not yet recorded. Called again and again; does nothing mostly.
    pub async fn record_held(&self) {
        let held: Vec<_> = self
            .held
            .lock()
            .iter()
            .map(|(id, order)| (id.clone(), order.clone()))
            .collect();
        for (id, order) in held {
            match self.record(&order.fact, &order.why).await {
                Ok(_receipt) => tracing::info!(device.id = %id, "A held order was recorded."),
                Err(NotRecorded::Later(_)) => return,
                Err(cause) => {
                    tracing::error!(device.id = %id, error = %crate::fault::chain(&cause), "A held order can never be recorded; the device stays cut off until the hub restarts.");
                }
            }
            self.held.lock().remove(&id);
        }
    }

    /// How many orders are obeyed and not yet recorded.
    pub fn held_count(&self) -> usize {
        self.held.lock().len()
    }

    /// Shrinks the Grant first, records second.
    async fn shrink(
        &self,
        device: &Device,
        to: Lifecycle,
        fact: Fact,
        why: Payload,
    ) -> Result<Receipt, OrderRefused> {
        self.registry.hold(device, to);
        match self.record(&fact, &why).await {
            Ok(receipt) => Ok(receipt),
            Err(cause @ (NotRecorded::Later(_) | NotRecorded::Fenced)) => {
                let id = device.row().id;
                self.held.lock().insert(id.clone(), HeldOrder { fact, why });
                Err(OrderRefused::Held { device: id, cause })
            }
            Err(cause) => {
                self.registry.let_go(device);
                Err(cause.into())
            }
        }
    }

    async fn record(&self, fact: &Fact, why: &Payload) -> Result<Receipt, NotRecorded> {
        let ended = match fact {
            Fact::DeviceRetired(DeviceRetired { device, .. })
            | Fact::DeviceTransferred(DeviceTransferred { device, .. }) => Some(device),
            _ => None,
        };
        self.ledger
            .record_with(fact, |change| {
                let change = change.with_payload(why.clone());
                match ended {
                    Some(device) => change.shredding(claim_secret(device)),
                    None => change,
                }
            })
            .await
    }

    /// Forgets a quarantine that was never recorded.
    fn take_back(&self, device: &DeviceId) -> bool {
        let mut held = self.held.lock();
        let quarantined = matches!(
            held.get(device),
            Some(HeldOrder {
                fact: Fact::DeviceQuarantined(DeviceQuarantined { .. }),
                ..
            })
        );
        quarantined && held.remove(device).is_some()
    }
}

fn obeyed(device: &Device, entry: u64) -> Obeyed {
    let row = device.row();
    Obeyed {
        lifecycle: row.lifecycle,
        reasons_count: row.reasons.len(),
        entry,
    }
}

fn event(order: Order) -> Event {
    match order {
        Order::Quarantine => Event::Quarantine,
        Order::Release => Event::Release,
        Order::Retire => Event::Retire,
        Order::Transfer => Event::Transfer,
    }
}

fn fact(order: Order, device: &DeviceId, by: Actor, why: String) -> Fact {
    let device = device.clone();
    let reason = QuarantineReason::Person;
    match order {
        Order::Quarantine => Fact::from(DeviceQuarantined {
            device,
            reason,
            by,
            why,
        }),
        Order::Release => Fact::from(DeviceReleased {
            device,
            reason,
            by,
            why,
        }),
        Order::Retire => Fact::from(DeviceRetired { device, by, why }),
        Order::Transfer => Fact::from(DeviceTransferred { device, by, why }),
    }
}
