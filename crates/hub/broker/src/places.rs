//! Where a principal comes from, and whether one certificate of it is used in two places at once.
//!
//! Two things are noticed. *Overlap*: two live sessions by the same certificate come from more sources than the
//! profile allows, and the older one is heard from ten seconds after the younger one began: it is no connection
//! that died without a word. *Alternation*: sessions by the same certificate begin here, there, and here again,
//! three times in ten minutes: two clients take one session from each other.
//!
//! A device that moves from one network to another, sits behind a NAT or comes from another address each time
//! does neither. What is noticed is told once for as long as it goes on, and for an hour after.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use ironroot_identity::{CertificateSerial, Principal};
use ironroot_time::UnixTime;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::outbox::Outbox;

/// Sources that are remembered of one principal.
const SOURCES_MAX: usize = 8;

/// How long the older of two sessions must go on before that counts.
const OVERLAP: Duration = Duration::from_secs(10);

/// Within what time returns are counted, and how many of them count.
const RETURNS_WITHIN: Duration = Duration::from_secs(600);
const RETURNS: usize = 3;

/// How long it must be quiet before the same is told again.
const EPISODE: Duration = Duration::from_secs(3_600);

/// Overlaps that are watched at one time, and notices that wait to be taken; what is beyond is not noticed.
const WATCHED_MAX: usize = 1_024;

/// One certificate was used in two places at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InTwoPlaces {
    /// Whose it is.
    pub principal: Principal,
    /// Its serial number.
    pub certificate: CertificateSerial,
    /// Where it was used.
    pub sources: [IpAddr; 2],
    /// How that showed.
    pub how: TwoPlaces,
}

/// How it showed that a certificate is used in two places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TwoPlaces {
    /// Sessions in both went on at the same time.
    Overlap,
    /// Sessions began here and there by turns.
    Alternation,
}

/// An address that a principal came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The address.
    pub address: IpAddr,
    /// When a session from there began last, in milliseconds since 1970.
    pub last_ms: u64,
}

/// The places of one principal; touched when a session begins.
#[derive(Debug, Default)]
pub(crate) struct Places(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    /// The latest last.
    sources: Vec<Source>,
    /// The certificate that the rest is about.
    certificate: Option<CertificateSerial>,
    /// When it was used where another had been, and it before.
    returns: VecDeque<UnixTime>,
    /// When it was last noticed.
    noticed: Option<UnixTime>,
}

/// Two sessions by one certificate from two sources, of which the older may be dead.
#[derive(Debug)]
pub(crate) struct Overlap {
    pub(crate) notice: InTwoPlaces,
    pub(crate) older: Arc<Outbox>,
    pub(crate) younger: Arc<Outbox>,
    pub(crate) since: UnixTime,
}

/// What is watched, and what was noticed and nobody was told yet.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    overlaps: Mutex<Vec<Overlap>>,
    noticed: Mutex<Vec<InTwoPlaces>>,
}

impl Places {
    pub(crate) fn restore(sources: Vec<Source>) -> Self {
        Self(Mutex::new(Seen {
            sources,
            ..Seen::default()
        }))
    }

    pub(crate) fn sources(&self) -> Vec<Source> {
        self.0.lock().sources.clone()
    }

    /// Notes that a session by `certificate` begins from `address`; says from where else one had begun, if they
    /// alternate between more than `sources_max`.
    pub(crate) fn arrive(
        &self,
        certificate: CertificateSerial,
        address: IpAddr,
        sources_max: usize,
        now: UnixTime,
    ) -> Option<IpAddr> {
        let mut seen = self.0.lock();
        if seen.certificate != Some(certificate) {
            seen.certificate = Some(certificate);
            seen.returns.clear();
            seen.noticed = None;
        }
        let before = seen.sources.last().copied();
        let recent =
            |source: &&Source| now.since(UnixTime::from_ms(source.last_ms)) <= RETURNS_WITHIN;
        let places = seen
            .sources
            .iter()
            .filter(recent)
            .map(|source| place(source.address));
        let mut places: Vec<_> = places.collect();
        let returns = before.is_some_and(|before| place(before.address) != place(address))
            && places.contains(&place(address));
        seen.sources.retain(|source| source.address != address);
        if seen.sources.len() >= SOURCES_MAX {
            seen.sources.remove(0);
        }
        seen.sources.push(Source {
            address,
            last_ms: now.as_ms(),
        });
        if !returns {
            return None;
        }
        places.sort_unstable();
        places.dedup();
        seen.returns.retain(|at| now.since(*at) <= RETURNS_WITHIN);
        seen.returns.push_back(now);
        let alternates = seen.returns.len() >= RETURNS;
        if alternates {
            seen.returns.pop_front();
        }
        (alternates && sources_max > 0 && places.len() > sources_max)
            .then(|| before.map(|before| before.address))?
    }

    /// Whether this is to be told, or was before.
    fn begins_episode(&self, now: UnixTime) -> bool {
        let mut seen = self.0.lock();
        let before = seen.noticed.replace(now);
        before.is_none_or(|before| now.since(before) > EPISODE)
    }
}

impl Watch {
    /// Watches whether both sessions go on.
    pub(crate) fn over(&self, overlap: Overlap) {
        let mut overlaps = self.overlaps.lock();
        if overlaps.len() < WATCHED_MAX {
            overlaps.push(overlap);
        }
    }

    /// Notices what alternates.
    pub(crate) fn notice(&self, notice: InTwoPlaces, places: &Places, now: UnixTime) {
        let mut noticed = self.noticed.lock();
        if places.begins_episode(now) && noticed.len() < WATCHED_MAX {
            noticed.push(notice);
        }
    }

    /// Looks whether what overlaps goes on; forgets what has ended.
    pub(crate) fn look(&self, now: UnixTime) {
        let mut overlaps = self.overlaps.lock();
        let proven = overlaps.extract_if(.., |overlap| overlap.has_shown() || overlap.is_over());
        let proven: Vec<_> = proven.filter(Overlap::has_shown).collect();
        drop(overlaps);
        for Overlap { notice, older, .. } in proven {
            self.notice(notice, &older.counters().places, now);
        }
    }

    /// What was noticed since the last call.
    pub(crate) fn take(&self) -> Vec<InTwoPlaces> {
        std::mem::take(&mut self.noticed.lock())
    }
}

impl Overlap {
    fn has_shown(&self) -> bool {
        let goes_on = |outbox: &Outbox| outbox.heard() >= self.since.plus(OVERLAP);
        goes_on(&self.older) && goes_on(&self.younger)
    }

    fn is_over(&self) -> bool {
        !(self.older.is_connected() && self.younger.is_connected())
    }
}

/// What counts as one place: an address, or for IPv6 the network of 64 bits that a host chooses its addresses in
/// (RFC 8981).
pub(crate) fn place(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from(u128::from(v6) >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 7));

    fn certificate(n: u8) -> CertificateSerial {
        CertificateSerial::from_random([n; 16])
    }

    /// What follows when sessions begin at these seconds, from these addresses.
    fn told(arrivals: &[(u64, IpAddr)], sources_max: usize) -> Vec<Option<IpAddr>> {
        let places = Places::default();
        let arrive = |&(at, from): &(u64, IpAddr)| {
            places.arrive(
                certificate(1),
                from,
                sources_max,
                UnixTime::from_s(1_000_000 + at),
            )
        };
        arrivals.iter().map(arrive).collect()
    }

    #[test]
    fn alternation_is_noticed_at_the_third_return() {
        let arrivals: Vec<_> = (0..6)
            .map(|n| (n, if n % 2 == 0 { HERE } else { THERE }))
            .collect();
        assert_eq!(
            told(&arrivals, 1),
            [None, None, None, None, Some(THERE), Some(HERE)]
        );
        assert_eq!(
            told(&arrivals, 2),
            [None; 6],
            "the profile allows two places"
        );
        assert_eq!(
            told(&arrivals, 0),
            [None; 6],
            "the profile does not want to know"
        );
    }

    #[test]
    fn who_roams_is_not_noticed() {
        let slowly: Vec<_> = (0..20)
            .map(|n| (n * 301, if n % 2 == 0 { HERE } else { THERE }))
            .collect();
        assert!(
            told(&slowly, 1).iter().all(Option::is_none),
            "every five minutes"
        );
        let each_new: Vec<_> = (0..200_u8)
            .map(|n| (n.into(), IpAddr::from([192, 0, 2, n])))
            .collect();
        assert!(
            told(&each_new, 1).iter().all(Option::is_none),
            "a pool of addresses"
        );
        let same: Vec<_> = (0..50).map(|n| (n, HERE)).collect();
        assert!(told(&same, 1).iter().all(Option::is_none));
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_one_place() {
        let host = |n: u16| IpAddr::from([0x2001, 0xdb8, 0, 7, 0, 0, 0, n]);
        let arrivals: Vec<_> = (0..10).map(|n| (n.into(), host(n % 2))).collect();
        assert!(told(&arrivals, 1).iter().all(Option::is_none));
        let mapped = IpAddr::V6(std::net::Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped());
        assert_eq!(place(mapped), HERE);
    }

    #[test]
    fn another_certificate_begins_anew() {
        let places = Places::default();
        for n in 0..20_u8 {
            let from = if n % 2 == 0 { HERE } else { THERE };
            let told = places.arrive(certificate(n % 2), from, 1, UnixTime::from_s(u64::from(n)));
            assert_eq!(told, None);
        }
    }

    #[test]
    fn no_more_than_eight_sources_are_remembered() {
        let places = Places::default();
        for n in 0..20 {
            let from = IpAddr::from([192, 0, 2, n]);
            places.arrive(
                certificate(1),
                from,
                1,
                UnixTime::from_s(u64::from(n) * 10_000),
            );
        }
        let sources = places.sources();
        assert_eq!(sources.len(), SOURCES_MAX);
        assert_eq!(
            sources.last().unwrap().address,
            IpAddr::from([192, 0, 2, 19])
        );
    }
}
