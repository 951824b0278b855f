//! One publisher: it sends its share of the messages, at a pace or as fast as they are delivered.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use ironroot_mqtt::{Packet, Qos, TopicName};
use tokio::time::{Instant, Interval, interval_at, timeout};

use super::lead::Lead;
use super::stamp::Stamp;
use super::{LoadPlan, Pace};
use ironroot_link::{Flow, Session};

/// A device that is connected and about to publish.
#[derive(Debug)]
pub(super) struct Publisher {
    session: Session,
    number: u32,
    topic: String,
    payload: Vec<u8>,
    /// Messages sent, and those of them that were acknowledged.
    sent: u64,
    acknowledged: u64,
}

impl Publisher {
    /// The one with this number and id, whose messages have so many bytes.
    pub(super) fn new(session: Session, number: u32, id: &str, payload_size: usize) -> Self {
        Self {
            session,
            number,
            payload: vec![b'x'; payload_size],
            topic: format!("d/{id}/up/load"),
            sent: 0,
            acknowledged: 0,
        }
    }

    /// Sends its `share` of the messages of all `publishers`; the load has been on `since` then.
    pub(super) async fn run(
        mut self,
        plan: LoadPlan,
        publishers: u32,
        share: u64,
        lead: Arc<Lead>,
        since: std::time::Instant,
    ) -> Result<()> {
        match plan.pace {
            Pace::FlatOut => self.flat_out(plan, share, &lead, since).await?,
            Pace::PerSecond(per_s) => {
                let gap = Duration::from_secs(1) / per_s.max(1);
                let first = Instant::now() + gap * self.number;
                let ticks = interval_at(first, gap * publishers);
                self.paced(plan, share, ticks, since).await?;
            }
        }
        while plan.qos != Qos::AtMostOnce && self.acknowledged < self.sent {
            self.receive().await?;
        }
        Ok(self.session.leave().await?)
    }

    async fn flat_out(
        &mut self,
        plan: LoadPlan,
        share: u64,
        lead: &Lead,
        since: std::time::Instant,
    ) -> Result<()> {
        while self.sent < share {
            lead.take_one().await?;
            self.publish(plan.qos, since)?;
            self.session.flush().await?;
            while plan.qos != Qos::AtMostOnce && self.sent - self.acknowledged > IN_FLIGHT_MAX {
                self.receive().await?;
            }
        }
        Ok(())
    }

    async fn paced(
        &mut self,
        plan: LoadPlan,
        share: u64,
        mut ticks: Interval,
        since: std::time::Instant,
    ) -> Result<()> {
        while self.sent < share {
            let acknowledged = &mut self.acknowledged;
            tokio::select! {
                _due = ticks.tick() => {
                    self.publish(plan.qos, since)?;
                    self.session.flush().await?;
                }
                flow = self.session.receive(count_acks(acknowledged)) => {
                    ensure!(flow? == Flow::Open, "a publisher was cut off");
                }
            }
        }
        Ok(())
    }

    fn publish(&mut self, qos: Qos, since: std::time::Instant) -> Result<()> {
        let stamp = Stamp {
            publisher: self.number,
            message: u32::try_from(self.sent)?,
            sent: since.elapsed(),
        };
        stamp.write(&mut self.payload);
        let topic = TopicName::parse(&self.topic)?;
        self.session.outbox().publish(topic, qos, &self.payload)?;
        self.sent += 1;
        Ok(())
    }

    async fn receive(&mut self) -> Result<()> {
        let received = self.session.receive(count_acks(&mut self.acknowledged));
        let flow = timeout(ACKNOWLEDGEMENT_MAX, received).await??;
        ensure!(flow == Flow::Open, "a publisher was cut off");
        Ok(())
    }
}

fn count_acks(
    acknowledged: &mut u64,
) -> impl FnMut(&Packet<'_>, &mut ironroot_link::Outbox) -> Result<()> + Send {
    |packet, _outbox| {
        if let Packet::PubAck(ack) = packet {
            ensure!(
                !ack.reason.is_failure(),
                "a message is refused: {:?}",
                ack.reason
            );
            *acknowledged += 1;
        }
        Ok(())
    }
}

/// How many messages of one publisher may be unacknowledged before it waits.
const IN_FLIGHT_MAX: u64 = 40;

/// The longest wait for an acknowledgement.
const ACKNOWLEDGEMENT_MAX: Duration = Duration::from_secs(10);
