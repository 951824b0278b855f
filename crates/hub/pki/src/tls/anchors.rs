//! The CAs that a client's certificate may come from, and the check that it does.

use std::slice;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use ironroot_time::UnixTime;
use rustls::pki_types::{self, CertificateDer, TrustAnchor};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::signatures::GoodSignatures;
use crate::authority::Authority;
use crate::facts::CertificateFacts;
use crate::peer::{ParsedCertificate, PeerCertificate, PeerRefused};

/// A manufacturer's CA, whose IDevID certificates may present themselves on the device port.
///
/// Until when it is valid does not count: devices outlive the CAs that made them, and whoever lists one
/// here says that it is trusted (RFC 5280 section 6.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManufacturerCa {
    /// The label it goes by in settings and in [`PeerIdentity`](crate::peer::PeerIdentity).
    pub label: String,
    /// Its certificate.
    pub certificate: CertificateDer<'static>,
}

/// Whether IDevID certificates may present themselves at a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manufacturers {
    /// They may.
    Accepted,
    /// Only certificates of this hub's CA count.
    Refused,
}

/// This hub's CA and the manufacturers' CAs.
#[derive(Debug)]
pub struct TrustAnchors {
    /// The issuing CAs and the roots: both, since many clients send their leaf alone.
    ours: Vec<TrustAnchor<'static>>,
    manufacturers: Vec<(String, TrustAnchor<'static>)>,
    /// By whichever of them.
    signatures: GoodSignatures,
}

/// Why a certificate cannot be a trust anchor.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadAnchor {
    /// It cannot be read.
    #[error("the CA certificate {label:?} cannot be read")]
    Unreadable {
        /// Its label.
        label: String,
        /// Why.
        #[source]
        cause: webpki::Error,
    },
    /// It is no CA's.
    #[error("the certificate {label:?} is no CA's: its basicConstraints do not say CA:TRUE")]
    NotACa {
        /// Its label.
        label: String,
    },
}

/// The trust anchors in force; replaced while connections come in.
#[derive(Debug)]
pub struct AnchorSet(ArcSwap<TrustAnchors>);

impl TrustAnchors {
    /// Takes this hub's CA, and those of manufacturers.
    ///
    /// # Errors
    /// [`BadAnchor`] names the certificate that is no CA's.
    pub fn new(authority: &Authority, manufacturers: &[ManufacturerCa]) -> Result<Self, BadAnchor> {
        let manufacturers = manufacturers
            .iter()
            .map(|ca| Ok((ca.label.clone(), anchor(&ca.label, &ca.certificate)?)))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            ours: authority
                .anchors()
                .iter()
                .map(|certificate| anchor("this hub's", certificate))
                .collect::<Result<_, _>>()?,
            manufacturers,
            signatures: GoodSignatures::default(),
        })
    }

    /// Verifies the path of a client's certificate and says whose it is.
    ///
    /// A name in this hub's namespace is believed from this hub's CA alone, and a certificate without
    /// one from a manufacturer's alone: no CA can speak for another.
    ///
    /// # Errors
    /// [`PeerRefused`] when there is no path that is valid at `now`, or the certificate is not one of
    /// the kinds in [`PeerIdentity`](crate::peer::PeerIdentity).
    pub fn identify(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        manufacturers: Manufacturers,
        now: UnixTime,
    ) -> Result<PeerCertificate, PeerRefused> {
        let path = Path {
            leaf: EndEntityCert::try_from(end_entity).map_err(PeerRefused::Path)?,
            intermediates,
            now,
            signatures: &self.signatures,
        };
        let parsed = ParsedCertificate::parse(end_entity)?;
        if parsed.claims_our_namespace() {
            path.verify(&self.ours).map_err(PeerRefused::Path)?;
            return parsed.issued_by_us();
        }
        let mut refused = webpki::Error::UnknownIssuer;
        if manufacturers == Manufacturers::Accepted {
            for (label, anchor) in &self.manufacturers {
                match path.verify(slice::from_ref(anchor)) {
                    Ok(()) => return parsed.issued_by(label),
                    Err(webpki::Error::UnknownIssuer) => {}
                    Err(other) => refused = other,
                }
            }
        }
        Err(PeerRefused::Path(refused))
    }
}

impl AnchorSet {
    /// Starts with these.
    pub fn new(anchors: TrustAnchors) -> Self {
        Self(ArcSwap::from_pointee(anchors))
    }

    /// Puts others in their place, for every handshake from now on.
    pub fn replace(&self, anchors: TrustAnchors) {
        self.0.store(Arc::new(anchors));
    }

    /// Those in force.
    pub fn load(&self) -> Arc<TrustAnchors> {
        self.0.load_full()
    }
}

/// A client's chain, about to be verified.
struct Path<'a> {
    leaf: EndEntityCert<'a>,
    intermediates: &'a [CertificateDer<'a>],
    now: UnixTime,
    signatures: &'a GoodSignatures,
}

impl Path<'_> {
    /// RFC 5280 section 6, for TLS client authentication.
    fn verify(&self, anchors: &[TrustAnchor<'static>]) -> Result<(), webpki::Error> {
        let now = Duration::from_secs(self.now.as_s());
        let algorithms: Vec<_> = webpki::ALL_VERIFICATION_ALGS
            .iter()
            .map(|algorithm| self.signatures.remembering(*algorithm))
            .collect();
        let algorithms: Vec<_> = algorithms.iter().map(|algorithm| algorithm as _).collect();
        self.leaf
            .verify_for_usage(
                &algorithms,
                anchors,
                self.intermediates,
                pki_types::UnixTime::since_unix_epoch(now),
                KeyUsage::client_auth(),
                None,
                None,
            )
            .map(|_path| ())
    }
}

fn anchor(
    label: &str,
    certificate: &CertificateDer<'_>,
) -> Result<TrustAnchor<'static>, BadAnchor> {
    let label = || label.to_owned();
    let anchor = anchor_from_trusted_cert(certificate).map_err(|cause| BadAnchor::Unreadable {
        label: label(),
        cause,
    })?;
    match CertificateFacts::read(certificate) {
        Ok(facts) if facts.is_ca => Ok(anchor.to_owned()),
        Ok(_) | Err(_) => Err(BadAnchor::NotACa { label: label() }),
    }
}
