//! Manufacturer CAs: whose `IDevID` certificates stand for a claim token.

use ironroot_identity::{BadId, DeviceId, ProfileName};
use ironroot_pki::CertificateDer;
use ironroot_pki::authority::Authority;
use ironroot_pki::tls::{BadAnchor, ManufacturerCa, TrustAnchors};
use ironroot_registry::{Actor, Fact, ManufacturerAdded, ManufacturerRow};
use rustls::pki_types::pem::{self, PemObject};

use crate::fault::{Blame, Fault};
use crate::ledger::{Ledger, NotRecorded};

/// What a person asks for.
#[derive(Debug)]
pub struct NewManufacturer {
    /// What people call it.
    pub name: ProfileName,
    /// Its CA certificate.
    pub pem: String,
    /// Put in front of the serial number in the `IDevID` to make the device id; may be empty.
    pub prefix: String,
}

/// Why a manufacturer's CA is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum ManufacturerRefused {
    /// The text is no PEM of a certificate.
    #[error("the text holds no PEM certificate")]
    Pem(#[source] pem::Error),
    /// The certificate cannot serve as a trust anchor.
    #[error("the certificate cannot serve as a trust anchor")]
    Anchor(#[from] BadAnchor),
    /// The prefix cannot begin a device id.
    #[error("serial_prefix cannot begin a device id")]
    Prefix(#[source] BadId),
    /// It could not be recorded.
    #[error("the manufacturer's CA was not recorded")]
    NotRecorded(#[from] NotRecorded),
}

impl ManufacturerRefused {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Pem(_) | Self::Anchor(_) | Self::Prefix(_) => Fault::Sender(Blame::Content),
            Self::NotRecorded(cause) => cause.fault(),
        }
    }
}

/// Accepts a manufacturer's CA; returns the entry.
///
/// # Errors
/// [`ManufacturerRefused`] when the certificate is no CA's, or the name is taken.
pub async fn add(
    ledger: &Ledger,
    authority: &Authority,
    asked: NewManufacturer,
    by: Actor,
) -> Result<u64, ManufacturerRefused> {
    let NewManufacturer { name, pem, prefix } = asked;
    TrustAnchors::new(authority, &[anchor(&name, &pem)?])?;
    if !prefix.is_empty() {
        prefix
            .parse::<DeviceId>()
            .map_err(ManufacturerRefused::Prefix)?;
    }
    let receipt = ledger
        .record(&Fact::from(ManufacturerAdded {
            name,
            pem,
            prefix,
            by,
        }))
        .await?;
    Ok(receipt.indices.start)
}

/// Every manufacturer that was accepted, as trust anchors.
///
/// # Errors
/// [`ManufacturerRefused`] when a row is damaged.
pub fn anchors(rows: &[ManufacturerRow]) -> Result<Vec<ManufacturerCa>, ManufacturerRefused> {
    rows.iter().map(|row| anchor(&row.name, &row.pem)).collect()
}

fn anchor(name: &ProfileName, pem: &str) -> Result<ManufacturerCa, ManufacturerRefused> {
    let certificate =
        CertificateDer::from_pem_slice(pem.as_bytes()).map_err(ManufacturerRefused::Pem)?;
    Ok(ManufacturerCa {
        label: name.to_string(),
        certificate,
    })
}
