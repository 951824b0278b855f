//! What questions about many devices ask of each one.

use std::collections::BTreeMap;

use ironroot_api::{DeviceQuery, DeviceSort};
use ironroot_identity::ProfileName;
use ironroot_registry::{Device, DeviceRow};
use ironroot_standing::{Lifecycle, Standing, Tier};
use ironroot_time::UnixTime;

use crate::devices::assurance;
use crate::{Activity, Views, words};

/// One look at the whole fleet, for certain questions.
pub(crate) struct Looking<'a> {
    views: &'a Views,
    sort: DeviceSort,
    now: UnixTime,
    /// Each profile's place in the order of names.
    profiles: BTreeMap<ProfileName, u64>,
    /// Most questions do without these two, and each costs a look-up for every device.
    activity: LookUp,
    certificates: LookUp,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LookUp {
    Wanted,
    Unwanted,
}

/// One device as questions see it; what is not wanted is empty.
pub(crate) struct Facts<'a> {
    pub(crate) standing: Standing,
    /// Where it is in its life, in the words of the API.
    pub(crate) life: ironroot_api::Lifecycle,
    row: &'a DeviceRow,
    activity: Activity,
    /// When the last of its certificates ends, seconds since 1970.
    certificate_ends: Option<u64>,
}

impl<'a> Looking<'a> {
    pub(crate) fn new(views: &'a Views, sort: DeviceSort, questions: &[DeviceQuery]) -> Self {
        let wanted = |by_sort, by_filter: fn(&DeviceQuery) -> bool| {
            if by_sort || questions.iter().any(by_filter) {
                LookUp::Wanted
            } else {
                LookUp::Unwanted
            }
        };
        let live = matches!(
            sort,
            DeviceSort::LastSeen
                | DeviceSort::Sessions
                | DeviceSort::Messages
                | DeviceSort::Refused
        );
        let names = views.registry.profiles();
        Self {
            views,
            sort,
            now: views.clock.now(),
            profiles: (0..)
                .zip(&names)
                .map(|(place, profile)| (profile.row.name.clone(), place))
                .collect(),
            activity: wanted(live, |query| {
                query.connected.is_some() || query.unseen_for_s.is_some()
            }),
            certificates: wanted(sort == DeviceSort::CertificateEnds, |query| {
                query.certificate_ends_in_s.is_some()
            }),
        }
    }

    /// Shows `see` the device.
    pub(crate) fn at(&self, device: &Device, see: impl FnOnce(&Facts<'_>)) {
        let activity = match self.activity {
            LookUp::Wanted => self.views.live.activity(device.subject().principal()),
            LookUp::Unwanted => Activity::default(),
        };
        device.inspect(|row, lifecycle| {
            let certificate_ends = match self.certificates {
                LookUp::Wanted => self.views.registry.certificates_end(&row.certificates),
                LookUp::Unwanted => None,
            };
            see(&Facts {
                standing: standing_of(row, lifecycle),
                life: words::life(row, lifecycle),
                row,
                activity,
                certificate_ends,
            });
        });
    }

    /// Whether the device meets every condition of the question.
    pub(crate) fn fits(&self, facts: &Facts<'_>, query: &DeviceQuery) -> bool {
        let Facts {
            standing,
            life,
            row,
            activity,
            certificate_ends,
        } = facts;
        let id = query.id.as_deref();
        let profile = query.profile.as_deref();
        let heard = activity.last_seen.map(|at| self.now.since(at).as_secs());
        let ends_in = certificate_ends.map(|at| at.saturating_sub(self.now.as_s()));
        // A serial whose claim was withdrawn is nobody's device: only who asks for it finds it.
        let counts = *life != ironroot_api::Lifecycle::Withdrawn || id.is_some();
        (query.lifecycle).map_or(counts, |wanted| wanted == *life)
            && (query.tier).is_none_or(|wanted| wanted == words::tier(standing.tier))
            && profile.is_none_or(|wanted| wanted == row.profile.as_str())
            && id.is_none_or(|part| row.id.as_str().contains(part))
            && (query.assurance).is_none_or(|wanted| Some(wanted) == assurance(row))
            && (query.connected).is_none_or(|wanted| wanted == (activity.sessions > 0))
            && (query.unseen_for_s).is_none_or(|span| heard.is_none_or(|heard| heard >= span))
            && (query.certificate_ends_in_s)
                .is_none_or(|span| ends_in.is_some_and(|left| left <= span))
    }

    /// Where the device stands in the order asked for; the first has the lowest number.
    pub(crate) fn order(&self, facts: &Facts<'_>) -> u64 {
        let most_first = |number: u64| u64::MAX - number;
        match self.sort {
            DeviceSort::Standing => gravity(facts.standing),
            DeviceSort::Id => 0,
            DeviceSort::Profile => {
                let place = self.profiles.get(&facts.row.profile);
                place.copied().unwrap_or(u64::MAX)
            }
            DeviceSort::Lifecycle => facts.standing.lifecycle as u64,
            DeviceSort::CertificateEnds => facts.certificate_ends.unwrap_or(u64::MAX),
            DeviceSort::Sessions => most_first(facts.activity.sessions.into()),
            DeviceSort::LastSeen => most_first(facts.activity.last_seen.map_or(0, UnixTime::as_ms)),
            DeviceSort::Messages => most_first(facts.activity.messages()),
            DeviceSort::Refused => most_first(facts.activity.traffic.refused),
        }
    }
}

fn standing_of(row: &DeviceRow, lifecycle: Lifecycle) -> Standing {
    Standing {
        lifecycle,
        ..row.standing()
    }
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
