//! How much may wait for a session, and for all of them.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::settings::BrokerSettings;

/// How much may wait, and how much does in the whole hub.
#[derive(Debug)]
pub(crate) struct QueueBounds {
    pub(super) session_pause: usize,
    pub(super) session_max: usize,
    pub(super) parked_max: usize,
    hub_pause: usize,
    hub_max: usize,
    pub(super) hub_bytes: AtomicUsize,
}

impl QueueBounds {
    pub(crate) fn new(settings: &BrokerSettings) -> Self {
        Self {
            session_pause: settings.session_queue_pause_bytes,
            session_max: settings.session_queue_max_bytes,
            parked_max: settings.parked_queue_max_bytes,
            hub_pause: settings.hub_queue_pause_bytes,
            hub_max: settings.hub_queue_max_bytes,
            hub_bytes: AtomicUsize::new(0),
        }
    }

    /// Bytes waiting for all sessions.
    pub(crate) fn hub_bytes(&self) -> usize {
        self.hub_bytes.load(Relaxed)
    }

    /// Whether publishers of QoS 1 must pause for the sake of the whole hub.
    pub(crate) fn hub_pauses(&self) -> bool {
        self.hub_bytes() > self.hub_pause
    }

    /// Whether the hub can take no more QoS 1.
    pub(crate) fn hub_is_full(&self) -> bool {
        self.hub_bytes() > self.hub_max
    }
}
