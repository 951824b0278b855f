//! One subscriber: it counts what comes and acknowledges it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use ironroot_mqtt::{Ack, Packet};
use tokio::time::timeout;

use super::lead::Lead;
use crate::mqtt::{Flow, Session};

/// Receives `wanted` messages, or as many as come; says how many that were.
pub(super) async fn run(
    mut session: Session,
    number: usize,
    wanted: u64,
    lead: Arc<Lead>,
) -> Result<u64> {
    let mut count = 0;
    while count < wanted {
        let received = session.receive(|packet, outbox| {
            if let Packet::Publish(publish) = packet {
                count += 1;
                if let Some(id) = publish.delivery.packet_id() {
                    outbox.push(&Packet::PubAck(Ack::success(id)))?;
                }
            }
            Ok(())
        });
        match timeout(SILENCE_MAX, received).await {
            Ok(flow) => ensure!(flow? == Flow::Open, "a subscriber was cut off"),
            Err(_elapsed) => break,
        }
        lead.received(number, count);
        session.flush().await?;
    }
    Ok(count)
}

/// After this long without a message, nothing more is expected.
const SILENCE_MAX: Duration = Duration::from_secs(5);
