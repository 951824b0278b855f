//! Whether a CSR may renew the certificate that its sender presented.

use crate::csr::Csr;
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
pub fn check_reenrolment(csr: &Csr, presented: &PeerCertificate) -> Result<(), NamesDiffer> {
    if !csr.subject().same_as(presented.subject()) {
        return Err(NamesDiffer::Subject {
            asked: csr.subject().to_string(),
            held: presented.subject().to_string(),
        });
    }
    let (asked, held) = (csr.alternative_names(), presented.alternative_names());
    if asked.is_empty() || asked == held {
        Ok(())
    } else {
        Err(NamesDiffer::AlternativeNames {
            asked: asked.to_vec(),
            held: held.to_vec(),
        })
    }
}
