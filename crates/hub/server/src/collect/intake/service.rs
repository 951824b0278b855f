//! Services: backend applications get an identity with the topics a person gives them.

use std::time::Duration;

use ironroot_identity::ServiceName;
use ironroot_mqtt::{BadTopic, TopicTemplate};
use ironroot_pki::authority::CertificateProfile;
use ironroot_pki::csr::{BadCsr, Csr};
use ironroot_pki::est;
use ironroot_pki::key::{BadKey, PublicKey, SoftwareKey};
use ironroot_registry::{Actor, Fact, KeyMaker, ServiceIssued};
use ironroot_secret::Secret;

use crate::enforce::certificates::{Issued, Issuer, NotIssued};
use crate::fault::{Blame, Fault};
use crate::ledger::{Ledger, NotRecorded};

/// How long a service's certificate is valid.
const LIFETIME: Duration = Duration::from_secs(365 * 86_400);

/// What a person asks for.
#[derive(Debug)]
pub struct NewService {
    /// Its name.
    pub name: ServiceName,
    /// Topic filters it may publish to.
    pub publish: Vec<String>,
    /// Topic filters it may subscribe to.
    pub subscribe: Vec<String>,
    /// Its CSR, if it keeps its own key.
    pub csr: Option<String>,
}

/// A service's identity.
#[derive(Debug)]
pub struct ServiceIdentity {
    /// Its certificate.
    pub issued: Issued,
    /// Its key as PEM, if it brought no CSR; it exists nowhere else.
    pub key: Option<Secret>,
    /// The entry that records it.
    pub entry: u64,
}

/// Why a service gets no identity.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceRefused {
    /// A filter is no topic filter.
    #[error("{field}[{index}], {filter:?}: {cause}")]
    Filter {
        /// `publish` or `subscribe`.
        field: &'static str,
        /// Its place in the list.
        index: usize,
        /// The text.
        filter: String,
        /// What is wrong with it. Part of the sentence above, so no source.
        cause: BadTopic,
    },
    /// A filter has a place for a device id, which a service has not.
    #[error("{field}[{index}], {filter:?}: a service has no {{device}}; write + for every device")]
    Placeholder {
        /// `publish` or `subscribe`.
        field: &'static str,
        /// Its place in the list.
        index: usize,
        /// The text.
        filter: String,
    },
    /// The CSR's encoding is faulty.
    #[error("the CSR cannot be read: send it as PEM or as base64 of DER")]
    CsrBody(#[source] est::BadBody),
    /// The CSR is faulty.
    #[error("the CSR is refused")]
    Csr(#[from] BadCsr),
    /// No key could be made.
    #[error("no key could be made")]
    Key(#[from] BadKey),
    /// No certificate is issued.
    #[error(transparent)]
    Issue(#[from] NotIssued),
    /// It could not be recorded.
    #[error("the service was not recorded")]
    NotRecorded(#[from] NotRecorded),
}

impl ServiceRefused {
    /// The field of the request that is at fault, if one is.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Filter { field, .. } | Self::Placeholder { field, .. } => Some(field),
            Self::CsrBody(_) | Self::Csr(_) => Some("csr"),
            Self::Key(_) | Self::Issue(_) | Self::NotRecorded(_) => None,
        }
    }

    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Filter { .. } | Self::Placeholder { .. } | Self::CsrBody(_) | Self::Csr(_) => {
                Fault::Sender(Blame::Content)
            }
            Self::Key(_) => Fault::Ours,
            Self::Issue(cause) => cause.fault(),
            Self::NotRecorded(cause) => cause.fault(),
        }
    }
}

/// Gives a service an identity and the topics asked for; one of the same name before it is replaced.
///
/// # Errors
/// [`ServiceRefused`]; nothing was issued.
pub async fn create(
    ledger: &Ledger,
    ca: &Issuer,
    asked: NewService,
    by: Actor,
) -> Result<ServiceIdentity, ServiceRefused> {
    check_filters("publish", &asked.publish)?;
    check_filters("subscribe", &asked.subscribe)?;
    let (public_key, key) = key_of(asked.csr.as_deref())?;
    let key_maker = match key {
        None => KeyMaker::Holder,
        Some(_) => KeyMaker::Hub,
    };
    let profile = CertificateProfile::Service(asked.name.clone());
    let issued = ca.issue(&profile, &public_key, key_maker, LIFETIME)?;
    let fact = Fact::from(ServiceIssued {
        service: asked.name,
        publish: asked.publish,
        subscribe: asked.subscribe,
        certificate: issued.fact.clone(),
        by,
    });
    let receipt = ledger.record(&fact).await?;
    Ok(ServiceIdentity {
        issued,
        key,
        entry: receipt.indices.start,
    })
}

fn check_filters(field: &'static str, filters: &[String]) -> Result<(), ServiceRefused> {
    for (index, filter) in filters.iter().enumerate() {
        if filter.split('/').any(|level| level == "{device}") {
            return Err(ServiceRefused::Placeholder {
                field,
                index,
                filter: filter.clone(),
            });
        }
        TopicTemplate::parse(filter.as_str()).map_err(|cause| ServiceRefused::Filter {
            field,
            index,
            filter: filter.clone(),
            cause,
        })?;
    }
    Ok(())
}

fn key_of(csr: Option<&str>) -> Result<(PublicKey, Option<Secret>), ServiceRefused> {
    if let Some(csr) = csr {
        let der = est::decode_request(csr.as_bytes()).map_err(ServiceRefused::CsrBody)?;
        return Ok((Csr::parse(&der)?.public_key().clone(), None));
    }
    let key = SoftwareKey::generate()?;
    Ok((key.public_key(), Some(key.to_pem()?)))
}
