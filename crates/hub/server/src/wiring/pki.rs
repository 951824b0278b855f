//! Builds what the hub's PKI is published from, and starts those who keep it fresh.

use std::path::Path;
use std::sync::Arc;

use ironroot_identity::CaNumber;
use ironroot_pki::authority::{Authority, PkiUrls, fingerprint};
use ironroot_pki::pem::certificate_pem;
use ironroot_pki::seal::SealKey;
use ironroot_pki::tls::{AnchorSet, TlsParts};
use ironroot_registry::{Actor, CaInstalled, Fact, IssuingCaRow, Registry, Row};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use super::{CA_FILE, NotStarted, Outside};
use crate::collect::doors::pki::PkiDoor;
use crate::collect::intake::issuing_ca::CaRotation;
use crate::drain::Drain;
use crate::enforce::anchors;
use crate::enforce::ocsp::OcspDesk;
use crate::enforce::revocation::RegistryStatus;
use crate::enforce::revocation_lists::{ListSigner, RevocationLists};
use crate::enforce::server_certificate::ServerIdentity;
use crate::fault::chain;
use crate::ledger::{Ledger, NotRecorded, unreadable};
use crate::settings::Settings;

/// What the PKI is built on.
pub(super) struct PkiParts<'a> {
    pub(super) settings: &'a Settings,
    pub(super) outside: &'a Outside,
    pub(super) ledger: &'a Ledger,
    pub(super) registry: &'a Arc<Registry>,
    pub(super) authority: &'a Arc<Authority>,
    pub(super) urls: PkiUrls,
    /// The folder of the sealed keys.
    pub(super) keys: &'a Path,
}

impl PkiParts<'_> {
    /// Signs the first lists, appoints the responders, issues the hub's own certificate, and has workers keep all
    /// of them fresh.
    pub(super) async fn start(
        self,
        seal: SealKey,
        workers: &mut JoinSet<()>,
        drain: &Drain,
    ) -> Result<(PkiDoor, TlsParts, Arc<CaRotation>), NotStarted> {
        self.record_new_cas().await?;
        let lists = self.sign_lists(workers, drain)?;
        let ocsp = self.appoint_responders(workers, drain).await?;
        let Outside { clock, rng } = self.outside.clone();
        let identity = ServerIdentity {
            authority: self.authority.clone(),
            urls: self.urls,
            names: self.settings.names.clone(),
            ledger: self.ledger.clone(),
            registry: self.registry.clone(),
            ocsp: ocsp.clone(),
            clock: clock.clone(),
            rng,
        };
        let (certificate, shown) = identity.begin().await?;
        workers.spawn(identity.keep_fresh(certificate.clone(), shown, drain.clone()));
        let anchors = anchors::current(self.authority, self.registry)?;
        let tls = TlsParts {
            anchors: Arc::new(AnchorSet::new(anchors)),
            revocation: Arc::new(RegistryStatus(self.registry.clone())),
            certificate,
            clock: clock.clone(),
        };
        let rotation = CaRotation {
            authority: self.authority.clone(),
            folder: self.keys.to_owned(),
            seal,
            token: self.settings.ca_key.clone(),
            ca_file: self.settings.data.join(CA_FILE),
            ledger: self.ledger.clone(),
            registry: self.registry.clone(),
            anchors: tls.anchors.clone(),
            ocsp: ocsp.clone(),
            clock: clock.clone(),
            turn: Mutex::default(),
        };
        let door = PkiDoor {
            authority: self.authority.clone(),
            lists,
            ocsp,
            clock,
        };
        Ok((door, tls, Arc::new(rotation)))
    }

    /// Signs the revocation lists that are due. The key of a former CA may be lost, and that is what the current
    /// one is for.
    fn sign_lists(
        &self,
        workers: &mut JoinSet<()>,
        drain: &Drain,
    ) -> Result<Arc<RevocationLists>, NotStarted> {
        let mut signer = ListSigner::new(
            self.authority.clone(),
            self.registry.clone(),
            self.urls.clone(),
            self.outside.clock.clone(),
        );
        let lists = signer.published();
        if let Err(cause) = signer.sign_due() {
            if lists.of(self.authority.current().number()).is_none() {
                return Err(NotStarted::RevocationLists(cause));
            }
            tracing::warn!(error = %chain(&cause), "A former CA has no revocation lists.");
        }
        workers.spawn(signer.keep_signed(drain.clone()));
        Ok(lists)
    }

    /// Appoints the responders; that of a former CA may be missing too.
    async fn appoint_responders(
        &self,
        workers: &mut JoinSet<()>,
        drain: &Drain,
    ) -> Result<Arc<OcspDesk>, NotStarted> {
        let Outside { clock, rng } = self.outside.clone();
        let ocsp = Arc::new(OcspDesk::new(
            self.authority.clone(),
            self.registry.clone(),
            self.ledger.clone(),
            clock,
            rng,
        ));
        if let Err(cause) = ocsp.appoint().await {
            if !ocsp.speaks_for(self.authority.current().number()) {
                return Err(cause.into());
            }
            tracing::warn!(error = %chain(&cause), "A former CA has no OCSP responder.");
        }
        workers.spawn(ocsp.clone().keep_appointed(drain.clone()));
        Ok(ocsp)
    }

    /// Records the issuing CAs that were put into the keys folder while the hub was down.
    async fn record_new_cas(&self) -> Result<(), NotRecorded> {
        let mut cas = self.authority.issuing_cas();
        cas.reverse();
        for ca in cas {
            if !self.is_recorded(ca.number()).await? {
                let fact = Fact::from(CaInstalled {
                    number: ca.number(),
                    fingerprint: fingerprint(ca.certificate()).to_string(),
                    pem: certificate_pem(ca.certificate()),
                    by: Actor::Hub,
                });
                self.ledger.record(&fact).await?;
            }
        }
        Ok(())
    }

    async fn is_recorded(&self, ca: CaNumber) -> Result<bool, NotRecorded> {
        let row = self
            .ledger
            .store()
            .row(IssuingCaRow::TABLE, &ca.to_string())
            .await
            .map_err(unreadable)?;
        Ok(row.is_some())
    }
}
