//! The backend: a service that hears every device, and counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use ironroot_link::{Flow, Session};
use ironroot_mqtt::{Packet, Qos, Version};
use tokio::task::JoinHandle;

use super::cast::BACKEND;
use crate::api::Api;
use crate::mqtt;
use crate::scenario::Door;

/// The backend's ears; they close when this is dropped.
#[derive(Debug)]
pub(super) struct Backend {
    heard: Arc<Heard>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Heard {
    messages: AtomicU64,
    forged: AtomicU64,
}

impl Backend {
    /// Makes the service and lets it listen.
    pub(super) async fn begin(api: &mut Api, door: &Door) -> Result<Self> {
        let identity = api.subscriber(NAME, "d/+/up/#").await?;
        let tls = door.trust.client(Some(&identity))?;
        let mut session = mqtt::connect(door.address, BACKEND, tls, NAME, Version::V5).await?;
        session.subscribe("d/+/up/#", Qos::AtMostOnce).await?;
        let heard = Arc::new(Heard::default());
        let task = tokio::spawn(listen(session, heard.clone()));
        Ok(Self { heard, task })
    }

    /// How many messages it has heard.
    pub(super) fn messages(&self) -> u64 {
        self.heard.messages.load(Ordering::Relaxed)
    }

    /// How many of them were [`FORGED`].
    pub(super) fn forged(&self) -> u64 {
        self.heard.forged.load(Ordering::Relaxed)
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(mut session: Session, heard: Arc<Heard>) {
    let count = |packet: &Packet<'_>| {
        if let Packet::Publish(publish) = packet {
            heard.messages.fetch_add(1, Ordering::Relaxed);
            if publish.payload == FORGED {
                heard.forged.fetch_add(1, Ordering::Relaxed);
            }
        }
    };
    while let Ok(Flow::Open) = session
        .receive(|packet, _outbox| {
            count(packet);
            anyhow::Ok(())
        })
        .await
    {}
}

/// What a forged message says.
pub(super) const FORGED: &[u8] = b"{\"seen\":\"nothing, all is quiet\"}";

const NAME: &str = "demonstration-backend";
