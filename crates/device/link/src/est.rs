//! EST as a device speaks it (RFC 7030, RFC 8951): a key of its own, a request, a certificate.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use cms::cert::CertificateChoices;
use cms::content_info::ContentInfo;
use cms::signed_data::SignedData;
use der::oid::db::rfc5911::ID_SIGNED_DATA;
use der::{Decode, Encode};
use hyper::header::{self, HeaderValue};
use hyper::{Method, StatusCode};
use rcgen::string::{Ia5String, PrintableString};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, DnValue, KeyPair, PKCS_ECDSA_P256_SHA256, SanType,
};
use rustls::pki_types::CertificateDer;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use zeroize::Zeroizing;

use crate::http::{Answer, Call, Http, HttpFailed};

/// A device and the private key that it wants a certificate for.
#[derive(Debug)]
pub struct Applicant<'a> {
    /// Its serial.
    pub serial: &'a str,
    /// Its private key, PKCS#8.
    pub key: &'a Zeroizing<Vec<u8>>,
}

/// What stands for an applicant.
#[derive(Debug)]
pub enum Credentials<'a> {
    /// The token of a claim, by HTTP Basic authentication.
    Token(&'a str),
    /// The certificate that TLS has shown already: an IDevID.
    Certificate,
    /// The certificate that TLS has shown already, and which is to be replaced.
    OldCertificate,
}

/// An EST server, connected.
#[derive(Debug)]
pub struct Server(Http);

/// What an EST server handed out.
#[derive(Debug)]
pub struct Issued {
    /// The certificates; a device's own first.
    pub certificates: Vec<CertificateDer<'static>>,
    /// What the server's clock shows, as it wrote it (RFC 9110 section 6.6.1).
    pub date: Option<String>,
}

/// Why no certificate was handed out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EstRefused {
    /// The server refused, or could not be heard.
    #[error(transparent)]
    Http(#[from] HttpFailed),
    /// The server has not decided yet (RFC 7030 section 4.2.3).
    #[error("the server asks to come back later")]
    Later {
        /// After how long, where it says so in seconds.
        retry_after: Option<Duration>,
    },
    /// The answer is no certs-only PKCS#7.
    #[error("EST answered with no certificate: {0}")]
    Answer(&'static str),
    /// No request can be made of the serial or the key.
    #[error("no certificate can be asked for")]
    Request(#[from] KeyFailed),
}

/// A key could not be made or used, or a name cannot stand in a certificate.
#[derive(Debug, thiserror::Error)]
#[error("no key, or no request with it")]
pub struct KeyFailed(#[from] rcgen::Error);

/// A fresh private key, P-256, PKCS#8.
///
/// # Errors
/// [`KeyFailed`] without randomness from the system.
pub fn fresh_key() -> Result<Zeroizing<Vec<u8>>, KeyFailed> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    Ok(Zeroizing::new(key.serialize_der()))
}

impl Server {
    /// Speaks EST on a connection to the server called `host`.
    ///
    /// # Errors
    /// [`EstRefused`] when the connection has ended already.
    pub async fn on(stream: TlsStream<TcpStream>, host: &str) -> Result<Self, EstRefused> {
        Ok(Self(Http::on(stream, host).await?))
    }

    /// The certificates of the CA (RFC 7030 section 4.1).
    ///
    /// # Errors
    /// [`EstRefused`] says why there are none.
    pub async fn ca_certificates(&mut self) -> Result<Issued, EstRefused> {
        self.ask("cacerts", None, None).await
    }

    /// Asks for a certificate (RFC 7030 section 4.2).
    ///
    /// # Errors
    /// [`EstRefused`] says why there is none.
    pub async fn certify(
        &mut self,
        applicant: &Applicant<'_>,
        credentials: &Credentials<'_>,
    ) -> Result<Issued, EstRefused> {
        let request = Some(applicant.request()?);
        match credentials {
            Credentials::OldCertificate => self.ask("simplereenroll", request, None).await,
            Credentials::Certificate => self.ask("simpleenroll", request, None).await,
            Credentials::Token(token) => {
                let basic = basic(applicant.serial, token)?;
                self.ask("simpleenroll", request, Some(&basic)).await
            }
        }
    }

    async fn ask(
        &mut self,
        operation: &str,
        request: Option<Vec<u8>>,
        authorization: Option<&HeaderValue>,
    ) -> Result<Issued, EstRefused> {
        let path = format!("/.well-known/est/{operation}");
        // RFC 8951 section 3.1: base64 without line ends is as good as with them.
        let body = request.map(|der| {
            let text = BASE64_STANDARD.encode(der);
            ("application/pkcs10", text.into_bytes())
        });
        let call = Call {
            method: if body.is_some() {
                Method::POST
            } else {
                Method::GET
            },
            path: &path,
            body,
            authorization,
        };
        let answer = self.0.call(call).await?;
        if answer.status == StatusCode::ACCEPTED {
            return Err(EstRefused::Later {
                retry_after: retry_after(&answer),
            });
        }
        let date = answer.header(header::DATE).map(str::to_owned);
        let certificates = certificates(&answer.success(&path)?)?;
        Ok(Issued { certificates, date })
    }
}

impl Applicant<'_> {
    /// A CSR with the names that the hub issues, so that it serves to re-enrol as well.
    fn request(&self) -> Result<Vec<u8>, KeyFailed> {
        let key = KeyPair::try_from(self.key.as_slice())?;
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
        Ok(params.serialize_request(&key)?.der().to_vec())
    }
}

/// RFC 7617: the serial is the user, the token the password.
fn basic(serial: &str, token: &str) -> Result<HeaderValue, EstRefused> {
    let credentials = Zeroizing::new(format!("{serial}:{token}"));
    let encoded = BASE64_STANDARD.encode(credentials.as_bytes());
    let mut basic = HeaderValue::try_from(format!("Basic {encoded}"))
        .map_err(|_bad| EstRefused::Answer("the token can stand in no header"))?;
    basic.set_sensitive(true);
    Ok(basic)
}

fn retry_after(answer: &Answer) -> Option<Duration> {
    let seconds = answer.header(header::RETRY_AFTER)?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Takes the certificates out of a certs-only PKCS#7 in base64 (RFC 8951 section 3.1).
fn certificates(body: &[u8]) -> Result<Vec<CertificateDer<'static>>, EstRefused> {
    let text: Vec<u8> = body
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let der = BASE64_STANDARD
        .decode(text)
        .map_err(|_no_base64| EstRefused::Answer("it is no base64"))?;
    let no_pkcs7 = |_no_der| EstRefused::Answer("it is no PKCS#7");
    let content = ContentInfo::from_der(&der).map_err(no_pkcs7)?;
    if content.content_type != ID_SIGNED_DATA {
        return Err(EstRefused::Answer("it is no SignedData"));
    }
    let signed: SignedData = content.content.decode_as().map_err(no_pkcs7)?;
    let mut certificates = Vec::new();
    for choice in signed.certificates.iter().flat_map(|set| set.0.iter()) {
        let CertificateChoices::Certificate(certificate) = choice else {
            return Err(EstRefused::Answer("one is of another format"));
        };
        certificates.push(certificate.to_der().map_err(no_pkcs7)?.into());
    }
    if certificates.is_empty() {
        return Err(EstRefused::Answer("there is none in it"));
    }
    Ok(certificates)
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
        let certificate = certificates(ONE.as_bytes()).unwrap();
        assert_eq!(certificate.len(), 1);
        assert_eq!(certificate[0].len(), 368);
        assert_eq!(certificate[0].get(..4), Some(&[0x30, 0x82, 0x01, 0x6c][..]));
    }

    #[test]
    fn refuses_an_answer_without_a_certificate() {
        for body in [NONE, "", "no base64!", "MAA="] {
            assert!(certificates(body.as_bytes()).is_err(), "{body}");
        }
    }
}
