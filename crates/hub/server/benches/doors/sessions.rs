//! What an idle session costs: memory to keep it, processor time to let it in.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use ironroot_mqtt::Version;
use ironroot_sim::fleet::Device;
use ironroot_sim::scenario::Door;
use ironroot_sim::scenario::idle::{self, IdlePlan, IdleReport};
use ironroot_sim::tls::KeyExchange;

use crate::mosquitto::{self, Mosquitto};
use crate::stand::{PARALLEL, Stand};
use crate::{OURS, figure};

const SESSIONS: usize = 4_000;

/// Measures a fresh hub and a fresh mosquitto with the same devices.
pub(crate) async fn run() -> Result<()> {
    let stand = Stand::start().await?;
    let devices: Arc<[Device]> = stand.devices("idle-", SESSIONS).await?.into();
    // The first session of a device is an entry in the journal; no other is.
    hold(&stand.door("", KeyExchange::Hybrid)?, &devices).await?;
    let stand = stand.restart().await?;
    let peer = Mosquitto::start(&stand).await?;
    let sides = [
        (OURS, stand.door("", KeyExchange::X25519)?),
        (mosquitto::NAME, peer.door()?),
    ];
    for (who, door) in &sides {
        let report = hold(door, &devices).await.context(*who)?;
        let memory = report.session_kib().context("no process is measured")?;
        figure("KiB resident per idle session", who, memory);
        figure(
            "CPU us per first connect, X25519",
            who,
            connect_us(&report)?,
        );
        // A hub has seen the certificate of a device that comes back.
        let again = hold(door, &devices).await.context(*who)?;
        figure("CPU us per reconnect, X25519", who, connect_us(&again)?);
    }
    let hybrid = hold(&stand.door("", KeyExchange::Hybrid)?, &devices).await?;
    figure(
        "CPU us per reconnect, X25519MLKEM768",
        OURS,
        connect_us(&hybrid)?,
    );
    Ok(())
}

async fn hold(door: &Door, devices: &Arc<[Device]>) -> Result<IdleReport> {
    let plan = IdlePlan {
        parallel: PARALLEL,
        version: Version::V311,
        hold: Duration::ZERO,
    };
    let report = idle::run(door, devices, plan).await?;
    println!("{report}");
    Ok(report)
}

fn connect_us(report: &IdleReport) -> Result<f64> {
    report.connect_cpu_us().context("no process is measured")
}
