//! Who may open a connection at all: bounds by number and by source, asked before any expensive work.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::Deserialize;
use tokio::time::Instant;

use super::proxy::Networks;

/// Bounds on connections to one door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdmissionSettings {
    /// Open connections in all.
    pub connections_max: usize,
    /// Open connections of one source: one IPv4 address, or one IPv6 network of 64 bits.
    pub connections_per_source_max: usize,
    /// New connections a second from one source, averaged over two seconds.
    pub connects_per_source_per_s: u32,
    /// Networks of load balancers, which say by the PROXY protocol whom they speak for; the bounds are then
    /// the device's. From these networks nothing else is taken.
    pub proxy_from: Networks,
}

impl Default for AdmissionSettings {
    fn default() -> Self {
        Self {
            connections_max: 50_000,
            connections_per_source_max: 20_000,
            connects_per_source_per_s: 1_000,
            proxy_from: Networks::default(),
        }
    }
}

/// Counts a door's connections.
#[derive(Debug)]
pub struct Admission {
    settings: AdmissionSettings,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    open: usize,
    /// Sources with open connections, and those whose credit is not whole again.
    sources: HashMap<IpAddr, Source>,
    swept: Option<Instant>,
}

#[derive(Debug)]
struct Source {
    open: usize,
    /// How many more connects are allowed at `at`.
    credit: f64,
    at: Instant,
}

/// A place among the open connections; given back when dropped.
#[derive(Debug)]
pub struct Pass {
    admission: Arc<Admission>,
    source: IpAddr,
}

/// Why a connection is closed unheard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAdmitted {
    /// The door is full.
    #[error("the door has as many connections as it may have")]
    Full,
    /// The source has too many.
    #[error("the source has as many connections as one may have")]
    SourceFull,
    /// The source comes too often.
    #[error("the source connects too often")]
    TooOften,
}

impl Admission {
    /// Nobody is in.
    pub fn new(settings: AdmissionSettings) -> Arc<Self> {
        Arc::new(Self {
            settings,
            state: Mutex::default(),
        })
    }

    /// Lets a connection from `address` in, if the bounds allow it.
    ///
    /// # Errors
    /// [`NotAdmitted`] names the bound.
    pub fn admit(self: &Arc<Self>, address: IpAddr) -> Result<Pass, NotAdmitted> {
        let (source, now) = (source_of(address), Instant::now());
        let mut state = self.state.lock();
        if state.open >= self.settings.connections_max {
            return Err(NotAdmitted::Full);
        }
        let rate = f64::from(self.settings.connects_per_source_per_s);
        state.sweep(rate, now);
        let known = state.sources.entry(source).or_insert(Source {
            open: 0,
            credit: 2.0 * rate,
            at: now,
        });
        known.refill(rate, now);
        if known.open >= self.settings.connections_per_source_max {
            return Err(NotAdmitted::SourceFull);
        }
        if known.credit < 1.0 {
            return Err(NotAdmitted::TooOften);
        }
        known.credit -= 1.0;
        known.open += 1;
        state.open += 1;
        Ok(Pass {
            admission: Arc::clone(self),
            source,
        })
    }

    /// Open connections.
    pub fn open(&self) -> usize {
        self.state.lock().open
    }
}

impl Source {
    fn refill(&mut self, rate: f64, now: Instant) {
        let elapsed = now.saturating_duration_since(self.at).as_secs_f64();
        self.credit = (self.credit + elapsed * rate).min(2.0 * rate);
        self.at = now;
    }
}

impl State {
    /// Forgets, at most once a second, the sources that have gone and owe nothing any more.
    fn sweep(&mut self, rate: f64, now: Instant) {
        let due = self
            .swept
            .is_none_or(|swept| now.saturating_duration_since(swept) >= SWEEP_INTERVAL);
        if due {
            self.swept = Some(now);
            self.sources.retain(|_, source| {
                source.refill(rate, now);
                source.open > 0 || source.credit < 2.0 * rate
            });
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut state = self.admission.state.lock();
        state.open = state.open.saturating_sub(1);
        if let Some(source) = state.sources.get_mut(&self.source) {
            source.open = source.open.saturating_sub(1);
        }
    }
}

fn source_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// How often sources are looked through to forget some.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> AdmissionSettings {
        AdmissionSettings {
            connections_max: 3,
            connections_per_source_max: 2,
            connects_per_source_per_s: 2,
            ..AdmissionSettings::default()
        }
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_door_admits_nobody_until_somebody_leaves() {
        let admission = Admission::new(small());
        let passes: Vec<_> = (1..=3)
            .map(|n| admission.admit(address(n)).unwrap())
            .collect();
        assert_eq!(admission.admit(address(9)).err(), Some(NotAdmitted::Full));
        drop(passes);
        assert!(admission.admit(address(9)).is_ok());
        assert_eq!(admission.open(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn one_source_cannot_take_all_places() {
        let admission = Admission::new(small());
        let _held = [
            admission.admit(address(1)).unwrap(),
            admission.admit(address(1)).unwrap(),
        ];
        assert_eq!(
            admission.admit(address(1)).err(),
            Some(NotAdmitted::SourceFull)
        );
        assert!(admission.admit(address(2)).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_connects_in_a_storm_has_to_wait() {
        let admission = Admission::new(small());
        for _ in 0..4 {
            assert!(admission.admit(address(1)).is_ok());
        }
        assert_eq!(
            admission.admit(address(1)).err(),
            Some(NotAdmitted::TooOften)
        );
        tokio::time::advance(Duration::from_millis(500)).await;
        assert!(admission.admit(address(1)).is_ok());
        assert_eq!(
            admission.admit(address(1)).err(),
            Some(NotAdmitted::TooOften)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_has_gone_and_owes_nothing_is_forgotten() {
        let admission = Admission::new(small());
        drop(admission.admit(address(1)).unwrap());
        assert_eq!(admission.state.lock().sources.len(), 1);
        tokio::time::advance(Duration::from_secs(5)).await;
        let _pass = admission.admit(address(2)).unwrap();
        assert!(!admission.state.lock().sources.contains_key(&address(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn one_ipv6_network_is_one_source() {
        let admission = Admission::new(small());
        let host = |n: u16| IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, n]);
        let _held = [
            admission.admit(host(1)).unwrap(),
            admission.admit(host(2)).unwrap(),
        ];
        assert_eq!(
            admission.admit(host(3)).err(),
            Some(NotAdmitted::SourceFull)
        );
    }
}
