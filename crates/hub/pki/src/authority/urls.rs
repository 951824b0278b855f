//! The addresses that stand in issued certificates: where to ask whether one is still good.

use der::Encode;
use der::asn1::Ia5String;
use der::oid::db::rfc5912::{ID_AD_CA_ISSUERS, ID_AD_OCSP};
use rcgen::{CrlDistributionPoint, CustomExtension};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{AccessDescription, AuthorityInfoAccessSyntax};

/// Addresses written into every certificate that is issued with them; all are plain `http`, since
/// checking a certificate must not need one (RFC 5280 section 8).
#[derive(Clone, Debug, Default)]
pub struct PkiUrls {
    pub(super) crl: Vec<CrlDistributionPoint>,
    pub(super) authority_information: Vec<CustomExtension>,
}

/// An address that cannot stand in a certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{url:?} cannot stand in a certificate: an address there is ASCII, starts with http:// and has at most {URL_LENGTH_MAX} characters"
)]
pub struct BadUrl {
    /// What was given.
    pub url: String,
}

impl PkiUrls {
    /// Takes the address of the CRL, of the OCSP responder and of the issuing CA's certificate.
    ///
    /// # Errors
    /// [`BadUrl`] names the one that is not ASCII or not `http`.
    pub fn new(
        crl: Option<&str>,
        ocsp: Option<&str>,
        ca_issuers: Option<&str>,
    ) -> Result<Self, BadUrl> {
        let crl = crl.map(|url| {
            checked(url).map(|_| CrlDistributionPoint {
                uris: vec![url.to_owned()],
            })
        });
        let mut access = Vec::new();
        for (access_method, url) in [(ID_AD_OCSP, ocsp), (ID_AD_CA_ISSUERS, ca_issuers)] {
            if let Some(url) = url {
                access.push(AccessDescription {
                    access_method,
                    access_location: GeneralName::UniformResourceIdentifier(checked(url)?),
                });
            }
        }
        Ok(Self {
            crl: crl.transpose()?.into_iter().collect(),
            authority_information: authority_information(access)?,
        })
    }
}

/// The `AuthorityInfoAccess` extension, never critical (RFC 5280 section 4.2.2.1).
fn authority_information(access: Vec<AccessDescription>) -> Result<Vec<CustomExtension>, BadUrl> {
    if access.is_empty() {
        return Ok(Vec::new());
    }
    let content = AuthorityInfoAccessSyntax(access)
        .to_der()
        .map_err(|_too_long| BadUrl {
            url: "(all of them together)".to_owned(),
        })?;
    Ok(vec![CustomExtension::from_oid_content(
        AUTHORITY_INFO_ACCESS,
        content,
    )])
}

fn checked(url: &str) -> Result<Ia5String, BadUrl> {
    let refused = || BadUrl {
        url: url.to_owned(),
    };
    let plain = url.len() <= URL_LENGTH_MAX
        && url.starts_with("http://")
        && url.bytes().all(|byte| byte.is_ascii_graphic());
    if !plain {
        return Err(refused());
    }
    Ia5String::new(url).map_err(|_not_ascii| refused())
}

/// id-pe-authorityInfoAccess (RFC 5280 section 4.2.2.1).
const AUTHORITY_INFO_ACCESS: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 1, 1];
const URL_LENGTH_MAX: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_addresses_that_a_peer_could_not_fetch() {
        for url in [
            "https://hub/crl",
            "hub/crl",
            "http://hub/a b",
            "http://hüb/crl",
            &format!("http://{}", "x".repeat(URL_LENGTH_MAX)),
        ] {
            let refused = BadUrl {
                url: url.to_owned(),
            };
            assert_eq!(PkiUrls::new(Some(url), None, None).unwrap_err(), refused);
            assert_eq!(PkiUrls::new(None, Some(url), None).unwrap_err(), refused);
            assert_eq!(PkiUrls::new(None, None, Some(url)).unwrap_err(), refused);
        }
    }
}
