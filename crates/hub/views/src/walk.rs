//! A walk over the whole fleet that holds no lock and no worker for long.

use std::ops::ControlFlow;
use std::sync::Arc;

use ironroot_identity::DeviceId;
use ironroot_registry::{Device, Registry};

/// How many devices are looked at between two pauses.
const STEP: usize = 512;

/// Calls `visit` with each device after `after`, in the order of ids, until it breaks.
pub(crate) async fn each_device(
    registry: &Registry,
    mut after: Option<DeviceId>,
    mut visit: impl FnMut(&Arc<Device>) -> ControlFlow<()>,
) {
    loop {
        let mut seen = 0;
        let mut last = None;
        registry.visit_devices(after.as_ref(), |device| {
            if visit(device).is_break() {
                return false;
            }
            seen += 1;
            if seen == STEP {
                last = Some(device.inspect(|row, _| row.id.clone()));
            }
            seen < STEP
        });
        if last.is_none() {
            return;
        }
        after = last;
        tokio::task::yield_now().await;
    }
}
