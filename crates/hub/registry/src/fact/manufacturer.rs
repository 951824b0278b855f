//! Manufacturers, whose certificates stand for claim tokens.

use std::fmt::{self, Formatter};

use ironroot_identity::ProfileName;
use ironroot_store::ApplyError;
use serde::{Deserialize, Serialize};

use super::{Actor, Kind};
use crate::fold::{Refused, Step, refuse};
use crate::row::ManufacturerRow;

/// A manufacturer's CA was accepted: every `IDevID` of it stands for a claim token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManufacturerAdded {
    /// What people call it.
    pub name: ProfileName,
    /// The CA certificate, PEM.
    pub pem: String,
    /// Put in front of the serial number in the IDevID to make the device id.
    pub prefix: String,
    /// Who accepted it.
    pub by: Actor,
}

impl Kind for ManufacturerAdded {
    const KIND: &'static str = "manufacturer.added";

    fn sentence(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { name, by, .. } = self;
        write!(f, "The CA of manufacturer {name} was accepted by {by}.")
    }

    fn fold(&self, step: &mut Step<'_>) -> Result<(), ApplyError> {
        let key = self.name.as_str();
        if step.get::<ManufacturerRow>(key)?.is_some() {
            return Err(refuse(Refused::ManufacturerTaken(self.name.clone())));
        }
        let row = ManufacturerRow {
            name: self.name.clone(),
            pem: self.pem.clone(),
            prefix: self.prefix.clone(),
            at: step.at,
            entry: step.index,
        };
        step.put(key, &row)
    }
}

/// A manufacturer's CA is no longer accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManufacturerRemoved {
    /// What people call it.
    pub name: ProfileName,
    /// Who ordered it.
    pub by: Actor,
}

impl Kind for ManufacturerRemoved {
    const KIND: &'static str = "manufacturer.removed";

    fn sentence(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { name, by } = self;
        write!(f, "The CA of manufacturer {name} was removed by {by}.")
    }

    fn fold(&self, step: &mut Step<'_>) -> Result<(), ApplyError> {
        let unknown = || Refused::UnknownManufacturer(self.name.clone());
        step.remove::<ManufacturerRow>(self.name.as_str(), unknown)
    }
}
