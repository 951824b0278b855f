//! What a person should look at, gravest first.

use ironroot_api::{DeviceQuery, Lifecycle};
use ironroot_identity::DeviceId;

use crate::words::counted;
use crate::{Fleet, NotShown, Views};

/// One thing that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attention {
    /// How grave it is.
    pub urgency: Urgency,
    /// The device it is about, if it is about one.
    pub device: Option<String>,
    /// What is so; goes on behind the device's id when there is one.
    pub what: String,
    /// What was done about it, or what a person can do.
    pub so: String,
    /// The entry that tells of it.
    pub entry: Option<u64>,
}

/// How grave a thing is that waits for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// The hub refuses work because of it.
    Stopped,
    /// A device is shut out.
    ShutOut,
    /// It can wait.
    Waiting,
}

impl Views {
    /// What waits for a person: at most `devices_max` devices, and what is wrong with the hub itself.
    ///
    /// # Errors
    /// [`NotShown`] when the store cannot be read.
    pub async fn attention(
        &self,
        fleet: &Fleet,
        devices_max: u32,
    ) -> Result<Vec<Attention>, NotShown> {
        let mut all: Vec<_> = self.degraded().into_iter().map(Attention::from).collect();
        let quarantined = DeviceQuery {
            limit: Some(devices_max),
            lifecycle: Some(Lifecycle::Quarantined),
            ..DeviceQuery::default()
        };
        for item in self.devices(&quarantined).await?.items {
            all.push(self.shut_out(item.id).await?);
        }
        for id in &fleet.in_two_places {
            all.extend(self.in_two_places(id).await?);
        }
        if fleet.claims_ended > 0 {
            all.push(claims_ended(fleet.claims_ended));
        }
        Ok(all)
    }

    async fn in_two_places(&self, id: &DeviceId) -> Result<Option<Attention>, NotShown> {
        let row = self.registry.device(id.as_str()).map(|device| device.row());
        let Some(seen) = row.and_then(|row| row.in_two_places) else {
            return Ok(None);
        };
        Ok(Some(Attention {
            urgency: Urgency::Waiting,
            device: Some(id.as_str().to_owned()),
            what: "used its certificate in two places at once".to_owned(),
            so: self.words(&seen.why).await?,
            entry: Some(seen.entry),
        }))
    }

    async fn shut_out(&self, id: String) -> Result<Attention, NotShown> {
        let device = self.registry.device(&id);
        let rows = device
            .map(|device| device.row().reasons)
            .unwrap_or_default();
        let reasons = self.reasons(rows.get(..1).unwrap_or_default()).await?;
        let (so, entry) = match reasons.into_iter().next() {
            Some(reason) => {
                let by = reason.who.unwrap_or_else(|| "the hub".to_owned());
                (format!("By {by}: “{}”", reason.why), Some(reason.entry))
            }
            None => (
                "The order is recorded as soon as the journal can append again.".to_owned(),
                None,
            ),
        };
        Ok(Attention {
            urgency: Urgency::ShutOut,
            device: Some(id),
            what: "is shut out".to_owned(),
            so,
            entry,
        })
    }
}

fn claims_ended(count: u64) -> Attention {
    let (claims, them) = match count {
        1 => ("claim", "it"),
        _ => ("claims", "them"),
    };
    Attention {
        urgency: Urgency::Waiting,
        device: None,
        what: format!("{} ended unused", counted(count, claims, claims)),
        so: format!("Claim {them} again to let the device enrol, or retire the serial."),
        entry: None,
    }
}

impl From<ironroot_api::Degraded> for Attention {
    fn from(degraded: ironroot_api::Degraded) -> Self {
        Self {
            urgency: Urgency::Stopped,
            device: None,
            what: degraded.what,
            so: degraded.remedy,
            entry: None,
        }
    }
}
