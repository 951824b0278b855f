//! Whether a CSR may renew the certificate that its sender presented, and which device it names.

use ironroot_identity::{DeviceId, Principal};

use crate::csr::RequestedNames;
use crate::names::AlternativeName;
use crate::peer::PeerCertificate;

/// Why a CSR does not renew the presented certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NamesDiffer {
    /// Another subject.
    #[error(
        "the CSR's subject is {asked:?} and the presented certificate's {held:?}; re-enrolment keeps it (RFC 7030 section 4.2.2)"
    )]
    Subject {
        /// What the CSR says.
        asked: String,
        /// What the certificate says.
        held: String,
    },
    /// Other alternative names.
    #[error(
        "the CSR asks for the alternative names {asked:?} and the presented certificate has {held:?}; re-enrolment keeps them (RFC 7030 section 4.2.2)"
    )]
    AlternativeNames {
        /// What the CSR asks for.
        asked: Vec<AlternativeName>,
        /// What the certificate has.
        held: Vec<AlternativeName>,
    },
}

/// Checks that a CSR names whom the presented certificate names (RFC 7030 section 4.2.2).
///
/// That section wants the subject and the alternative names to be identical. A CSR without any
/// alternative names passes too: `openssl req -new` and many clients write none unless told to, it
/// claims nothing, and the new certificate's names come from the hub's record in any case. An empty
/// set of names differs from a wrong one, which is refused.
///
/// # Errors
/// [`NamesDiffer`] says which of the two differ.
pub fn check_reenrolment(
    wanted: &RequestedNames,
    presented: &PeerCertificate,
) -> Result<(), NamesDiffer> {
    if !wanted.subject().same_as(presented.subject()) {
        return Err(NamesDiffer::Subject {
            asked: wanted.subject().to_string(),
            held: presented.subject().to_string(),
        });
    }
    let (asked, held) = (wanted.alternative_names(), presented.alternative_names());
    if asked.is_empty() || asked == held {
        Ok(())
    } else {
        Err(NamesDiffer::AlternativeNames {
            asked: asked.to_vec(),
            held: held.to_vec(),
        })
    }
}

/// A CSR that a registration authority sent does not name one device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the CSR names {subject:?} and {alternative_names:?}; for another device it names that device alone, as its certificate does: serialNumber, CN, and urn:ironroot:device:<id> or no alternative name"
)]
pub struct NotNamed {
    subject: String,
    alternative_names: Vec<AlternativeName>,
}

/// The device whose names a CSR has, all of them and no other.
///
/// # Errors
/// [`NotNamed`] when a name is missing, is no device's, or is another's.
pub fn named_device(wanted: &RequestedNames) -> Result<DeviceId, NotNamed> {
    let (subject, alternative_names) = (wanted.subject(), wanted.alternative_names());
    let device = || {
        let id: DeviceId = subject.serial_number()?.parse().ok()?;
        let urn = AlternativeName::Uri(Principal::Device(id.clone()).urn());
        let one = subject.common_name() == Some(id.as_str())
            && alternative_names.iter().all(|name| *name == urn);
        one.then_some(id)
    };
    device().ok_or_else(|| NotNamed {
        subject: subject.to_string(),
        alternative_names: alternative_names.to_vec(),
    })
}
