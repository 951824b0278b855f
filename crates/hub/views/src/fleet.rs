//! The fleet in numbers.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use ironroot_api::Lifecycle;
use ironroot_identity::{DeviceId, ProfileName};

use crate::device::in_two_places;
use crate::walk::each_device;
use crate::{Views, words};

/// How many devices are named that have one matter in common.
const NAMED_MAX: usize = 16;

/// How many devices there are of each kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fleet {
    /// All devices; a serial whose claim was withdrawn is none.
    pub devices: u64,
    /// By state, those without a device left out.
    pub by_lifecycle: BTreeMap<Lifecycle, u64>,
    /// By profile, those without a device left out.
    pub by_profile: BTreeMap<ProfileName, u64>,
    /// Claimed serials that wait for their device.
    pub claims_waiting: u64,
    /// Claimed serials whose claim ended unused.
    pub claims_ended: u64,
    /// Devices with a certificate that is used in two places, as far as there is room for them.
    pub in_two_places: Vec<DeviceId>,
    /// Devices that a person should look at: see [`Fleet::attention`].
    pub attention: u64,
}

impl Fleet {
    /// How many devices are in a state.
    pub fn in_state(&self, lifecycle: Lifecycle) -> u64 {
        self.by_lifecycle.get(&lifecycle).copied().unwrap_or(0)
    }

    /// Devices in good standing: those that may do all their profile grants.
    pub fn in_good_standing(&self) -> u64 {
        self.in_state(Lifecycle::Enrolled) + self.in_state(Lifecycle::Active)
    }

    /// Devices that have a certificate of this hub, or had one and are kept out.
    pub fn at_work(&self) -> u64 {
        self.in_good_standing() + self.in_state(Lifecycle::Quarantined)
    }
}

impl Views {
    /// Counts the fleet.
    pub async fn fleet(&self) -> Fleet {
        let now = self.clock.now();
        let mut fleet = Fleet::default();
        each_device(&self.registry, None, |device| {
            device.inspect(|row, lifecycle| {
                let lifecycle = words::life(row, lifecycle);
                if lifecycle == Lifecycle::Withdrawn {
                    return;
                }
                fleet.devices += 1;
                *fleet.by_lifecycle.entry(lifecycle).or_default() += 1;
                match fleet.by_profile.get_mut(&row.profile) {
                    Some(count) => *count += 1,
                    None => _ = fleet.by_profile.insert(row.profile.clone(), 1),
                }
                if lifecycle == Lifecycle::Claimed {
                    let ended = row.claim_expires <= now.as_ms();
                    fleet.claims_ended += u64::from(ended);
                    fleet.claims_waiting += u64::from(!ended);
                }
                let shut_out = lifecycle == Lifecycle::Quarantined;
                let noticed = in_two_places(row, now).is_some() && !shut_out;
                if noticed && fleet.in_two_places.len() < NAMED_MAX {
                    fleet.in_two_places.push(row.id.clone());
                }
                fleet.attention += u64::from(shut_out || noticed);
            });
            ControlFlow::Continue(())
        })
        .await;
        fleet
    }
}
