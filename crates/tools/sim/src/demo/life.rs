//! A device's ordinary life: it holds a session, says something now and then, and comes back when it is cut.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use ironroot_link::{Flow, Session};
use ironroot_mqtt::{Qos, TopicName, Version};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};

use super::cast::Role;
use crate::fleet::Device;
use crate::scenario::Door;

/// A life; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Life(JoinHandle<()>);

impl Life {
    pub(super) fn begin(role: Role, device: Arc<Device>, door: Door) -> Self {
        Self(tokio::spawn(async move {
            let mut said = 0;
            loop {
                // Whatever ends a session, a device comes back; it learns no more of it than that.
                let _ended = live(&role, &device, &door, &mut said).await;
                sleep(BACK_AFTER).await;
            }
        }))
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn live(role: &Role, device: &Device, door: &Door, said: &mut u64) -> Result<()> {
    let mut session = device
        .connect(door.address, &door.trust, Version::V5)
        .await?;
    let down = format!("d/{}/down/#", role.id);
    session.subscribe(&down, Qos::AtMostOnce).await?;
    let mut next = Instant::now();
    loop {
        tokio::select! {
            flow = session.receive(|_packet, _outbox| anyhow::Ok(())) => {
                if flow? == Flow::Ended {
                    return Ok(());
                }
            }
            () = sleep_until(next) => {
                say(role, &mut session, *said).await?;
                *said = said.wrapping_add(1);
                next += role.interval();
            }
        }
    }
}

async fn say(role: &Role, session: &mut Session, n: u64) -> Result<()> {
    let (topic, payload) = role.saying(n);
    let topic = TopicName::parse(&topic)?;
    session
        .outbox()
        .publish(topic, Qos::AtMostOnce, payload.as_bytes())?;
    Ok(session.flush().await?)
}

/// How long a device waits before it comes back.
const BACK_AFTER: Duration = Duration::from_secs(5);
