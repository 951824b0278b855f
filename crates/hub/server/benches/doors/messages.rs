//! CPU-seconds per million published messages: paced and flat out, QoS 0 and 1, one subscriber and five.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use ironroot_mqtt::{Qos, Version};
use ironroot_sim::fleet::Device;
use ironroot_sim::scenario::Door;
use ironroot_sim::scenario::load::{Load, LoadPlan, Pace};
use ironroot_sim::tls::{Identity, KeyExchange};

use crate::mosquitto::{self, Mosquitto};
use crate::stand::Stand;
use crate::{OURS, figure};

struct Case {
    name: &'static str,
    qos: Qos,
    pace: Pace,
    subscribers: usize,
    messages: u64,
}

const CASES: [Case; 6] = [
    Case {
        name: "QoS 0 paced 4,000/s, 1 subscriber",
        qos: Qos::AtMostOnce,
        pace: Pace::PerSecond(4_000),
        subscribers: 1,
        messages: 20_000,
    },
    Case {
        name: "QoS 1 paced 4,000/s, 1 subscriber",
        qos: Qos::AtLeastOnce,
        pace: Pace::PerSecond(4_000),
        subscribers: 1,
        messages: 20_000,
    },
    Case {
        name: "QoS 0 flat out, 1 subscriber",
        qos: Qos::AtMostOnce,
        pace: Pace::FlatOut,
        subscribers: 1,
        messages: 200_000,
    },
    Case {
        name: "QoS 1 flat out, 1 subscriber",
        qos: Qos::AtLeastOnce,
        pace: Pace::FlatOut,
        subscribers: 1,
        messages: 100_000,
    },
    Case {
        name: "QoS 0 flat out, 5 subscribers",
        qos: Qos::AtMostOnce,
        pace: Pace::FlatOut,
        subscribers: 5,
        messages: 60_000,
    },
    Case {
        name: "QoS 1 flat out, 5 subscribers",
        qos: Qos::AtLeastOnce,
        pace: Pace::FlatOut,
        subscribers: 5,
        messages: 40_000,
    },
];

/// Bytes in a message.
const PAYLOAD_SIZE: usize = 128;

/// Measures every case at both brokers, one after the other.
pub(crate) async fn run() -> Result<()> {
    let stand = Stand::start().await?;
    let peer = Mosquitto::start(&stand).await?;
    let sides = [
        (OURS, stand.door("", KeyExchange::X25519)?),
        (mosquitto::NAME, peer.door()?),
    ];
    let (publishers, subscriber) = stand.parties().await?;
    for case in &CASES {
        for (who, door) in &sides {
            let cpu = measure(case, door, &publishers, &subscriber)
                .await
                .with_context(|| format!("{}, {who}", case.name))?;
            figure(&format!("{}: CPU-s per million", case.name), who, cpu);
        }
    }
    Ok(())
}

async fn measure(
    case: &Case,
    door: &Door,
    publishers: &Arc<[Device]>,
    subscriber: &Identity,
) -> Result<f64> {
    let plan = LoadPlan {
        messages: case.messages,
        payload_size: PAYLOAD_SIZE,
        qos: case.qos,
        pace: case.pace,
        subscribers: case.subscribers,
        version: Version::V311,
    };
    let load = Load::prepare(door, plan, publishers, subscriber).await?;
    let report = load.run().await?;
    println!("{}: {report}", case.name);
    ensure!(
        report.delivered == report.expected,
        "messages were lost: {report}"
    );
    report.cpu_s_per_million().context("no process is measured")
}
