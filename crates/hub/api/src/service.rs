//! A backend application's identity: what it may publish and subscribe, and its certificate.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Certificate, FieldFault, Secret, Traffic, problem::outcome};

/// The largest number of topic filters in each of a service's two lists.
pub const SERVICE_FILTERS_MAX: usize = 64;

/// A backend application that is to talk with devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewService {
    /// Its name, of the same grammar as a device's id.
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = "^[A-Za-z0-9._-]+$",
        example = "backend"
    )]
    pub name: String,
    /// Topic filters it may publish to; at most 64.
    #[serde(default)]
    #[schema(max_items = 64, example = json!(["d/+/down/#"]))]
    pub publish: Vec<String>,
    /// Topic filters it may subscribe to; at most 64.
    #[serde(default)]
    #[schema(max_items = 64, example = json!(["d/+/up/#"]))]
    pub subscribe: Vec<String>,
    /// PKCS#10 request in PEM; absent, the hub makes a key and hands it over once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csr: Option<String>,
}

impl NewService {
    /// Checks the form.
    ///
    /// # Errors
    /// The lists that are too long, or both when both are empty.
    pub fn check(&self) -> Result<(), Vec<FieldFault>> {
        let mut faults = Vec::new();
        for (field, filters) in [("publish", &self.publish), ("subscribe", &self.subscribe)] {
            if filters.len() > SERVICE_FILTERS_MAX {
                faults.push(FieldFault::new(
                    field,
                    format!(
                        "{} filters; at most {SERVICE_FILTERS_MAX} are kept",
                        filters.len()
                    ),
                ));
            }
        }
        if self.publish.is_empty() && self.subscribe.is_empty() {
            faults.push(FieldFault::new(
                "publish",
                "a service needs at least one filter to publish or to subscribe",
            ));
        }
        outcome(faults)
    }
}

/// A service's new certificate.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ServiceIssued {
    /// The service.
    pub name: String,
    /// Its certificate and the issuing CA's, PEM, leaf first.
    pub certificate: String,
    /// Its private key, PKCS#8 PEM, when no CSR was sent; the hub keeps no copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Secret>,
    /// End of the certificate's validity.
    #[schema(format = DateTime)]
    pub expires: String,
    /// The journal entry that records it.
    pub entry: u64,
}

/// A service as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServiceItem {
    /// Its name.
    pub name: String,
    /// Topic filters it may publish to.
    pub publish: Vec<String>,
    /// Topic filters it may subscribe to.
    pub subscribe: Vec<String>,
    /// Live sessions.
    pub sessions: u32,
    /// Its certificates, newest first.
    pub certificates: Vec<Certificate>,
    /// Whether it was revoked: it connects no more, and its name stays taken.
    pub revoked: bool,
}

/// One service, with what the doors know of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServiceDetail {
    /// What lists show of it.
    #[serde(flatten)]
    pub item: ServiceItem,
    /// When it was last heard of; absent when it was not since the hub started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub last_seen: Option<String>,
    /// What passed since the hub started.
    pub traffic: Traffic,
}

/// A service that was revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServiceRevoked {
    /// The service.
    pub name: String,
    /// The journal entry that records it.
    pub entry: u64,
    /// How many live sessions were cut.
    pub sessions_cut: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(publish: usize, subscribe: usize) -> NewService {
        NewService {
            name: "backend".to_owned(),
            publish: vec!["d/+/down/#".to_owned(); publish],
            subscribe: vec!["d/+/up/#".to_owned(); subscribe],
            csr: None,
        }
    }

    #[test]
    fn refuses_a_service_that_may_do_nothing() {
        assert!(service(0, 0).check().is_err());
        assert!(service(0, 1).check().is_ok());
    }

    #[test]
    fn refuses_more_filters_than_the_bound() {
        assert!(service(64, 64).check().is_ok());
        assert_eq!(service(65, 0).check().unwrap_err()[0].field, "publish");
        assert_eq!(service(0, 65).check().unwrap_err()[0].field, "subscribe");
    }
}
