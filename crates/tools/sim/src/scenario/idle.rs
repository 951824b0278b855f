//! What idle sessions cost: processor time to be let in, memory to stay.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use ironroot_link::Session;
use ironroot_mqtt::Version;

use crate::fleet::{self, Device, in_parallel, timed};
use crate::hub::bounded;
use crate::process::Process;
use crate::scenario::{Door, MIB, cpu, cpu_since, per, rate};

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
    /// The server's resident memory on the way, when it was measured.
    pub resident: Option<Resident>,
}

/// A server's resident memory, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resident {
    /// Before the first session.
    pub before: u64,
    /// With half of them: what one more costs shows in the other half, since the first may live in memory
    /// that earlier work has left behind.
    pub half: u64,
    /// With all of them.
    pub all: u64,
}

/// Opens a session for every device, holds them, and shows at the end that all of them are alive.
///
/// # Errors
/// When a device is not let in, or a session has ended early.
pub async fn run(door: &Door, devices: &Arc<[Device]>, plan: IdlePlan) -> Result<IdleReport> {
    bounded("sessions", devices.len(), SESSIONS_MAX)?;
    warm_up(door, devices, plan).await?;
    let resident = || door.process.map(Process::resident_bytes).transpose();
    let before = resident()?;
    let mut opened = Opened::default();
    opened
        .add(door, devices, 0..devices.len() / 2, plan)
        .await?;
    let half = resident()?;
    opened
        .add(door, devices, devices.len() / 2..devices.len(), plan)
        .await?;
    let all = resident()?;
    tokio::time::sleep(plan.hold).await;
    leave(ping(opened.sessions, plan.parallel).await?).await?;
    let resident = before.zip(half).zip(all);
    Ok(IdleReport {
        sessions: u64::try_from(devices.len())?,
        connecting: opened.connecting,
        connecting_cpu: opened.cpu,
        resident: resident.map(|((before, half), all)| Resident { before, half, all }),
    })
}

/// Sessions that are open, and what it took to open them.
#[derive(Debug, Default)]
struct Opened {
    sessions: Vec<Session>,
    connecting: Duration,
    cpu: Option<Duration>,
}

impl Opened {
    /// Opens the sessions of some more devices, and shows that they are alive.
    async fn add(
        &mut self,
        door: &Door,
        devices: &Arc<[Device]>,
        which: Range<usize>,
        plan: IdlePlan,
    ) -> Result<()> {
        let before = cpu(door.process)?;
        let connect = fleet::connect(door, devices, which, plan.version, plan.parallel);
        let (sessions, span) = timed(connect).await?;
        self.connecting += span;
        let used = cpu_since(door.process, before)?;
        self.cpu = used.map(|used| used + self.cpu.unwrap_or_default());
        self.sessions.extend(ping(sessions, plan.parallel).await?);
        tokio::time::sleep(SETTLE).await;
        Ok(())
    }
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
    /// Memory for one more session, in KiB.
    pub fn session_kib(&self) -> Option<f64> {
        let Resident { half, all, .. } = self.resident?;
        let sessions = u32::try_from(self.sessions.div_ceil(2)).ok()?;
        Some(per(all.saturating_sub(half), f64::from(sessions)) / 1024.0)
    }

    /// The server's resident memory with all sessions, in MiB.
    pub fn resident_mib(&self) -> Option<f64> {
        Some(per(self.resident?.all, MIB))
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
        if let Some((resident, each)) = self.resident.zip(self.session_kib()) {
            write!(
                f,
                "\nmemory    {:.1} MiB before, {:.1} MiB with half, {:.1} MiB with all; \
                 {each:.1} KiB for one more",
                per(resident.before, MIB),
                per(resident.half, MIB),
                per(resident.all, MIB)
            )?;
        }
        Ok(())
    }
}

/// The most sessions that one process holds.
pub const SESSIONS_MAX: usize = 10_000;

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
            resident: Some(Resident {
                before: 10 << 20,
                half: 15 << 20,
                all: 25 << 20,
            }),
        };
        assert_eq!(
            report.to_string(),
            "connects  1000 in 2.0 s, 500/s; CPU 500 us each, 2000 per CPU-second\n\
             memory    10.0 MiB before, 15.0 MiB with half, 25.0 MiB with all; 20.5 KiB for one more"
        );
    }
}
