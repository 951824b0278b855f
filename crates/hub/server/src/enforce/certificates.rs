//! Issues certificates: the number is drawn here, the fact for the journal comes with the certificate.
//!
//! The certificate must not leave before its fact is recorded; callers hand out [`Issued::pem`] and the DER
//! only after that.

use std::sync::Arc;
use std::time::Duration;

use ironroot_identity::CertificateSerial;
use ironroot_pki::CertificateDer;
use ironroot_pki::authority::{
    self, Authority, CertificateProfile, Issuance, IssueRefused, PkiUrls,
};
use ironroot_pki::key::PublicKey;
use ironroot_registry::{IssuedCertificate, KeyMaker};
use ironroot_time::{Rng, UnixTime};

use crate::clock::{HubClock, Stepped};
use crate::fault::Fault;

use super::ca_token;

/// Issues with the hub's CA.
#[derive(Clone, Debug)]
pub struct Issuer {
    authority: Arc<Authority>,
    urls: Arc<PkiUrls>,
    clock: Arc<HubClock>,
    rng: Arc<dyn Rng>,
}

/// Why a certificate is not issued.
#[derive(Debug, thiserror::Error)]
pub enum NotIssued {
    /// The time is not certain.
    #[error("no certificates are issued")]
    Clock(#[from] Stepped),
    /// The CA refuses.
    #[error("the CA does not issue")]
    Ca(#[from] IssueRefused),
}

impl NotIssued {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Clock(_) | Self::Ca(IssueRefused::KeyAway(_)) => Fault::Later,
            Self::Ca(_) => Fault::Ours,
        }
    }
}

/// A certificate and its fact.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The certificate.
    pub der: CertificateDer<'static>,
    /// The same as PEM.
    pub pem: String,
    /// When it ends.
    pub not_after: UnixTime,
    /// What the journal keeps of it.
    pub fact: IssuedCertificate,
}

impl Issuer {
    /// Issues with `authority`, whose certificates name `urls`.
    pub fn new(
        authority: Arc<Authority>,
        urls: PkiUrls,
        clock: Arc<HubClock>,
        rng: Arc<dyn Rng>,
    ) -> Self {
        Self {
            authority,
            urls: Arc::new(urls),
            clock,
            rng,
        }
    }

    /// The CA itself.
    pub fn authority(&self) -> &Arc<Authority> {
        &self.authority
    }

    /// Issues one certificate that lives for `lifetime` from now.
    ///
    /// # Errors
    /// [`NotIssued`] when the clock has jumped, the CA's own end is reached or a name cannot be written.
    pub fn issue(
        &self,
        profile: &CertificateProfile,
        public_key: &PublicKey,
        key_maker: KeyMaker,
        lifetime: Duration,
    ) -> Result<Issued, NotIssued> {
        let now = self.clock.trusted_now()?;
        let mut serial = [0; 16];
        self.rng.fill(&mut serial);
        let issuance = Issuance {
            profile,
            public_key,
            serial: CertificateSerial::from_random(serial),
            now,
            not_after: now.plus(lifetime),
            urls: &self.urls,
        };
        let ca = self.authority.current();
        let issued = ca_token::waiting(ca.key(), || ca.issue(&issuance))?;
        Ok(Issued {
            fact: recorded(&issued, key_maker),
            pem: issued.pem(),
            not_after: issued.not_after,
            der: issued.der,
        })
    }
}

/// What the journal keeps of a certificate.
pub fn recorded(issued: &authority::IssuedCertificate, key: KeyMaker) -> IssuedCertificate {
    IssuedCertificate {
        serial: issued.serial,
        ca: issued.ca,
        fingerprint: issued.fingerprint.to_string(),
        not_before: issued.not_before.as_s(),
        not_after: issued.not_after.as_s(),
        key,
    }
}
