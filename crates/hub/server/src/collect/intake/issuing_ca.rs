//! The next issuing CA: requested, and put into service while the hub is up, without touching a device.

use std::path::PathBuf;
use std::sync::Arc;

use ironroot_pki::authority::{
    Authority, AuthorityError, BadKeyUri, KeyUri, NotInstalled, TokenRefused, fingerprint,
    forget_request,
};
use ironroot_pki::custody::CustodyError;
use ironroot_pki::pem::certificate_pem;
use ironroot_pki::seal::SealKey;
use ironroot_pki::tls::AnchorSet;
use ironroot_registry::{Actor, CaInstalled, Fact, Registry};
use ironroot_time::{Clock, UnixTime};
use tokio::sync::Mutex;

use super::manufacturer::ManufacturerRefused;
use crate::enforce::ocsp::OcspDesk;
use crate::enforce::{anchors, ca_token};
use crate::fault::{Blame, Fault, chain};
use crate::files::{self, Mode, NotWritten};
use crate::ledger::{Ledger, NotRecorded};

/// Brings new issuing CAs into service.
#[derive(Debug)]
pub struct CaRotation {
    /// The CAs.
    pub authority: Arc<Authority>,
    /// The keys folder, which the hub holds.
    pub folder: PathBuf,
    /// What its files are sealed under.
    pub seal: SealKey,
    /// The key on a token that the hub was started with; a CA gets it unless one has it already.
    pub token: Option<KeyUri>,
    /// `ca.pem`, which holds every trust anchor.
    pub ca_file: PathBuf,
    /// Where a new CA is recorded before it issues.
    pub ledger: Ledger,
    /// The manufacturers, whose CAs are trust anchors as well.
    pub registry: Arc<Registry>,
    /// The doors' trust anchors.
    pub anchors: Arc<AnchorSet>,
    /// Appoints a responder for the new CA.
    pub ocsp: Arc<OcspDesk>,
    /// The present moment.
    pub clock: Arc<dyn Clock>,
    /// One rotation at a time.
    pub turn: Mutex<()>,
}

/// A CA that issues from now on.
#[derive(Clone, Debug)]
pub struct Installed {
    /// Its number.
    pub number: String,
    /// SHA-256 of its certificate.
    pub fingerprint: String,
    /// When it ends.
    pub not_after: UnixTime,
    /// The entry that records it.
    pub entry: u64,
}

/// Why there is no new CA.
#[derive(Debug, thiserror::Error)]
pub enum RotationRefused {
    /// No place for a key is named so.
    #[error("the place of the CA's key is `sealed`, or a PKCS#11 URI")]
    Place(#[from] BadKeyUri),
    /// The request cannot be made.
    #[error("the request cannot be made")]
    Request(#[from] AuthorityError),
    /// The certificate does not serve.
    #[error("the issuing CA is not put into service")]
    NotInstalled(#[from] NotInstalled),
    /// It could not be recorded and issues nothing.
    #[error("the issuing CA was not put into service")]
    NotRecorded(#[from] NotRecorded),
    /// It issues, and the doors do not know it yet.
    #[error(
        "the issuing CA is in service, and the doors' trust anchors could not be renewed: restart the hub"
    )]
    Anchors(#[from] ManufacturerRefused),
    /// It issues, and a file is out of date.
    #[error("the issuing CA is in service, and ca.pem could not be written")]
    File(#[from] NotWritten),
    /// It issues, and the request is still kept.
    #[error("the issuing CA is in service, and its request could not be removed")]
    Forget(#[from] CustodyError),
}

impl RotationRefused {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::NotInstalled(NotInstalled::NotRequested)
            | Self::Request(AuthorityError::Token(TokenRefused::Exists { .. })) => {
                Fault::Sender(Blame::State)
            }
            Self::Request(AuthorityError::Token(_)) => Fault::Later,
            Self::NotInstalled(NotInstalled::Authority(
                AuthorityError::Custody(_) | AuthorityError::Key(_),
            ))
            | Self::Request(_)
            | Self::Anchors(_)
            | Self::File(_)
            | Self::Forget(_) => Fault::Ours,
            Self::Place(_) | Self::NotInstalled(_) => Fault::Sender(Blame::Content),
            Self::NotRecorded(cause) => cause.fault(),
        }
    }
}

impl CaRotation {
    /// A request for the certificate of the next issuing CA, in PEM, whose key is made at `place` when that is
    /// said.
    ///
    /// # Errors
    /// [`RotationRefused::Place`] when `place` is none, [`RotationRefused::Request`] when its key cannot be made
    /// or kept.
    pub async fn request(&self, place: Option<&str>) -> Result<String, RotationRefused> {
        let place = place.map(str::parse).transpose()?;
        let _turn = self.turn.lock().await;
        let (folder, token) = (&self.folder, self.token.as_ref());
        let request = || self.authority.request(folder, &self.seal, place, token);
        Ok(ca_token::aside(request)?)
    }

    /// Puts the CA of this certificate, which is followed by its root's, into service: it is kept, recorded, issues
    /// from now on, and is a trust anchor everywhere.
    ///
    /// # Errors
    /// [`RotationRefused`] tells apart what was not done and what was done and is incomplete.
    pub async fn install(&self, pem: &str, by: Actor) -> Result<Installed, RotationRefused> {
        let _turn = self.turn.lock().await;
        let now = self.clock.now();
        let next = self
            .authority
            .keep_next(&self.folder, &self.seal, pem, now)?;
        let fact = Fact::from(CaInstalled {
            number: next.number(),
            fingerprint: fingerprint(next.certificate()).to_string(),
            pem: certificate_pem(next.certificate()),
            by,
        });
        let receipt = self.ledger.record(&fact).await?;
        let installed = Installed {
            number: next.number().to_string(),
            fingerprint: fingerprint(next.certificate()).to_string(),
            not_after: next.not_after(),
            entry: receipt.indices.start,
        };
        self.authority.put_in_service(next);
        anchors::refresh(&self.anchors, &self.authority, &self.registry)?;
        if let Err(cause) = self.ocsp.appoint().await {
            tracing::warn!(error = %chain(&cause), "The new CA has no OCSP responder yet.");
        }
        files::write(
            &self.ca_file,
            self.authority.ca_pem().as_bytes(),
            Mode::Public,
        )?;
        forget_request(&self.folder)?;
        Ok(installed)
    }
}
