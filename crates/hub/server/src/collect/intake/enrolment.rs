//! Enrolment: who may have a certificate, for which key; a certificate leaves only after it is recorded.

use std::sync::Arc;

use ironroot_identity::{BadId, CertificateSerial, DeviceId, Principal, ProfileName};
use ironroot_pki::CertificateDer;
use ironroot_pki::authority::{CertificateProfile, IssueRefused};
use ironroot_pki::csr::Csr;
use ironroot_pki::est::NamesDiffer;
use ironroot_pki::peer::{PeerCertificate, PeerIdentity};
use ironroot_registry::{Credential, Device, Fact, Profile, Registry};
use ironroot_standing::Lifecycle;
use ironroot_store::Store;
use ironroot_time::Clock;

use super::secrets::{claim_secret, token_matches};
use crate::enforce::certificates::{Issued, Issuer};
use crate::fault::{Blame, Fault};
use crate::ledger::{Ledger, NotRecorded, unreadable};

/// Judges applications for certificates.
#[derive(Debug)]
pub struct Enrolment {
    ledger: Ledger,
    registry: Arc<Registry>,
    issuer: Issuer,
    clock: Arc<dyn Clock>,
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

/// Why a certificate is not issued.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnrolRefused {
    /// The serial is no id.
    #[error("the serial is no device id")]
    BadSerial(#[source] BadId),
    /// Nobody has claimed the serial.
    #[error("{serial} was never claimed: claim it with `ironroot claim new {serial} --profile …`")]
    NotClaimed {
        /// The serial.
        serial: DeviceId,
    },
    /// The token is not the one of the claim.
    #[error("the token is not the one of the latest claim of {serial}")]
    WrongToken {
        /// The serial.
        serial: DeviceId,
    },
    /// The claim was used.
    #[error(
        "{serial} is {lifecycle}: its claim token was used; `ironroot device transfer` frees the serial for a new claim"
    )]
    ClaimUsed {
        /// The serial.
        serial: DeviceId,
        /// Where the device stands in its life.
        lifecycle: Lifecycle,
    },
    /// The claim's time is over.
    #[error("the claim of {serial} has expired: claim it again")]
    ClaimExpired {
        /// The serial.
        serial: DeviceId,
    },
    /// The CSR names another device.
    #[error("the CSR names {named:?}, and the applicant is {serial}")]
    OtherName {
        /// The serial.
        serial: DeviceId,
        /// What the CSR says.
        named: String,
    },
    /// A service's certificate is no credential here.
    #[error("{principal} asks for a device's certificate")]
    NotADevice {
        /// Who asks.
        principal: Principal,
    },
    /// Renewal needs a certificate of ours.
    #[error("re-enrolment needs the certificate that is to be replaced")]
    NoCertificate,
    /// The Grant does not allow a new certificate.
    #[error("{serial} is {lifecycle}: it is granted no new certificate")]
    NotGranted {
        /// The device.
        serial: DeviceId,
        /// Where it stands in its life.
        lifecycle: Lifecycle,
    },
    /// The CSR does not ask for the names of the certificate it replaces.
    #[error("the CSR does not fit the certificate that it is to replace")]
    OtherIdentity(#[source] NamesDiffer),
    /// The device's profile is gone.
    #[error("the profile {0} of the device cannot be read")]
    NoProfile(ProfileName),
    /// The CA does not issue.
    #[error("the CA does not issue")]
    Issue(#[from] IssueRefused),
    /// The certificate could not be recorded, so it was not handed out.
    #[error("the certificate was not recorded and not handed out")]
    NotRecorded(#[from] NotRecorded),
}

impl EnrolRefused {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::BadSerial(_)
            | Self::NotClaimed { .. }
            | Self::WrongToken { .. }
            | Self::ClaimUsed { .. }
            | Self::ClaimExpired { .. }
            | Self::NoCertificate => Fault::Unproven,
            Self::OtherName { .. } | Self::OtherIdentity(_) => Fault::Sender(Blame::Content),
            Self::NotADevice { .. } | Self::NotGranted { .. } => Fault::Sender(Blame::Right),
            Self::NoProfile(_) | Self::Issue(_) => Fault::Ours,
            Self::NotRecorded(cause) => cause.fault(),
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
    ) -> Self {
        Self {
            ledger,
            registry,
            issuer,
            clock,
        }
    }

    /// Issues a claimed device's first certificate (RFC 7030 section 4.2.1).
    ///
    /// # Errors
    /// [`EnrolRefused`]; no certificate left the hub.
    pub async fn enrol(
        &self,
        applicant: Applicant<'_>,
        csr: &Csr,
    ) -> Result<CertificateDer<'static>, EnrolRefused> {
        let (serial, credential) = match applicant {
            Applicant::Token { serial, token } => {
                (self.check_token(serial, token).await?, Credential::Token)
            }
            Applicant::Certificate(peer) => self.check_idevid(peer)?,
        };
        let device = self.claimed(&serial)?;
        check_name(&serial, csr)?;
        let row = device.row();
        let issued = self.issue(&serial, row.profile, csr)?;
        let fact = Fact::DeviceEnrolled {
            device: serial.clone(),
            claim: row.claim,
            credential,
            certificate: issued.fact,
        };
        self.ledger
            .record_with(&fact, |change| change.shredding(claim_secret(&serial)))
            .await?;
        Ok(issued.der)
    }

    /// Issues a further certificate to a device that shows a good one (RFC 7030 section 4.2.2).
    ///
    /// # Errors
    /// [`EnrolRefused`]; no certificate left the hub.
    pub async fn reenrol(
        &self,
        peer: &PeerCertificate,
        csr: &Csr,
    ) -> Result<CertificateDer<'static>, EnrolRefused> {
        let (serial, with) = match peer.identity() {
            PeerIdentity::Ours {
                principal: Principal::Device(id),
                serial,
            } => (id, *serial),
            PeerIdentity::Ours {
                principal: principal @ Principal::Service(_),
                ..
            } => {
                return Err(EnrolRefused::NotADevice {
                    principal: principal.clone(),
                });
            }
            PeerIdentity::Manufacturer { .. } => return Err(EnrolRefused::NoCertificate),
        };
        let device = self.granted_renewal(serial)?;
        ironroot_pki::est::check_reenrolment(csr, peer).map_err(EnrolRefused::OtherIdentity)?;
        let issued = self.issue(serial, device.row().profile, csr)?;
        self.record_renewal(serial, with, &issued).await?;
        Ok(issued.der)
    }

    async fn record_renewal(
        &self,
        device: &DeviceId,
        with: CertificateSerial,
        issued: &Issued,
    ) -> Result<(), EnrolRefused> {
        let fact = Fact::DeviceReenrolled {
            device: device.clone(),
            with,
            certificate: issued.fact.clone(),
        };
        self.ledger.record(&fact).await?;
        Ok(())
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
            // Used, or never claimed: which of them, the lifecycle tells.
            None => {
                self.claimed(&serial)?;
                Err(EnrolRefused::WrongToken { serial })
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
                self.claimed(serial)?;
                Err(EnrolRefused::NoCertificate)
            }
            PeerIdentity::Ours { principal, .. } => Err(EnrolRefused::NotADevice {
                principal: principal.clone(),
            }),
        }
    }

    fn claimed(&self, serial: &DeviceId) -> Result<Arc<Device>, EnrolRefused> {
        let device = self.registry.device(serial.as_str());
        let device = device.ok_or_else(|| EnrolRefused::NotClaimed {
            serial: serial.clone(),
        })?;
        let row = device.row();
        match row.lifecycle {
            Lifecycle::Claimed if row.claim_expires <= self.clock.now().as_ms() => {
                Err(EnrolRefused::ClaimExpired {
                    serial: serial.clone(),
                })
            }
            Lifecycle::Claimed => Ok(device),
            Lifecycle::Transferred => Err(EnrolRefused::NotClaimed {
                serial: serial.clone(),
            }),
            lifecycle @ (Lifecycle::Enrolled
            | Lifecycle::Active
            | Lifecycle::Quarantined
            | Lifecycle::Retired) => Err(EnrolRefused::ClaimUsed {
                serial: serial.clone(),
                lifecycle,
            }),
        }
    }

    fn granted_renewal(&self, serial: &DeviceId) -> Result<Arc<Device>, EnrolRefused> {
        let device = self.registry.device(serial.as_str());
        let device = device.ok_or_else(|| EnrolRefused::NotClaimed {
            serial: serial.clone(),
        })?;
        if device.subject().grant().may_renew() {
            return Ok(device);
        }
        Err(EnrolRefused::NotGranted {
            serial: serial.clone(),
            lifecycle: device.lifecycle(),
        })
    }

    fn issue(
        &self,
        serial: &DeviceId,
        profile: ProfileName,
        csr: &Csr,
    ) -> Result<Issued, EnrolRefused> {
        let known: Option<Arc<Profile>> = self.registry.profile(profile.as_str());
        let known = known.ok_or(EnrolRefused::NoProfile(profile))?;
        let kind = CertificateProfile::Device(serial.clone());
        Ok(self
            .issuer
            .issue(&kind, csr.public_key(), known.profile.certificate_lifetime)?)
    }
}

/// A CSR may leave the name out; one that names somebody must name the applicant.
fn check_name(serial: &DeviceId, csr: &Csr) -> Result<(), EnrolRefused> {
    let subject = csr.subject();
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
