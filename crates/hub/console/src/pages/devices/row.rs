//! One device in a list.

use ironroot_api::DeviceItem;
use ironroot_time::UnixTime;

use crate::figures::{grouped, seen, until};
use crate::marks::{self, Mark};

/// One device in a list.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) profile: String,
    pub(super) tier: Mark,
    pub(super) life: Mark,
    pub(super) why: String,
    pub(super) ends: String,
    pub(super) messages: String,
    pub(super) refused: String,
    pub(super) sessions: u32,
    pub(super) seen: String,
}

impl Row {
    pub(super) fn new(item: DeviceItem, why: String, now: UnixTime) -> Self {
        let ends = item.certificate_ends.as_deref();
        Self {
            tier: marks::tier(item.tier),
            life: marks::lifecycle(item.lifecycle),
            seen: seen(now, item.sessions, item.last_seen.as_deref()),
            ends: ends.map_or_else(|| "–".to_owned(), |at| until(now, at)),
            messages: grouped(item.messages),
            refused: grouped(item.refused),
            id: item.id,
            profile: item.profile,
            sessions: item.sessions,
            why,
        }
    }
}
