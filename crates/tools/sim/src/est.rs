//! EST as simulated devices speak it: a key of its own for each, and one connection for each step.

use anyhow::Result;
use ironroot_api::Secret;
use ironroot_link::{Credentials, Server, fresh_key};

use crate::hub::{self, Hub};
use crate::tls::{self, Identity, Trust};

/// A device that is about to enrol.
#[derive(Debug)]
pub struct Applicant<'a> {
    /// Its serial.
    pub serial: &'a str,
    /// Its number in the fleet, which gives it a source address.
    pub number: usize,
}

impl Applicant<'_> {
    /// Enrols with the token of a claim.
    ///
    /// # Errors
    /// When the hub refuses, or answers with no certificate.
    pub async fn enrol(&self, hub: &Hub, trust: &Trust, token: &Secret) -> Result<Identity> {
        let credentials = Credentials::Token(token.reveal());
        self.certify(hub, trust, None, &credentials).await
    }

    /// Replaces the certificate with one for a new key.
    ///
    /// # Errors
    /// When the hub refuses, or answers with no certificate.
    pub async fn reenrol(&self, hub: &Hub, trust: &Trust, old: &Identity) -> Result<Identity> {
        self.certify(hub, trust, Some(old), &Credentials::OldCertificate)
            .await
    }

    async fn certify(
        &self,
        hub: &Hub,
        trust: &Trust,
        identity: Option<&Identity>,
        credentials: &Credentials<'_>,
    ) -> Result<Identity> {
        let key = fresh_key()?;
        let applicant = ironroot_link::Applicant {
            serial: self.serial,
            key: &key,
        };
        let stream = tls::connect(hub.device, self.number, trust.client(identity)?).await?;
        let mut server = Server::on(stream, hub::NAME).await?;
        let mut certificates = server.certify(&applicant, credentials).await?.certificates;
        // The issuing CA is a trust anchor of the hub's, so the leaf is enough.
        certificates.truncate(1);
        Ok(Identity::new(certificates, key))
    }
}
