//! What a message costs: many publishers, each on a topic of its own, and a few subscribers to all of them.

mod lead;
mod publisher;
mod stamp;
mod subscriber;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ironroot_link::Session;
use ironroot_mqtt::{Qos, Version};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::fleet::{self, Device};
use crate::hub::bounded;
use crate::mqtt;
use crate::scenario::{Door, Latency, cpu, cpu_since, per, rate};
use crate::tls::Identity;

use lead::Lead;
use publisher::Publisher;
use stamp::STAMP_LEN;
use subscriber::Received;

/// What is published, and how fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadPlan {
    /// Messages in all; rounded up so that every publisher sends as many.
    pub messages: u64,
    /// Bytes in each.
    pub payload_size: usize,
    /// At which QoS they are published and subscribed.
    pub qos: Qos,
    /// How fast.
    pub pace: Pace,
    /// How many subscribe to all of them.
    pub subscribers: usize,
    /// Which MQTT everybody speaks.
    pub version: Version,
}

/// How fast messages are published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// So many a second in all, evenly spread over the publishers.
    PerSecond(u32),
    /// As fast as they are delivered, with a bounded number on their way.
    FlatOut,
}

/// Publishers and subscribers that are connected and have not begun.
#[derive(Debug)]
pub struct Load {
    plan: LoadPlan,
    door: Door,
    publishers: Vec<Publisher>,
    subscribers: Vec<Session>,
}

/// What a load came to.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadReport {
    /// Messages published.
    pub published: u64,
    /// Messages that subscribers received, all of them together, each once and in order.
    pub delivered: u64,
    /// Messages that they should have received.
    pub expected: u64,
    /// From publishing to receiving.
    pub latency: Latency,
    /// From the first to the last.
    pub span: Duration,
    /// The server's processor time.
    pub cpu: Option<Duration>,
}

impl Load {
    /// Connects everybody. The subscribers share one identity, which may subscribe to [`FILTER`].
    ///
    /// # Errors
    /// When somebody is not let in, or the filter is not granted.
    pub async fn prepare(
        door: &Door,
        plan: LoadPlan,
        publishers: &Arc<[Device]>,
        subscriber: &Identity,
    ) -> Result<Self> {
        bounded("publishers", publishers.len(), PUBLISHERS_MAX)?;
        bounded("subscribers", plan.subscribers, SUBSCRIBERS_MAX)?;
        ensure!(
            (1..=MESSAGES_MAX).contains(&plan.messages),
            "1 to {MESSAGES_MAX} messages are published in one run"
        );
        ensure!(
            (STAMP_LEN..=PAYLOAD_SIZE_MAX).contains(&plan.payload_size),
            "a message has {STAMP_LEN} to {PAYLOAD_SIZE_MAX} bytes"
        );
        let mut subscribers = Vec::with_capacity(plan.subscribers);
        let config = door.trust.client(Some(subscriber))?;
        for number in 0..plan.subscribers {
            let client_id = format!("subscriber-{number}");
            let (config, version) = (config.clone(), plan.version);
            let mut session =
                mqtt::connect(door.address, number, config, &client_id, version).await?;
            session.subscribe(FILTER, plan.qos).await?;
            subscribers.push(session);
        }
        let all = 0..publishers.len();
        let sessions = fleet::connect(door, publishers, all, plan.version, CONNECTS).await?;
        let connected = (0..).zip(sessions).zip(publishers.iter());
        Ok(Self {
            plan,
            door: door.clone(),
            publishers: connected
                .map(|((number, session), device)| {
                    Publisher::new(session, number, &device.id, plan.payload_size)
                })
                .collect(),
            subscribers,
        })
    }

    /// Publishes everything and waits until it is delivered, or nothing more comes.
    ///
    /// # Errors
    /// When a session ends early, or QoS 1 is not acknowledged.
    pub async fn run(self) -> Result<LoadReport> {
        let publishers = u32::try_from(self.publishers.len())?;
        let share = self.plan.messages.div_ceil(publishers.into());
        let published = share * u64::from(publishers);
        let lead = Arc::new(Lead::new(self.subscribers.len(), LEAD_MAX));
        let before = cpu(self.door.process)?;
        let begun = Instant::now();

        let mut receiving = JoinSet::new();
        for (number, session) in self.subscribers.into_iter().enumerate() {
            let none = Received::none_of(self.publishers.len())?;
            let lead = lead.clone();
            receiving.spawn(subscriber::run(
                session, number, published, none, lead, begun,
            ));
        }
        let mut publishing = JoinSet::new();
        for publisher in self.publishers {
            publishing.spawn(publisher.run(self.plan, publishers, share, lead.clone(), begun));
        }
        let (mut delivered, mut latency) = (0, Latency::new()?);
        let subscribers = u64::try_from(receiving.len())?;
        while let Some(done) = receiving.join_next().await {
            let received = done.context("a subscriber failed")??;
            delivered += received.count;
            latency.add(received.latency())?;
        }
        let span = begun.elapsed();
        timeout(ACKNOWLEDGED_MAX, async {
            while let Some(done) = publishing.join_next().await {
                done.context("a publisher failed")??;
            }
            anyhow::Ok(())
        })
        .await
        .context("the publishers did not come to an end: messages were lost")??;
        Ok(LoadReport {
            published,
            delivered,
            expected: published * subscribers,
            latency,
            span,
            cpu: cpu_since(self.door.process, before)?,
        })
    }
}

impl LoadReport {
    /// The server's processor time in seconds for a million published messages.
    pub fn cpu_s_per_million(&self) -> Option<f64> {
        Some(1e6 * self.cpu?.as_secs_f64() / per(self.published, 1.0))
    }
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "messages  {} in {:.1} s, {:.0}/s; {} of {} delivered",
            self.published,
            self.span.as_secs_f64(),
            rate(self.published, self.span),
            self.delivered,
            self.expected
        )?;
        write!(
            f,
            "; on the way p50 {:.2} ms, p99 {:.2} ms, longest {:.1} ms",
            self.latency.quantile_ms(0.5),
            self.latency.quantile_ms(0.99),
            self.latency.max_ms()
        )?;
        match self.cpu_s_per_million() {
            Some(cpu) => write!(f, "; {cpu:.1} CPU-seconds per million published"),
            None => Ok(()),
        }
    }
}

/// What subscribers of a load subscribe to.
pub const FILTER: &str = "d/+/up/#";

/// The most publishers in one run.
pub const PUBLISHERS_MAX: usize = 10_000;

/// The most subscribers in one run.
pub const SUBSCRIBERS_MAX: usize = 64;

/// The most messages in one run.
pub const MESSAGES_MAX: u64 = 100_000_000;

/// The largest payload in bytes.
pub const PAYLOAD_SIZE_MAX: usize = 64 * 1024;

/// How many publishers connect at once.
const CONNECTS: usize = 8;

/// How many messages may be published and not yet received by the slowest subscriber.
const LEAD_MAX: usize = 500;

/// The longest that the last acknowledgements may take.
const ACKNOWLEDGED_MAX: Duration = Duration::from_secs(10);
