//! The certificate of the hub's own doors: issued at start-up, again long before it ends, when the issuing CA
//! changes and when it is revoked; with an OCSP response stapled to it that is never old.

use std::sync::Arc;
use std::time::Duration;

use ironroot_identity::{CaNumber, CertificateSerial};
use ironroot_pki::authority::{Authority, PkiUrls};
use ironroot_pki::tls::{
    NoServerCertificate, ServerCertificate, ServerCertificateOrder, UnshownCertificate,
};
use ironroot_registry::{Fact, KeyMaker, Registry, ServerIssued};
use ironroot_time::{Clock, Rng, UnixTime};
use rustls::pki_types::ServerName;

use super::certificates::recorded;
use super::ocsp::{OcspDesk, REUSE};
use crate::drain::Drain;
use crate::fault::chain;
use crate::ledger::{Ledger, NotRecorded};

/// How long the certificate is valid.
const LIFETIME: Duration = Duration::from_secs(30 * 86_400);

/// How often it is looked at.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Issues the hub's own certificate and keeps it fresh.
#[derive(Debug)]
pub struct ServerIdentity {
    /// The CA.
    pub authority: Arc<Authority>,
    /// Where to ask about the certificate.
    pub urls: PkiUrls,
    /// The names that clients reach the hub by.
    pub names: Vec<ServerName<'static>>,
    /// Where the certificate is recorded before it is shown.
    pub ledger: Ledger,
    /// Knows whether it was revoked.
    pub registry: Arc<Registry>,
    /// Signs the response that is stapled to it.
    pub ocsp: Arc<OcspDesk>,
    /// The present moment.
    pub clock: Arc<dyn Clock>,
    /// Draws serial numbers.
    pub rng: Arc<dyn Rng>,
}

/// What the doors show.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    serial: CertificateSerial,
    ca: CaNumber,
    not_after: UnixTime,
    stapled: Option<UnixTime>,
}

/// Why the doors have no certificate.
#[derive(Debug, thiserror::Error)]
pub enum NoIdentity {
    /// It could not be made.
    #[error("the hub's own certificate could not be made")]
    Certificate(#[from] NoServerCertificate),
    /// It could not be recorded.
    #[error("the hub's own certificate could not be recorded")]
    NotRecorded(#[from] NotRecorded),
}

impl ServerIdentity {
    /// Issues and records the certificate that the doors are to show first.
    ///
    /// # Errors
    /// [`NoIdentity`]; the doors stay shut.
    pub async fn begin(&self) -> Result<(Arc<ServerCertificate>, Shown), NoIdentity> {
        let (unshown, shown) = self.issue().await?;
        Ok((Arc::new(ServerCertificate::new(unshown)), shown))
    }

    /// Replaces certificate and staple when it is time, until the hub drains.
    pub async fn keep_fresh(
        self,
        certificate: Arc<ServerCertificate>,
        mut shown: Shown,
        mut drain: Drain,
    ) {
        let mut reported = false;
        loop {
            tokio::select! {
                () = tokio::time::sleep(CHECK_INTERVAL) => {}
                () = drain.begun() => return,
            }
            if self.is_due(&shown) {
                match self.issue().await {
                    Ok((unshown, next)) => {
                        certificate.replace(unshown);
                        shown = next;
                        reported = false;
                    }
                    Err(cause) if !reported => {
                        reported = true;
                        tracing::error!(error = %chain(&cause), certificate.not_after = %shown.not_after, "The hub's own certificate could not be renewed; trying again each second.");
                    }
                    Err(_reported) => {}
                }
            }
            let now = self.clock.now();
            if shown.stapled.is_none_or(|at| now.since(at) >= REUSE) {
                let staple = self.ocsp.staple(shown.ca, shown.serial);
                shown.stapled = staple.as_ref().map(|response| response.this_update);
                certificate.staple(staple.map(|response| response.der));
            }
        }
    }

    fn is_due(&self, shown: &Shown) -> bool {
        let known = self.registry.known_certificate(&shown.serial);
        shown.not_after.since(self.clock.now()) <= LIFETIME / 3
            || shown.ca != self.authority.current().number()
            || known.is_some_and(|known| known.revoked.is_some())
    }

    async fn issue(&self) -> Result<(UnshownCertificate, Shown), NoIdentity> {
        let mut serial = [0; 16];
        self.rng.fill(&mut serial);
        let now = self.clock.now();
        let unshown = UnshownCertificate::make(
            &self.authority,
            ServerCertificateOrder {
                names: self.names.clone(),
                serial: CertificateSerial::from_random(serial),
                now,
                not_after: now.plus(LIFETIME),
                urls: &self.urls,
            },
        )?;
        let issued = unshown.issued();
        let fact = Fact::from(ServerIssued {
            names: self
                .names
                .iter()
                .map(|name| name.to_str().into_owned())
                .collect(),
            certificate: recorded(issued, KeyMaker::Holder),
        });
        self.ledger.record(&fact).await?;
        // Only now does the record know it, so that the response says that it is good.
        let staple = self.ocsp.staple(issued.ca, issued.serial);
        let shown = Shown {
            serial: issued.serial,
            ca: issued.ca,
            not_after: issued.not_after,
            stapled: staple.as_ref().map(|response| response.this_update),
        };
        let staple = staple.map(|response| response.der);
        Ok((unshown.with_staple(staple), shown))
    }
}
