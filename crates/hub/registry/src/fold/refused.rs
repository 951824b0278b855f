//! Why an entry does not fit the state.

use ironroot_identity::{
    CaNumber, CertificateSerial, DeviceId, ProfileName, ServiceName, ViewName,
};
use ironroot_profile::BadProfile;
use ironroot_standing::{NotAllowed, QuarantineReason};

use crate::fact::Unreadable;

/// Why an entry does not fit the state.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// The lifecycle table does not allow it.
    #[error("{device}: {cause}")]
    Lifecycle {
        /// The device.
        device: DeviceId,
        /// What the table says. Part of the sentence above, so no source.
        cause: NotAllowed,
    },
    /// The claim that the device enrols with was replaced by a newer one.
    #[error("{device} was claimed again meanwhile: the token is void, use the newer one")]
    ClaimReplaced {
        /// The device.
        device: DeviceId,
    },
    /// The claim's time is over.
    #[error("the claim of {device} has expired: claim it again")]
    ClaimExpired {
        /// The device.
        device: DeviceId,
    },
    /// No claim of the device waits.
    #[error("no claim of {device} waits for its device")]
    NoClaim {
        /// The device.
        device: DeviceId,
    },
    /// The certificate to be replaced is not one of the device's good ones.
    #[error("certificate {serial} is not a good certificate of {device}")]
    NotItsCertificate {
        /// The device.
        device: DeviceId,
        /// The certificate it came with.
        serial: CertificateSerial,
    },
    /// The repetition of an enrolment by a device that has had its certificate, or that has another key.
    #[error(
        "{device} enrolled on this claim with another key, or has used its certificate since: its token is void"
    )]
    NotTheSameEnrolment {
        /// The device.
        device: DeviceId,
    },
    /// The device has no such reason.
    #[error("{device} is not under quarantine for the reason {reason}")]
    NoSuchReason {
        /// The device.
        device: DeviceId,
        /// The reason to be taken away.
        reason: QuarantineReason,
    },
    /// A certificate of this serial number was issued before.
    #[error("certificate serial number {0} is taken")]
    SerialTaken(CertificateSerial),
    /// The hub issued no such certificate.
    #[error("this hub issued no certificate {0}")]
    UnknownCertificate(CertificateSerial),
    /// A revocation is for ever, and the first one counts.
    #[error("certificate {0} was revoked before")]
    RevokedBefore(CertificateSerial),
    /// Another issuing CA has the number.
    #[error("there is an issuing CA {0} already")]
    CaTaken(CaNumber),
    /// The hub has no such profile.
    #[error("there is no profile {0}: `ironroot profile list` shows those there are")]
    UnknownProfile(ProfileName),
    /// The profile's text is faulty.
    #[error("the profile is faulty")]
    BadProfile(#[source] BadProfile),
    /// The hub has no such service.
    #[error("there is no service {0}, or it was revoked already")]
    UnknownService(ServiceName),
    /// There is no such token.
    #[error("there is no token of {0}, or it was revoked already")]
    UnknownToken(String),
    /// The hub knows no such manufacturer.
    #[error("there is no manufacturer CA {0}")]
    UnknownManufacturer(ProfileName),
    /// The hub knows no such view.
    #[error("there is no view {0}")]
    UnknownView(ViewName),
    /// A manufacturer of this name is there already.
    #[error("there is a manufacturer CA {0} already: remove it first")]
    ManufacturerTaken(ProfileName),
    /// The entry cannot be read by this hub.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// A row of the state cannot be read or written.
    #[error("a row of the state is damaged: `ironroot journal rebuild` makes it again")]
    DamagedRow(#[source] serde_json::Error),
}
