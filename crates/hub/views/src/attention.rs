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
    /// The devices it is about, as a query of their list; empty when it is about one, or about none.
    pub query: &'static str,
}

/// How grave a thing is that waits for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// The hub refuses work because of it.
    Stopped,
    /// A device is shut out.
    ShutOut,
    /// Devices go on, and will not for long.
    Watch,
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
        let active = |change: fn(&mut DeviceQuery)| {
            let mut query = DeviceQuery {
                lifecycle: Some(Lifecycle::Active),
                ..DeviceQuery::default()
            };
            change(&mut query);
            query
        };
        let watched = [
            active(|query| query.certificate_ends_in_s = Some(0)),
            active(|query| query.unseen_for_s = Some(86_400)),
        ];
        let found = self.find(&quarantined, &watched).await?;
        for item in found.list.items {
            all.push(self.shut_out(item.id).await?);
        }
        for id in &fleet.in_two_places {
            all.extend(self.in_two_places(id).await?);
        }
        // The hub knows who was seen since it started, and no more.
        let long_up = self.clock.now().since(self.hub.started_at).as_secs() >= 86_400;
        if let [ended, unseen] = found.others[..] {
            all.extend(certificates_ended(ended));
            all.extend(not_seen(if long_up { unseen } else { 0 }));
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
            query: "",
        }))
    }

    /// Why the device is under quarantine, in its oldest reason's words; empty when it is not.
    ///
    /// # Errors
    /// [`NotShown`] when the store cannot be read.
    pub async fn first_reason(&self, id: &str) -> Result<String, NotShown> {
        let told = self.told_reason(id).await?;
        Ok(told.map(|(told, _entry)| told).unwrap_or_default())
    }

    /// A device's oldest reason for quarantine with who gave it, and its entry.
    async fn told_reason(&self, id: &str) -> Result<Option<(String, u64)>, NotShown> {
        let device = self.registry.device(id);
        let rows = device
            .map(|device| device.row().reasons)
            .unwrap_or_default();
        let reasons = self.reasons(rows.get(..1).unwrap_or_default()).await?;
        let told = reasons.into_iter().next().map(|reason| {
            let by = reason.who.unwrap_or_else(|| "the hub".to_owned());
            (format!("By {by}: “{}”", reason.why), reason.entry)
        });
        Ok(told)
    }

    async fn shut_out(&self, id: String) -> Result<Attention, NotShown> {
        let (so, entry) = match self.told_reason(&id).await? {
            Some((told, entry)) => (told, Some(entry)),
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
            query: "",
        })
    }
}

fn certificates_ended(count: u64) -> Option<Attention> {
    let (hold, they) = match count {
        0 => return None,
        1 => ("device has", "It"),
        _ => ("devices have", "They"),
    };
    Some(Attention {
        urgency: Urgency::Watch,
        device: None,
        what: format!("{} let the certificate end", counted(count, hold, hold)),
        so: format!(
            "{they} cannot connect any more. Look for what keeps the renewal from us, then claim anew."
        ),
        entry: None,
        query: "lifecycle=active&certificate_ends_in_s=0",
    })
}

fn not_seen(count: u64) -> Option<Attention> {
    let have = match count {
        0 => return None,
        1 => "device was",
        _ => "devices were",
    };
    Some(Attention {
        urgency: Urgency::Waiting,
        device: None,
        what: format!("{} not heard of for a day", counted(count, have, have)),
        so: "Nothing is wrong with what is known of them; they may be switched off.".to_owned(),
        entry: None,
        query: "lifecycle=active&unseen_for_s=86400",
    })
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
        query: "lifecycle=claimed",
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
            query: "",
        }
    }
}
