//! The stage: the hub, the devices on it, and what a scene can ask of both.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ironroot_api::{DeviceDetail, DeviceItem, Lifecycle, Order, Secret};
use ironroot_link::Session;
use ironroot_mqtt::Version;
use tokio::time::sleep;

use super::backend::Backend;
use super::cast::{ELSEWHERE, Role};
use super::life::Life;
use super::{Pace, Tell};
use crate::api::Api;
use crate::est::Applicant;
use crate::fleet::{self, Device};
use crate::hub::Hub;
use crate::mqtt;
use crate::scenario::Door;
use crate::tls::{KeyExchange, Trust};

/// Everything that a scene plays with.
pub(super) struct Stage {
    hub: Hub,
    door: Door,
    pace: Pace,
    tell: Tell,
    cast: BTreeMap<String, Actor>,
    backend: Backend,
    /// What somebody has a copy of, whose certificate was revoked since.
    pub(super) stolen: Option<Arc<Device>>,
}

/// A device, and its ordinary life while no scene is about it.
#[derive(Debug)]
struct Actor {
    role: Role,
    device: Arc<Device>,
    life: Option<Life>,
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stage({} devices)", self.cast.len())
    }
}

impl Stage {
    /// Claims and enrols everybody, and lets them live.
    pub(super) async fn set(hub: Hub, pace: Pace, tell: Tell) -> Result<Self> {
        let door = Door {
            address: hub.mqtt,
            trust: Trust::new(&hub.ca_pem, KeyExchange::default())?,
            process: None,
        };
        let mut api = Api::connect(&hub).await?;
        let backend = Backend::begin(&mut api, &door).await?;
        let known: BTreeMap<_, _> = api.devices().await?.into_iter().map(standing).collect();
        let here = |role: &Role| known.get(&role.id) != Some(&Lifecycle::Retired);
        let roles: Vec<_> = Role::all().into_iter().filter(here).collect();
        tell(&format!(
            "{} simulated devices are claimed and enrol, each with a key of its own.",
            roles.len()
        ));
        let devices = fleet::in_parallel(roles.clone(), AT_ONCE, |roles| {
            let (hub, trust, known) = (hub.clone(), door.trust.clone(), known.clone());
            async move {
                let mut api = Api::connect(&hub).await?;
                let mut devices = Vec::with_capacity(roles.len());
                for role in roles {
                    let lifecycle = known.get(&role.id).copied();
                    devices.push(enrol(&role, lifecycle, &mut api, (&hub, &trust)).await?.0);
                }
                Ok(devices)
            }
        });
        let actors = roles.into_iter().zip(devices.await?).map(|(role, device)| {
            let (id, device, life) = (role.id.clone(), Arc::new(device), None);
            (id, Actor { role, device, life })
        });
        let mut stage = Self {
            cast: actors.collect(),
            hub,
            door,
            pace,
            tell,
            backend,
            stolen: None,
        };
        stage.everybody_lives();
        stage.until_all_are_connected().await?;
        Ok(stage)
    }

    /// Says a sentence to whoever watches.
    pub(super) fn tell(&self, sentence: &str) {
        (self.tell)(sentence);
    }

    /// Lets a person read.
    pub(super) async fn beat(&self) {
        sleep(self.pace.span(BEAT)).await;
    }

    /// Lets a person look around.
    pub(super) async fn rest(&self) {
        sleep(self.pace.span(REST)).await;
    }

    pub(super) fn hub(&self) -> &Hub {
        &self.hub
    }

    pub(super) fn trust(&self) -> &Trust {
        &self.door.trust
    }

    pub(super) fn backend(&self) -> &Backend {
        &self.backend
    }

    /// How many devices there are.
    pub(super) fn size(&self) -> usize {
        self.cast.len()
    }

    pub(super) async fn api(&self) -> Result<Api> {
        Api::connect(&self.hub).await
    }

    /// How many entries the journal has.
    pub(super) async fn entries(&self) -> Result<u64> {
        Ok(self.api().await?.status().await?.journal.entries)
    }

    /// Tells what the journal has recorded since it had `from` entries.
    pub(super) async fn tell_journal(&self, from: u64) -> Result<()> {
        for entry in self.api().await?.journal(from).await? {
            self.tell(&format!("  journal {}: {}", entry.index, entry.sentence));
        }
        Ok(())
    }

    /// Takes a device out of its ordinary life, for a scene.
    pub(super) fn take(&mut self, id: &str) -> Result<Arc<Device>> {
        let actor = self.actor(id)?;
        actor.life = None;
        Ok(actor.device.clone())
    }

    /// A scene has given a device another identity.
    pub(super) fn renew(&mut self, device: Device) -> Result<()> {
        let device = Arc::new(device);
        self.actor(&device.id)?.device = device.clone();
        Ok(())
    }

    /// Everybody whom no scene is about goes on with their life.
    pub(super) fn everybody_lives(&mut self) {
        for actor in self.cast.values_mut() {
            let Actor { role, device, life } = actor;
            life.get_or_insert_with(|| {
                Life::begin(role.clone(), device.clone(), self.door.clone())
            });
        }
    }

    /// Claims a device and lets it enrol; gives what it is then, and the token that it used.
    pub(super) async fn onboard(&mut self, id: &str) -> Result<(Device, Secret)> {
        let role = self.actor(id)?.role.clone();
        let mut api = self.api().await?;
        let lifecycle = api.device(id).await?.item.lifecycle;
        enrol(&role, Some(lifecycle), &mut api, (&self.hub, self.trust())).await
    }

    /// Connects a device to the MQTT door under its own id.
    pub(super) async fn connect(&self, device: &Device) -> Result<Session> {
        device
            .connect(self.door.address, self.trust(), Version::V5)
            .await
    }

    /// Connects to the MQTT door from elsewhere, with a copy of the device's certificate and key.
    pub(super) async fn connect_copy(&self, device: &Device) -> Result<Session> {
        let tls = device.tls(self.trust())?;
        mqtt::connect(self.door.address, ELSEWHERE, tls, &device.id, Version::V5).await
    }

    /// How many requests of the device the MQTT door has refused.
    pub(super) async fn refused(&self, id: &str) -> Result<u64> {
        Ok(self.api().await?.device(id).await?.traffic.refused)
    }

    /// Waits until the hub says of the device what `is_so` wants to see.
    pub(super) async fn until(
        &self,
        id: &str,
        what: &str,
        is_so: impl Fn(&DeviceDetail) -> bool + Send + Sync,
    ) -> Result<DeviceDetail> {
        let (mut api, begun) = (self.api().await?, Instant::now());
        loop {
            let device = api.device(id).await?;
            if is_so(&device) {
                return Ok(device);
            }
            if begun.elapsed() > SEEN_MAX {
                bail!("{id}: it never came to be that {what}");
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    /// How many devices are connected, and known to be.
    pub(super) async fn connected(&self) -> Result<usize> {
        let devices = self.api().await?.devices().await?;
        let connected =
            |device: &&DeviceItem| device.sessions > 0 && device.lifecycle == Lifecycle::Active;
        Ok(devices.iter().filter(connected).count())
    }

    async fn until_all_are_connected(&self) -> Result<()> {
        let begun = Instant::now();
        loop {
            let here = self.connected().await?;
            if here >= self.size() {
                return Ok(());
            }
            if begun.elapsed() > SEEN_MAX {
                bail!("only {here} of {} devices are connected", self.size());
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    fn actor(&mut self, id: &str) -> Result<&mut Actor> {
        self.cast
            .get_mut(id)
            .with_context(|| format!("{id} is not part of the fleet any more"))
    }
}

fn standing(item: DeviceItem) -> (String, Lifecycle) {
    (item.id, item.lifecycle)
}

/// Claims a device and lets it enrol; one that had an identity before is given up first.
async fn enrol(
    role: &Role,
    lifecycle: Option<Lifecycle>,
    api: &mut Api,
    (hub, trust): (&Hub, &Trust),
) -> Result<(Device, Secret)> {
    let id = role.id.as_str();
    match lifecycle {
        Some(Lifecycle::Enrolled | Lifecycle::Active | Lifecycle::Quarantined) => {
            api.order(id, Order::Transfer, "a new owner claims it")
                .await?;
        }
        None
        | Some(
            Lifecycle::Claimed | Lifecycle::Transferred | Lifecycle::Retired | Lifecycle::Withdrawn,
        ) => {}
    }
    let token = api.claim(id, role.profile).await?;
    let (serial, number) = (id, role.number);
    let applicant = Applicant { serial, number };
    let identity = applicant.enrol(hub, trust, &token).await?;
    let id = role.id.clone();
    let device = Device {
        id,
        number,
        identity,
    };
    Ok((device, token))
}

/// How long a person reads, at the pace of people.
const BEAT: Duration = Duration::from_secs(4);

/// How long a person looks around between two rounds.
const REST: Duration = Duration::from_secs(20);

/// How many devices enrol at once.
const AT_ONCE: usize = 4;

/// How often the hub is asked whether it has seen something.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How long the hub has to see it.
const SEEN_MAX: Duration = Duration::from_secs(30);
