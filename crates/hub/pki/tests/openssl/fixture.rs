//! A hub's CA at a fixed moment, foreign CAs, and peers with their keys.

use std::path::PathBuf;
use std::time::Duration;

use ironroot_identity::CertificateSerial;
use ironroot_pki::CertificateDer;
use ironroot_pki::authority::{
    Authority, CertificateProfile, Issuance, IssuedCertificate, PkiUrls,
};
use ironroot_pki::key::{PublicKey, SoftwareKey};
use ironroot_pki::seal::SealKey;
use ironroot_time::UnixTime;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    SanType,
};
use tempfile::TempDir;

/// 2026-06-01T00:00:00Z.
pub(crate) const NOW: UnixTime = UnixTime::from_s(1_780_272_000);
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// A CA in a folder of its own.
pub(crate) struct Hub {
    pub(crate) folder: TempDir,
    pub(crate) seal: SealKey,
    pub(crate) authority: Authority,
}

/// A certificate and its key, both in PEM.
pub(crate) struct Peer {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) key_pem: String,
}

/// A CA that is not the hub's.
pub(crate) type ForeignCa = CertifiedIssuer<'static, KeyPair>;

impl Hub {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let seal = SealKey::generate(&folder.path().join("seal.key")).unwrap();
        let authority = Authority::create(folder.path(), &seal, NOW).unwrap();
        Self {
            folder,
            seal,
            authority,
        }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A certificate for 30 days, with addresses in it.
    pub(crate) fn issue(&self, profile: &CertificateProfile, key: &PublicKey) -> IssuedCertificate {
        self.issue_at(NOW, profile, key)
    }

    pub(crate) fn issue_at(
        &self,
        now: UnixTime,
        profile: &CertificateProfile,
        key: &PublicKey,
    ) -> IssuedCertificate {
        self.issue_numbered(CertificateSerial::from_random([7; 16]), now, profile, key)
    }

    pub(crate) fn issue_numbered(
        &self,
        serial: CertificateSerial,
        now: UnixTime,
        profile: &CertificateProfile,
        key: &PublicKey,
    ) -> IssuedCertificate {
        self.authority
            .issue(&Issuance {
                profile,
                public_key: key,
                serial,
                now,
                not_after: now.plus(30 * DAY),
                urls: &urls(),
            })
            .unwrap()
    }

    pub(crate) fn peer(&self, profile: &CertificateProfile) -> Peer {
        let key = SoftwareKey::generate().unwrap();
        Peer::new(self.issue(profile, &key.public_key()).der, &key)
    }

    pub(crate) fn device(&self, id: &str) -> Peer {
        self.peer(&device(id))
    }
}

impl Peer {
    pub(crate) fn new(certificate: CertificateDer<'static>, key: &SoftwareKey) -> Self {
        let key_pem = key.to_pem().unwrap();
        Self {
            certificate,
            key_pem: String::from_utf8(key_pem.expose().to_vec()).unwrap(),
        }
    }
}

pub(crate) fn urls() -> PkiUrls {
    PkiUrls::new("http://hub.example").unwrap()
}

pub(crate) fn device(id: &str) -> CertificateProfile {
    CertificateProfile::Device(id.parse().unwrap())
}

pub(crate) fn service(name: &str) -> CertificateProfile {
    CertificateProfile::Service(name.parse().unwrap())
}

pub(crate) fn server(names: &[&str]) -> CertificateProfile {
    let names = names
        .iter()
        .map(|name| (*name).to_owned().try_into().unwrap());
    CertificateProfile::Server(names.collect())
}

/// Parameters of a certificate that is valid now.
pub(crate) fn params(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2027, 1, 1);
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params
}

pub(crate) fn ca_params(common_name: &str) -> CertificateParams {
    let mut params = params(common_name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

pub(crate) fn foreign_ca(common_name: &str) -> ForeignCa {
    CertifiedIssuer::self_signed(ca_params(common_name), KeyPair::generate().unwrap()).unwrap()
}

/// A certificate of a foreign CA.
pub(crate) fn foreign_peer(ca: &ForeignCa, params: &CertificateParams) -> Peer {
    let key = KeyPair::generate().unwrap();
    Peer {
        certificate: params.signed_by(&key, ca).unwrap().into(),
        key_pem: key.serialize_pem(),
    }
}

/// An IDevID as IEEE 802.1AR describes it.
pub(crate) fn idevid(serial_number: &str) -> CertificateParams {
    let mut params = params("Acme Pump");
    params
        .distinguished_name
        .push(DnType::CustomDnType(vec![2, 5, 4, 5]), serial_number);
    params
}

pub(crate) fn uri(uri: &str) -> SanType {
    SanType::URI(uri.try_into().unwrap())
}
