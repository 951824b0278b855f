//! Saved views of the devices.

use std::fmt::{self, Formatter};

use ironroot_identity::ViewName;
use ironroot_store::ApplyError;
use serde::{Deserialize, Serialize};

use super::{Actor, Kind};
use crate::fold::{Refused, Step};
use crate::row::ViewRow;

/// A view of the devices was saved; the one of the same name before it is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ViewSaved {
    /// Its name.
    pub name: ViewName,
    /// Which devices, in which order: the query of the API's list of devices.
    pub query: String,
    /// Who saved it.
    pub by: Actor,
}

impl Kind for ViewSaved {
    const KIND: &'static str = "view.saved";

    fn sentence(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "The view {} was saved by {}.", self.name, self.by)
    }

    fn fold(&self, step: &mut Step<'_>) -> Result<(), ApplyError> {
        let row = ViewRow {
            name: self.name.clone(),
            query: self.query.clone(),
            entry: step.index,
        };
        step.put(self.name.as_str(), &row)
    }
}

/// A saved view was removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ViewRemoved {
    /// Its name.
    pub name: ViewName,
    /// Who removed it.
    pub by: Actor,
}

impl Kind for ViewRemoved {
    const KIND: &'static str = "view.removed";

    fn sentence(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "The view {} was removed by {}.", self.name, self.by)
    }

    fn fold(&self, step: &mut Step<'_>) -> Result<(), ApplyError> {
        let unknown = || Refused::UnknownView(self.name.clone());
        step.remove::<ViewRow>(self.name.as_str(), unknown)
    }
}
