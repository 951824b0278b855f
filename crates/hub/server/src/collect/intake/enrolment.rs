//! Enrolment: who may have a certificate, for which key; a certificate leaves only after it is recorded.

mod key;
mod refused;
mod renewal;

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use ironroot_identity::{DeviceId, Principal, ProfileName};
use ironroot_pki::CertificateDer;
use ironroot_pki::authority::CertificateProfile;
use ironroot_pki::csr::{Csr, RequestedNames};
use ironroot_pki::peer::{PeerCertificate, PeerIdentity};
use ironroot_pki::tls::ServerCertificate;
use ironroot_registry::{
    Credential, Device, DeviceEnrolled, DeviceEnrolmentRepeated, DeviceRow, Fact, KeyMaker,
    Profile, Registry,
};
use ironroot_standing::Lifecycle;
use ironroot_store::Store;
use ironroot_time::Clock;

use super::secrets::{claim_secret, token_matches};
use crate::enforce::certificates::{Issued, Issuer};
use crate::ledger::{Ledger, unreadable};
pub use key::{KeyBody, WantedKey};
pub use refused::EnrolRefused;

/// Judges applications for certificates.
#[derive(Debug)]
pub struct Enrolment {
    ledger: Ledger,
    registry: Arc<Registry>,
    issuer: Issuer,
    clock: Arc<dyn Clock>,
    /// What signs the keys that the hub makes.
    signer: Arc<ServerCertificate>,
}

/// How an applicant for a first certificate says who it is.
#[derive(Debug)]
pub enum Applicant<'a> {
    /// By a serial and the token of its claim.
    Token {
        /// The serial.
        serial: &'a str,
        /// The token.
        token: &'a str,
    },
    /// By a certificate that the handshake has verified.
    Certificate(&'a PeerCertificate),
}

/// What an applicant asks for.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'a> {
    /// A certificate for its own key.
    Certificate(&'a Csr),
    /// A key made by the hub, and a certificate for it.
    Key(WantedKey<'a>),
}

/// What it gets.
#[derive(Debug)]
pub struct Enrolled {
    /// The certificate.
    pub certificate: CertificateDer<'static>,
    /// Its key, if the hub made it; it exists nowhere else.
    pub key: Option<KeyBody>,
}

/// A key whose possession was proved, and what its certificate is to say.
struct Order {
    csr: Csr,
    /// To be handed out with the certificate.
    key: Option<KeyBody>,
}

impl Wanted<'_> {
    fn names(&self) -> &RequestedNames {
        match self {
            Self::Certificate(csr) => csr.names(),
            Self::Key(wanted) => wanted.request.names(),
        }
    }

    /// SHA-256 of the key that it brings, in hexadecimal digits.
    fn spki_digest(&self) -> Option<String> {
        match self {
            Self::Certificate(csr) => {
                let spki = csr.public_key().spki_der();
                Some(hex::encode(digest(&SHA256, &spki)))
            }
            Self::Key(_) => None,
        }
    }
}

impl Enrolment {
    /// Enrols the devices of `registry`.
    pub fn new(
        ledger: Ledger,
        registry: Arc<Registry>,
        issuer: Issuer,
        clock: Arc<dyn Clock>,
        signer: Arc<ServerCertificate>,
    ) -> Self {
        Self {
            ledger,
            registry,
            issuer,
            clock,
            signer,
        }
    }

    /// Issues a claimed device's first certificate (RFC 7030 section 4.2.1), or another one to a device that
    /// has lost the answer: it shows the same token and the same key again.
    ///
    /// # Errors
    /// [`EnrolRefused`]; no certificate left the hub.
    pub async fn enrol(
        &self,
        applicant: Applicant<'_>,
        wanted: Wanted<'_>,
    ) -> Result<Enrolled, EnrolRefused> {
        let (serial, credential) = match applicant {
            Applicant::Token { serial, token } => {
                (self.check_token(serial, token).await?, Credential::Token)
            }
            Applicant::Certificate(peer) => self.check_idevid(peer)?,
        };
        let row = self.known(&serial)?.row();
        let repeated = self.check_claim(&row, &credential, wanted)?;
        check_name(&serial, wanted.names())?;
        let order = self.order(&row.profile, wanted)?;
        let issued = self.issue(&serial, &row.profile, &order)?;
        let certificate = issued.fact;
        let fact = match repeated {
            Some(spki) => Fact::from(DeviceEnrolmentRepeated {
                device: serial,
                claim: row.claim,
                spki,
                certificate,
            }),
            None => Fact::from(DeviceEnrolled {
                device: serial,
                claim: row.claim,
                credential,
                spki: wanted.spki_digest(),
                certificate,
            }),
        };
        self.ledger.record(&fact).await?;
        Ok(Enrolled {
            certificate: issued.der,
            key: order.key,
        })
    }

    async fn check_token(&self, serial: &str, token: &str) -> Result<DeviceId, EnrolRefused> {
        let serial: DeviceId = serial.parse().map_err(EnrolRefused::BadSerial)?;
        let store: &dyn Store = self.ledger.store().as_ref();
        let kept = store
            .secret(&claim_secret(&serial))
            .await
            .map_err(unreadable)?;
        match kept {
            Some(kept) if token_matches(token, &kept) => Ok(serial),
            Some(_) => Err(EnrolRefused::WrongToken { serial }),
            // Shredded, or never claimed: which of them, the lifecycle tells.
            None => {
                let closed = self.closed(&self.known(&serial)?.row());
                Err(closed.unwrap_or(EnrolRefused::WrongToken { serial }))
            }
        }
    }

    /// An IDevID of a known manufacturer stands for the token, never for the claim.
    fn check_idevid(&self, peer: &PeerCertificate) -> Result<(DeviceId, Credential), EnrolRefused> {
        match peer.identity() {
            PeerIdentity::Manufacturer {
                manufacturer,
                serial_number,
            } => {
                let known = self
                    .registry
                    .manufacturers()
                    .into_iter()
                    .find(|row| row.name.as_str() == manufacturer);
                let row = known.ok_or(EnrolRefused::NoCertificate)?;
                let serial = format!("{}{serial_number}", row.prefix)
                    .parse()
                    .map_err(EnrolRefused::BadSerial)?;
                Ok((serial, Credential::Idevid(row.name)))
            }
            // A device that shows its LDevID here wants `simplereenroll`; its claim is used.
            PeerIdentity::Ours {
                principal: Principal::Device(serial),
                ..
            } => {
                let closed = self.closed(&self.known(serial)?.row());
                Err(closed.unwrap_or(EnrolRefused::NoCertificate))
            }
            PeerIdentity::Ours { principal, .. } => Err(EnrolRefused::NotADevice {
                principal: principal.clone(),
            }),
        }
    }

    fn known(&self, serial: &DeviceId) -> Result<Arc<Device>, EnrolRefused> {
        let device = self.registry.device(serial.as_str());
        device.ok_or_else(|| EnrolRefused::NotClaimed {
            serial: serial.clone(),
        })
    }

    /// Whether the claim is open to this applicant. Gives the digest of its key when it has enrolled already
    /// and asks again with the same one.
    fn check_claim(
        &self,
        row: &DeviceRow,
        credential: &Credential,
        wanted: Wanted<'_>,
    ) -> Result<Option<String>, EnrolRefused> {
        let Some(closed) = self.closed(row) else {
            return Ok(None);
        };
        let ended = row.claim_expires <= self.clock.now().as_ms();
        match (row.lifecycle, wanted.spki_digest(), credential) {
            (Lifecycle::Enrolled, Some(spki), _)
                if !ended && row.enrolled_spki.as_ref() == Some(&spki) =>
            {
                Ok(Some(spki))
            }
            (
                Lifecycle::Enrolled | Lifecycle::Active | Lifecycle::Quarantined,
                Some(spki),
                Credential::Token,
            ) if row.enrolled_spki.as_ref() != Some(&spki) => Err(EnrolRefused::OtherKey {
                serial: row.id.clone(),
            }),
            _ => Err(closed),
        }
    }

    /// Why nobody may enrol on the device's claim, unless it is open.
    fn closed(&self, row: &DeviceRow) -> Option<EnrolRefused> {
        let serial = row.id.clone();
        match row.lifecycle {
            Lifecycle::Claimed => (row.claim_expires <= self.clock.now().as_ms())
                .then_some(EnrolRefused::ClaimExpired { serial }),
            Lifecycle::Transferred => Some(EnrolRefused::NotClaimed { serial }),
            lifecycle @ (Lifecycle::Enrolled
            | Lifecycle::Active
            | Lifecycle::Quarantined
            | Lifecycle::Retired) => Some(EnrolRefused::ClaimUsed { serial, lifecycle }),
        }
    }

    fn order(&self, profile: &ProfileName, wanted: Wanted<'_>) -> Result<Order, EnrolRefused> {
        match wanted {
            Wanted::Certificate(csr) => Ok(Order {
                csr: csr.clone(),
                key: None,
            }),
            Wanted::Key(wanted) => key::make(&self.profile(profile)?.profile, wanted, &self.signer),
        }
    }

    fn issue(
        &self,
        serial: &DeviceId,
        profile: &ProfileName,
        order: &Order,
    ) -> Result<Issued, EnrolRefused> {
        let profile = &self.profile(profile)?.profile;
        let kind = if profile.registration_authority.is_empty() {
            CertificateProfile::Device(serial.clone())
        } else {
            CertificateProfile::RegistrationAuthority(serial.clone())
        };
        let key_maker = match order.key {
            None => KeyMaker::Holder,
            Some(_) => KeyMaker::Hub,
        };
        let lifetime = profile.certificate_lifetime;
        let public_key = order.csr.public_key();
        Ok(self.issuer.issue(&kind, public_key, key_maker, lifetime)?)
    }

    fn profile(&self, name: &ProfileName) -> Result<Arc<Profile>, EnrolRefused> {
        let known = self.registry.profile(name.as_str());
        known.ok_or_else(|| EnrolRefused::NoProfile(name.clone()))
    }
}

/// A CSR may leave the name out; one that names somebody must name the applicant.
fn check_name(serial: &DeviceId, wanted: &RequestedNames) -> Result<(), EnrolRefused> {
    let subject = wanted.subject();
    let names = [subject.serial_number(), subject.common_name()];
    match names
        .into_iter()
        .flatten()
        .find(|name| *name != serial.as_str())
    {
        Some(other) => Err(EnrolRefused::OtherName {
            serial: serial.clone(),
            named: other.to_owned(),
        }),
        None => Ok(()),
    }
}
