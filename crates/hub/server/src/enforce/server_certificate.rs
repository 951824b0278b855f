//! The certificate of the hub's own doors: issued at start-up, and again long before it ends.

use std::sync::Arc;
use std::time::Duration;

use ironroot_identity::CertificateSerial;
use ironroot_pki::authority::{Authority, PkiUrls};
use ironroot_pki::tls::{
    NoServerCertificate, ServerCertificate, ServerCertificateOrder, UnshownCertificate,
};
use ironroot_registry::{Fact, IssuedCertificate, KeyMaker};
use ironroot_time::{Clock, Rng, UnixTime};
use rustls::pki_types::ServerName;

use crate::drain::Drain;
use crate::fault::chain;
use crate::ledger::{Ledger, NotRecorded};

/// How long the certificate is valid.
const LIFETIME: Duration = Duration::from_secs(30 * 86_400);

/// How often its age is looked at.
const CHECK_INTERVAL: Duration = Duration::from_secs(3_600);

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
    /// The present moment.
    pub clock: Arc<dyn Clock>,
    /// Draws serial numbers.
    pub rng: Arc<dyn Rng>,
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
    pub async fn begin(&self) -> Result<(Arc<ServerCertificate>, UnixTime), NoIdentity> {
        let (unshown, not_after) = self.issue().await?;
        Ok((Arc::new(ServerCertificate::new(unshown)), not_after))
    }

    /// Replaces the certificate when a third of its life is left, until the hub drains.
    pub async fn keep_fresh(
        self,
        shown: Arc<ServerCertificate>,
        mut not_after: UnixTime,
        mut drain: Drain,
    ) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(CHECK_INTERVAL) => {}
                () = drain.begun() => return,
            }
            if not_after.since(self.clock.now()) > LIFETIME / 3 {
                continue;
            }
            match self.issue().await {
                Ok((unshown, until)) => {
                    shown.replace(unshown);
                    not_after = until;
                }
                Err(cause) => {
                    tracing::error!(error = %chain(&cause), certificate.not_after = %not_after, "The hub's own certificate could not be renewed.");
                }
            }
        }
    }

    async fn issue(&self) -> Result<(UnshownCertificate, UnixTime), NoIdentity> {
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
        let fact = Fact::ServerIssued {
            names: self
                .names
                .iter()
                .map(|name| name.to_str().into_owned())
                .collect(),
            certificate: IssuedCertificate {
                ca: issued.ca,
                serial: issued.serial,
                fingerprint: issued.fingerprint.to_string(),
                not_before: issued.not_before.as_s(),
                not_after: issued.not_after.as_s(),
                key: KeyMaker::Holder,
            },
        };
        let not_after = issued.not_after;
        self.ledger.record(&fact).await?;
        Ok((unshown, not_after))
    }
}
