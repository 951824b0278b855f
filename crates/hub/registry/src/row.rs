//! The rows of the state tables: what the journal adds up to, one document a row.

use ironroot_identity::{
    CaNumber, CertificateSerial, DeviceId, Principal, ProfileName, RevocationReason, ServiceName,
    ViewName,
};
use ironroot_standing::{Lifecycle, QuarantineReason, Standing, Tier};
use ironroot_store::Table;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::Actor;

/// A document of one table.
pub trait Row: Serialize + DeserializeOwned {
    /// The table's name.
    const TABLE: Table;
}

/// Which entries are about which device. Its rows are empty; their keys say it all.
pub const TIMELINE: Table = Table::new("timeline");

/// The key of an entry in the [`TIMELINE`]: `<device>/<u64::MAX - index>`, so that the newest comes first.
pub fn timeline_key(device: &DeviceId, index: u64) -> String {
    format!("{device}/{:020}", u64::MAX - index)
}

/// The index in a key of the [`TIMELINE`].
pub fn timeline_index(key: &str) -> Option<u64> {
    let (_, inverted) = key.rsplit_once('/')?;
    inverted
        .parse()
        .ok()
        .map(|inverted: u64| u64::MAX - inverted)
}

/// A device, by its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRow {
    /// Its id.
    pub id: DeviceId,
    /// Its profile.
    pub profile: ProfileName,
    /// Where it stands in its life.
    pub lifecycle: Lifecycle,
    /// Why it is under quarantine; empty when it is not.
    pub reasons: Vec<ReasonRow>,
    /// The entry of its latest claim.
    pub claim: u64,
    /// When that claim ends unless it is used, milliseconds since 1970; [`Self::CLAIM_WITHDRAWN`] when it was.
    pub claim_expires: u64,
    /// SHA-256 of the `SubjectPublicKeyInfo` it enrolled with on that claim, in hexadecimal digits; none
    /// before it has, or when the hub made its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrolled_spki: Option<String>,
    /// Its certificates that are neither revoked nor known to have ended, oldest first.
    pub certificates: Vec<CertificateSerial>,
    /// The latest use of a certificate of it in two places at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_two_places: Option<InTwoPlacesRow>,
    /// When its Standing last changed, milliseconds since 1970.
    pub changed: u64,
    /// The entry of that change.
    pub changed_entry: u64,
}

impl DeviceRow {
    /// In the place of the end of a claim that was withdrawn.
    pub const CLAIM_WITHDRAWN: u64 = 0;

    /// Whether its latest claim was withdrawn.
    pub fn claim_withdrawn(&self) -> bool {
        self.claim_expires == Self::CLAIM_WITHDRAWN
    }

    /// Its Standing. Without an Attestation Result the tier is None.
    pub fn standing(&self) -> Standing {
        Standing {
            lifecycle: self.lifecycle,
            tier: Tier::None,
        }
    }

    /// The kinds of its reasons for quarantine.
    pub fn reason_kinds(&self) -> Vec<QuarantineReason> {
        self.reasons.iter().map(|reason| reason.kind).collect()
    }
}

impl Row for DeviceRow {
    const TABLE: Table = Table::new("devices");
}

/// One reason for quarantine, with its history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReasonRow {
    /// Its kind.
    pub kind: QuarantineReason,
    /// Who asked for it.
    pub by: Actor,
    /// The digest of their words.
    pub why: String,
    /// When, milliseconds since 1970.
    pub at: u64,
    /// The entry that brought it.
    pub entry: u64,
}

/// A certificate of a device was used in two places at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InTwoPlacesRow {
    /// The certificate.
    pub certificate: CertificateSerial,
    /// The digest of the words that say where.
    pub why: String,
    /// When it was noticed, milliseconds since 1970.
    pub at: u64,
    /// The entry that tells of it.
    pub entry: u64,
}

/// A certificate that this hub issued, by its serial number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateRow {
    /// Its serial number.
    pub serial: CertificateSerial,
    /// Who holds it; nobody but the hub itself when there is none.
    pub holder: Option<Principal>,
    /// The issuing CA that signed it.
    #[serde(default, skip_serializing_if = "CaNumber::is_first")]
    pub ca: CaNumber,
    /// SHA-256 of its DER bytes, in hexadecimal digits.
    pub fingerprint: String,
    /// Start of its validity, seconds since 1970.
    pub not_before: u64,
    /// End of its validity, seconds since 1970.
    pub not_after: u64,
    /// When and why it was revoked.
    pub revoked: Option<RevokedRow>,
}

/// A revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokedRow {
    /// When, milliseconds since 1970.
    pub at: u64,
    /// Why.
    pub reason: RevocationReason,
    /// The entry that revoked it.
    pub entry: u64,
}

/// An issuing CA of this hub, by its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuingCaRow {
    /// Its number.
    pub number: CaNumber,
    /// SHA-256 of its certificate, in hexadecimal digits.
    pub fingerprint: String,
    /// When it came into service, milliseconds since 1970.
    pub at: u64,
    /// The entry that says so.
    pub entry: u64,
}

impl Row for IssuingCaRow {
    const TABLE: Table = Table::new("issuing_cas");
}

impl Row for CertificateRow {
    const TABLE: Table = Table::new("certificates");
}

/// A backend application, by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceRow {
    /// Its name.
    pub name: ServiceName,
    /// Topic filters it may publish to.
    pub publish: Vec<String>,
    /// Topic filters it may subscribe to.
    pub subscribe: Vec<String>,
    /// Its certificate; none when it was revoked.
    pub certificate: Option<CertificateSerial>,
    /// When it last changed, milliseconds since 1970.
    pub changed: u64,
}

impl Row for ServiceRow {
    const TABLE: Table = Table::new("services");
}

/// A profile, by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileRow {
    /// Its name.
    pub name: ProfileName,
    /// Its whole TOML text.
    pub text: String,
    /// The entry that set it.
    pub entry: u64,
}

impl Row for ProfileRow {
    const TABLE: Table = Table::new("profiles");
}

/// Which version of the fold made the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoldRow {
    /// The version.
    pub version: u32,
}

impl FoldRow {
    /// The version of this program's fold: one more whenever it makes other rows of the same journal.
    pub const PRESENT: Self = Self { version: 3 };

    /// The key of the one row.
    pub const KEY: &'static str = "version";
}

impl Row for FoldRow {
    const TABLE: Table = Table::new("fold");
}

/// An archived run of entries, by the index of its first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentRow {
    /// The index of its first entry.
    pub first: u64,
    /// How many entries it has.
    pub entries: u64,
    /// The root of the tree over its entries alone, in hexadecimal digits.
    pub root: String,
    /// The archive's URL.
    pub place: String,
    /// The entry that recorded it.
    pub entry: u64,
}

impl SegmentRow {
    /// The key of the segment that begins with entry `first`.
    pub fn key(first: u64) -> String {
        format!("{first:020}")
    }
}

impl Row for SegmentRow {
    const TABLE: Table = Table::new("segments");
}

/// A token of the API, by its name; its digest is in the keyring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRow {
    /// Whose it is.
    pub name: String,
    /// When it was made, milliseconds since 1970.
    pub at: u64,
    /// The entry that says so.
    pub entry: u64,
}

impl Row for TokenRow {
    const TABLE: Table = Table::new("tokens");
}

/// A saved view of the devices, by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewRow {
    /// Its name.
    pub name: ViewName,
    /// Which devices, in which order: the query of the API's list of devices.
    pub query: String,
    /// The entry that saved it.
    pub entry: u64,
}

impl Row for ViewRow {
    const TABLE: Table = Table::new("views");
}

/// A manufacturer's CA, by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManufacturerRow {
    /// What people call it.
    pub name: ProfileName,
    /// The CA certificate, PEM.
    pub pem: String,
    /// Put in front of the serial number in the IDevID to make the device id.
    pub prefix: String,
    /// When it was accepted, milliseconds since 1970.
    pub at: u64,
    /// The entry that accepted it.
    pub entry: u64,
}

impl Row for ManufacturerRow {
    const TABLE: Table = Table::new("manufacturers");
}
