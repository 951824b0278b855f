//! The root CA: its own certificate, and the certificates of issuing CAs that it signs.

use std::net::IpAddr;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use aws_lc_rs::rand;
use ironroot_identity::{CaNumber, CertificateSerial};
use ironroot_time::UnixTime;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, GeneralSubtree,
    IsCa, Issuer, KeyUsagePurpose, NameConstraints, PublicKeyData, SerialNumber,
};
use rustls::pki_types::{CertificateDer, ServerName};

use super::issuance::set_validity;
use super::{AuthorityError, BACKDATING, CaKey, IssuingCa, ROOT_CONTEXT, ROOT_FILE};
use crate::custody::{read_sealed, refuse_existing, write_sealed};
use crate::key::BadKey;
use crate::seal::SealKey;

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

    /// Keeps its key in `folder`, sealed; its certificate is public and is not kept there.
    ///
    /// # Errors
    /// [`AuthorityError`]; above all when a root's key is there already.
    pub fn keep(&self, folder: &Path, seal: &SealKey) -> Result<(), AuthorityError> {
        let file = folder.join(ROOT_FILE);
        refuse_existing(&file)?;
        Ok(write_sealed(
            &file,
            seal,
            ROOT_CONTEXT,
            &self.issuer.key().to_kept()?,
        )?)
    }

    /// Reads the key that lies in `folder`, to be used with `certificate`.
    ///
    /// # Errors
    /// [`AuthorityError::Mismatch`] when the certificate is another key's.
    pub fn load(
        folder: &Path,
        seal: &SealKey,
        certificate: CertificateDer<'static>,
    ) -> Result<Self, AuthorityError> {
        let kept = read_sealed(&folder.join(ROOT_FILE), seal, ROOT_CONTEXT)?;
        let key = CaKey::from_kept(kept.expose())?;
        // The same checks as of an issuing CA: the key's own, a CA, and a name that can be written.
        let checked = IssuingCa::new(CaNumber::FIRST, key, certificate.clone(), certificate)?;
        Ok(Self {
            certificate: checked.certificate().clone(),
            issuer: checked.issuer,
        })
    }

    /// Certifies `key` as an issuing CA under `name`, valid from an hour before `now`, for servers whose names
    /// lie within `permits`; for any when there are none.
    ///
    /// # Errors
    /// [`AuthorityError`] when the certificate cannot be written.
    pub fn certify(
        &self,
        name: &str,
        key: &impl PublicKeyData,
        permits: &[Permit],
        now: UnixTime,
    ) -> Result<CertificateDer<'static>, AuthorityError> {
        let mut params = ca_params(name, 0, now, ISSUING_LIFETIME)?;
        if !permits.is_empty() {
            params.name_constraints = Some(NameConstraints {
                permitted_subtrees: permits.iter().map(|permit| permit.0.clone()).collect(),
                excluded_subtrees: Vec::new(),
            });
        }
        params
            .signed_by(key, &self.issuer)
            .map(Into::into)
            .map_err(AuthorityError::Certificate)
    }
}

/// A part of the namespace of hosts or addresses that an issuing CA is held to (RFC 5280 section 4.2.1.10).
///
/// There is none for URIs: a constraint on them is about the host in one, and a certificate with a URI that has
/// no host, like our URNs, must then be refused.
#[derive(Clone, Debug)]
pub struct Permit(GeneralSubtree);

/// A text that names no part of a namespace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no constraint: write dns:HOST (with all hosts below it) or ip:ADDRESS/BITS; URIs cannot be constrained, since RFC 5280 section 4.2.1.10 has urn:ironroot:… refused under any constraint on URIs"
)]
pub struct BadPermit(String);

impl FromStr for Permit {
    type Err = BadPermit;

    fn from_str(text: &str) -> Result<Self, BadPermit> {
        let bad = || BadPermit(text.to_owned());
        if let Some(host) = text.strip_prefix("dns:") {
            let name = ServerName::try_from(host).map_err(|_no_host| bad())?;
            return match name {
                ServerName::DnsName(_) => Ok(Self(GeneralSubtree::DnsName(host.to_owned()))),
                _ => Err(bad()),
            };
        }
        let (address, bits) = text
            .strip_prefix("ip:")
            .and_then(|network| network.split_once('/'))
            .ok_or_else(bad)?;
        let address: IpAddr = address.parse().map_err(|_no_address| bad())?;
        let bits: u8 = bits.parse().map_err(|_no_number| bad())?;
        let bits_max = if address.is_ipv4() { 32 } else { 128 };
        if bits > bits_max {
            return Err(bad());
        }
        let network = CidrSubnet::from_addr_prefix(address, bits);
        Ok(Self(GeneralSubtree::IpAddress(network)))
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

pub(super) fn common_name(name: &str) -> DistinguishedName {
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
