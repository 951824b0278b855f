//! Profiles: each with the Grants that follow from it, for every Standing there is.

use std::sync::Arc;

use ironroot_profile::DeviceProfile;
use ironroot_standing::{Grant, Lifecycle, Standing, Tier, grant_device};

use super::Registry;
use crate::row::ProfileRow;

/// A profile and the Grants that follow from it.
#[derive(Debug)]
pub struct Profile {
    /// The row it was read from.
    pub row: ProfileRow,
    /// The profile.
    pub profile: DeviceProfile,
    grants: Vec<(Standing, Arc<Grant>)>,
}

impl Profile {
    fn read(row: ProfileRow) -> Option<Self> {
        let profile = DeviceProfile::parse(&row.text).ok()?;
        let tiers = [
            Tier::None,
            Tier::Affirming,
            Tier::Warning,
            Tier::Contraindicated,
        ];
        let standings = Lifecycle::ALL.iter().flat_map(|lifecycle| {
            tiers.map(|tier| Standing {
                lifecycle: *lifecycle,
                tier,
            })
        });
        let grants = standings
            .map(|standing| (standing, Arc::new(grant_device(standing, &profile))))
            .collect();
        Some(Self {
            row,
            profile,
            grants,
        })
    }

    pub(super) fn grant(&self, standing: Standing) -> Option<Arc<Grant>> {
        self.grants
            .iter()
            .find(|(known, _)| *known == standing)
            .map(|(_, grant)| Arc::clone(grant))
    }
}

impl Registry {
    /// The profile of this name.
    pub fn profile(&self, name: &str) -> Option<Arc<Profile>> {
        self.profiles.read().get(name).cloned()
    }

    /// All profiles, in the order of names.
    pub fn profiles(&self) -> Vec<Arc<Profile>> {
        self.profiles.read().values().cloned().collect()
    }

    pub(super) fn put_profile(&self, row: ProfileRow) {
        let name = row.name.clone();
        let Some(profile) = Profile::read(row) else {
            tracing::error!(profile = %name, "Profile row that cannot be read; its devices are granted nothing.");
            return;
        };
        self.profiles
            .write()
            .insert(name.clone(), Arc::new(profile));
        self.visit_devices(None, |device| {
            if device.state.read().row.profile == name {
                self.regrant(device);
            }
            true
        });
    }
}
