//! Answers what is on record about certificates: a delegated responder for each issuing CA, and the responses
//! that were signed lately.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::body::Bytes;
use ironroot_identity::{CaNumber, CertificateSerial};
use ironroot_pki::NotSigned;
use ironroot_pki::authority::{Authority, IssuingCa};
use ironroot_pki::ocsp::{
    CertId, CertificateStatus, ErrorStatus, NoResponder, OcspRequest, OcspResponse, Responder,
    UnrecordedResponder,
};
use ironroot_registry::{Fact, KeyMaker, Registry, ResponderIssued};
use ironroot_time::{Clock, Rng, UnixTime};
use parking_lot::RwLock;

use super::ca_token;
use super::certificates::recorded;
use crate::drain::Drain;
use crate::fault::chain;
use crate::ledger::{Ledger, NotRecorded};

/// How long a responder's certificate is valid.
const RESPONDER_LIFETIME: Duration = Duration::from_secs(7 * 86_400);

/// How often the responders' age is looked at; a new issuing CA waits no longer for one of its own.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// How long a signed response is given out again, and may be kept by others.
pub const REUSE: Duration = Duration::from_secs(3_600);

/// How many signed responses are kept, of about 1,000 bytes each.
const KEPT_MAX: usize = 16_384;

/// Answers OCSP requests from memory.
#[derive(Debug)]
pub struct OcspDesk {
    authority: Arc<Authority>,
    registry: Arc<Registry>,
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    responders: ArcSwap<Vec<Arc<Responder>>>,
    kept: RwLock<HashMap<CertId, Kept>>,
}

/// An answer, and until when others may keep it.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The whole response in DER.
    pub body: Bytes,
    /// When it was signed, and by when there is a newer one; none for an answer to one asker alone.
    pub fresh: Option<Fresh>,
}

/// How long a response counts.
#[derive(Clone, Copy, Debug)]
pub struct Fresh {
    /// When it was signed.
    pub this_update: UnixTime,
    /// By when there is a newer one.
    pub next_update: UnixTime,
}

/// A response without a nonce, good to be given out again as long as what it says is so.
#[derive(Clone, Debug)]
struct Kept {
    status: CertificateStatus,
    body: Bytes,
    fresh: Fresh,
}

/// Why a CA has no responder.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// It could not be made.
    #[error("an OCSP responder could not be made")]
    Responder(#[from] NoResponder),
    /// Its certificate could not be recorded.
    #[error("an OCSP responder's certificate could not be recorded")]
    NotRecorded(#[from] NotRecorded),
}

impl OcspDesk {
    /// A desk that has no responder yet.
    pub fn new(
        authority: Arc<Authority>,
        registry: Arc<Registry>,
        ledger: Ledger,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Self {
        Self {
            authority,
            registry,
            ledger,
            clock,
            rng,
            responders: ArcSwap::default(),
            kept: RwLock::default(),
        }
    }

    /// Gives every issuing CA that has not ended a responder whose certificate is recorded and fresh.
    ///
    /// # Errors
    /// [`Unanswered`] of the last CA that has none; the responders before go on as long as they can.
    pub async fn appoint(&self) -> Result<(), Unanswered> {
        let mut outcome = Ok(());
        for ca in self.authority.issuing_cas() {
            if self.needs_responder(&ca) {
                // A CA whose key is lost holds up no other.
                match self.responder(&ca).await {
                    Ok(responder) => self.instate(responder),
                    Err(cause) => outcome = Err(cause),
                }
            }
        }
        outcome
    }

    fn instate(&self, responder: Responder) {
        let mut responders = Vec::clone(&self.responders.load());
        responders.retain(|known| known.ca() != responder.ca());
        responders.push(Arc::new(responder));
        self.responders.store(Arc::new(responders));
    }

    /// Whether certificates of this CA can be asked about.
    pub fn speaks_for(&self, ca: CaNumber) -> bool {
        let responders = self.responders.load();
        responders.iter().any(|responder| responder.ca() == ca)
    }

    /// Appoints responders until the hub drains.
    pub async fn keep_appointed(self: Arc<Self>, mut drain: Drain) {
        let mut reported = false;
        loop {
            tokio::select! {
                () = tokio::time::sleep(CHECK_INTERVAL) => {}
                () = drain.begun() => return,
            }
            match self.appoint().await {
                Ok(()) => reported = false,
                Err(cause) if !reported => {
                    reported = true;
                    tracing::error!(error = %chain(&cause), "An OCSP responder could not be renewed; trying again each second.");
                }
                Err(_reported) => {}
            }
        }
    }

    /// Answers a request; an error of the protocol is an answer too.
    pub fn answer(&self, request: &OcspRequest) -> Answer {
        let responders = self.responders.load();
        let responder = request
            .certificates
            .first()
            .and_then(|id| responders.iter().find(|responder| responder.speaks_for(id)));
        let Some(responder) = responder else {
            return Answer::error(ErrorStatus::Unauthorized);
        };
        let now = self.clock.now();
        if now >= responder.not_after() {
            return Answer::error(ErrorStatus::TryLater);
        }
        let answered = match (request.certificates.as_slice(), &request.nonce) {
            ([id], None) => self.kept_or_signed(responder, id, now),
            (ids, nonce) => responder
                .respond(ids, nonce.as_deref(), now, |serial| {
                    self.status(responder.ca(), serial)
                })
                .map(|response| Answer {
                    body: response.der.into(),
                    fresh: None,
                }),
        };
        answered.unwrap_or_else(|cause| {
            tracing::error!(error = %chain(&cause), "An OCSP response could not be signed.");
            Answer::error(ErrorStatus::TryLater)
        })
    }

    /// A response about one certificate of our own, to be stapled; none while its CA has no responder.
    pub fn staple(&self, ca: CaNumber, serial: CertificateSerial) -> Option<OcspResponse> {
        let responders = self.responders.load();
        let responder = responders.iter().find(|responder| responder.ca() == ca)?;
        let id = responder.cert_id(serial);
        let now = self.clock.now();
        responder
            .respond(&[id], None, now, |serial| self.status(ca, serial))
            .inspect_err(|cause| {
                tracing::error!(error = %chain(cause), "An OCSP response could not be signed.");
            })
            .ok()
    }

    fn kept_or_signed(
        &self,
        responder: &Responder,
        id: &CertId,
        now: UnixTime,
    ) -> Result<Answer, NotSigned> {
        let status = id.serial().map_or(CertificateStatus::Unknown, |serial| {
            self.status(responder.ca(), serial)
        });
        if let Some(kept) = self.kept.read().get(id)
            && kept.status == status
            && now.since(kept.fresh.this_update) < REUSE
            && now < kept.fresh.next_update
        {
            return Ok(Answer {
                body: kept.body.clone(),
                fresh: Some(kept.fresh),
            });
        }
        let signed = responder.respond(std::slice::from_ref(id), None, now, |_| status)?;
        let kept = Kept {
            status,
            body: signed.der.into(),
            fresh: Fresh {
                this_update: signed.this_update,
                next_update: signed.next_update,
            },
        };
        let answer = Answer {
            body: kept.body.clone(),
            fresh: Some(kept.fresh),
        };
        let mut all = self.kept.write();
        if all.len() >= KEPT_MAX {
            all.clear();
        }
        all.insert(id.clone(), kept);
        Ok(answer)
    }

    fn status(&self, ca: CaNumber, serial: CertificateSerial) -> CertificateStatus {
        match self.registry.known_certificate(&serial) {
            Some(known) if known.ca == ca => known
                .revoked
                .map_or(CertificateStatus::Good, CertificateStatus::Revoked),
            Some(_) | None => CertificateStatus::Unknown,
        }
    }

    fn needs_responder(&self, ca: &IssuingCa) -> bool {
        let now = self.clock.now();
        let responders = self.responders.load();
        let known = responders.iter().find(|known| known.ca() == ca.number());
        ca.not_after() > now
            && known.is_none_or(|known| {
                let until = known.not_after();
                until.since(now) < RESPONDER_LIFETIME / 3 && until < ca.not_after()
            })
    }

    /// Makes a responder; its certificate is in the journal before it signs anything.
    async fn responder(&self, ca: &IssuingCa) -> Result<Responder, Unanswered> {
        let mut serial = [0; 16];
        self.rng.fill(&mut serial);
        let now = self.clock.now();
        let serial = CertificateSerial::from_random(serial);
        let until = now.plus(RESPONDER_LIFETIME);
        let unrecorded = ca_token::waiting(ca.key(), || {
            UnrecordedResponder::make(ca, serial, now, until)
        })?;
        let fact = Fact::from(ResponderIssued {
            certificate: recorded(unrecorded.issued(), KeyMaker::Holder),
        });
        self.ledger.record(&fact).await?;
        Ok(unrecorded.recorded())
    }
}

impl Answer {
    /// An unsigned error.
    pub fn error(status: ErrorStatus) -> Self {
        Self {
            body: status.response().into(),
            fresh: None,
        }
    }
}
