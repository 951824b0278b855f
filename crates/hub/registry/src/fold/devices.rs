//! How a device moves along the lifecycle table.

use ironroot_identity::DeviceId;
use ironroot_standing::{Event, Lifecycle, NotAllowed, transition};
use ironroot_store::ApplyError;

use super::{Refused, Step, refuse};
use crate::row::DeviceRow;

impl Step<'_> {
    /// Moves a device along the lifecycle table and lets `edit` change the rest of its row.
    pub(crate) fn change(
        &mut self,
        device: &DeviceId,
        event: Event,
        edit: impl FnOnce(&mut DeviceRow) -> Result<(), Refused>,
    ) -> Result<(), ApplyError> {
        let mut row = self.device(device, event)?;
        row.lifecycle = next(device, Some(row.lifecycle), event)?;
        edit(&mut row).map_err(refuse)?;
        self.put_device(row)
    }

    /// The row of a device that something happens to.
    pub(crate) fn device(
        &mut self,
        device: &DeviceId,
        event: Event,
    ) -> Result<DeviceRow, ApplyError> {
        match self.get::<DeviceRow>(device.as_str())? {
            Some(row) => Ok(row),
            None => Err(next(device, None, event)
                .err()
                .unwrap_or_else(|| unknown(device))),
        }
    }

    /// Writes the row of a device whose Standing changed with this entry.
    pub(crate) fn put_device(&mut self, mut row: DeviceRow) -> Result<(), ApplyError> {
        row.changed = self.at;
        row.changed_entry = self.index;
        self.put(row.id.as_str(), &row)
    }
}

/// Where an event leads, by the lifecycle table.
pub(crate) fn next(
    device: &DeviceId,
    from: Option<Lifecycle>,
    event: Event,
) -> Result<Lifecycle, ApplyError> {
    transition(from, event).map_err(|cause| {
        refuse(Refused::Lifecycle {
            device: device.clone(),
            cause,
        })
    })
}

pub(crate) fn unknown(device: &DeviceId) -> ApplyError {
    refuse(Refused::Lifecycle {
        device: device.clone(),
        cause: NotAllowed::Unknown,
    })
}
