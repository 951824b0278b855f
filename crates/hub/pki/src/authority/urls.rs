//! The addresses that stand in issued certificates: where to ask whether one is still good.

use der::Encode;
use der::asn1::Ia5String;
use der::oid::db::rfc5912::{ID_AD_CA_ISSUERS, ID_AD_OCSP};
use ironroot_identity::CaNumber;
use rcgen::{CertificateParams, CrlDistributionPoint, CustomExtension};
use x509_cert::ext::pkix::crl::dp::DistributionPoint;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{AccessDescription, AuthorityInfoAccessSyntax, CrlDistributionPoints};

/// Where the hub's PKI is published; none of the addresses, for certificates that need no asking about.
///
/// They are plain `http`, since checking a certificate must not need one (RFC 5280 section 8).
#[derive(Clone, Debug, Default)]
pub struct PkiUrls {
    base: Option<String>,
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

/// Where OCSP requests go, below the base.
pub const OCSP_PATH: &str = "/ocsp";

/// Where a CA's full list lies, below the base.
pub fn crl_path(ca: CaNumber) -> String {
    format!("/crl/{ca}.crl")
}

/// Where a CA's delta list lies, below the base.
pub fn delta_crl_path(ca: CaNumber) -> String {
    format!("/crl/{ca}.delta.crl")
}

/// Where a CA's certificate lies, below the base.
pub fn ca_path(ca: CaNumber) -> String {
    format!("/ca/{ca}.crt")
}

impl PkiUrls {
    /// Takes the address below which everything lies, without a slash at its end.
    ///
    /// # Errors
    /// [`BadUrl`] when it is not ASCII or not `http`.
    pub fn new(base: &str) -> Result<Self, BadUrl> {
        let plain = base.len() <= URL_LENGTH_MAX
            && base.starts_with("http://")
            && base.bytes().all(|byte| byte.is_ascii_graphic());
        if !plain {
            return Err(BadUrl {
                url: base.to_owned(),
            });
        }
        Ok(Self {
            base: Some(base.to_owned()),
        })
    }

    /// Where the OCSP responder answers.
    pub fn ocsp(&self) -> Option<String> {
        self.at(OCSP_PATH)
    }

    /// Writes the addresses that belong to a certificate of issuing CA `ca` (RFC 5280 sections 4.2.1.13,
    /// 4.2.1.15 and 4.2.2.1); none of these extensions is critical.
    pub(super) fn write(
        &self,
        ca: CaNumber,
        params: &mut CertificateParams,
    ) -> Result<(), der::Error> {
        let (Some(crl), Some(freshest), Some(access)) = (
            self.at(&crl_path(ca)),
            self.freshest_crl(ca),
            self.authority_information(ca)?,
        ) else {
            return Ok(());
        };
        params.crl_distribution_points = vec![CrlDistributionPoint { uris: vec![crl] }];
        params.custom_extensions.extend([
            CustomExtension::from_oid_content(FRESHEST_CRL, freshest),
            CustomExtension::from_oid_content(AUTHORITY_INFO_ACCESS, access),
        ]);
        Ok(())
    }

    /// The content of `freshestCRL`: where the delta list lies. It is the same in a certificate and in a full list.
    pub(crate) fn freshest_crl(&self, ca: CaNumber) -> Option<Vec<u8>> {
        let address = uri(&self.at(&delta_crl_path(ca))?).ok()?;
        let point = DistributionPoint {
            distribution_point: Some(DistributionPointName::FullName(vec![address])),
            reasons: None,
            crl_issuer: None,
        };
        CrlDistributionPoints(vec![point]).to_der().ok()
    }

    fn authority_information(&self, ca: CaNumber) -> Result<Option<Vec<u8>>, der::Error> {
        let (Some(ocsp), Some(issuer)) = (self.ocsp(), self.at(&ca_path(ca))) else {
            return Ok(None);
        };
        let access = [(ID_AD_OCSP, ocsp), (ID_AD_CA_ISSUERS, issuer)];
        let access = access.map(|(access_method, address)| {
            uri(&address).map(|access_location| AccessDescription {
                access_method,
                access_location,
            })
        });
        let access = access.into_iter().collect::<Result<_, _>>()?;
        AuthorityInfoAccessSyntax(access).to_der().map(Some)
    }

    fn at(&self, path: &str) -> Option<String> {
        self.base.as_ref().map(|base| format!("{base}{path}"))
    }
}

fn uri(address: &str) -> Result<GeneralName, der::Error> {
    Ia5String::new(address).map(GeneralName::UniformResourceIdentifier)
}

/// id-pe-authorityInfoAccess (RFC 5280 section 4.2.2.1).
const AUTHORITY_INFO_ACCESS: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 1, 1];
/// id-ce-freshestCRL (RFC 5280 section 4.2.1.15).
const FRESHEST_CRL: &[u64] = &[2, 5, 29, 46];
const URL_LENGTH_MAX: usize = 480;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_addresses_that_a_peer_could_not_fetch() {
        for url in [
            "https://hub",
            "hub",
            "http://hub/a b",
            "http://hüb",
            &format!("http://{}", "x".repeat(URL_LENGTH_MAX)),
        ] {
            let refused = BadUrl {
                url: url.to_owned(),
            };
            assert_eq!(PkiUrls::new(url).unwrap_err(), refused);
        }
    }
}
