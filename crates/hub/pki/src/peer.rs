//! Who a peer is, by the certificate that it presents.

use der::asn1::ObjectIdentifier;
use der::oid::db::rfc5912::ID_KP_CLIENT_AUTH;
use der::{Decode, Encode};
use ironroot_identity::{BadSerial, BadUrn, CertificateSerial, Fingerprint, Principal};
use ironroot_time::UnixTime;
use rustls::pki_types::CertificateDer;
use x509_cert::ext::pkix::ExtendedKeyUsage;
use x509_cert::time::Validity;
use x509_cert::{Certificate, TbsCertificate};

use crate::authority::fingerprint;
use crate::names::{AlternativeName, Subject};

/// A peer's certificate whose path to a trust anchor was verified; only
/// [`TrustAnchors`](crate::tls::TrustAnchors) and [`DoorTls`](crate::tls::DoorTls) make one.
#[derive(Clone, Debug)]
pub struct PeerCertificate {
    identity: PeerIdentity,
    role: Role,
    fingerprint: Fingerprint,
    not_before: UnixTime,
    not_after: UnixTime,
    spki: Vec<u8>,
    subject: Subject,
    alternative_names: Vec<AlternativeName>,
}

/// What its owner may do for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Nothing.
    Itself,
    /// Renew their certificates.
    RegistrationAuthority,
}

/// Whose certificate it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerIdentity {
    /// Issued by this hub's CA: an LDevID or a service's certificate.
    Ours {
        /// Who.
        principal: Principal,
        /// The certificate's number.
        serial: CertificateSerial,
    },
    /// An IDevID issued by a manufacturer's CA: says what the thing is, gives no rights.
    Manufacturer {
        /// The label of the manufacturer's CA in the hub's settings.
        manufacturer: String,
        /// The `serialNumber` attribute of the subject (IEEE 802.1AR section 8.6), as it stands there.
        serial_number: String,
    },
}

/// Why a certificate stands for nobody.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PeerRefused {
    /// No path to a trust anchor of this door, or one that is not valid now.
    #[error("the certificate has no valid path to a trust anchor of this door")]
    Path(#[source] webpki::Error),
    /// It is not DER, or not X.509.
    #[error("the certificate is malformed")]
    Malformed(#[source] der::Error),
    /// Its names are not exactly one URI.
    #[error("the certificate has {count} alternative names; ours have one URI and nothing else")]
    Names {
        /// How many names it has.
        count: usize,
    },
    /// Its URI is in no namespace of ours.
    #[error("the certificate's URI names no device and no service")]
    Urn(#[source] BadUrn),
    /// It is for something else than to log in as a client.
    #[error("the certificate is for other uses than TLS client authentication alone")]
    Usage,
    /// Its number is none that this CA gives.
    #[error("the certificate's serial number is none that this CA gives")]
    Serial(#[source] BadSerial),
    /// A manufacturer's certificate that does not say which device it is.
    #[error("a certificate of manufacturer {manufacturer} has no serialNumber, or several")]
    NoSerialNumber {
        /// The manufacturer's label.
        manufacturer: String,
    },
    /// It was revoked.
    #[error("the certificate was revoked")]
    Revoked,
    /// This hub has no record of having issued it.
    #[error("the certificate is not on record")]
    NotOnRecord,
}

impl PeerCertificate {
    /// Whose it is.
    pub fn identity(&self) -> &PeerIdentity {
        &self.identity
    }

    /// The device or service, if this hub's CA issued it.
    pub fn principal(&self) -> Option<&Principal> {
        match &self.identity {
            PeerIdentity::Ours { principal, .. } => Some(principal),
            PeerIdentity::Manufacturer { .. } => None,
        }
    }

    /// Whether it says that its owner may renew the certificates of others (id-kp-cmcRA, RFC 7030 section
    /// 3.7). Whose, the profile of this moment says.
    pub fn is_registration_authority(&self) -> bool {
        self.role == Role::RegistrationAuthority
    }

    /// The certificate's number, if this hub's CA issued it.
    pub fn serial(&self) -> Option<CertificateSerial> {
        match &self.identity {
            PeerIdentity::Ours { serial, .. } => Some(*serial),
            PeerIdentity::Manufacturer { .. } => None,
        }
    }

    /// SHA-256 of the certificate.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// When it begins.
    pub fn not_before(&self) -> UnixTime {
        self.not_before
    }

    /// When it ends.
    pub fn not_after(&self) -> UnixTime {
        self.not_after
    }

    /// Its `SubjectPublicKeyInfo` in DER.
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// Its subject.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Its alternative names, sorted.
    pub fn alternative_names(&self) -> &[AlternativeName] {
        &self.alternative_names
    }
}

/// A certificate that was parsed, and of which nothing has been checked.
pub(crate) struct ParsedCertificate {
    tbs: TbsCertificate,
    fingerprint: Fingerprint,
    alternative_names: Vec<AlternativeName>,
}

impl ParsedCertificate {
    /// Parses the certificate and its names.
    pub(crate) fn parse(der: &CertificateDer<'_>) -> Result<Self, PeerRefused> {
        let tbs = Certificate::from_der(der)
            .map_err(PeerRefused::Malformed)?
            .tbs_certificate;
        Ok(Self {
            alternative_names: AlternativeName::of_certificate(&tbs)
                .map_err(PeerRefused::Malformed)?,
            fingerprint: fingerprint(der),
            tbs,
        })
    }

    /// Whether any name lies in this hub's namespace, in whatever case it is written.
    pub(crate) fn claims_our_namespace(&self) -> bool {
        self.alternative_names.iter().any(|name| match name {
            AlternativeName::Uri(uri) => uri
                .get(..NAMESPACE.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(NAMESPACE)),
            AlternativeName::Dns(_)
            | AlternativeName::Ip(_)
            | AlternativeName::Email(_)
            | AlternativeName::Other(_) => false,
        })
    }

    /// Takes a certificate whose path was verified to end at this hub's CA.
    pub(crate) fn issued_by_us(self) -> Result<PeerCertificate, PeerRefused> {
        let [AlternativeName::Uri(urn)] = self.alternative_names.as_slice() else {
            return Err(PeerRefused::Names {
                count: self.alternative_names.len(),
            });
        };
        let principal = Principal::parse_urn(urn).map_err(PeerRefused::Urn)?;
        let usage = self.tbs.get::<ExtendedKeyUsage>();
        let role = match (usage.map_err(PeerRefused::Malformed)?, &principal) {
            (Some((_, usage)), _) if usage.0 == [ID_KP_CLIENT_AUTH] => Role::Itself,
            (Some((_, usage)), Principal::Device(_))
                if usage.0 == [ID_KP_CLIENT_AUTH, ID_KP_CMC_RA] =>
            {
                Role::RegistrationAuthority
            }
            (Some(_) | None, _) => return Err(PeerRefused::Usage),
        };
        let serial = CertificateSerial::from_der_content(self.tbs.serial_number.as_bytes())
            .map_err(PeerRefused::Serial)?;
        self.identified(role, PeerIdentity::Ours { principal, serial })
    }

    /// Takes a certificate whose path was verified to end at the CA of `manufacturer`.
    pub(crate) fn issued_by(self, manufacturer: &str) -> Result<PeerCertificate, PeerRefused> {
        let manufacturer = manufacturer.to_owned();
        let subject = Subject::new(self.tbs.subject.clone());
        let Some(serial_number) = subject.serial_number().map(str::to_owned) else {
            return Err(PeerRefused::NoSerialNumber { manufacturer });
        };
        let identity = PeerIdentity::Manufacturer {
            manufacturer,
            serial_number,
        };
        self.identified(Role::Itself, identity)
    }

    fn identified(
        self,
        role: Role,
        identity: PeerIdentity,
    ) -> Result<PeerCertificate, PeerRefused> {
        let Validity {
            not_before,
            not_after,
        } = self.tbs.validity;
        let spki = self.tbs.subject_public_key_info.to_der();
        Ok(PeerCertificate {
            identity,
            role,
            fingerprint: self.fingerprint,
            not_before: UnixTime::from_s(not_before.to_unix_duration().as_secs()),
            not_after: UnixTime::from_s(not_after.to_unix_duration().as_secs()),
            spki: spki.map_err(PeerRefused::Malformed)?,
            subject: Subject::new(self.tbs.subject),
            alternative_names: self.alternative_names,
        })
    }
}

/// id-kp-cmcRA (RFC 6402 section 2.10).
const ID_KP_CMC_RA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.28");

/// The namespace that all of this hub's URIs lie in.
const NAMESPACE: &str = "urn:ironroot:";

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, KeyPair, SanType};

    const CAM: &str = "urn:ironroot:device:cam-1";

    /// A certificate as this hub's CA writes it, changed by `change`.
    fn certificate(change: impl FnOnce(&mut CertificateParams)) -> ParsedCertificate {
        let mut params = CertificateParams::default();
        params.serial_number = Some(vec![0x41; 16].into());
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.subject_alt_names = vec![uri(CAM)];
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        ParsedCertificate::parse(params.self_signed(&key).unwrap().der()).unwrap()
    }

    fn uri(uri: &str) -> SanType {
        SanType::URI(uri.try_into().unwrap())
    }

    #[test]
    fn a_certificate_of_ours_stands_for_the_one_it_names() {
        let peer = certificate(|_| {}).issued_by_us().unwrap();
        assert_eq!(peer.principal(), Some(&Principal::parse_urn(CAM).unwrap()));
    }

    #[test]
    fn refuses_a_second_name_of_any_kind() {
        for second in [
            uri("urn:ironroot:device:cam-2"),
            SanType::DnsName("hub".try_into().unwrap()),
        ] {
            let two = certificate(|params| params.subject_alt_names.push(second));
            assert!(matches!(
                two.issued_by_us(),
                Err(PeerRefused::Names { count: 2 })
            ));
        }
        let none = certificate(|params| params.subject_alt_names.clear());
        assert!(matches!(
            none.issued_by_us(),
            Err(PeerRefused::Names { count: 0 })
        ));
    }

    #[test]
    fn refuses_a_name_that_is_almost_ours() {
        for name in [
            "URN:ironroot:device:cam-1",
            "urn:ironroot:person:ada",
            "urn:ironroot:device:cam 1",
        ] {
            let almost = certificate(|params| params.subject_alt_names = vec![uri(name)]);
            assert!(almost.claims_our_namespace());
            assert!(matches!(almost.issued_by_us(), Err(PeerRefused::Urn(_))));
        }
    }

    #[test]
    fn refuses_other_usages_than_client_authentication_alone() {
        for usages in [
            vec![],
            vec![ExtendedKeyUsagePurpose::ServerAuth],
            vec![
                ExtendedKeyUsagePurpose::ClientAuth,
                ExtendedKeyUsagePurpose::ServerAuth,
            ],
            vec![ExtendedKeyUsagePurpose::Any],
        ] {
            let other = certificate(|params| params.extended_key_usages = usages);
            assert!(matches!(other.issued_by_us(), Err(PeerRefused::Usage)));
        }
    }

    #[test]
    fn a_device_and_nobody_else_may_be_a_registration_authority() {
        let authority = |name: &str| {
            certificate(|params| {
                params.subject_alt_names = vec![uri(name)];
                let cmc_ra = ExtendedKeyUsagePurpose::Other(vec![1, 3, 6, 1, 5, 5, 7, 3, 28]);
                params.extended_key_usages.push(cmc_ra);
            })
        };
        let device = authority(CAM).issued_by_us().unwrap();
        assert!(device.is_registration_authority());
        let plain = certificate(|_| {}).issued_by_us().unwrap();
        assert!(!plain.is_registration_authority());
        let service = authority("urn:ironroot:service:backend").issued_by_us();
        assert!(matches!(service, Err(PeerRefused::Usage)));
    }

    #[test]
    fn refuses_a_number_that_this_ca_does_not_give() {
        let other = certificate(|params| params.serial_number = Some(vec![0x01].into()));
        assert!(matches!(other.issued_by_us(), Err(PeerRefused::Serial(_))));
    }

    #[test]
    fn refuses_a_manufacturers_certificate_that_names_no_device() {
        let nameless = certificate(|params| params.subject_alt_names.clear());
        assert!(matches!(
            nameless.issued_by("Acme"),
            Err(PeerRefused::NoSerialNumber { manufacturer }) if manufacturer == "Acme"
        ));
    }
}
