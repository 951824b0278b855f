//! EST as a device speaks it (RFC 7030, RFC 8951): a key of its own, a request, a certificate.

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use cms::cert::CertificateChoices;
use cms::content_info::ContentInfo;
use cms::signed_data::SignedData;
use der::oid::db::rfc5911::ID_SIGNED_DATA;
use der::{Decode, Encode};
use hyper::header::HeaderValue;
use ironroot_api::Secret;
use rcgen::string::{Ia5String, PrintableString};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, DnValue, KeyPair, PKCS_ECDSA_P256_SHA256, SanType,
};
use rustls::pki_types::CertificateDer;
use zeroize::Zeroizing;

use crate::http::{Http, Post};
use crate::hub::Hub;
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
    /// Enrols with the token of a claim (RFC 7030 section 4.2.1).
    ///
    /// # Errors
    /// When the hub refuses, or answers with no certificate.
    pub async fn enrol(&self, hub: &Hub, trust: &Trust, token: &Secret) -> Result<Identity> {
        let credentials = Zeroizing::new(format!("{}:{}", self.serial, token.reveal()));
        let mut basic = HeaderValue::try_from(format!(
            "Basic {}",
            BASE64_STANDARD.encode(credentials.as_bytes())
        ))?;
        basic.set_sensitive(true);
        self.exchange(hub, trust, "simpleenroll", None, Some(&basic))
            .await
    }

    /// Replaces the certificate with one for a new key (RFC 7030 section 4.2.2).
    ///
    /// # Errors
    /// When the hub refuses, or answers with no certificate.
    pub async fn reenrol(&self, hub: &Hub, trust: &Trust, old: &Identity) -> Result<Identity> {
        self.exchange(hub, trust, "simplereenroll", Some(old), None)
            .await
    }

    async fn exchange(
        &self,
        hub: &Hub,
        trust: &Trust,
        operation: &str,
        identity: Option<&Identity>,
        authorization: Option<&HeaderValue>,
    ) -> Result<Identity> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let request = self.request(&key)?;
        let stream = tls::connect(hub.device, self.number, trust.client(identity)?).await?;
        let path = format!("/.well-known/est/{operation}");
        let post = Post {
            path: &path,
            content_type: "application/pkcs10",
            authorization,
            body: BASE64_STANDARD.encode(request).into_bytes(),
        };
        let answer = Http::on(stream).await?.post(post).await?;
        let certificate = certificate(&answer).context("EST answered with no certificate")?;
        let key = Zeroizing::new(key.serialize_der());
        Ok(Identity::new(vec![certificate], key))
    }

    /// A CSR with the names that the hub issues, so that it serves to re-enrol as well.
    fn request(&self, key: &KeyPair) -> Result<Vec<u8>> {
        let mut params = CertificateParams::default();
        let mut subject = DistinguishedName::new();
        let serial = PrintableString::try_from(self.serial)?;
        subject.push(
            DnType::CustomDnType(SERIAL_NUMBER.to_vec()),
            DnValue::PrintableString(serial),
        );
        subject.push(DnType::CommonName, self.serial);
        params.distinguished_name = subject;
        let urn = Ia5String::try_from(format!("urn:ironroot:device:{}", self.serial))?;
        params.subject_alt_names = vec![SanType::URI(urn)];
        Ok(params.serialize_request(key)?.der().to_vec())
    }
}

/// Takes the certificate out of a certs-only PKCS#7 in base64 (RFC 8951 section 3.1).
fn certificate(body: &[u8]) -> Result<CertificateDer<'static>> {
    let text: Vec<u8> = body
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let content = ContentInfo::from_der(&BASE64_STANDARD.decode(text)?)?;
    ensure!(
        content.content_type == ID_SIGNED_DATA,
        "it is no SignedData"
    );
    let signed: SignedData = content.content.decode_as()?;
    let certificates = signed.certificates.context("there is none in it")?;
    let first = certificates.0.get(0).context("there is none in it")?;
    match first {
        CertificateChoices::Certificate(certificate) => Ok(certificate.to_der()?.into()),
        CertificateChoices::Other(_) => anyhow::bail!("it is of another format"),
    }
}

/// The attribute serialNumber of a name (X.520 section 6.2.9).
const SERIAL_NUMBER: [u64; 4] = [2, 5, 4, 5];

#[cfg(test)]
mod tests {
    use super::*;

    /// What `openssl crl2pkcs7 -nocrl -certfile` makes of one certificate.
    const ONE: &str = "\
MIIBmwYJKoZIhvcNAQcCoIIBjDCCAYgCAQExADALBgkqhkiG9w0BBwGgggFwMIIBbDCCAROgAwIBAgIUdcfsziF71xnabor+8xov
zByu3YAwCgYIKoZIzj0EAwIwDDEKMAgGA1UEAwwBdDAeFw0yNjExMjIwNjMwMTZaFw0zNjExMTkwNjMwMTZaMAwxCjAIBgNVBAMM
AXQwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQJTGE85+OTzsFs/P8HiE5G9awwuVUUaJYWZi5zW8xz4G0EXlGnvcKJlOGcCNds
HlEQEkKdh1CRcEnlxkvThjnTo1MwUTAdBgNVHQ4EFgQUvIkIumBAOfB04KZo2y1KJ4U8NtwwHwYDVR0jBBgwFoAUvIkIumBAOfB0
4KZo2y1KJ4U8NtwwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiATH5Rhwnt6tsaNzYLJWoukqMSuw7e26BbT9Fkw
mUuvfAIgMH63gxkdEi5UOIkdGoYUxdloeKCKkkv4Lknjr2wCUmIxAA==
";
    /// The same without a certificate.
    const NONE: &str = "MCMGCSqGSIb3DQEHAqAWMBQCAQExADALBgkqhkiG9w0BBwExAA==";

    #[test]
    fn takes_the_certificate_that_openssl_has_packed() {
        let certificate = certificate(ONE.as_bytes()).unwrap();
        assert_eq!(certificate.len(), 368);
        assert_eq!(certificate.get(..4), Some(&[0x30, 0x82, 0x01, 0x6c][..]));
    }

    #[test]
    fn refuses_an_answer_without_a_certificate() {
        for body in [NONE, "", "no base64!", "MAA="] {
            assert!(certificate(body.as_bytes()).is_err(), "{body}");
        }
    }
}
