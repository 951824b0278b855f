//! Notes when an enrolled device uses its certificate for the first time; the door does not wait for it.

use std::sync::Arc;

use ironroot_identity::{DeviceId, Principal};
use ironroot_pki::peer::PeerCertificate;
use ironroot_registry::{DeviceActivated, Fact, Registry, Subject};
use ironroot_standing::Lifecycle;
use tokio::sync::mpsc;

use crate::collect::doors::mqtt::Subjects;
use crate::fault::chain;
use crate::ledger::{Ledger, NotRecorded};

/// How many devices may wait to be noted; one that finds no place is noted at its next connect.
const QUEUE_MAX: usize = 10_000;

/// Where doors tell who has come in.
#[derive(Clone, Debug)]
pub struct Arrivals {
    registry: Arc<Registry>,
    queue: mpsc::Sender<DeviceId>,
}

impl Arrivals {
    /// The doors' end, and the worker's.
    pub fn new(registry: Arc<Registry>) -> (Self, mpsc::Receiver<DeviceId>) {
        let (queue, arrived) = mpsc::channel(QUEUE_MAX);
        (Self { registry, queue }, arrived)
    }

    /// Notes that `principal` has come in with its certificate.
    fn note(&self, principal: &Principal) {
        let Principal::Device(id) = principal else {
            return;
        };
        let enrolled = self
            .registry
            .device(id.as_str())
            .is_some_and(|d| d.lifecycle() == Lifecycle::Enrolled);
        if enrolled && self.queue.try_send(id.clone()).is_err() {
            tracing::debug!(device.id = %id, "Too many first connects at once; this one is noted next time.");
        }
    }
}

impl Subjects for Arrivals {
    fn subject(&self, certificate: &PeerCertificate) -> Option<Arc<Subject>> {
        let principal = certificate.principal()?;
        let subject = self.registry.subject(principal)?;
        self.note(principal);
        Some(subject)
    }
}

/// Records arrivals until all doors are gone.
pub async fn record(ledger: Ledger, door: &'static str, mut arrived: mpsc::Receiver<DeviceId>) {
    while let Some(device) = arrived.recv().await {
        let fact = Fact::from(DeviceActivated {
            device,
            door: door.to_owned(),
        });
        match ledger.record(&fact).await {
            // Refused: the device was quarantined or retired meanwhile.
            Ok(_) | Err(NotRecorded::Refused(_)) => {}
            Err(cause) => {
                tracing::debug!(error = %chain(&cause), "A first connect was not recorded; it is noted next time.");
            }
        }
    }
}
