//! Everything that is on its way to the hub: into the spool, durable, and from there to the link.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail, ensure};
use ironroot_identity::DeviceId;
use ironroot_mqtt::TopicName;
use ironroot_spool::{Bounds, Recovered, Spool, Waiting};
use ironroot_time::Clock;
use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::{Notify, watch};
use tokio::task::yield_now;

use crate::clock::DeviceClock;
use crate::outside::random;

/// The spool, shared by those who fill it and the one who empties it.
#[derive(Debug)]
pub(crate) struct Outgoing {
    spool: Mutex<Spool>,
    clock: Arc<DeviceClock>,
    device: DeviceId,
    payload_size_max: usize,
    wanted: Notify,
    more: Notify,
    synced: watch::Sender<Synced>,
}

/// How far the disk has come.
#[derive(Clone, Copy, Debug, Default)]
struct Synced {
    durable: u64,
    /// How often something was taken back.
    failures: u64,
}

/// A reading that is written and perhaps not durable yet.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub(crate) struct Ticket {
    pub(crate) number: u64,
    failures: u64,
}

impl Outgoing {
    pub(crate) fn open(
        folder: &Path,
        bytes_max: u64,
        payload_size_max: usize,
        device: DeviceId,
        clock: Arc<DeviceClock>,
    ) -> Result<(Self, Recovered)> {
        let fresh = hex::encode(random::<8>()?);
        let (spool, recovered) = Spool::open(folder, Bounds { bytes_max }, &fresh)?;
        let durable = spool.waiting().last;
        let outgoing = Self {
            spool: Mutex::new(spool),
            clock,
            device,
            payload_size_max,
            wanted: Notify::new(),
            more: Notify::new(),
            synced: watch::Sender::new(Synced {
                durable,
                failures: 0,
            }),
        };
        Ok((outgoing, recovered))
    }

    /// Takes a reading of an application: its topic lies below `up/`, and not where the agent itself speaks.
    pub(crate) fn take(&self, topic: &str, payload: &[u8]) -> Result<Ticket> {
        ensure!(
            topic.starts_with("up/") && TopicName::parse(topic).is_ok(),
            "{topic:?} is no topic below up/"
        );
        ensure!(
            topic != "up/agent" && !topic.starts_with(OWN),
            "{topic:?} is the agent's own: choose another"
        );
        ensure!(
            topic.len() <= TOPIC_MAX,
            "a topic has at most {TOPIC_MAX} bytes"
        );
        let max = self.payload_size_max;
        ensure!(payload.len() <= max, "a payload has at most {max} bytes");
        self.append(topic, payload)
    }

    /// Takes something that the agent itself reports, and waits until it is durable.
    pub(crate) async fn report(&self, what: &str, content: &(impl Serialize + Sync)) -> Result<()> {
        let payload = serde_json::to_vec(content)?;
        let ticket = self.append(&format!("{OWN}{what}"), &payload)?;
        self.durable(ticket).await
    }

    fn append(&self, topic: &str, payload: &[u8]) -> Result<Ticket> {
        let failures = self.synced.borrow().failures;
        let number = self.spool.lock().append(self.clock.now(), topic, payload)?;
        self.wanted.notify_one();
        Ok(Ticket { number, failures })
    }

    /// Waits until a reading is durable.
    pub(crate) async fn durable(&self, ticket: Ticket) -> Result<()> {
        let mut synced = self.synced.subscribe();
        let reached = synced
            .wait_for(|now| now.failures != ticket.failures || now.durable >= ticket.number)
            .await?;
        if reached.failures != ticket.failures {
            bail!("the disk failed, and the reading was not kept");
        }
        Ok(())
    }

    /// Makes readings durable, all those together that have come meanwhile; it never ends.
    pub(crate) async fn sync(&self) {
        let mut failing = false;
        loop {
            self.wanted.notified().await;
            // Others that are ready to append do so first: one write to the disk serves them all.
            yield_now().await;
            let (outcome, last) = {
                let mut spool = self.spool.lock();
                (spool.sync(), spool.waiting().last)
            };
            self.synced.send_modify(|synced| {
                synced.durable = last;
                synced.failures += u64::from(outcome.is_err());
            });
            // Said once, and not with each reading that is refused: logs are kept on disks, too.
            match outcome {
                Err(cause) if !failing => {
                    tracing::error!(error = ?cause, "Readings could not be made durable.");
                    failing = true;
                }
                Ok(()) if failing => {
                    tracing::info!("Readings are durable again.");
                    failing = false;
                }
                Ok(()) | Err(_) => {}
            }
            self.more.notify_one();
        }
    }

    /// Waits until there may be more to send.
    pub(crate) async fn more(&self) {
        self.more.notified().await;
    }

    /// The spool, for the link.
    pub(crate) fn spool(&self) -> parking_lot::MutexGuard<'_, Spool> {
        self.spool.lock()
    }

    pub(crate) fn waiting(&self) -> Waiting {
        self.spool.lock().waiting()
    }

    /// The whole topic of one below `up/` or `down/`.
    pub(crate) fn whole_topic(&self, topic: &str) -> String {
        format!("d/{}/{topic}", self.device)
    }
}

/// Where the agent itself speaks.
pub(crate) const OWN: &str = "up/agent/";

/// The longest topic of an application, in bytes.
const TOPIC_MAX: usize = 512;
