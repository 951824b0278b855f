//! Devices: each with its row, and a live Grant that follows from it.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use ironroot_identity::{DeviceId, Principal};
use ironroot_standing::{Grant, Lifecycle, Standing};
use parking_lot::RwLock;

use super::Registry;
use crate::row::DeviceRow;
use crate::subject::Subject;

/// A device: its row and its live Grant.
#[derive(Debug)]
pub struct Device {
    pub(super) subject: Arc<Subject>,
    pub(super) state: RwLock<DeviceState>,
}

#[derive(Debug)]
pub(super) struct DeviceState {
    pub(super) row: DeviceRow,
    /// A shrinking order that is obeyed already and is not in the journal yet.
    held: Option<Lifecycle>,
}

impl Device {
    /// Its identity and Grant.
    pub fn subject(&self) -> &Arc<Subject> {
        &self.subject
    }

    /// Its row, with a held order already counted in.
    pub fn row(&self) -> DeviceRow {
        let state = self.state.read();
        let mut row = state.row.clone();
        row.lifecycle = state.held.unwrap_or(row.lifecycle);
        row
    }

    /// Where it stands in its life, a held order counted in.
    pub fn lifecycle(&self) -> Lifecycle {
        let state = self.state.read();
        state.held.unwrap_or(state.row.lifecycle)
    }

    /// Looks at its row as it was recorded, and at where it stands with a held order counted in, without a copy.
    pub fn inspect<T>(&self, look: impl FnOnce(&DeviceRow, Lifecycle) -> T) -> T {
        let state = self.state.read();
        look(&state.row, state.held.unwrap_or(state.row.lifecycle))
    }
}

impl Registry {
    /// The device of this id.
    pub fn device(&self, id: &str) -> Option<Arc<Device>> {
        self.devices.read().get(id).cloned()
    }

    /// Calls `visit` with each device, in the order of ids, after `after`, until it returns `false`.
    pub fn visit_devices(
        &self,
        after: Option<&DeviceId>,
        mut visit: impl FnMut(&Arc<Device>) -> bool,
    ) {
        use std::ops::Bound::{Excluded, Unbounded};
        let devices = self.devices.read();
        let from = after.map_or(Unbounded, Excluded);
        for (_, device) in devices.range::<DeviceId, _>((from, Unbounded)) {
            if !visit(device) {
                return;
            }
        }
    }

    /// How many devices there are.
    pub fn devices_count(&self) -> usize {
        self.devices.read().len()
    }

    /// How many devices got their first certificate since the hub started.
    pub fn enrolled_count(&self) -> u64 {
        self.enrolled.load(Relaxed)
    }

    /// Shrinks a device's Grant at once, ahead of the journal, as if it were in `lifecycle` already.
    ///
    /// The hold ends with the entry that brings the device into that state, or by [`Registry::let_go`].
    pub fn hold(&self, device: &Device, lifecycle: Lifecycle) {
        device.state.write().held = Some(lifecycle);
        self.regrant(device);
    }

    /// Ends a hold whose order was refused.
    pub fn let_go(&self, device: &Device) {
        device.state.write().held = None;
        self.regrant(device);
    }

    pub(super) fn put_device(&self, row: DeviceRow) {
        let known = self.devices.read().get(&row.id).cloned();
        let ended = matches!(row.lifecycle, Lifecycle::Retired | Lifecycle::Transferred);
        let device = if let Some(device) = known {
            let mut state = device.state.write();
            let enrols =
                state.row.lifecycle != row.lifecycle && row.lifecycle == Lifecycle::Enrolled;
            self.enrolled.fetch_add(enrols.into(), Relaxed);
            state.held = state.held.filter(|held| !settles(row.lifecycle, *held));
            state.row = row;
            drop(state);
            device
        } else {
            let subject = Subject::new(
                Principal::Device(row.id.clone()),
                Arc::new(Grant::nothing()),
            );
            let id = row.id.clone();
            let device = Arc::new(Device {
                subject: Arc::new(subject),
                state: RwLock::new(DeviceState { row, held: None }),
            });
            self.devices.write().insert(id, Arc::clone(&device));
            device
        };
        self.regrant(&device);
        if ended {
            self.tell(|watcher| watcher.ended(device.subject.principal()));
        }
    }

    /// Computes the Grant anew and tells the watcher when it changed.
    pub(super) fn regrant(&self, device: &Device) {
        let (profile, standing) = {
            let state = device.state.read();
            let lifecycle = state.held.unwrap_or(state.row.lifecycle);
            (
                self.profile(state.row.profile.as_str()),
                Standing {
                    lifecycle,
                    ..state.row.standing()
                },
            )
        };
        let grant = profile
            .and_then(|profile| profile.grant(standing))
            .unwrap_or_else(|| Arc::new(Grant::nothing()));
        self.set_grant(&device.subject, grant);
    }
}

/// Whether a device that the journal has in the state `kept` needs `held` no longer.
fn settles(kept: Lifecycle, held: Lifecycle) -> bool {
    kept == held || kept == Lifecycle::Retired
}
