//! What an enrolment by EST costs the hub: handshake, token, request, certificate, durable entry.

use anyhow::{Context, Result};
use ironroot_sim::fleet::FleetPlan;
use ironroot_sim::scenario::enrol::{self, Renewal, Step};
use ironroot_sim::tls::{KeyExchange, Trust};

use crate::stand::{Stand, plan};
use crate::{OURS, figure};

const DEVICES: usize = 3_000;

/// How many enrol at once: entries that come together share one `fdatasync`.
const AT_ONCE: usize = 64;

/// How many enrol first, so that the hub has run for a while.
const WARM_UP: usize = 300;

/// Measures a fresh hub, with both key exchanges.
pub(crate) async fn run() -> Result<()> {
    let stand = Stand::start().await?;
    stand.devices("warm-", WARM_UP).await?;
    for (name, key_exchange) in [
        ("X25519MLKEM768", KeyExchange::Hybrid),
        ("X25519", KeyExchange::X25519),
    ] {
        let trust = Trust::new(&stand.hub.ca_pem, key_exchange)?;
        let plan = FleetPlan {
            parallel: AT_ONCE,
            ..plan(&format!("{name}-"), DEVICES)
        };
        let process = Some(stand.process());
        let (report, _devices) =
            enrol::run(&stand.hub, &trust, &plan, Renewal::Once, process).await?;
        println!("{name}\n{report}");
        let cost = |step: &Step| step.cpu_us().context("no process is measured");
        figure(
            &format!("CPU us per enrolment, {name}"),
            OURS,
            cost(&report.enrolments)?,
        );
        if let Some(renewals) = &report.renewals {
            let what = format!("CPU us per re-enrolment, {name}");
            figure(&what, OURS, cost(renewals)?);
        }
    }
    Ok(())
}
