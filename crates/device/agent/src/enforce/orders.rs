//! Orders from the hub: handed to the applications that asked for them and to the programs in the settings, one order
//! after the other, and what came of each is reported.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ironroot_mqtt::{PacketId, TopicFilter, TopicName};
use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::agent::Agent;
use crate::collect::line;
use crate::enforce::handler::{self, Ran};

/// A message that came below `d/{device}/down/`.
#[derive(Debug)]
pub(crate) struct Order {
    /// Its topic, from `down/` on.
    pub(crate) topic: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) correlation: Option<Vec<u8>>,
    /// What is acknowledged when it was carried out.
    pub(crate) receipt: Option<Receipt>,
}

/// Which delivery an order was, and on which connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    pub(crate) connection: u64,
    pub(crate) id: PacketId,
}

/// An order on its way to an application.
#[derive(Debug)]
pub(crate) struct Handed {
    pub(crate) line: String,
    /// Told when the application has it.
    pub(crate) done: oneshot::Sender<()>,
}

/// Who wants which orders.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    subscribers: Mutex<Vec<Subscriber>>,
    clients: AtomicU64,
}

#[derive(Clone, Debug)]
struct Subscriber {
    client: u64,
    filter: String,
    sender: mpsc::Sender<Handed>,
}

/// What came of an order.
#[derive(Debug, Serialize)]
struct Carried<'a> {
    topic: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation: Option<String>,
    /// How many applications have it.
    delivered: usize,
    /// What the programs said.
    programs: Vec<Ran>,
}

impl Orders {
    /// A number for one more client.
    pub(crate) fn next_client(&self) -> u64 {
        self.clients.fetch_add(1, Ordering::Relaxed)
    }

    /// Lets a client have what `filter` matches.
    pub(crate) fn subscribe(
        &self,
        client: u64,
        filter: String,
        sender: mpsc::Sender<Handed>,
    ) -> Result<()> {
        ensure!(
            filter.starts_with("down/") && TopicFilter::parse(&filter).is_ok(),
            "{filter:?} is no filter below down/"
        );
        let mut subscribers = self.subscribers.lock();
        let own = subscribers.iter().filter(|one| one.client == client);
        ensure!(
            own.count() < SUBSCRIPTIONS_MAX,
            "at most {SUBSCRIPTIONS_MAX} subscriptions are taken"
        );
        subscribers.push(Subscriber {
            client,
            filter,
            sender,
        });
        Ok(())
    }

    /// Forgets a client.
    pub(crate) fn forget(&self, client: u64) {
        self.subscribers.lock().retain(|one| one.client != client);
    }

    /// Hands an order to each client that wants it; how many have it.
    async fn hand_over(&self, topic: &str, payload: &[u8]) -> usize {
        let mut wanting: Vec<Subscriber> = Vec::new();
        for one in &*self.subscribers.lock() {
            let again = wanting.iter().any(|other| other.client == one.client);
            if !again && matches(&one.filter, topic) {
                wanting.push(one.clone());
            }
        }
        let mut delivered = 0;
        for one in wanting {
            let (done, has_it) = oneshot::channel();
            let line = line::message(topic, payload);
            let handing = async {
                one.sender.send(Handed { line, done }).await.ok()?;
                has_it.await.ok()
            };
            match timeout(HAND_OVER_MAX, handing).await {
                Ok(Some(())) => delivered += 1,
                Ok(None) | Err(_) => {
                    tracing::warn!(topic, "An application did not take an order.");
                }
            }
        }
        delivered
    }
}

/// Carries orders out as they come; it ends when nobody gives any more.
pub(crate) async fn carry_out_all(
    agent: &Agent,
    mut orders: mpsc::Receiver<Order>,
    done: mpsc::Sender<Receipt>,
) {
    while let Some(order) = orders.recv().await {
        if let Err(cause) = carry_out(agent, &order).await {
            tracing::error!(topic = order.topic, error = %cause, "What came of an order could not be kept.");
            // Without a receipt the hub hands it out again.
            continue;
        }
        if let Some(receipt) = order.receipt
            && done.send(receipt).await.is_err()
        {
            return;
        }
    }
}

async fn carry_out(agent: &Agent, order: &Order) -> Result<()> {
    let delivered = agent.orders.hand_over(&order.topic, &order.payload).await;
    let mut programs = Vec::new();
    for handler in &agent.settings.handlers {
        if matches(&handler.topic, &order.topic) {
            let device = agent.settings.device.as_str();
            let ran = handler::run(handler, device, &order.topic, &order.payload).await;
            tracing::info!(
                topic = order.topic,
                program = ran.program,
                "A program has carried an order out."
            );
            programs.push(ran);
        }
    }
    if delivered == 0 && programs.is_empty() {
        tracing::warn!(topic = order.topic, "Nobody is there for an order.");
    }
    let result = Carried {
        topic: &order.topic,
        correlation: order
            .correlation
            .as_ref()
            .map(|bytes| BASE64_STANDARD.encode(bytes)),
        delivered,
        programs,
    };
    agent.outgoing.report("result", &result).await
}

fn matches(filter: &str, topic: &str) -> bool {
    match (TopicFilter::parse(filter), TopicName::parse(topic)) {
        (Ok(filter), Ok(topic)) => filter.matches(topic),
        _ => false,
    }
}

/// How many subscriptions one client has at most.
const SUBSCRIPTIONS_MAX: usize = 16;
/// How long an application may take to take an order.
const HAND_OVER_MAX: Duration = Duration::from_secs(5);
/// How many orders wait at most; the hub keeps the others.
pub(crate) const ORDERS_MAX: u16 = 8;
