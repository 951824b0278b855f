//! The list of devices: filtered, sorted and cut into pages in memory.

use std::collections::BinaryHeap;
use std::ops::ControlFlow;
use std::sync::Arc;

use ironroot_api::{Assurance, DeviceItem, DeviceQuery, DeviceSort, Page, limit};
use ironroot_registry::{Device, DeviceRow};
use ironroot_standing::{Lifecycle, Standing, Tier};
use ironroot_time::UnixTime;

use crate::page::Place;
use crate::walk::each_device;
use crate::{Activity, NotShown, Views, words};

impl Views {
    /// One page of devices.
    ///
    /// # Errors
    /// [`NotShown::BadCursor`].
    pub async fn devices(&self, query: &DeviceQuery) -> Result<Page<DeviceItem>, NotShown> {
        let sort = query.sort.unwrap_or(DeviceSort::Standing);
        let from = query.cursor.as_deref().map(Place::read).transpose()?;
        let after = match (sort, &from) {
            (DeviceSort::Id, Some(place)) => {
                Some(place.name.parse().map_err(|_no_id| NotShown::BadCursor)?)
            }
            _ => None,
        };
        let mut best = Best::of(limit(query.limit), from);
        each_device(&self.registry, after, |device| {
            if let Some(order) = self.order(device, query, sort) {
                best.offer(order, device);
            }
            match sort {
                // Devices come in the order of ids: what is full stays as it is.
                DeviceSort::Id if best.is_full() => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        })
        .await;
        Ok(best.into_page(|device| self.item(device)))
    }

    /// Where the device stands in the order asked for; none when it is not wanted.
    fn order(&self, device: &Device, query: &DeviceQuery, sort: DeviceSort) -> Option<u64> {
        let principal = device.subject().principal();
        if let Some(part) = &query.id
            && !principal.id().contains(part.as_str())
        {
            return None;
        }
        let order = device.inspect(|row, lifecycle| {
            let standing = standing_of(row, lifecycle);
            fits(row, standing, query).then(|| gravity(standing))
        })?;
        if query.connected.is_none() && sort != DeviceSort::LastSeen {
            return Some(if sort == DeviceSort::Id { 0 } else { order });
        }
        let activity = self.live.activity(principal);
        if query
            .connected
            .is_some_and(|wanted| wanted != (activity.sessions > 0))
        {
            return None;
        }
        Some(match sort {
            DeviceSort::Standing => order,
            DeviceSort::Id => 0,
            DeviceSort::LastSeen => u64::MAX - activity.last_seen.map_or(0, UnixTime::as_ms),
        })
    }

    /// What lists show of a device.
    pub(crate) fn item(&self, device: &Device) -> DeviceItem {
        let activity = self.live.activity(device.subject().principal());
        device.inspect(|row, lifecycle| self.item_of(row, lifecycle, &activity))
    }

    fn item_of(&self, row: &DeviceRow, lifecycle: Lifecycle, activity: &Activity) -> DeviceItem {
        DeviceItem {
            id: row.id.to_string(),
            profile: row.profile.to_string(),
            lifecycle: words::lifecycle(lifecycle),
            tier: words::tier(row.standing().tier),
            assurance: (!row.certificates.is_empty()).then_some(Assurance::Software),
            reasons_count: u32::try_from(row.reasons.len()).unwrap_or(u32::MAX),
            sessions: activity.sessions,
            last_seen: activity.last_seen.map(|at| at.to_string()),
            simulated: self.hub.demonstration,
        }
    }
}

fn standing_of(row: &DeviceRow, lifecycle: Lifecycle) -> Standing {
    Standing {
        lifecycle,
        ..row.standing()
    }
}

fn fits(row: &DeviceRow, standing: Standing, query: &DeviceQuery) -> bool {
    let profile = query.profile.as_deref();
    profile.is_none_or(|wanted| wanted == row.profile.as_str())
        && (query.lifecycle).is_none_or(|wanted| wanted == words::lifecycle(standing.lifecycle))
        && (query.tier).is_none_or(|wanted| wanted == words::tier(standing.tier))
}

/// How grave a Standing is; the gravest has the lowest number.
///
/// Those shut out come first, then those at work by tier, then those not here yet or no longer.
pub(crate) fn gravity(standing: Standing) -> u64 {
    let state = match standing.lifecycle {
        Lifecycle::Quarantined => 0,
        Lifecycle::Enrolled | Lifecycle::Active => 1,
        Lifecycle::Claimed => 2,
        Lifecycle::Transferred => 3,
        Lifecycle::Retired => 4,
    };
    let tier = match standing.tier {
        Tier::Contraindicated => 0,
        Tier::Warning => 1,
        Tier::None => 2,
        Tier::Affirming => 3,
    };
    4 * state + tier
}

/// The first devices of an order, one more than a page holds, out of all that are offered.
pub(crate) struct Best {
    limit: usize,
    from: Option<Place>,
    first: BinaryHeap<Ranked>,
}

impl Best {
    pub(crate) fn of(limit: usize, from: Option<Place>) -> Self {
        let first = BinaryHeap::with_capacity(limit + 2);
        Self { limit, from, first }
    }

    fn is_full(&self) -> bool {
        self.first.len() > self.limit
    }

    pub(crate) fn offer(&mut self, order: u64, device: &Arc<Device>) {
        let key = (order, device.subject().principal().id());
        if let Some(from) = &self.from
            && key <= (from.order, from.name.as_str())
        {
            return;
        }
        if self.is_full() && self.first.peek().is_some_and(|last| last.key() <= key) {
            return;
        }
        self.first.push(Ranked {
            order,
            device: Arc::clone(device),
        });
        if self.first.len() > self.limit + 1 {
            self.first.pop();
        }
    }

    pub(crate) fn into_page<T>(self, item: impl Fn(&Device) -> T) -> Page<T> {
        let ranked = self.first.into_sorted_vec();
        let page = ranked.get(..self.limit).unwrap_or(&ranked);
        let next = match page.last() {
            Some(last) if ranked.len() > page.len() => Some(last),
            _ => None,
        };
        Page {
            items: page.iter().map(|ranked| item(&ranked.device)).collect(),
            next: next.map(|last| Place::write(last.order, last.key().1)),
        }
    }
}

struct Ranked {
    order: u64,
    device: Arc<Device>,
}

impl Ranked {
    fn key(&self) -> (u64, &str) {
        (self.order, self.device.subject().principal().id())
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Ranked {}
