//! Who is connected: every live session, by principal and client id.

use std::collections::HashMap;
use std::sync::Arc;

use ironroot_identity::{CertificateSerial, Principal};
use ironroot_mqtt::Version;
use ironroot_registry::Subject;
use ironroot_time::UnixTime;
use parking_lot::Mutex;

use crate::outbox::{Order, Outbox};
use crate::refusal::Refusal;

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
}

#[derive(Debug)]
struct Live {
    info: SessionInfo,
    outbox: Arc<Outbox>,
}

/// All live sessions. The key is the principal first, so nobody reaches another's session by a client id.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<ByPrincipal>);

#[derive(Debug, Default)]
struct ByPrincipal {
    live: HashMap<Principal, Vec<Live>>,
    count: usize,
    draining: bool,
}

impl Sessions {
    /// Lets a session in, and ends the one that the same principal had with the same client id
    /// (MQTT 5 section 3.1.4 [MQTT-3.1.4-3]).
    ///
    /// The Grant is read under the lock that [`Self::grant_changed`] takes: a session is either refused by
    /// the new Grant here, or found there.
    pub(crate) fn admit(
        &self,
        subject: &Subject,
        info: SessionInfo,
        outbox: &Arc<Outbox>,
    ) -> Result<(), Refusal> {
        let mut all = self.0.lock();
        if all.draining {
            return Err(Refusal::HubStops);
        }
        let grant = subject.grant();
        if !grant.may_connect() || subject.has_revoked(&info.certificate) {
            return Err(Refusal::ConnectNotGranted);
        }
        let own = all
            .live
            .get(subject.principal())
            .map_or(&[][..], Vec::as_slice);
        let known = own
            .iter()
            .position(|live| live.info.client_id == info.client_id);
        if known.is_none() && own.len() >= usize::from(grant.limits().sessions_max) {
            return Err(Refusal::TooManySessions);
        }
        let new = Live {
            info,
            outbox: outbox.clone(),
        };
        let own = all.live.entry(subject.principal().clone()).or_default();
        if let Some(old) = known.and_then(|at| own.get_mut(at)) {
            std::mem::replace(old, new).outbox.order(Order::TakenOver);
        } else {
            own.push(new);
            all.count += 1;
        }
        Ok(())
    }

    /// Takes a session out; it may have been taken over already.
    pub(crate) fn leave(&self, principal: &Principal, outbox: &Outbox) {
        let mut all = self.0.lock();
        let Some(own) = all.live.get_mut(principal) else {
            return;
        };
        let Some(at) = own
            .iter()
            .position(|live| live.outbox.number() == outbox.number())
        else {
            return;
        };
        own.swap_remove(at);
        if own.is_empty() {
            all.live.remove(principal);
        }
        all.count -= 1;
    }

    /// Cuts every session of `subject` that its Grant no longer allows, or whose certificate was revoked.
    pub(crate) fn grant_changed(&self, subject: &Subject) {
        let all = self.0.lock();
        let may_connect = subject.grant().may_connect();
        let own = all
            .live
            .get(subject.principal())
            .map_or(&[][..], Vec::as_slice);
        for live in own {
            if !may_connect || subject.has_revoked(&live.info.certificate) {
                live.outbox.order(Order::Cut);
            }
        }
    }

    /// Ends every session, and lets no new one in.
    pub(crate) fn drain(&self) {
        let mut all = self.0.lock();
        all.draining = true;
        for live in all.live.values().flatten() {
            live.outbox.order(Order::ShuttingDown);
        }
    }

    /// The principal's live sessions.
    pub(crate) fn of(&self, principal: &Principal) -> Vec<SessionInfo> {
        let all = self.0.lock();
        let own = all.live.get(principal).map_or(&[][..], Vec::as_slice);
        own.iter().map(|live| live.info.clone()).collect()
    }

    /// How many sessions there are.
    pub(crate) fn count(&self) -> usize {
        self.0.lock().count
    }
}
