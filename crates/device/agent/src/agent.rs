//! The running agent: its parts, and how they are put together. The only place that knows them all.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use ironroot_time::UnixTime;
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use crate::clock::DeviceClock;
use crate::collect::{inventory, socket};
use crate::enforce::enrolment::{self, Registrar};
use crate::enforce::orders::{self, ORDERS_MAX, Orders};
use crate::enforce::uplink::Uplink;
use crate::outgoing::Outgoing;
use crate::settings::Settings;
use crate::vault::{Kept, made};

/// What the parts share.
#[derive(Debug)]
pub(crate) struct Agent {
    pub(crate) settings: Arc<Settings>,
    pub(crate) clock: Arc<DeviceClock>,
    pub(crate) outgoing: Outgoing,
    pub(crate) orders: Orders,
    /// The end of the certificate of the session that is there.
    link: Mutex<Option<UnixTime>>,
}

impl Agent {
    /// Notes whether there is a session with the hub, and under a certificate that is good until when.
    pub(crate) fn link_is(&self, until: Option<UnixTime>) {
        *self.link.lock() = until;
    }

    /// What the agent is doing, for people.
    pub(crate) fn status(&self) -> Value {
        let waiting = self.outgoing.waiting();
        let until = *self.link.lock();
        json!({
            "device": self.settings.device.as_str(),
            "connected": until.is_some(),
            "certificate_until": until.map(|until| until.to_string()),
            "readings_waiting": waiting.readings,
            "readings_last": waiting.last,
            "spool_bytes": waiting.bytes,
            "clock_trusted": self.clock.step().is_none(),
        })
    }
}

/// The parts that ask for a certificate: all that `enroll` needs.
pub(crate) fn registrar(settings: &Arc<Settings>) -> Result<(Arc<DeviceClock>, Arc<Registrar>)> {
    let pinned = enrolment::pinned(settings)?;
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&settings.state)
        .with_context(|| format!("{} cannot be made", settings.state.display()))?;
    let clock = DeviceClock::open(&settings.state.join("clock"), made(&pinned));
    let clock = Arc::new(clock);
    let registrar = Registrar::open(settings.clone(), clock.clone(), pinned)?;
    Ok((clock, Arc::new(registrar)))
}

/// Runs until asked to end.
pub(crate) async fn run(settings: Settings) -> Result<()> {
    let settings = Arc::new(settings);
    let (clock, registrar) = registrar(&settings)?;
    let first = registrar.identity()?;
    let (outgoing, recovered) = Outgoing::open(
        &settings.state.join("spool"),
        settings.spool.bytes_max,
        settings.spool.payload_size_max,
        settings.device.clone(),
        clock.clone(),
    )?;
    if recovered.torn_bytes > 0 || recovered.position_lost {
        tracing::warn!(?recovered, "The spool was mended.");
    }
    let agent = Arc::new(Agent {
        clock,
        outgoing,
        orders: Orders::default(),
        link: Mutex::new(None),
        settings,
    });
    let listener = socket::listen(&agent.settings.socket).context("the local socket")?;
    let (orders_in, orders_out) = mpsc::channel(ORDERS_MAX.into());
    let (done_in, done_out) = mpsc::channel(ORDERS_MAX.into());
    let (identity_in, identity_out) = watch::channel(None);
    let renewed = move |kept: Kept| {
        identity_in.send_replace(Some(Arc::new(kept)));
    };
    let uplink = Uplink::new(
        agent.clone(),
        registrar.clone(),
        orders_in,
        done_out,
        identity_out,
    );
    tracing::info!(device.id = %agent.settings.device, "The agent is up.");
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    tokio::select! {
        () = agent.outgoing.sync() => {}
        () = enrolment::keep_up(&registrar, first, renewed) => {}
        () = uplink.keep_up() => {}
        () = orders::carry_out_all(&agent, orders_out, done_in) => {}
        () = socket::serve(agent.clone(), listener) => {}
        () = look_at_the_clock(&agent) => {}
        () = look_at_the_device(&agent) => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    agent.outgoing.spool().save()?;
    tracing::info!("The agent has ended.");
    Ok(())
}

/// A jump of the machine's clock.
#[derive(Serialize)]
struct Step {
    shown: String,
    expected: String,
}

async fn look_at_the_clock(agent: &Agent) {
    loop {
        if let Some(step) = agent.clock.unreported_step() {
            let (shown, expected) = (step.shown.to_string(), step.expected.to_string());
            tracing::warn!(
                shown,
                expected,
                "The machine's clock is not plausible, and is not followed."
            );
            told(
                "clock",
                agent
                    .outgoing
                    .report("clock", &Step { shown, expected })
                    .await,
            );
        }
        sleep(CLOCK_EVERY).await;
    }
}

async fn look_at_the_device(agent: &Agent) {
    let Some(every) = agent.settings.inventory_interval else {
        return std::future::pending().await;
    };
    loop {
        told("inventory", inventory::tell(agent).await);
        sleep(every).await;
    }
}

fn told(what: &str, outcome: Result<()>) {
    if let Err(cause) = outcome {
        tracing::warn!(what, error = %format!("{cause:#}"), "Something about this device could not be told.");
    }
}

const CLOCK_EVERY: Duration = Duration::from_secs(30);
