//! Why an application for a certificate is refused, and whose fault that is.

use ironroot_identity::{BadId, DeviceId, Principal, ProfileName};
use ironroot_pki::est::{NamesDiffer, NotEnveloped, NotNamed};
use ironroot_pki::key::{BadKey, KeyAlgorithm};
use ironroot_standing::Lifecycle;

use crate::enforce::certificates::NotIssued;
use crate::fault::{Blame, Fault};
use crate::ledger::NotRecorded;

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
    /// The token was used by one key and comes with another: a thief has it, or the device lost its key.
    #[error(
        "{serial} enrolled with this token and another key: if it did not lose that key, somebody has stolen the token; quarantine it until you know, and claim it anew"
    )]
    OtherKey {
        /// The serial.
        serial: DeviceId,
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
    /// A registration authority names no device in its CSR, or several.
    #[error("{authority} asks for another device")]
    NotNamed {
        /// The registration authority.
        authority: DeviceId,
        /// What is wrong with the names.
        #[source]
        cause: NotNamed,
    },
    /// A registration authority asks for a device that is none of its.
    #[error(
        "{authority} may not renew for {serial}: there is no such device, or its profile is not in registration_authority of the profile {profile}"
    )]
    NotItsDevice {
        /// The registration authority.
        authority: DeviceId,
        /// Whom it asks for.
        serial: DeviceId,
        /// The authority's profile.
        profile: ProfileName,
    },
    /// A registration authority asks for a key in place of a device.
    #[error("{authority} asks for a key of {serial}: a key is handed to its device alone")]
    KeyForAnother {
        /// The registration authority.
        authority: DeviceId,
        /// Whose key it would be.
        serial: DeviceId,
    },
    /// The profile does not let the hub make such keys.
    #[error("the hub makes no {kind} keys for devices of profile {profile}: see its server_keys")]
    NoServerKeys {
        /// The profile.
        profile: ProfileName,
        /// The kind of key that was asked for.
        kind: KeyAlgorithm,
    },
    /// No key could be made.
    #[error("no key could be made")]
    Key(#[from] BadKey),
    /// The key cannot be encrypted as the client asks.
    #[error("the key cannot be encrypted as asked")]
    Enveloping(#[from] NotEnveloped),
    /// The device's profile is gone.
    #[error("the profile {0} of the device cannot be read")]
    NoProfile(ProfileName),
    /// No certificate is issued.
    #[error(transparent)]
    Issue(#[from] NotIssued),
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
            | Self::OtherKey { .. }
            | Self::ClaimExpired { .. }
            | Self::NoCertificate => Fault::Unproven,
            Self::OtherName { .. }
            | Self::OtherIdentity(_)
            | Self::NotNamed { .. }
            | Self::Enveloping(NotEnveloped::UnknownRecipient | NotEnveloped::RecipientAlgorithm) => {
                Fault::Sender(Blame::Content)
            }
            Self::NotADevice { .. }
            | Self::NotGranted { .. }
            | Self::NotItsDevice { .. }
            | Self::KeyForAnother { .. }
            | Self::NoServerKeys { .. } => Fault::Sender(Blame::Right),
            Self::NoProfile(_) | Self::Key(_) | Self::Enveloping(_) => Fault::Ours,
            Self::Issue(cause) => cause.fault(),
            Self::NotRecorded(cause) => cause.fault(),
        }
    }

    /// Whether a person should look at it at once.
    pub fn is_alarming(&self) -> bool {
        matches!(self, Self::OtherKey { .. })
    }
}
