//! How fast devices enrol, and what that costs the hub.

use std::fmt;
use std::time::Duration;

use anyhow::Result;

use crate::fleet::{self, Device, FleetPlan, timed};
use crate::hub::Hub;
use crate::process::Process;
use crate::scenario::{cpu, cpu_since, rate};
use crate::tls::Trust;

/// What it took to enrol a fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnrolReport {
    /// Claims, through the API.
    pub claims: Step,
    /// Enrolments by EST.
    pub enrolments: Step,
    /// Enrolments that replaced a certificate.
    pub renewals: Option<Step>,
}

/// Many of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// How many.
    pub count: u64,
    /// From the first to the last.
    pub span: Duration,
    /// The hub's processor time, when it was measured.
    pub cpu: Option<Duration>,
}

/// Whether devices enrol a second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// They enrol once.
    None,
    /// Each replaces its certificate once.
    Once,
}

/// Claims and enrols a fleet.
///
/// # Errors
/// At the first thing that the hub refuses.
pub async fn run(
    hub: &Hub,
    trust: &Trust,
    plan: &FleetPlan,
    renewal: Renewal,
    process: Option<Process>,
) -> Result<(EnrolReport, Vec<Device>)> {
    let (claims, claimed) = step(plan, process, fleet::claim(hub, plan)).await?;
    let enrol = fleet::enrol(hub, trust, claimed, plan.parallel);
    let (enrolments, mut devices) = step(plan, process, enrol).await?;
    let mut renewals = None;
    if renewal == Renewal::Once {
        let renew = fleet::reenrol(hub, trust, devices, plan.parallel);
        let (step, renewed) = step(plan, process, renew).await?;
        (renewals, devices) = (Some(step), renewed);
    }
    let report = EnrolReport {
        claims,
        enrolments,
        renewals,
    };
    Ok((report, devices))
}

async fn step<T>(
    plan: &FleetPlan,
    process: Option<Process>,
    work: impl Future<Output = Result<T>> + Send,
) -> Result<(Step, T)> {
    let before = cpu(process)?;
    let (done, span) = timed(work).await?;
    let step = Step {
        count: u64::try_from(plan.count)?,
        span,
        cpu: cpu_since(process, before)?,
    };
    Ok((step, done))
}

impl Step {
    /// The hub's processor time for each, in microseconds.
    pub fn cpu_us(&self) -> Option<f64> {
        let cpu = self.cpu?;
        Some(1e6 / rate(self.count, cpu))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, span) = (self.count, self.span);
        write!(
            f,
            "{count} in {:.1} s, {:.0}/s",
            span.as_secs_f64(),
            rate(count, span)
        )?;
        if let Some((cpu, us)) = self.cpu.zip(self.cpu_us()) {
            let per_core = rate(count, cpu);
            write!(f, "; hub CPU {us:.0} us each, {per_core:.0} per CPU-second")?;
        }
        Ok(())
    }
}

impl fmt::Display for EnrolReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "claims      {}", self.claims)?;
        write!(f, "enrolments  {}", self.enrolments)?;
        match &self.renewals {
            Some(renewals) => write!(f, "\nrenewals    {renewals}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_rate_and_cost_of_each() {
        let step = Step {
            count: 3_000,
            span: Duration::from_secs(2),
            cpu: Some(Duration::from_millis(1_500)),
        };
        assert_eq!(
            step.to_string(),
            "3000 in 2.0 s, 1500/s; hub CPU 500 us each, 2000 per CPU-second"
        );
    }

    #[test]
    fn reports_no_cost_where_none_was_measured() {
        let step = Step {
            count: 1,
            span: Duration::from_secs(1),
            cpu: None,
        };
        assert_eq!(step.to_string(), "1 in 1.0 s, 1/s");
    }
}
