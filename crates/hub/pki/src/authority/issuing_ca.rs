//! One issuing CA: its key, its certificate, and the root that stands above it.

use der::asn1::OctetStringRef;
use der::{Decode, Encode, Sequence, Tag, Tagged};
use ironroot_identity::CaNumber;
use ironroot_time::UnixTime;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, DnValue, Issuer, KeyIdMethod, PublicKeyData,
};
use rustls::pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::ext::pkix::{BasicConstraints, SubjectKeyIdentifier};
use x509_cert::name::Name;

use super::root::CA_USAGES;
use super::{AuthorityError, CaKey};
use crate::names::text;
use ironroot_secret::Secret;

/// A CA that signs certificates while it is the current one, and its CRLs and OCSP responders always.
#[derive(Debug)]
pub struct IssuingCa {
    number: CaNumber,
    pub(super) issuer: Issuer<'static, CaKey>,
    certificate: CertificateDer<'static>,
    root: CertificateDer<'static>,
    /// Its subject in DER, as it stands in what it issues.
    name: Vec<u8>,
    /// Its subject key identifier (RFC 5280 section 4.2.1.2).
    key_id: Vec<u8>,
    not_before: UnixTime,
    /// Nothing issued outlives the CA.
    not_after: UnixTime,
}

/// What an issuing file holds under its seal.
#[derive(Sequence)]
struct Kept<'a> {
    key: OctetStringRef<'a>,
    issuing: OctetStringRef<'a>,
    root: OctetStringRef<'a>,
}

impl IssuingCa {
    /// Takes a key, the CA certificate of that key, and the root's certificate.
    ///
    /// # Errors
    /// [`AuthorityError::Mismatch`] when the certificate is another key's, [`AuthorityError::NotACa`] when it
    /// is no CA's.
    pub fn new(
        number: CaNumber,
        key: CaKey,
        certificate: CertificateDer<'static>,
        root: CertificateDer<'static>,
    ) -> Result<Self, AuthorityError> {
        let tbs = Certificate::from_der(&certificate)
            .map_err(AuthorityError::Content)?
            .tbs_certificate;
        let spki = tbs
            .subject_public_key_info
            .to_der()
            .map_err(AuthorityError::Content)?;
        if spki != key.subject_public_key_info() {
            return Err(AuthorityError::Mismatch);
        }
        let constraints = tbs.get::<BasicConstraints>();
        let key_id = tbs.get::<SubjectKeyIdentifier>();
        let (Ok(Some((_, BasicConstraints { ca: true, .. }))), Ok(Some((_, key_id)))) =
            (constraints, key_id)
        else {
            return Err(AuthorityError::NotACa);
        };
        let key_id = key_id.0.as_bytes().to_vec();
        let mut params = CertificateParams::default();
        params.distinguished_name = distinguished_name(&tbs.subject)?;
        params.key_usages = CA_USAGES.to_vec();
        params.key_identifier_method = KeyIdMethod::PreSpecified(key_id.clone());
        Ok(Self {
            number,
            issuer: Issuer::new(params, key),
            name: tbs.subject.to_der().map_err(AuthorityError::Content)?,
            key_id,
            not_before: seconds(tbs.validity.not_before),
            not_after: seconds(tbs.validity.not_after),
            certificate,
            root,
        })
    }

    /// Reads what [`IssuingCa::to_kept`] wrote.
    ///
    /// # Errors
    /// [`AuthorityError`] when it holds something else, or parts that do not belong together.
    pub(super) fn from_kept(number: CaNumber, kept: &Secret) -> Result<Self, AuthorityError> {
        let kept = Kept::from_der(kept.expose()).map_err(AuthorityError::Content)?;
        Self::new(
            number,
            CaKey::from_kept(kept.key.as_bytes())?,
            kept.issuing.as_bytes().to_vec().into(),
            kept.root.as_bytes().to_vec().into(),
        )
    }

    /// The key and both certificates, to be sealed: nobody puts another root in place without the seal.
    pub(super) fn to_kept(&self) -> Result<Secret, AuthorityError> {
        let key = self.key().to_kept()?;
        let write = || {
            Kept {
                key: OctetStringRef::new(key.expose())?,
                issuing: OctetStringRef::new(&self.certificate)?,
                root: OctetStringRef::new(&self.root)?,
            }
            .to_der()
        };
        write().map(Secret::new).map_err(AuthorityError::Content)
    }

    /// Which of the hub's issuing CAs it is.
    pub fn number(&self) -> CaNumber {
        self.number
    }

    /// Its certificate.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// The certificate of the root above it.
    pub fn root(&self) -> &CertificateDer<'static> {
        &self.root
    }

    /// When it begins.
    pub fn not_before(&self) -> UnixTime {
        self.not_before
    }

    /// When it ends.
    pub fn not_after(&self) -> UnixTime {
        self.not_after
    }

    /// Its key.
    pub fn key(&self) -> &CaKey {
        self.issuer.key()
    }

    /// Its subject in DER.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// Its subject key identifier.
    pub fn key_id(&self) -> &[u8] {
        &self.key_id
    }
}

/// The CA's subject, so that it is written into certificates byte for byte as in its own.
fn distinguished_name(name: &Name) -> Result<DistinguishedName, AuthorityError> {
    let mut names = DistinguishedName::new();
    let attributes = || name.0.iter().flat_map(|names| names.0.iter());
    for attribute in attributes() {
        let arcs: Vec<u64> = attribute.oid.arcs().map(u64::from).collect();
        let value = text(&attribute.value).ok_or(AuthorityError::NotACa)?;
        let value = match attribute.value.tag() {
            Tag::PrintableString => value.try_into().map(DnValue::PrintableString),
            Tag::Ia5String => value.try_into().map(DnValue::Ia5String),
            _ => Ok(DnValue::Utf8String(value.to_owned())),
        };
        names.push(
            DnType::from_oid(&arcs),
            value.map_err(AuthorityError::Certificate)?,
        );
    }
    // An attribute that stands there twice would be written once.
    if names.iter().count() != attributes().count() || name.0.iter().any(|rdn| rdn.0.len() != 1) {
        return Err(AuthorityError::NotACa);
    }
    Ok(names)
}

fn seconds(time: x509_cert::time::Time) -> UnixTime {
    UnixTime::from_s(time.to_unix_duration().as_secs())
}
