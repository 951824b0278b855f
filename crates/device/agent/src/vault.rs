//! The device's secrets on its disk: the identity it has, and the key that it is asking a certificate for. Both are
//! sealed; the identity's key and certificates are one file, so that one rename replaces both.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ironroot_custody::files::{is_there, read_sealed, remove, write_sealed};
use ironroot_custody::folder::{KeysFolder, Sources};
use ironroot_custody::reseal::Resealed;
use ironroot_custody::seal::SealKey;
use ironroot_custody::source::Source;
use ironroot_identity::DeviceId;
use ironroot_link::{Identity, fresh_key};
use ironroot_secret::Secret;
use ironroot_time::{Clock, UnixTime};
use rustls::pki_types::CertificateDer;
use serde::{Deserialize, Serialize};
use x509_cert::Certificate;
use x509_cert::der::{Decode, Encode};
use zeroize::{Zeroize, Zeroizing};

use crate::clock::DeviceClock;
use crate::settings::Settings;
use ironroot_machine::credentials_directory;

/// The folder of the sealed files, held by this program alone.
#[derive(Debug)]
pub(crate) struct Vault {
    folder: KeysFolder,
    key: SealKey,
}

/// An identity, and from when to when it is good.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) identity: Identity,
    pub(crate) serial: String,
    pub(crate) not_before: UnixTime,
    pub(crate) not_after: UnixTime,
    /// SHA-256 of the claim token that it began with, in hexadecimal digits.
    pub(crate) token: Option<String>,
}

/// What stands in the sealed file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    key: String,
    chain: Vec<String>,
    token: Option<String>,
}

impl Drop for Sealed {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

impl Vault {
    /// Takes the folder, and opens or makes its sealing key.
    pub(crate) fn open(settings: &Settings, clock: &DeviceClock) -> Result<Self> {
        let credentials = credentials_directory();
        let sources = Sources {
            named: settings.seal_key.as_ref(),
            credentials: credentials.as_deref(),
        };
        let folder = KeysFolder::hold(&settings.state.join("keys"))?;
        let sealed = [IDENTITY, PENDING]
            .iter()
            .any(|name| is_there(&folder.path().join(name)));
        let key = if sealed {
            folder.open_key(sources).with_context(|| {
                format!(
                    "the identity in {} does not open (if it never will: remove that folder, and claim the device anew)",
                    folder.path().display()
                )
            })?
        } else {
            folder.make_key(sources, clock.now())?
        };
        Ok(Self { folder, key })
    }

    /// Seals everything again under a key from another source; the old key opens it no more.
    pub(crate) fn reseal(&self, to: &Source, clock: &DeviceClock) -> Result<Resealed> {
        let credentials = credentials_directory();
        let context = |stem: &str| format!("{stem}.sealed");
        self.folder
            .reseal(&self.key, to, credentials.as_deref(), clock.now(), context)
            .context("nothing was changed")
    }

    /// The identity that is there.
    pub(crate) fn identity(&self, device: &DeviceId) -> Result<Option<Kept>> {
        let path = self.path(IDENTITY);
        if !is_there(&path) {
            return Ok(None);
        }
        let secret = read_sealed(&path, &self.key, IDENTITY)?;
        let sealed: Sealed = serde_json::from_slice(secret.expose())?;
        let key = Zeroizing::new(BASE64_STANDARD.decode(&sealed.key)?);
        let chain: Result<Vec<CertificateDer<'static>>, _> = sealed
            .chain
            .iter()
            .map(|text| BASE64_STANDARD.decode(text).map(CertificateDer::from))
            .collect();
        let kept = Kept::of(Identity::new(chain?, key), device)
            .with_context(|| format!("{} holds no identity of {device}", path.display()))?;
        let token = sealed.token.clone();
        Ok(Some(Kept { token, ..kept }))
    }

    /// Puts an identity in place of the one that is there: after a power cut one of the two is there, whole.
    pub(crate) fn keep(&self, kept: &Kept) -> Result<()> {
        let sealed = Sealed {
            key: BASE64_STANDARD.encode(kept.identity.key().as_slice()),
            chain: kept
                .identity
                .chain()
                .iter()
                .map(|certificate| BASE64_STANDARD.encode(certificate))
                .collect(),
            token: kept.token.clone(),
        };
        let secret = Secret::new(serde_json::to_vec(&sealed)?);
        write_sealed(&self.path(IDENTITY), &self.key, IDENTITY, &secret)?;
        Ok(remove(&self.path(PENDING))?)
    }

    /// The key that a certificate is asked for with. It is on disk before it is used: when the answer is lost with
    /// the power, the same key asks again, and the hub takes that for the same applicant.
    pub(crate) fn pending_key(&self, current: Option<&Kept>) -> Result<Zeroizing<Vec<u8>>> {
        let path = self.path(PENDING);
        if is_there(&path) {
            let secret = read_sealed(&path, &self.key, PENDING)?;
            let key = Zeroizing::new(secret.expose().to_vec());
            // The power went between the two steps of `keep`: this key has its certificate.
            if current.is_none_or(|current| **current.identity.key() != *key) {
                return Ok(key);
            }
        }
        let key = fresh_key()?;
        write_sealed(&path, &self.key, PENDING, &Secret::new(key.to_vec()))?;
        Ok(key)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Kept {
    /// Checks that the first certificate is one of `device`, and reads how long it is good. That it belongs to the
    /// key, TLS checks.
    pub(crate) fn of(identity: Identity, device: &DeviceId) -> Result<Self> {
        let leaf = identity
            .chain()
            .first()
            .context("there is no certificate")?;
        let leaf = Certificate::from_der(leaf).context("the certificate cannot be read")?;
        let named = leaf.tbs_certificate.subject.0.iter().any(|names| {
            names.0.iter().any(|name| {
                name.oid == SERIAL_NUMBER && name.value.value() == device.as_str().as_bytes()
            })
        });
        ensure!(named, "the certificate is not one of {device}");
        let validity = leaf.tbs_certificate.validity;
        Ok(Self {
            serial: hex::encode(leaf.tbs_certificate.serial_number.as_bytes()),
            not_before: moment(validity.not_before),
            not_after: moment(validity.not_after),
            token: None,
            identity,
        })
    }
}

/// When the youngest of these CA certificates was made: it is not earlier now.
pub(crate) fn made(certificates: &[CertificateDer<'_>]) -> UnixTime {
    let moments = certificates.iter().filter_map(|certificate| {
        let certificate = Certificate::from_der(certificate).ok()?;
        Some(moment(certificate.tbs_certificate.validity.not_before))
    });
    moments.max().unwrap_or_default()
}

/// Whether these bytes are one certificate and nothing else.
pub(crate) fn is_certificate(der: &[u8]) -> bool {
    Certificate::from_der(der).is_ok_and(|read| read.to_der().is_ok_and(|again| again == der))
}

fn moment(time: x509_cert::time::Time) -> UnixTime {
    UnixTime::from_s(time.to_unix_duration().as_secs())
}

/// The attribute serialNumber of a name (X.520 section 6.2.9).
const SERIAL_NUMBER: x509_cert::der::asn1::ObjectIdentifier =
    x509_cert::der::asn1::ObjectIdentifier::new_unwrap("2.5.4.5");
/// The identity that the device has; also the context that it is sealed in.
const IDENTITY: &str = "identity.sealed";
/// The key that a certificate is asked for with.
const PENDING: &str = "pending.sealed";
