//! Keys that the hub makes for devices that cannot make their own (RFC 7030 section 4.4): made, handed out with
//! the certificate, and gone.

use ironroot_pki::est::{KeyRequest, NotEnveloped, Protection, Recipient, envelope_key};
use ironroot_pki::key::{KeyAlgorithm, NewKey};
use ironroot_pki::peer::PeerCertificate;
use ironroot_pki::tls::ServerCertificate;
use ironroot_profile::{DeviceProfile, ServerKey};
use ironroot_secret::Secret;

use super::{EnrolRefused, Order};

/// A request for a key.
#[derive(Clone, Copy, Debug)]
pub struct WantedKey<'a> {
    /// What it says.
    pub request: &'a KeyRequest,
    /// The certificate that the client showed in the TLS handshake: the one key that it is known to hold.
    pub shown: Option<&'a PeerCertificate>,
}

/// A private key on its way to its holder.
#[derive(Debug)]
pub enum KeyBody {
    /// In PKCS#8, protected by TLS alone.
    Pkcs8(Secret),
    /// Encrypted: a CMS `EnvelopedData` in base64.
    Enveloped(String),
}

/// Makes a key as `wanted`, if the profile allows its kind.
///
/// It is encrypted here, before the certificate is issued: where that fails, nothing has happened.
pub(super) fn make(
    profile: &DeviceProfile,
    wanted: WantedKey<'_>,
    signer: &ServerCertificate,
) -> Result<Order, EnrolRefused> {
    let kind = wanted.request.algorithm();
    let allowed = |key: &ServerKey| algorithm(*key) == kind;
    if !profile.server_keys.iter().any(allowed) {
        return Err(EnrolRefused::NoServerKeys {
            profile: profile.name.clone(),
            kind,
        });
    }
    let key = NewKey::generate(kind)?;
    let body = match wanted.request.protection() {
        Protection::Tls => KeyBody::Pkcs8(key.pkcs8().clone()),
        Protection::Enveloped { recipient, cipher } => {
            let shown = wanted.shown.ok_or(NotEnveloped::UnknownRecipient)?;
            let recipient = Recipient::named(shown.spki_der(), recipient)?;
            let body = envelope_key(key.pkcs8(), &signer.current(), &recipient, *cipher)?;
            KeyBody::Enveloped(body)
        }
    };
    Ok(Order {
        csr: wanted.request.with_key(&key),
        key: Some(body),
    })
}

fn algorithm(key: ServerKey) -> KeyAlgorithm {
    match key {
        ServerKey::P256 => KeyAlgorithm::P256,
        ServerKey::P384 => KeyAlgorithm::P384,
        ServerKey::Ed25519 => KeyAlgorithm::Ed25519,
    }
}
