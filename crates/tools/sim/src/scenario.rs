//! What a simulated fleet can be made to do, and what is measured while it does.

pub mod cut;
pub mod enrol;
pub mod idle;
mod latency;
pub mod load;
pub mod soak;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;

use crate::process::Process;
use crate::tls::Trust;

pub use latency::Latency;

/// An MQTT door: the hub's, or another broker's that is compared with it.
#[derive(Clone, Debug)]
pub struct Door {
    /// Where it listens.
    pub address: SocketAddr,
    /// Whom its clients trust.
    pub trust: Trust,
    /// The process behind it, if it is to be measured.
    pub process: Option<Process>,
}

/// What a process has used by now; nothing when there is none to be measured.
fn cpu(process: Option<Process>) -> Result<Option<Duration>> {
    process.map(Process::cpu).transpose()
}

/// What was used since `before`.
fn cpu_since(process: Option<Process>, before: Option<Duration>) -> Result<Option<Duration>> {
    let now = cpu(process)?;
    Ok(now
        .zip(before)
        .map(|(now, before)| now.saturating_sub(before)))
}

/// Bytes.
const MIB: f64 = 1024.0 * 1024.0;

/// How many a second.
fn rate(count: u64, span: Duration) -> f64 {
    per(count, span.as_secs_f64())
}

/// `count` over `span`; nothing over nothing is nothing.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts are far below 2^52, and this is for reading"
)]
fn per(count: u64, span: f64) -> f64 {
    if span > 0.0 { count as f64 / span } else { 0.0 }
}
