//! What idle sessions cost: processor time to be let in, memory to stay.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use ironroot_mqtt::Version;

use crate::fleet::{self, Device, in_parallel, timed};
use crate::hub::bounded;
use crate::mqtt::Session;
use crate::process::Process;
use crate::scenario::{Door, cpu, cpu_since, per, rate};

/// How sessions are opened and held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdlePlan {
    /// How many connect at once.
    pub parallel: usize,
    /// Which MQTT they speak.
    pub version: Version,
    /// How long they are held.
    pub hold: Duration,
}

/// What idle sessions cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdleReport {
    /// How many.
    pub sessions: u64,
    /// From the first connect to the last one let in.
    pub connecting: Duration,
    /// The server's processor time for letting them in.
    pub connecting_cpu: Option<Duration>,
    /// The server's resident memory before and with them, in bytes.
    pub resident_bytes: Option<(u64, u64)>,
}

/// Opens a session for every device, holds them, and shows at the end that all of them are alive.
///
/// # Errors
/// When a device is not let in, or a session has ended early.
pub async fn run(door: &Door, devices: &Arc<[Device]>, plan: IdlePlan) -> Result<IdleReport> {
    bounded("sessions", devices.len(), SESSIONS_MAX)?;
    warm_up(door, devices, plan).await?;
    let before = door.process.map(Process::resident_bytes).transpose()?;
    let cpu_before = cpu(door.process)?;
    let connect = fleet::connect(
        door.address,
        &door.trust,
        devices,
        plan.version,
        plan.parallel,
    );
    let (sessions, connecting) = timed(connect).await?;
    let connecting_cpu = cpu_since(door.process, cpu_before)?;
    let sessions = ping(sessions, plan.parallel).await?;
    tokio::time::sleep(SETTLE).await;
    let after = door.process.map(Process::resident_bytes).transpose()?;
    tokio::time::sleep(plan.hold).await;
    leave(ping(sessions, plan.parallel).await?).await?;
    Ok(IdleReport {
        sessions: u64::try_from(devices.len())?,
        connecting,
        connecting_cpu,
        resident_bytes: before.zip(after),
    })
}

/// A few sessions that come and go, so that what the first ones cost is not counted.
async fn warm_up(door: &Door, devices: &Arc<[Device]>, plan: IdlePlan) -> Result<()> {
    for device in devices.iter().take(WARM_UP) {
        let session = device.connect(door.address, &door.trust, plan.version);
        session.await?.leave().await?;
    }
    tokio::time::sleep(SETTLE).await;
    Ok(())
}

async fn ping(sessions: Vec<Session>, parallel: usize) -> Result<Vec<Session>> {
    in_parallel(sessions, parallel, |mut sessions| async move {
        for session in &mut sessions {
            session.ping().await?;
        }
        Ok(sessions)
    })
    .await
}

async fn leave(sessions: Vec<Session>) -> Result<()> {
    for session in sessions {
        session.leave().await?;
    }
    Ok(())
}

impl IdleReport {
    /// Memory for each session, in KiB.
    pub fn session_kib(&self) -> Option<f64> {
        let (before, after) = self.resident_bytes?;
        let sessions = u32::try_from(self.sessions).ok()?;
        Some(per(after.saturating_sub(before), f64::from(sessions)) / 1024.0)
    }

    /// The server's resident memory with all sessions, in MiB.
    pub fn resident_mib(&self) -> Option<f64> {
        let (_before, after) = self.resident_bytes?;
        Some(per(after, MIB))
    }

    /// Processor time for letting one in, in microseconds.
    pub fn connect_cpu_us(&self) -> Option<f64> {
        Some(1e6 / rate(self.sessions, self.connecting_cpu?))
    }
}

impl fmt::Display for IdleReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sessions, span) = (self.sessions, self.connecting);
        write!(
            f,
            "connects  {sessions} in {:.1} s, {:.0}/s",
            span.as_secs_f64(),
            rate(sessions, span)
        )?;
        if let Some((cpu, us)) = self.connecting_cpu.zip(self.connect_cpu_us()) {
            let per_core = rate(sessions, cpu);
            write!(f, "; CPU {us:.0} us each, {per_core:.0} per CPU-second")?;
        }
        if let Some(((before, after), each)) = self.resident_bytes.zip(self.session_kib()) {
            write!(
                f,
                "\nmemory    {:.1} MiB before, {:.1} MiB with them; {each:.1} KiB each",
                per(before, MIB),
                per(after, MIB)
            )?;
        }
        Ok(())
    }
}

/// The most sessions that one process holds.
pub const SESSIONS_MAX: usize = 10_000;

const MIB: f64 = 1024.0 * 1024.0;

/// How many sessions come and go before anything is measured.
const WARM_UP: usize = 64;

/// How long a server may take to give memory back.
const SETTLE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_what_one_session_costs() {
        let report = IdleReport {
            sessions: 1_000,
            connecting: Duration::from_secs(2),
            connecting_cpu: Some(Duration::from_millis(500)),
            resident_bytes: Some((10 << 20, 30 << 20)),
        };
        assert_eq!(
            report.to_string(),
            "connects  1000 in 2.0 s, 500/s; CPU 500 us each, 2000 per CPU-second\n\
             memory    10.0 MiB before, 30.0 MiB with them; 20.5 KiB each"
        );
    }
}
