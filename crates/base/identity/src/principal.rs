//! A peer as the doors know it, and its name inside a certificate.

use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{BadId, DeviceId, ServiceName};

const DEVICE_PREFIX: &str = "urn:ironroot:device:";
const SERVICE_PREFIX: &str = "urn:ironroot:service:";

/// Somebody who can hold a certificate and be granted rights.
///
/// Each kind has a SAN namespace of its own, so that one can never pass for another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Principal {
    /// A device, known by its LDevID.
    Device(DeviceId),
    /// A backend application.
    Service(ServiceName),
}

/// Why a SAN URI names no principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadUrn {
    /// The URI is in no namespace of ours.
    #[error("the URI starts neither with urn:ironroot:device: nor with urn:ironroot:service:")]
    Namespace,
    /// The part after the namespace is no id.
    #[error("the id in the URI is refused")]
    Id(#[source] BadId),
}

impl Principal {
    /// The URI that stands for this principal as a certificate's subject alternative name.
    pub fn urn(&self) -> String {
        let (prefix, id) = match self {
            Self::Device(id) => (DEVICE_PREFIX, id.as_str()),
            Self::Service(name) => (SERVICE_PREFIX, name.as_str()),
        };
        let mut urn = String::from(prefix);
        urn.push_str(id);
        urn
    }

    /// Reads the principal from a certificate's SAN URI.
    ///
    /// # Errors
    /// [`BadUrn`] when the URI is in no namespace of ours, or names no valid id.
    pub fn parse_urn(urn: &str) -> Result<Self, BadUrn> {
        if let Some(id) = urn.strip_prefix(DEVICE_PREFIX) {
            return id.parse().map(Self::Device).map_err(BadUrn::Id);
        }
        if let Some(name) = urn.strip_prefix(SERVICE_PREFIX) {
            return name.parse().map(Self::Service).map_err(BadUrn::Id);
        }
        Err(BadUrn::Namespace)
    }

    /// The id alone, without its kind.
    pub fn id(&self) -> &str {
        match self {
            Self::Device(id) => id.as_str(),
            Self::Service(name) => name.as_str(),
        }
    }

    /// Whether this principal may use `client_id` in MQTT: a device its own id, or its id and a
    /// suffix after `/`; a service any.
    pub fn may_use_client_id(&self, client_id: &str) -> bool {
        match self {
            Self::Device(id) => client_id
                .strip_prefix(id.as_str())
                .is_some_and(|rest| rest.is_empty() || (rest.len() > 1 && rest.starts_with('/'))),
            Self::Service(_) => true,
        }
    }
}

/// `device cam-1` or `service backend`.
impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(id) => write!(f, "device {id}"),
            Self::Service(name) => write!(f, "service {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_urn_comes_back_as_the_same_principal() {
        for principal in [
            Principal::Device("cam-1".parse().unwrap()),
            Principal::Service("cam-1".parse().unwrap()),
        ] {
            assert_eq!(Principal::parse_urn(&principal.urn()), Ok(principal));
        }
    }

    #[test]
    fn refuses_an_urn_of_another_namespace() {
        assert_eq!(
            Principal::parse_urn("urn:dev:cam-1"),
            Err(BadUrn::Namespace)
        );
        assert_eq!(
            Principal::parse_urn("urn:ironroot:device:"),
            Err(BadUrn::Id(BadId::Empty))
        );
    }

    #[test]
    fn a_device_is_bound_to_its_own_client_id() {
        let cam = Principal::Device("cam-1".parse().unwrap());
        assert!(cam.may_use_client_id("cam-1"));
        assert!(cam.may_use_client_id("cam-1/video"));
        assert!(!cam.may_use_client_id("cam-1/"));
        assert!(!cam.may_use_client_id("cam-10"));
        assert!(!cam.may_use_client_id("cam-2"));
    }
}
