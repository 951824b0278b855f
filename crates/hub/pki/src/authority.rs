//! The certificate authority: a root that can be moved offline, and the issuing CAs that work.
//!
//! The current issuing CA issues. The former ones issue nothing any more, stay trusted until they end, and
//! go on to sign their CRLs and OCSP responders. Each lies in a sealed file of its own in one folder:
//! [`ISSUING_FILE`], then `issuing-ca-2.sealed` and so on, the highest number being the current one. The root's
//! key is in [`ROOT_FILE`] beside them, is read by nobody here, and can be moved away.

mod ca_key;
mod installation;
mod issuance;
mod issuing_ca;
mod root;
mod urls;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use ironroot_identity::CaNumber;
use ironroot_pkcs11::TokenKey;
use ironroot_time::UnixTime;
use rustls::pki_types::CertificateDer;

pub use ca_key::{CaKey, KeyPlace};
pub use installation::{NotInstalled, forget_request, is_requested, request_first};
pub use ironroot_pkcs11::TokenRefused;
pub use ironroot_pkcs11::uri::{BadUri as BadKeyUri, KeyUri};
pub use issuance::{CertificateProfile, Issuance, IssueRefused, IssuedCertificate, fingerprint};
pub use issuing_ca::IssuingCa;
pub use root::{BadPermit, Permit, RootCa};
pub use urls::{BadUrl, OCSP_PATH, PkiUrls, ca_path, crl_path, delta_crl_path};

use crate::custody::{CustodyError, is_there, read_sealed, refuse_existing, write_sealed};
use crate::key::BadKey;
use crate::pem::certificate_pem;
use crate::seal::SealKey;

/// The issuing CAs of a hub, ready to issue from any number of threads.
#[derive(Debug)]
pub struct Authority(ArcSwap<InService>);

#[derive(Debug)]
struct InService {
    current: Arc<IssuingCa>,
    /// Newest first.
    former: Vec<Arc<IssuingCa>>,
}

/// Why there is no authority.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorityError {
    /// A file of it could not be read or written.
    #[error("a file of the certificate authority")]
    Custody(#[from] CustodyError),
    /// A key could not be made or read.
    #[error("a key of the certificate authority")]
    Key(#[from] BadKey),
    /// The token that keeps a key.
    #[error("the token of the certificate authority")]
    Token(#[from] TokenRefused),
    /// A certificate of its own could not be written.
    #[error("a certificate of the certificate authority's own")]
    Certificate(#[source] rcgen::Error),
    /// The sealed file holds something else than an issuing CA.
    #[error("the issuing CA's file opens, but holds no issuing CA")]
    Content(#[source] der::Error),
    /// Key and certificate do not belong together.
    #[error("the issuing CA's certificate is not that of its key")]
    Mismatch,
    /// The certificate may not sign others.
    #[error(
        "the issuing CA's certificate is no CA's: it needs CA:TRUE, a subject key identifier, and a subject of plain text, each attribute once"
    )]
    NotACa,
}

impl Authority {
    /// Makes a root CA and an issuing CA, valid from an hour before `now`, and keeps both in `folder`.
    ///
    /// # Errors
    /// [`AuthorityError`]; above all when either file is there already, since a CA is made once.
    pub fn create(folder: &Path, seal: &SealKey, now: UnixTime) -> Result<Self, AuthorityError> {
        Self::create_with(CaKey::generate()?, "Ironroot", folder, seal, now)
    }

    /// The same, around a key for the issuing CA that was made elsewhere; the CAs' names begin with `name`.
    ///
    /// # Errors
    /// As for [`Authority::create`].
    pub fn create_with(
        key: CaKey,
        name: &str,
        folder: &Path,
        seal: &SealKey,
        now: UnixTime,
    ) -> Result<Self, AuthorityError> {
        refuse_existing(&folder.join(ROOT_FILE))?;
        refuse_existing(&folder.join(ISSUING_FILE))?;

        // Names differ from one installation to the next, so that nobody's trust store confuses them.
        let tag = hex::encode(root::random::<4>()?);
        let root = RootCa::new(&format!("{name} Root CA {tag}"), now)?;
        let certificate = root.certify(&format!("{name} Issuing CA {tag}"), &key, &[], now)?;
        let first = IssuingCa::new(
            CaNumber::FIRST,
            key,
            certificate,
            root.certificate().clone(),
        )?;

        root.keep(folder, seal)?;
        keep(folder, seal, &first)?;
        Ok(Self::new(first, Vec::new()))
    }

    /// Reads the issuing CAs from `folder`. The root's key is not needed, and not looked at.
    ///
    /// # Errors
    /// [`AuthorityError`] when a file is missing, does not open or holds something else.
    pub fn load(folder: &Path, seal: &SealKey) -> Result<Self, AuthorityError> {
        let mut current = read(folder, seal, CaNumber::FIRST)?;
        let mut former = Vec::new();
        while is_there(&issuing_file(folder, current.number().next())) {
            let next = read(folder, seal, current.number().next())?;
            former.insert(0, Arc::new(std::mem::replace(&mut current, next)));
        }
        Ok(Self::new(current, former))
    }

    /// Whether an issuing CA lies in `folder`.
    pub fn exists(folder: &Path) -> bool {
        is_there(&folder.join(ISSUING_FILE))
    }

    fn new(current: IssuingCa, former: Vec<Arc<IssuingCa>>) -> Self {
        Self(ArcSwap::from_pointee(InService {
            current: Arc::new(current),
            former,
        }))
    }

    /// The issuing CA that issues.
    pub fn current(&self) -> Arc<IssuingCa> {
        self.0.load().current.clone()
    }

    /// The keys that a token keeps, the current issuing CA's first.
    pub fn token_keys(&self) -> Vec<TokenKey> {
        let cas = self.issuing_cas();
        cas.iter()
            .filter_map(|ca| ca.key().token().cloned())
            .collect()
    }

    /// All issuing CAs, the current one first, then from the newest to the oldest.
    pub fn issuing_cas(&self) -> Vec<Arc<IssuingCa>> {
        let in_service = self.0.load();
        std::iter::once(&in_service.current)
            .chain(&in_service.former)
            .cloned()
            .collect()
    }

    /// What stands for this hub as a trust anchor: every issuing CA, since many peers send their leaf alone,
    /// and the roots above them.
    pub fn anchors(&self) -> Vec<CertificateDer<'static>> {
        let cas = self.issuing_cas();
        let issuing = cas.iter().map(|ca| ca.certificate());
        let roots = cas.iter().map(|ca| ca.root());
        let mut anchors: Vec<CertificateDer<'static>> = Vec::new();
        for certificate in issuing.chain(roots) {
            if !anchors.contains(certificate) {
                anchors.push(certificate.clone());
            }
        }
        anchors
    }

    /// The trust anchors in PEM, the current issuing CA first: what a client takes as its own.
    pub fn ca_pem(&self) -> String {
        self.anchors().iter().map(certificate_pem).collect()
    }
}

fn read(folder: &Path, seal: &SealKey, number: CaNumber) -> Result<IssuingCa, AuthorityError> {
    let kept = read_sealed(
        &issuing_file(folder, number),
        seal,
        &issuing_context(number),
    )?;
    IssuingCa::from_kept(number, &kept)
}

fn keep(folder: &Path, seal: &SealKey, ca: &IssuingCa) -> Result<(), AuthorityError> {
    let number = ca.number();
    let (file, context) = (issuing_file(folder, number), issuing_context(number));
    Ok(write_sealed(&file, seal, &context, &ca.to_kept()?)?)
}

/// Where an issuing CA's key and both certificates lie, sealed.
fn issuing_file(folder: &Path, number: CaNumber) -> PathBuf {
    if number.is_first() {
        folder.join(ISSUING_FILE)
    } else {
        folder.join(format!("issuing-ca-{number}.sealed"))
    }
}

/// Each number has a context of its own, so that no file passes for another.
fn issuing_context(number: CaNumber) -> String {
    if number.is_first() {
        ISSUING_CONTEXT.to_owned()
    } else {
        format!("{ISSUING_CONTEXT}-{number}")
    }
}

/// The root's key, sealed; may be moved away and brought back when a new issuing CA is made.
pub const ROOT_FILE: &str = "root-ca.sealed";
/// The first issuing CA's key and both certificates, sealed.
pub const ISSUING_FILE: &str = "issuing-ca.sealed";

const ROOT_CONTEXT: &str = "root-ca";
const ISSUING_CONTEXT: &str = "issuing-ca";
/// How far `notBefore` lies in the past, for peers whose clock is slow.
pub(crate) const BACKDATING: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::SoftwareKey;
    use ironroot_identity::CertificateSerial;
    use ironroot_secret::Secret;

    #[test]
    fn refuses_what_is_no_ca_and_two_halves_of_different_ones() {
        let folder = tempfile::tempdir().unwrap();
        let seal = SealKey::generate(&folder.path().join("seal.key")).unwrap();
        let now = UnixTime::from_s(1_780_272_000);
        let authority = Authority::create(folder.path(), &seal, now).unwrap();
        let keep_instead = |secret: &Secret| {
            write_sealed(
                &folder.path().join(ISSUING_FILE),
                &seal,
                ISSUING_CONTEXT,
                secret,
            )
            .unwrap();
            Authority::load(folder.path(), &seal).unwrap_err()
        };
        let junk = Secret::new(b"junk".to_vec());
        assert!(matches!(keep_instead(&junk), AuthorityError::Content(_)));
        let current = authority.current();
        let with = |key: CaKey, certificate: &CertificateDer<'static>| {
            let root = current.root().clone();
            IssuingCa::new(CaNumber::FIRST, key, certificate.clone(), root)
        };
        let other = CaKey::generate().unwrap();
        assert!(matches!(
            with(other, current.certificate()),
            Err(AuthorityError::Mismatch)
        ));
        let leaf = SoftwareKey::generate().unwrap();
        let issued = authority.issue(&Issuance {
            profile: &CertificateProfile::Device("cam-1".parse().unwrap()),
            public_key: &leaf.public_key(),
            serial: CertificateSerial::from_random([1; 16]),
            now,
            not_after: now.plus(Duration::from_secs(86_400)),
            urls: &PkiUrls::default(),
        });
        assert!(matches!(
            with(CaKey::Software(leaf), &issued.unwrap().der),
            Err(AuthorityError::NotACa)
        ));
    }
}
