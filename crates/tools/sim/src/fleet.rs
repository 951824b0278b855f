//! A fleet: many devices that are claimed and enrolled, several at once.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ironroot_api::Secret;
use ironroot_link::Session;
use ironroot_mqtt::Version;
use rustls::ClientConfig;
use tokio::task::JoinSet;

use crate::api::Api;
use crate::est::Applicant;
use crate::hub::{Hub, bounded};
use crate::mqtt;
use crate::scenario::Door;
use crate::tls::{Identity, Trust};

/// A fleet that is to be.
#[derive(Clone, Debug)]
pub struct FleetPlan {
    /// What every serial begins with; a number follows.
    pub prefix: String,
    /// The profile of all of them.
    pub profile: String,
    /// How many.
    pub count: usize,
    /// How many are claimed, or enrol, at once.
    pub parallel: usize,
}

/// A device whose serial is claimed.
#[derive(Debug)]
pub struct Claimed {
    serial: String,
    number: usize,
    token: Secret,
}

/// A device with a certificate.
#[derive(Debug)]
pub struct Device {
    /// Its id.
    pub id: String,
    /// Its number in the fleet, which gives it a source address.
    pub number: usize,
    /// Its certificate and key.
    pub identity: Identity,
}

impl Device {
    /// What its handshakes begin from.
    ///
    /// # Errors
    /// When its key and certificate do not fit.
    pub fn tls(&self, trust: &Trust) -> Result<Arc<ClientConfig>> {
        Ok(trust.client(Some(&self.identity))?)
    }

    /// Connects to an MQTT door under its own id.
    ///
    /// # Errors
    /// When it is not let in.
    pub async fn connect(
        &self,
        door: SocketAddr,
        trust: &Trust,
        version: Version,
    ) -> Result<Session> {
        mqtt::connect(door, self.number, self.tls(trust)?, &self.id, version).await
    }
}

/// Claims every serial of the fleet.
///
/// # Errors
/// At the first claim that the hub refuses.
pub async fn claim(hub: &Hub, plan: &FleetPlan) -> Result<Vec<Claimed>> {
    bounded("devices", plan.count, FLEET_MAX)?;
    in_parallel((0..plan.count).collect(), plan.parallel, |numbers| {
        let (hub, plan) = (hub.clone(), plan.clone());
        async move {
            let mut api = Api::connect(&hub).await?;
            let mut claimed = Vec::with_capacity(numbers.len());
            for number in numbers {
                let serial = format!("{}{number:05}", plan.prefix);
                let token = api.claim(&serial, &plan.profile).await?;
                claimed.push(Claimed {
                    serial,
                    number,
                    token,
                });
            }
            Ok(claimed)
        }
    })
    .await
}

/// Enrols every device that was claimed, each over a connection of its own.
///
/// # Errors
/// At the first device that the hub refuses.
pub async fn enrol(
    hub: &Hub,
    trust: &Trust,
    claimed: Vec<Claimed>,
    parallel: usize,
) -> Result<Vec<Device>> {
    in_parallel(claimed, parallel, |claimed| {
        let (hub, trust) = (hub.clone(), trust.clone());
        async move {
            let mut devices = Vec::with_capacity(claimed.len());
            for Claimed {
                serial,
                number,
                token,
            } in claimed
            {
                let applicant = Applicant {
                    serial: &serial,
                    number,
                };
                let identity = applicant.enrol(&hub, &trust, &token).await?;
                devices.push(Device {
                    id: serial,
                    number,
                    identity,
                });
            }
            Ok(devices)
        }
    })
    .await
}

/// Enrols every device again with the certificate that it has, for a new key.
///
/// # Errors
/// At the first device that the hub refuses.
pub async fn reenrol(
    hub: &Hub,
    trust: &Trust,
    devices: Vec<Device>,
    parallel: usize,
) -> Result<Vec<Device>> {
    in_parallel(devices, parallel, |devices| {
        let (hub, trust) = (hub.clone(), trust.clone());
        async move {
            let mut renewed = Vec::with_capacity(devices.len());
            for device in devices {
                let applicant = Applicant {
                    serial: &device.id,
                    number: device.number,
                };
                let identity = applicant.reenrol(&hub, &trust, &device.identity).await?;
                renewed.push(Device { identity, ..device });
            }
            Ok(renewed)
        }
    })
    .await
}

/// Connects the devices with these indices to an MQTT door.
///
/// # Errors
/// At the first device that is not let in.
pub async fn connect(
    door: &Door,
    devices: &Arc<[Device]>,
    which: Range<usize>,
    version: Version,
    parallel: usize,
) -> Result<Vec<Session>> {
    in_parallel(which.collect(), parallel, |indices| {
        let (devices, door) = (devices.clone(), door.clone());
        async move {
            let mut sessions = Vec::with_capacity(indices.len());
            for device in indices.into_iter().filter_map(|index| devices.get(index)) {
                let session = device.connect(door.address, &door.trust, version);
                sessions.push(session.await?);
            }
            Ok(sessions)
        }
    })
    .await
}

/// Splits `items` among `parallel` tasks and puts their results together in the items' order.
pub(crate) async fn in_parallel<T, R, F>(
    mut items: Vec<T>,
    parallel: usize,
    work: impl Fn(Vec<T>) -> F,
) -> Result<Vec<R>>
where
    R: Send + 'static,
    F: Future<Output = Result<Vec<R>>> + Send + 'static,
{
    bounded("at once", parallel, PARALLEL_MAX)?;
    let share = items.len().div_ceil(parallel).max(1);
    let mut tasks = JoinSet::new();
    let mut shares = Vec::new();
    while !items.is_empty() {
        let rest = items.split_off(share.min(items.len()));
        let task = work(std::mem::replace(&mut items, rest));
        let index = shares.len();
        shares.push(Vec::new());
        tasks.spawn(async move { (index, task.await) });
    }
    while let Some(done) = tasks.join_next().await {
        let (index, results) = done.context("a task of the simulation failed")?;
        if let Some(place) = shares.get_mut(index) {
            *place = results?;
        }
    }
    Ok(shares.into_iter().flatten().collect())
}

/// A prefix that no earlier fleet has had: 32 bits of chance.
///
/// # Errors
/// When the system has no random bytes.
pub fn fresh_prefix() -> Result<String> {
    let mut bytes = [0; 4];
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    provider
        .secure_random
        .fill(&mut bytes)
        .ok()
        .context("the system has no random bytes")?;
    Ok(format!("sim-{:08x}-", u32::from_be_bytes(bytes)))
}

/// How long `work` takes, and what comes of it.
pub(crate) async fn timed<T>(
    work: impl Future<Output = Result<T>> + Send,
) -> Result<(T, Duration)> {
    let begun = Instant::now();
    let done = work.await?;
    Ok((done, begun.elapsed()))
}

/// The largest fleet.
pub const FLEET_MAX: usize = 100_000;

/// The most tasks that claim, enrol or connect at once.
pub const PARALLEL_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn results_come_in_the_order_of_the_items() {
        for (count, parallel) in [(0, 4), (1, 4), (4, 4), (10, 4), (10, 1)] {
            let items: Vec<usize> = (0..count).collect();
            let doubled = in_parallel(items, parallel, |share| async move {
                Ok(share.into_iter().map(|item| 2 * item).collect())
            })
            .await
            .unwrap();
            assert_eq!(doubled, (0..count).map(|item| 2 * item).collect::<Vec<_>>());
        }
    }

    #[tokio::test]
    async fn one_failure_fails_the_whole() {
        let outcome = in_parallel(vec![1, 2, 3], 3, |share| async move {
            anyhow::ensure!(share != [2], "two is refused");
            Ok(share)
        });
        assert_eq!(outcome.await.unwrap_err().to_string(), "two is refused");
    }

    #[tokio::test]
    async fn refuses_more_tasks_than_the_bound() {
        let outcome = in_parallel(vec![1], PARALLEL_MAX + 1, |share| async move { Ok(share) });
        assert!(outcome.await.is_err());
    }
}
