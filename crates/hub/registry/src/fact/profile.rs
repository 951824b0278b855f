//! Profiles of devices.

use std::fmt::{self, Formatter};

use ironroot_identity::ProfileName;
use ironroot_profile::DeviceProfile;
use ironroot_store::ApplyError;
use serde::{Deserialize, Serialize};

use super::{Actor, Kind};
use crate::fold::{Refused, Step, refuse};
use crate::row::ProfileRow;

/// A profile was added or changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileSet {
    /// Its name.
    pub name: ProfileName,
    /// Its whole TOML text.
    pub text: String,
    /// Who applied it; absent when the hub found its file changed at a start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Actor>,
}

impl Kind for ProfileSet {
    const KIND: &'static str = "profile.set";

    fn sentence(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.by {
            None => write!(f, "Profile {} was set.", self.name),
            Some(by) => write!(f, "Profile {} was set by {by}.", self.name),
        }
    }

    fn fold(&self, step: &mut Step<'_>) -> Result<(), ApplyError> {
        DeviceProfile::parse(&self.text).map_err(|cause| refuse(Refused::BadProfile(cause)))?;
        let row = ProfileRow {
            name: self.name.clone(),
            text: self.text.clone(),
            entry: step.index,
        };
        step.put(self.name.as_str(), &row)
    }
}
