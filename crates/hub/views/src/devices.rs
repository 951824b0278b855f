//! The list of devices: filtered, sorted, counted and cut into pages in memory.

use std::ops::ControlFlow;

use ironroot_api::{
    Assurance, DeviceCount, DeviceItem, DeviceList, DeviceQuery, DeviceSort, Page, limit,
};
use ironroot_registry::{Device, DeviceRow};
use ironroot_standing::Lifecycle;
use ironroot_time::UnixTime;

use crate::best::Best;
use crate::looking::{Facts, Looking};
use crate::page::Place;
use crate::walk::each_device;
use crate::{Activity, NotShown, Views, words};

/// What a list answers, and how many devices fit each of the other questions asked with it.
#[derive(Clone, Debug)]
pub struct Found {
    /// The page asked for.
    pub list: DeviceList,
    /// One count for each further question.
    pub others: Vec<u64>,
}

impl Views {
    /// One page of devices.
    ///
    /// # Errors
    /// [`NotShown::BadCursor`].
    pub async fn devices(&self, query: &DeviceQuery) -> Result<DeviceList, NotShown> {
        Ok(self.find(query, &[]).await?.list)
    }

    /// One page of devices, and how many fit each of `others`, all in one walk over the fleet.
    ///
    /// # Errors
    /// [`NotShown::BadCursor`].
    pub async fn find(
        &self,
        query: &DeviceQuery,
        others: &[DeviceQuery],
    ) -> Result<Found, NotShown> {
        let sort = query.sort.unwrap_or(DeviceSort::Standing);
        let reverse = query.reverse == Some(true);
        let counts = query.count == Some(true);
        let from = query.cursor.as_deref().map(Place::read).transpose()?;
        // Devices come in the order of ids: where nothing is counted, such a walk is as long as the page.
        let page_long = sort == DeviceSort::Id && !reverse && !counts && others.is_empty();
        let after = match &from {
            Some(place) if page_long => {
                Some(place.name.parse().map_err(|_no_id| NotShown::BadCursor)?)
            }
            _ => None,
        };
        let looking = Looking::new(self, sort, &[std::slice::from_ref(query), others].concat());
        let limit = limit(query.limit);
        let mut best = if reverse {
            Best::backwards(limit, from)
        } else {
            Best::of(limit, from)
        };
        let mut count = DeviceCount::default();
        let mut further = vec![0; others.len()];
        each_device(&self.registry, after, |device| {
            looking.at(device, |facts| {
                for (number, other) in further.iter_mut().zip(others) {
                    *number += u64::from(looking.fits(facts, other));
                }
                if looking.fits(facts, query) {
                    count_in(&mut count, facts);
                    best.offer(looking.order(facts), device);
                }
            });
            if page_long && best.is_full() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })
        .await;
        let Page { items, next } = best.into_page(|device| self.item(device));
        let count = counts.then_some(count);
        Ok(Found {
            list: DeviceList { items, next, count },
            others: further,
        })
    }

    /// What lists show of a device.
    pub(crate) fn item(&self, device: &Device) -> DeviceItem {
        let activity = self.live.activity(device.subject().principal());
        device.inspect(|row, lifecycle| self.item_of(row, lifecycle, &activity))
    }

    fn item_of(&self, row: &DeviceRow, lifecycle: Lifecycle, activity: &Activity) -> DeviceItem {
        let ends = self.registry.certificates_end(&row.certificates);
        DeviceItem {
            id: row.id.to_string(),
            profile: row.profile.to_string(),
            lifecycle: words::life(row, lifecycle),
            tier: words::tier(row.standing().tier),
            assurance: assurance(row),
            reasons_count: u32::try_from(row.reasons.len()).unwrap_or(u32::MAX),
            sessions: activity.sessions,
            last_seen: activity.last_seen.map(|at| at.to_string()),
            certificate_ends: ends.map(|at| UnixTime::from_s(at).to_string()),
            messages: activity.messages(),
            refused: activity.traffic.refused,
            simulated: self.hub.demonstration,
        }
    }
}

/// How well the device's key is kept; none before its enrolment.
pub(crate) fn assurance(row: &DeviceRow) -> Option<Assurance> {
    (!row.certificates.is_empty()).then_some(Assurance::Software)
}

fn count_in(count: &mut DeviceCount, facts: &Facts<'_>) {
    count.devices += 1;
    *count.by_lifecycle.entry(facts.life).or_default() += 1;
    let tier = words::tier(facts.standing.tier);
    *count.by_tier.entry(tier).or_default() += 1;
}
