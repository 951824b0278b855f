//! How long an order takes to end a live session under a background load, and 2,000 at once.

use anyhow::Result;
use ironroot_mqtt::{Qos, Version};
use ironroot_sim::scenario::cut;
use ironroot_sim::scenario::load::{Load, LoadPlan, Pace};
use ironroot_sim::tls::KeyExchange;

use crate::stand::Stand;
use crate::{OURS, figure};

const ORDERS: usize = 1_000;

/// How many sessions live when the first order comes.
const SESSIONS: usize = 4_000;

/// How many sessions end together.
const TOGETHER: usize = 2_000;

/// The background load would go on for ten minutes; it ends with the last order.
const LOAD: LoadPlan = LoadPlan {
    messages: 2_400_000,
    payload_size: 128,
    qos: Qos::AtMostOnce,
    pace: Pace::PerSecond(4_000),
    subscribers: 1,
    version: Version::V311,
};

/// Measures a fresh hub.
pub(crate) async fn run() -> Result<()> {
    let stand = Stand::start().await?;
    let devices = stand.devices("cut-", SESSIONS).await?;
    let (publishers, subscriber) = stand.parties().await?;
    let door = stand.door("", KeyExchange::Hybrid)?;
    let load = Load::prepare(&door, LOAD, &publishers, &subscriber).await?;
    let report = cut::run(&stand.hub, &door, devices, ORDERS, load).await?;
    println!("{report}");
    figure(
        "ms order to end of session, p50",
        OURS,
        report.to_end.quantile_ms(0.5),
    );
    figure(
        "ms order to end of session, p99",
        OURS,
        report.to_end.quantile_ms(0.99),
    );
    figure(
        "ms order to end of session, longest",
        OURS,
        report.to_end.max_ms(),
    );
    let many = stand.devices("many-", TOGETHER).await?;
    let last = cut::together(&stand.hub, &door, many).await?;
    figure(
        "ms order to end of the last of 2,000 sessions",
        OURS,
        1_000.0 * last.as_secs_f64(),
    );
    Ok(())
}
