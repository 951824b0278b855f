//! Whose sessions there are, connected or not: by principal and client id.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use ironroot_identity::{CertificateSerial, Principal};
use ironroot_mqtt::Version;
use ironroot_registry::Subject;
use ironroot_time::UnixTime;
use parking_lot::Mutex;

use crate::outbox::{Lifetime, Order, Outbox, SessionNumber};
use crate::refusal::Refusal;
use crate::session::{DueWill, Parked};

/// A live session, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionInfo {
    /// The client id that it was opened with, or was given.
    pub client_id: Box<str>,
    /// Which MQTT it speaks.
    pub version: Version,
    /// When it was opened.
    pub since: UnixTime,
    /// The certificate that it lives by.
    pub certificate: CertificateSerial,
    /// Where its client comes from.
    pub address: IpAddr,
}

/// What a client that asks to be let in wants of the session that it may have left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// To begin anew (MQTT 5 section 3.1.2.4).
    Clean,
    /// To go on with it.
    Resume,
}

/// How a client was let in.
#[derive(Debug)]
pub(crate) enum Admitted {
    /// With a session that has just begun.
    New,
    /// With the session that it left behind.
    Resumed(Box<Parked>),
    /// Not yet: its earlier connection, which this is the queue of, must give up the session first.
    After(Arc<Outbox>),
}

/// All sessions. The key is the principal first, so nobody reaches another's session by a client id.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<ByPrincipal>);

#[derive(Debug, Default)]
struct ByPrincipal {
    held: HashMap<Principal, Vec<Held>>,
    connected: usize,
    parked: usize,
    draining: bool,
}

#[derive(Debug)]
struct Held {
    client_id: Box<str>,
    outbox: Arc<Outbox>,
    client: Client,
}

#[derive(Debug)]
enum Client {
    /// Its connection has the session's state.
    Connected(SessionInfo),
    Away(Box<Parked>),
}

/// What has come to its end, or its moment, while the client was away.
#[derive(Debug, Default)]
pub(crate) struct Due {
    pub(crate) ended: Vec<Parked>,
    pub(crate) wills: Vec<(SessionNumber, DueWill)>,
}

impl Sessions {
    /// Lets a client in. The session that the same principal has with the same client id is resumed or ended
    /// (MQTT 5 section 3.1.4 [MQTT-3.1.4-3]); what was parked and is to be ended is added to `ended`.
    ///
    /// The Grant is read under the lock that [`Self::grant_changed`] takes: a session is either refused by
    /// the new Grant here, or found there.
    pub(crate) fn admit(
        &self,
        subject: &Subject,
        info: SessionInfo,
        outbox: &Arc<Outbox>,
        start: Start,
        ended: &mut Vec<Parked>,
    ) -> Result<Admitted, Refusal> {
        let mut all = self.0.lock();
        if all.draining {
            return Err(Refusal::HubStops);
        }
        let grant = subject.grant();
        if !grant.may_connect() || subject.has_revoked(&info.certificate) {
            return Err(Refusal::ConnectNotGranted);
        }
        let sessions_max = usize::from(grant.limits().sessions_max);
        let (principal, all) = (subject.principal(), &mut *all);
        let known = all
            .of(principal)
            .position(|held| held.client_id == info.client_id);
        if let Some(at) = known {
            return Ok(all.rejoin((principal, at), info, outbox, start, ended));
        }
        if all.connected_of(principal).count() >= sessions_max {
            return Err(Refusal::TooManySessions);
        }
        all.make_room(principal, sessions_max, ended);
        all.held.entry(principal.clone()).or_default().push(Held {
            client_id: info.client_id.clone(),
            outbox: outbox.clone(),
            client: Client::Connected(info),
        });
        all.connected += 1;
        Ok(Admitted::New)
    }

    /// Takes a connection out, and keeps what it leaves behind. What is not to be kept comes back: the session
    /// was taken over, or its principal's life has ended.
    pub(crate) fn leave(
        &self,
        principal: &Principal,
        outbox: &Outbox,
        left: Option<Box<Parked>>,
    ) -> Option<Box<Parked>> {
        let mut all = self.0.lock();
        let all = &mut *all;
        let own = all
            .held
            .get_mut(principal)
            .map_or(&mut [][..], Vec::as_mut_slice);
        let at = own.iter().position(|held| held.is(outbox));
        let Some((at, held)) = at.and_then(|at| own.get_mut(at).map(|held| (at, held))) else {
            return left;
        };
        all.connected -= 1;
        match left {
            Some(left) if outbox.lifetime() == Lifetime::Session => {
                held.client = Client::Away(left);
                all.parked += 1;
                outbox.park();
                None
            }
            left => {
                all.remove(principal, at);
                left
            }
        }
    }

    /// Takes in a session of an earlier life of the hub.
    pub(crate) fn restore(&self, principal: &Principal, client_id: Box<str>, parked: Parked) {
        let mut all = self.0.lock();
        let outbox = parked.state.outbox.clone();
        let client = Client::Away(Box::new(parked));
        all.held.entry(principal.clone()).or_default().push(Held {
            client_id,
            outbox,
            client,
        });
        all.parked += 1;
    }

    /// Cuts every session of `subject` that its Grant no longer allows, or whose certificate was revoked.
    pub(crate) fn grant_changed(&self, subject: &Subject) {
        let all = self.0.lock();
        let may_connect = subject.grant().may_connect();
        for (outbox, info) in all.connected_of(subject.principal()) {
            if !may_connect || subject.has_revoked(&info.certificate) {
                outbox.order(Order::Cut);
            }
        }
    }

    /// Gives up what a principal left behind, and keeps nothing of what it still has; the parked sessions are
    /// to be ended.
    pub(crate) fn forget(&self, principal: &Principal) -> Vec<Parked> {
        let mut all = self.0.lock();
        for held in all.of(principal) {
            held.outbox.end_with_connection();
        }
        all.take_parked(principal, |_| true)
    }

    /// What is due by `now` of the sessions whose clients are away.
    pub(crate) fn due(&self, now: UnixTime) -> Due {
        let mut all = self.0.lock();
        let mut due = Due::default();
        if all.parked == 0 {
            return due;
        }
        let mut expired = Vec::new();
        for (principal, own) in &mut all.held {
            for parked in own.iter_mut().filter_map(Held::parked_mut) {
                if parked.expires <= now {
                    expired.push(principal.clone());
                } else if parked.will.as_ref().is_some_and(|will| will.at <= now) {
                    let session = parked.state.outbox.number();
                    due.wills
                        .extend(parked.will.take().map(|will| (session, will)));
                }
            }
        }
        for principal in expired {
            let ended = all.take_parked(&principal, |parked| parked.expires <= now);
            due.ended.extend(ended);
        }
        due
    }

    /// Ends every session, and lets no new one in.
    pub(crate) fn drain(&self) {
        let mut all = self.0.lock();
        all.draining = true;
        for held in all.held.values().flatten() {
            held.outbox.order(Order::ShuttingDown);
        }
    }

    /// The principal's live sessions.
    pub(crate) fn of(&self, principal: &Principal) -> Vec<SessionInfo> {
        let all = self.0.lock();
        let connected = all.connected_of(principal);
        connected.map(|(_, info)| info.clone()).collect()
    }

    /// The principal's live sessions by this certificate, with where their clients come from.
    pub(crate) fn by_certificate(
        &self,
        principal: &Principal,
        certificate: &CertificateSerial,
    ) -> Vec<(Arc<Outbox>, IpAddr)> {
        let all = self.0.lock();
        let held = all.of(principal).filter_map(|held| match &held.client {
            Client::Connected(info) if info.certificate == *certificate => {
                Some((held.outbox.clone(), info.address))
            }
            Client::Connected(_) | Client::Away(_) => None,
        });
        held.collect()
    }

    /// How many clients are connected.
    pub(crate) fn connected(&self) -> usize {
        self.0.lock().connected
    }

    /// How many sessions wait for their clients.
    pub(crate) fn parked(&self) -> usize {
        self.0.lock().parked
    }
}

impl ByPrincipal {
    fn of(&self, principal: &Principal) -> impl Iterator<Item = &Held> {
        self.held.get(principal).into_iter().flatten()
    }

    /// The principal's sessions whose clients are connected.
    fn connected_of(&self, principal: &Principal) -> impl Iterator<Item = (&Outbox, &SessionInfo)> {
        self.of(principal).filter_map(|held| match &held.client {
            Client::Connected(info) => Some((&*held.outbox, info)),
            Client::Away(_) => None,
        })
    }

    /// Lets a client in whose principal has a session with its client id, at this place.
    fn rejoin(
        &mut self,
        (principal, at): (&Principal, usize),
        info: SessionInfo,
        outbox: &Arc<Outbox>,
        start: Start,
        ended: &mut Vec<Parked>,
    ) -> Admitted {
        let known = self.held.get_mut(principal).and_then(|own| own.get_mut(at));
        let Some(known) = known else {
            return Admitted::New;
        };
        let since = info.since;
        if let Client::Connected(_) = known.client {
            known.outbox.order(Order::TakenOver);
            if start == Start::Resume && known.outbox.lifetime() == Lifetime::Session {
                return Admitted::After(known.outbox.clone());
            }
        }
        let before = std::mem::replace(&mut known.client, Client::Connected(info));
        let parked = match before {
            Client::Connected(_) => {
                known.outbox = outbox.clone();
                return Admitted::New;
            }
            Client::Away(parked) => parked,
        };
        self.parked -= 1;
        self.connected += 1;
        if start == Start::Resume && parked.expires > since {
            return Admitted::Resumed(parked);
        }
        known.outbox = outbox.clone();
        ended.push(*parked);
        Admitted::New
    }

    /// Ends the parked session that expires first where the principal would else hold more than it may.
    fn make_room(&mut self, principal: &Principal, sessions_max: usize, ended: &mut Vec<Parked>) {
        if self.of(principal).count() < sessions_max {
            return;
        }
        let parked = self.of(principal).filter_map(Held::parked);
        if let Some(first) = parked.map(|parked| parked.expires).min() {
            ended.extend(self.take_parked(principal, |parked| parked.expires == first));
        }
    }

    fn take_parked(
        &mut self,
        principal: &Principal,
        which: impl Fn(&Parked) -> bool,
    ) -> Vec<Parked> {
        let Some(own) = self.held.get_mut(principal) else {
            return Vec::new();
        };
        let taken: Vec<_> = own
            .extract_if(.., |held| held.parked().is_some_and(&which))
            .filter_map(|held| match held.client {
                Client::Away(parked) => Some(*parked),
                Client::Connected(_) => None,
            })
            .collect();
        if own.is_empty() {
            self.held.remove(principal);
        }
        self.parked -= taken.len();
        taken
    }

    fn remove(&mut self, principal: &Principal, at: usize) {
        if let Some(own) = self.held.get_mut(principal) {
            own.swap_remove(at);
            if own.is_empty() {
                self.held.remove(principal);
            }
        }
    }
}

impl Held {
    /// Whether this is the connected session with that queue.
    fn is(&self, outbox: &Outbox) -> bool {
        self.parked().is_none() && self.outbox.number() == outbox.number()
    }

    fn parked(&self) -> Option<&Parked> {
        match &self.client {
            Client::Away(parked) => Some(parked),
            Client::Connected(_) => None,
        }
    }

    fn parked_mut(&mut self) -> Option<&mut Parked> {
        match &mut self.client {
            Client::Away(parked) => Some(parked),
            Client::Connected(_) => None,
        }
    }
}
