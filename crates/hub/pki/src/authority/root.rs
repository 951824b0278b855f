//! The root CA: its own certificate, and the certificates of issuing CAs that it signs.

use std::time::Duration;

use aws_lc_rs::rand;
use ironroot_identity::CertificateSerial;
use ironroot_time::UnixTime;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyUsagePurpose,
    PublicKeyData, SerialNumber,
};
use rustls::pki_types::CertificateDer;

use super::issuance::set_validity;
use super::{AuthorityError, BACKDATING, CaKey};
use crate::key::BadKey;

/// A root CA that can sign: its key is needed when an issuing CA is made, and at no other time.
#[derive(Debug)]
pub struct RootCa {
    issuer: Issuer<'static, CaKey>,
    certificate: CertificateDer<'static>,
}

impl RootCa {
    /// Makes a root CA under `name`, valid from an hour before `now`.
    ///
    /// # Errors
    /// [`AuthorityError`] without randomness, or when the name cannot be written.
    pub fn new(name: &str, now: UnixTime) -> Result<Self, AuthorityError> {
        let key = CaKey::generate()?;
        let params = ca_params(name, 1, now, ROOT_LIFETIME)?;
        let certificate = params
            .self_signed(&key)
            .map_err(AuthorityError::Certificate)?
            .into();
        Ok(Self {
            issuer: Issuer::new(params, key),
            certificate,
        })
    }

    /// Its certificate.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Its key.
    pub(super) fn key(&self) -> &CaKey {
        self.issuer.key()
    }

    /// Certifies `key` as an issuing CA under `name`, valid from an hour before `now`.
    ///
    /// # Errors
    /// [`AuthorityError`] when the certificate cannot be written.
    pub fn certify(
        &self,
        name: &str,
        key: &impl PublicKeyData,
        now: UnixTime,
    ) -> Result<CertificateDer<'static>, AuthorityError> {
        ca_params(name, 0, now, ISSUING_LIFETIME)?
            .signed_by(key, &self.issuer)
            .map(Into::into)
            .map_err(AuthorityError::Certificate)
    }
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
    set_validity(&mut params, now.minus(BACKDATING), now.plus(lifetime));
    Ok(params)
}

fn common_name(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(DnType::CommonName, name);
    names
}

/// Bytes from the system's source of randomness.
pub(super) fn random<const N: usize>() -> Result<[u8; N], BadKey> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_no_randomness| BadKey)?;
    Ok(bytes)
}

/// What a CA's key is for (RFC 5280 section 4.2.1.3).
pub(super) const CA_USAGES: [KeyUsagePurpose; 2] =
    [KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
const YEAR: Duration = Duration::from_secs(365 * 86_400);
const ROOT_LIFETIME: Duration = YEAR.saturating_mul(30);
const ISSUING_LIFETIME: Duration = YEAR.saturating_mul(15);
