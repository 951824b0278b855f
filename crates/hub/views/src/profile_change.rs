//! What a profile's text would change: the Grant of each Standing now and then, by the function that decides.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use ironroot_api::{GrantChange, ProfileCheck, SettingChange};
use ironroot_profile::{BadProfile, DeviceProfile};
use ironroot_registry::Profile;
use ironroot_standing::{Grant, Standing, grant_device};

use crate::device::summary;
use crate::looking::gravity;
use crate::profiles::digest_of;
use crate::walk::each_device;
use crate::{Views, words};

/// Devices of one Standing.
struct Group {
    standing: Standing,
    devices: u64,
    /// Those with a session.
    connected: u64,
}

impl Views {
    /// What `toml` would change if it were applied now.
    ///
    /// # Errors
    /// [`BadProfile`] names all that is wrong with it.
    pub async fn profile_change(&self, toml: &str) -> Result<ProfileCheck, BadProfile> {
        let new = DeviceProfile::parse(toml)?;
        let known = self.registry.profile(new.name.as_str());
        let groups = self.groups(new.name.as_str()).await;
        let before = |standing| match &known {
            Some(known) => grant_device(standing, &known.profile),
            None => Grant::nothing(),
        };
        let (mut grants, mut cut) = (Vec::new(), 0);
        for group in groups.values() {
            let (before, after) = (before(group.standing), grant_device(group.standing, &new));
            if before == after {
                continue;
            }
            if !after.may_connect() {
                cut += group.connected;
            }
            grants.push(GrantChange {
                lifecycle: words::lifecycle(group.standing.lifecycle),
                tier: words::tier(group.standing.tier),
                devices: group.devices,
                before: summary(&before, "{device}"),
                after: summary(&after, "{device}"),
            });
        }
        Ok(ProfileCheck {
            name: new.name.to_string(),
            new: known.is_none(),
            from: known.as_ref().map(|known| digest_of(&known.row.text)),
            devices: groups.values().map(|group| group.devices).sum(),
            grants,
            cut,
            others: known.map_or_else(Vec::new, |known| others(&known, &new)),
        })
    }

    /// The devices of a profile by their Standing, gravest first.
    async fn groups(&self, profile: &str) -> BTreeMap<u64, Group> {
        let mut groups = BTreeMap::new();
        each_device(&self.registry, None, |device| {
            let standing = device.inspect(|row, lifecycle| {
                let gone = words::life(row, lifecycle) == ironroot_api::Lifecycle::Withdrawn;
                (row.profile.as_str() == profile && !gone).then(|| Standing {
                    lifecycle,
                    ..row.standing()
                })
            });
            if let Some(standing) = standing {
                let live = self.live.activity(device.subject().principal()).sessions > 0;
                let group = groups.entry(gravity(standing)).or_insert(Group {
                    standing,
                    devices: 0,
                    connected: 0,
                });
                // Two lifecycles of the same gravity are granted the same.
                group.devices += 1;
                group.connected += u64::from(live);
            }
            ControlFlow::Continue(())
        })
        .await;
        groups
    }
}

/// Settings that are no part of a Grant and would be another.
fn others(known: &Profile, new: &DeviceProfile) -> Vec<SettingChange> {
    let old = &known.profile;
    let days =
        |profile: &DeviceProfile| (profile.certificate_lifetime.as_secs() / 86_400).to_string();
    let listed = |profile: &DeviceProfile| {
        let names = profile.registration_authority.iter();
        names
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let keys = |profile: &DeviceProfile| format!("{:?}", profile.server_keys);
    let all = [
        ("summary", old.summary.to_string(), new.summary.to_string()),
        (
            "evidence",
            old.evidence.to_string(),
            new.evidence.to_string(),
        ),
        ("certificate_days", days(old), days(new)),
        ("server_keys", keys(old), keys(new)),
        ("registration_authority", listed(old), listed(new)),
    ];
    let differ = all
        .into_iter()
        .filter(|(_path, before, after)| before != after);
    differ
        .map(|(path, before, after)| SettingChange {
            path: path.to_owned(),
            before,
            after,
        })
        .collect()
}
