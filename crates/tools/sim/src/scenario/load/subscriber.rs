//! One subscriber: it checks and counts what comes, and acknowledges it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ironroot_link::{Flow, Session};
use ironroot_mqtt::{Ack, Packet};
use tokio::time::timeout;

use super::lead::Lead;
use super::stamp::Stamp;
use crate::scenario::Latency;

/// What a subscriber has received.
#[derive(Debug)]
pub(super) struct Received {
    /// Messages, each of them once.
    pub(super) count: u64,
    /// From publishing to receiving.
    latency: Latency,
    /// The number of the next message of each publisher.
    next: Vec<u32>,
}

impl Received {
    pub(super) fn none_of(publishers: usize) -> Result<Self> {
        Ok(Self {
            count: 0,
            latency: Latency::new()?,
            next: vec![0; publishers],
        })
    }

    pub(super) fn latency(&self) -> &Latency {
        &self.latency
    }

    /// Notes a message; one that comes twice, or before an earlier one, is an error.
    fn note(&mut self, payload: &[u8], since: Instant) -> Result<()> {
        let stamp = Stamp::read(payload)?;
        let next = self.next.get_mut(usize::try_from(stamp.publisher)?);
        let next = next.context("a message came that nobody published")?;
        ensure!(
            stamp.message >= *next,
            "message {} of publisher {} came again, or too late",
            stamp.message,
            stamp.publisher
        );
        *next = stamp.message + 1;
        self.count += 1;
        let took = since.elapsed().saturating_sub(stamp.sent);
        self.latency.record(took)
    }
}

/// Receives `wanted` messages of a load that has been on `since` then, or as many as come.
pub(super) async fn run(
    mut session: Session,
    number: usize,
    wanted: u64,
    mut received: Received,
    lead: Arc<Lead>,
    since: Instant,
) -> Result<Received> {
    while received.count < wanted {
        let receiving = session.receive::<anyhow::Error>(|packet, outbox| {
            if let Packet::Publish(publish) = packet {
                received.note(publish.payload, since)?;
                if let Some(id) = publish.delivery.packet_id() {
                    outbox.push(&Packet::PubAck(Ack::success(id)))?;
                }
            }
            Ok(())
        });
        match timeout(SILENCE_MAX, receiving).await {
            Ok(flow) => ensure!(flow? == Flow::Open, "a subscriber was cut off"),
            Err(_elapsed) => break,
        }
        lead.received(number, received.count);
        session.flush().await?;
    }
    Ok(received)
}

/// After this long without a message, nothing more is expected.
const SILENCE_MAX: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    fn message(publisher: u32, message: u32) -> [u8; 20] {
        let mut payload = [0; 20];
        let stamp = Stamp {
            publisher,
            message,
            sent: Duration::ZERO,
        };
        stamp.write(&mut payload);
        payload
    }

    #[test]
    fn counts_what_comes_and_refuses_what_comes_again() {
        let mut received = Received::none_of(2).unwrap();
        let since = Instant::now();
        for (publisher, number) in [(0, 0), (1, 0), (0, 1), (0, 3)] {
            received.note(&message(publisher, number), since).unwrap();
        }
        assert_eq!(received.count, 4);
        assert!(received.note(&message(0, 3), since).is_err(), "again");
        assert!(received.note(&message(0, 2), since).is_err(), "too late");
        assert!(received.note(&message(2, 0), since).is_err(), "unknown");
        assert!(received.note(b"hello", since).is_err(), "no stamp");
    }
}
