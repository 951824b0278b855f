//! Services: backend applications with an identity.

use std::fmt::{self, Formatter};

use ironroot_identity::{Principal, RevocationReason, ServiceName};
use ironroot_store::ApplyError;
use serde::{Deserialize, Serialize};

use super::{Actor, IssuedCertificate, Kind};
use crate::fold::{Refused, Step, refuse};
use crate::row::ServiceRow;

/// A backend application was given an identity, or a new certificate and new rights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceIssued {
    /// Its name.
    pub service: ServiceName,
    /// Topic filters it may publish to.
    pub publish: Vec<String>,
    /// Topic filters it may subscribe to.
    pub subscribe: Vec<String>,
    /// Its certificate; those before it are revoked.
    pub certificate: IssuedCertificate,
    /// Who made it.
    pub by: Actor,
}

impl Kind for ServiceIssued {
    const KIND: &'static str = "service.issued";

    fn sentence(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self {
            service,
            certificate,
            by,
            ..
        } = self;
        write!(f, "{by} gave service {service} certificate {certificate}.")
    }

    fn fold(&self, step: &mut Step<'_>) -> Result<(), ApplyError> {
        let name = &self.service;
        let before = step.get::<ServiceRow>(name.as_str())?;
        let before = before.and_then(|row| row.certificate);
        step.revoke(before.as_slice(), RevocationReason::Superseded)?;
        let row = ServiceRow {
            name: name.clone(),
            publish: self.publish.clone(),
            subscribe: self.subscribe.clone(),
            certificate: Some(self.certificate.serial),
            changed: step.at,
        };
        step.put(name.as_str(), &row)?;
        step.issue(Some(Principal::Service(name.clone())), &self.certificate)
    }
}

/// A backend application lost its identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceRevoked {
    /// Its name.
    pub service: ServiceName,
    /// Who ordered it.
    pub by: Actor,
}

impl Kind for ServiceRevoked {
    const KIND: &'static str = "service.revoked";

    fn sentence(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "Service {} was revoked by {}.", self.service, self.by)
    }

    fn fold(&self, step: &mut Step<'_>) -> Result<(), ApplyError> {
        let name = &self.service;
        let unknown = || refuse(Refused::UnknownService(name.clone()));
        let mut row = step.get::<ServiceRow>(name.as_str())?.ok_or_else(unknown)?;
        let serial = row.certificate.take().ok_or_else(unknown)?;
        row.changed = step.at;
        step.put(name.as_str(), &row)?;
        step.revoke(&[serial], RevocationReason::CessationOfOperation)
    }
}
