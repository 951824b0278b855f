//! The certificate authority: a root that can be moved offline, and the issuing CA that works.
//!
//! Two sealed files in one folder: [`ROOT_FILE`] holds the root's key and is read by nobody here, so
//! it can be moved away; [`ISSUING_FILE`] holds the issuing key and both certificates, so that nobody
//! can put another root in place without the sealing key.

mod issuance;
mod urls;

use std::path::Path;
use std::time::Duration;

use aws_lc_rs::rand;
use der::asn1::OctetStringRef;
use der::{Decode, Encode, Sequence};
use ironroot_identity::CertificateSerial;
use ironroot_time::UnixTime;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyUsagePurpose,
    PublicKeyData, SerialNumber,
};
use rustls::pki_types::CertificateDer;
use x509_cert::Certificate;

pub use issuance::{CertificateProfile, Issuance, IssueRefused, IssuedCertificate, fingerprint};
pub use urls::{BadUrl, PkiUrls};

use crate::custody::{CustodyError, is_there, read_sealed, refuse_existing, write_sealed};
use crate::key::{BadKey, SoftwareKey};
use crate::names::Subject;
use crate::pem::certificate_pem;
use crate::seal::SealKey;
use ironroot_secret::Secret;

/// A root CA and the issuing CA below it, ready to issue from any number of threads.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, SoftwareKey>,
    root: CertificateDer<'static>,
    issuing: CertificateDer<'static>,
    /// Nothing issued outlives the issuing CA.
    not_after: UnixTime,
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
    /// A certificate of its own could not be written.
    #[error("a certificate of the certificate authority's own")]
    Certificate(#[source] rcgen::Error),
    /// The sealed file holds something else than an issuing CA.
    #[error("{ISSUING_FILE} opens, but holds no issuing CA")]
    Content(#[source] der::Error),
    /// Key and certificate in the sealed file do not belong together, or the CA has no name.
    #[error("{ISSUING_FILE} opens, but the certificate in it is not that of the key in it")]
    Mismatch,
}

impl Authority {
    /// Makes a root CA and an issuing CA, valid from an hour before `now`, and keeps both in `folder`.
    ///
    /// # Errors
    /// [`AuthorityError`]; above all when either file is there already, since a CA is made once.
    pub fn create(folder: &Path, seal: &SealKey, now: UnixTime) -> Result<Self, AuthorityError> {
        let (root_file, issuing_file) = (folder.join(ROOT_FILE), folder.join(ISSUING_FILE));
        refuse_existing(&root_file)?;
        refuse_existing(&issuing_file)?;

        // Names differ from one installation to the next, so that nobody's trust store confuses them.
        let tag = hex::encode(random::<4>()?);
        let root_key = SoftwareKey::generate()?;
        let root_params = ca_params(&format!("Ironroot Root CA {tag}"), 1, now, ROOT_LIFETIME)?;
        let root = root_params
            .self_signed(&root_key)
            .map_err(AuthorityError::Certificate)?;
        let issuing_key = SoftwareKey::generate()?;
        let issuing_params = ca_params(
            &format!("Ironroot Issuing CA {tag}"),
            0,
            now,
            ISSUING_LIFETIME,
        )?;
        let issuing = issuing_params
            .signed_by(&issuing_key, &Issuer::from_params(&root_params, &root_key))
            .map_err(AuthorityError::Certificate)?;

        write_sealed(&root_file, seal, ROOT_CONTEXT, &root_key.to_pkcs8()?)?;
        let kept = keep(&issuing_key, issuing.der(), root.der())?;
        write_sealed(&issuing_file, seal, ISSUING_CONTEXT, &kept)?;
        Self::from_kept(&kept)
    }

    /// Reads the issuing CA from `folder`. The root's key is not needed, and not looked at.
    ///
    /// # Errors
    /// [`AuthorityError`] when the file is missing, does not open or holds something else.
    pub fn load(folder: &Path, seal: &SealKey) -> Result<Self, AuthorityError> {
        let kept = read_sealed(&folder.join(ISSUING_FILE), seal, ISSUING_CONTEXT)?;
        Self::from_kept(&kept)
    }

    /// Whether an issuing CA lies in `folder`.
    pub fn exists(folder: &Path) -> bool {
        is_there(&folder.join(ISSUING_FILE))
    }

    fn from_kept(kept: &Secret) -> Result<Self, AuthorityError> {
        let kept = Kept::from_der(kept.expose()).map_err(AuthorityError::Content)?;
        let key = SoftwareKey::from_pkcs8(kept.key.as_bytes())?;
        let issuing =
            Certificate::from_der(kept.issuing.as_bytes()).map_err(AuthorityError::Content)?;
        let tbs = issuing.tbs_certificate;
        let spki = tbs
            .subject_public_key_info
            .to_der()
            .map_err(AuthorityError::Content)?;
        let subject = Subject::new(tbs.subject);
        let Some(name) = subject.common_name() else {
            return Err(AuthorityError::Mismatch);
        };
        if spki != key.subject_public_key_info() {
            return Err(AuthorityError::Mismatch);
        }
        let mut params = CertificateParams::default();
        params.distinguished_name = common_name(name);
        params.key_usages = CA_USAGES.to_vec();
        Ok(Self {
            issuer: Issuer::new(params, key),
            root: kept.root.as_bytes().to_vec().into(),
            issuing: kept.issuing.as_bytes().to_vec().into(),
            not_after: UnixTime::from_s(tbs.validity.not_after.to_unix_duration().as_secs()),
        })
    }

    /// The root CA's certificate.
    pub fn root(&self) -> &CertificateDer<'static> {
        &self.root
    }

    /// The issuing CA's certificate.
    pub fn issuing(&self) -> &CertificateDer<'static> {
        &self.issuing
    }

    /// Both certificates in PEM, issuing first: what a client takes as its trust anchors.
    pub fn ca_pem(&self) -> String {
        certificate_pem(&self.issuing) + &certificate_pem(&self.root)
    }
}

/// What the issuing file holds under its seal.
#[derive(Sequence)]
struct Kept<'a> {
    /// PKCS#8.
    key: OctetStringRef<'a>,
    issuing: OctetStringRef<'a>,
    root: OctetStringRef<'a>,
}

fn keep(
    key: &SoftwareKey,
    issuing: &CertificateDer<'_>,
    root: &CertificateDer<'_>,
) -> Result<Secret, AuthorityError> {
    let key = key.to_pkcs8()?;
    let write = || {
        Kept {
            key: OctetStringRef::new(key.expose())?,
            issuing: OctetStringRef::new(issuing)?,
            root: OctetStringRef::new(root)?,
        }
        .to_der()
    };
    write().map(Secret::new).map_err(AuthorityError::Content)
}

/// A CA certificate's content (RFC 5280 section 4.2.1.9): `path_length` says how many CAs may follow.
fn ca_params(
    name: &str,
    path_length: u8,
    now: UnixTime,
    lifetime: Duration,
) -> Result<CertificateParams, AuthorityError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name(name);
    params.serial_number = Some(SerialNumber::from_slice(
        CertificateSerial::from_random(random()?).as_bytes(),
    ));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(path_length));
    params.key_usages = CA_USAGES.to_vec();
    params.use_authority_key_identifier_extension = true;
    issuance::set_validity(&mut params, now.minus(BACKDATING), now.plus(lifetime));
    Ok(params)
}

fn common_name(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(DnType::CommonName, name);
    names
}

fn random<const N: usize>() -> Result<[u8; N], BadKey> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_no_randomness| BadKey)?;
    Ok(bytes)
}

/// The root's key, sealed; may be moved away and brought back when a new issuing CA is made.
pub const ROOT_FILE: &str = "root-ca.sealed";
/// The issuing CA's key and both certificates, sealed.
pub const ISSUING_FILE: &str = "issuing-ca.sealed";

const ROOT_CONTEXT: &str = "root-ca";
const ISSUING_CONTEXT: &str = "issuing-ca";
const CA_USAGES: [KeyUsagePurpose; 2] = [KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
/// How far `notBefore` lies in the past, for peers whose clock is slow.
pub(crate) const BACKDATING: Duration = Duration::from_secs(3600);
const YEAR: Duration = Duration::from_secs(365 * 86_400);
const ROOT_LIFETIME: Duration = YEAR.saturating_mul(30);
const ISSUING_LIFETIME: Duration = YEAR.saturating_mul(15);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_a_sealed_file_that_holds_no_ca_or_two_halves_of_different_ones() {
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
        let other = SoftwareKey::generate().unwrap();
        let mismatch = keep(&other, authority.issuing(), authority.root()).unwrap();
        assert!(matches!(keep_instead(&mismatch), AuthorityError::Mismatch));
    }
}
