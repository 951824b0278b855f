//! The kinds of journal entries: each variant is one thing that happened, with everything it changes.

use ironroot_identity::{
    CaNumber, CertificateSerial, DeviceId, ProfileName, RevocationReason, ServiceName, ViewName,
};
use ironroot_journal::Entry;
use ironroot_standing::QuarantineReason;
use ironroot_store::Draft;
use ironroot_time::UnixTime;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The version of the fields below. A new version gets a reader of its own; old ones stay.
const V: u32 = 1;

/// Something that happened and is worth keeping for ever.
///
/// A field `why` names a payload by its salted digest: a person's words can be erased, the entry stays.
/// Moments are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", deny_unknown_fields)]
pub enum Fact {
    /// A hub was set up: the fingerprints of its CA certificates and the name of its log.
    #[serde(rename = "hub.created")]
    HubCreated {
        /// SHA-256 of the root certificate.
        root: String,
        /// SHA-256 of the issuing certificate.
        issuing: String,
        /// The log's verifier key, as in a signed note.
        log: String,
        /// Whether it is the demonstration's hub, whose devices are all simulated.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        demonstration: bool,
    },
    /// The hub was made again from a backup; what was recorded after the backup is lost.
    #[serde(rename = "hub.restored")]
    HubRestored {
        /// When the backup was made.
        made: u64,
        /// How many entries it had.
        size: u64,
        /// The root over these entries, in base64: whoever has a later checkpoint of the log below has entries
        /// that are lost here.
        root: String,
        /// The verifier key of the log that signed them.
        from: String,
        /// The verifier key of the log that signs from now on: the same only if nothing was lost.
        log: String,
    },
    /// The journal's own key was changed. This is the last entry under the checkpoint by which the old key hands
    /// over; without the old key, the new one speaks for itself.
    #[serde(rename = "journal.key_changed")]
    JournalKeyChanged {
        /// The verifier key until then.
        from: String,
        /// The verifier key from then on.
        to: String,
        /// Whether the old key was lost, so that it signs nothing of this.
        lost: bool,
    },
    /// A token for the API was made; the one of the same name before it is void.
    #[serde(rename = "token.issued")]
    TokenIssued {
        /// Whose it is.
        name: String,
        /// Who had it made; absent when the hub made it for its own owner.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Actor>,
    },
    /// A token for the API was revoked.
    #[serde(rename = "token.revoked")]
    TokenRevoked {
        /// Whose it was.
        name: String,
        /// Who ordered it.
        by: Actor,
    },
    /// A person's password for the console was set; one before it is void.
    #[serde(rename = "password.set")]
    PasswordSet {
        /// Whose it is.
        name: String,
        /// Who set it.
        by: Actor,
    },
    /// A link was made that signs one person in to the console, once.
    #[serde(rename = "sign_in.link_made")]
    SignInLinkMade {
        /// Whom it signs in.
        name: String,
        /// Who made it.
        by: Actor,
    },
    /// Every session of the console was ended.
    #[serde(rename = "sessions.ended")]
    SessionsEnded {
        /// Who ordered it.
        by: Actor,
    },
    /// The hub's own doors were given a certificate; its key is in memory only.
    #[serde(rename = "server.issued")]
    ServerIssued {
        /// The names that clients reach it by.
        names: Vec<String>,
        /// The certificate.
        certificate: IssuedCertificate,
    },
    /// An OCSP responder was given a certificate; its key is in memory only.
    #[serde(rename = "responder.issued")]
    ResponderIssued {
        /// The certificate; the responder speaks for the CA that signed it.
        certificate: IssuedCertificate,
    },
    /// A new issuing CA came into service; the one before stays trusted and issues nothing any more.
    #[serde(rename = "ca.installed")]
    CaInstalled {
        /// Its number.
        number: CaNumber,
        /// SHA-256 of its certificate, in hexadecimal digits.
        fingerprint: String,
        /// Its certificate, PEM.
        pem: String,
        /// Who put it into service.
        by: Actor,
    },
    /// A person had one certificate revoked.
    #[serde(rename = "certificate.revoked")]
    CertificateRevoked {
        /// Its serial number.
        serial: CertificateSerial,
        /// Why, as CRLs and OCSP responses tell it.
        reason: RevocationReason,
        /// Who ordered it.
        by: Actor,
        /// Why, in their words: the digest of a payload.
        why: String,
    },
    /// A profile was added or changed.
    #[serde(rename = "profile.set")]
    ProfileSet {
        /// Its name.
        name: ProfileName,
        /// Its whole TOML text.
        text: String,
        /// Who applied it; absent when the hub found its file changed at a start.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Actor>,
    },
    /// A person claimed a serial; a token was made for its enrolment.
    #[serde(rename = "device.claimed")]
    DeviceClaimed {
        /// The serial.
        device: DeviceId,
        /// The class it belongs to.
        profile: ProfileName,
        /// When the claim ends unless it is used.
        expires: u64,
        /// Who claimed it.
        by: Actor,
    },
    /// A person took a claim back before its device came.
    #[serde(rename = "device.claim_withdrawn")]
    DeviceClaimWithdrawn {
        /// The serial.
        device: DeviceId,
        /// Who took it back.
        by: Actor,
    },
    /// A claimed device was given its first certificate.
    #[serde(rename = "device.enrolled")]
    DeviceEnrolled {
        /// The device.
        device: DeviceId,
        /// The entry of the claim that it used.
        claim: u64,
        /// How it proved itself.
        credential: Credential,
        /// SHA-256 of the `SubjectPublicKeyInfo` that the device brought, in hexadecimal digits: whoever
        /// shows the same token and the same key again has lost the answer. Absent for a key of the hub's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        spki: Option<String>,
        /// The certificate.
        certificate: IssuedCertificate,
    },
    /// A device that has lost the answer to its enrolment was given another certificate for the same key.
    #[serde(rename = "device.enrolment_repeated")]
    DeviceEnrolmentRepeated {
        /// The device.
        device: DeviceId,
        /// The entry of the claim that it used.
        claim: u64,
        /// SHA-256 of its key's `SubjectPublicKeyInfo`, in hexadecimal digits.
        spki: String,
        /// The new certificate.
        certificate: IssuedCertificate,
    },
    /// A device was given a further certificate; the one before stays valid to its end.
    #[serde(rename = "device.reenrolled")]
    DeviceReenrolled {
        /// The device.
        device: DeviceId,
        /// The registration authority that asked in its place, if one did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        via: Option<DeviceId>,
        /// The certificate that whoever asked proved itself with.
        with: CertificateSerial,
        /// The new certificate.
        certificate: IssuedCertificate,
    },
    /// A device used its certificate for the first time.
    #[serde(rename = "device.activated")]
    DeviceActivated {
        /// The device.
        device: DeviceId,
        /// Where it was seen.
        door: String,
    },
    /// A device's certificate was used from more places at one time than its profile allows.
    #[serde(rename = "device.in_two_places")]
    DeviceInTwoPlaces {
        /// The device.
        device: DeviceId,
        /// The certificate.
        certificate: CertificateSerial,
        /// Where it was used.
        door: String,
        /// From which addresses, and how that showed: the digest of a payload.
        why: String,
    },
    /// A reason for quarantine came up.
    #[serde(rename = "device.quarantined")]
    DeviceQuarantined {
        /// The device.
        device: DeviceId,
        /// The kind of the reason.
        reason: QuarantineReason,
        /// Who asked for it.
        by: Actor,
        /// Why, in their words: the digest of a payload.
        why: String,
    },
    /// A reason for quarantine was taken away.
    #[serde(rename = "device.released")]
    DeviceReleased {
        /// The device.
        device: DeviceId,
        /// The kind of the reason.
        reason: QuarantineReason,
        /// Who took it away.
        by: Actor,
        /// Why, in their words: the digest of a payload.
        why: String,
    },
    /// The owner gave the device up; its certificates are revoked.
    #[serde(rename = "device.transferred")]
    DeviceTransferred {
        /// The device.
        device: DeviceId,
        /// Who ordered it.
        by: Actor,
        /// Why, in their words: the digest of a payload.
        why: String,
    },
    /// The device's life here ended; its certificates are revoked and its secrets shredded.
    #[serde(rename = "device.retired")]
    DeviceRetired {
        /// The device.
        device: DeviceId,
        /// Who ordered it.
        by: Actor,
        /// Why, in their words: the digest of a payload.
        why: String,
    },
    /// A backend application was given an identity, or a new certificate and new rights.
    #[serde(rename = "service.issued")]
    ServiceIssued {
        /// Its name.
        service: ServiceName,
        /// Topic filters it may publish to.
        publish: Vec<String>,
        /// Topic filters it may subscribe to.
        subscribe: Vec<String>,
        /// Its certificate; those before it are revoked.
        certificate: IssuedCertificate,
        /// Who made it.
        by: Actor,
    },
    /// A backend application lost its identity.
    #[serde(rename = "service.revoked")]
    ServiceRevoked {
        /// Its name.
        service: ServiceName,
        /// Who ordered it.
        by: Actor,
    },
    /// A manufacturer's CA was accepted: every `IDevID` of it stands for a claim token.
    #[serde(rename = "manufacturer.added")]
    ManufacturerAdded {
        /// What people call it.
        name: ProfileName,
        /// The CA certificate, PEM.
        pem: String,
        /// Put in front of the serial number in the IDevID to make the device id.
        prefix: String,
        /// Who accepted it.
        by: Actor,
    },
    /// A manufacturer's CA is no longer accepted.
    #[serde(rename = "manufacturer.removed")]
    ManufacturerRemoved {
        /// What people call it.
        name: ProfileName,
        /// Who ordered it.
        by: Actor,
    },
    /// A view of the devices was saved; the one of the same name before it is gone.
    #[serde(rename = "view.saved")]
    ViewSaved {
        /// Its name.
        name: ViewName,
        /// Which devices, in which order: the query of the API's list of devices.
        query: String,
        /// Who saved it.
        by: Actor,
    },
    /// A saved view was removed.
    #[serde(rename = "view.removed")]
    ViewRemoved {
        /// Its name.
        name: ViewName,
        /// Who removed it.
        by: Actor,
    },
    /// The machine's clock jumped and was not followed; certificates stopped.
    #[serde(rename = "clock.stepped")]
    ClockStepped {
        /// What it was expected to show.
        expected: u64,
        /// What it showed.
        shown: u64,
    },
    /// The machine's clock was right again by itself; certificates went on.
    #[serde(rename = "clock.agreed")]
    ClockAgreed {
        /// What it showed.
        shown: u64,
    },
    /// A person confirmed the machine's clock after it had jumped; certificates went on.
    #[serde(rename = "clock.confirmed")]
    ClockConfirmed {
        /// What it was expected to show when it jumped.
        expected: u64,
        /// What it showed then.
        shown: u64,
        /// Who confirmed it.
        by: Actor,
        /// Why, in their words: the digest of a payload.
        why: String,
    },
    /// A person had the words of an entry erased.
    #[serde(rename = "payload.erased")]
    PayloadErased {
        /// The entry that the words belonged to.
        entry: u64,
        /// The salted digest that stays.
        digest: String,
        /// Who ordered it.
        by: Actor,
    },
    /// A run of entries was copied to the archive, read back from there, and may leave the hub's database.
    #[serde(rename = "segment.archived")]
    SegmentArchived {
        /// The index of its first entry.
        first: u64,
        /// How many entries it has.
        entries: u64,
        /// The root of the tree over its entries alone (RFC 6962), in hexadecimal digits.
        root: String,
        /// The archive's URL.
        place: String,
    },
    /// A snapshot of the rows was taken, from which they can be made again.
    #[serde(rename = "snapshot.taken")]
    SnapshotTaken {
        /// How many entries are folded into the rows.
        entries: u64,
        /// The digest over all of them, in hexadecimal digits.
        state: String,
    },
}

/// A certificate as the journal keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuedCertificate {
    /// Its serial number.
    pub serial: CertificateSerial,
    /// The issuing CA that signed it; the first one is not written.
    #[serde(default, skip_serializing_if = "CaNumber::is_first")]
    pub ca: CaNumber,
    /// SHA-256 of its DER bytes, in hexadecimal digits.
    pub fingerprint: String,
    /// Start of its validity, seconds since 1970.
    pub not_before: u64,
    /// End of its validity, seconds since 1970.
    pub not_after: u64,
    /// Who made its key.
    #[serde(default, skip_serializing_if = "KeyMaker::is_holder")]
    pub key: KeyMaker,
}

/// Who made the key of a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyMaker {
    /// Whoever holds the certificate: nobody else ever had the key.
    #[default]
    Holder,
    /// The hub, which handed the key out and kept nothing of it.
    Hub,
}

impl KeyMaker {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it in so")]
    fn is_holder(&self) -> bool {
        *self == Self::Holder
    }
}

/// How a device proved at its first enrolment that it is the claimed one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Credential {
    /// By the claim's token.
    Token,
    /// By an IDevID of this manufacturer.
    Idevid(ProfileName),
}

/// Who did something: a token of the API by its name, a device, or the hub itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The holder of an API token, or of a session that was signed in with one.
    Token(String),
    /// The hub, by its own rules.
    Hub,
}

/// An entry that this version of the hub cannot read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// Written by a newer hub.
    #[error(
        "the entry's kind {kind} has version {v}; this hub reads version 1: use the hub that wrote it, or a newer one"
    )]
    Version {
        /// The entry's kind.
        kind: String,
        /// Its version.
        v: u32,
    },
    /// Its fields are not those of its kind.
    #[error("the entry's fields are not those of its kind")]
    Fields(#[source] serde_json::Error),
}

impl Fact {
    /// The entry to be appended for this fact.
    ///
    /// # Errors
    /// Never in practice: every field has a JSON form. The error is handed on, not hidden.
    pub fn draft(&self) -> Result<Draft, serde_json::Error> {
        let Value::Object(mut fields) = serde_json::to_value(self)? else {
            return Err(serde::ser::Error::custom("a fact is an object"));
        };
        let Some(Value::String(kind)) = fields.remove("kind") else {
            return Err(serde::ser::Error::custom("a fact has a kind"));
        };
        Ok(Draft::new(kind, V, fields))
    }

    /// Reads the fact back from an entry.
    ///
    /// # Errors
    /// [`Unreadable`] when the entry is of a newer version or an unknown kind.
    pub fn read(entry: &Entry) -> Result<Self, Unreadable> {
        if entry.v() != V {
            return Err(Unreadable::Version {
                kind: entry.kind().to_owned(),
                v: entry.v(),
            });
        }
        let mut fields: Map<String, Value> = entry.fields().clone();
        fields.insert("kind".to_owned(), Value::String(entry.kind().to_owned()));
        serde_json::from_value(Value::Object(fields)).map_err(Unreadable::Fields)
    }

    /// The device that the fact is about.
    pub fn device(&self) -> Option<&DeviceId> {
        match self {
            Self::DeviceClaimed { device, .. }
            | Self::DeviceClaimWithdrawn { device, .. }
            | Self::DeviceEnrolled { device, .. }
            | Self::DeviceEnrolmentRepeated { device, .. }
            | Self::DeviceReenrolled { device, .. }
            | Self::DeviceActivated { device, .. }
            | Self::DeviceInTwoPlaces { device, .. }
            | Self::DeviceQuarantined { device, .. }
            | Self::DeviceReleased { device, .. }
            | Self::DeviceTransferred { device, .. }
            | Self::DeviceRetired { device, .. } => Some(device),
            Self::HubCreated { .. }
            | Self::HubRestored { .. }
            | Self::JournalKeyChanged { .. }
            | Self::TokenIssued { .. }
            | Self::TokenRevoked { .. }
            | Self::PasswordSet { .. }
            | Self::SignInLinkMade { .. }
            | Self::SessionsEnded { .. }
            | Self::ServerIssued { .. }
            | Self::ResponderIssued { .. }
            | Self::CaInstalled { .. }
            | Self::CertificateRevoked { .. }
            | Self::ProfileSet { .. }
            | Self::ServiceIssued { .. }
            | Self::ServiceRevoked { .. }
            | Self::ManufacturerAdded { .. }
            | Self::ManufacturerRemoved { .. }
            | Self::ViewSaved { .. }
            | Self::ViewRemoved { .. }
            | Self::ClockStepped { .. }
            | Self::ClockAgreed { .. }
            | Self::ClockConfirmed { .. }
            | Self::PayloadErased { .. }
            | Self::SegmentArchived { .. }
            | Self::SnapshotTaken { .. } => None,
        }
    }

    /// The digest of the words that explain the fact.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::DeviceInTwoPlaces { why, .. }
            | Self::DeviceQuarantined { why, .. }
            | Self::DeviceReleased { why, .. }
            | Self::DeviceTransferred { why, .. }
            | Self::DeviceRetired { why, .. }
            | Self::CertificateRevoked { why, .. }
            | Self::ClockConfirmed { why, .. } => Some(why),
            _ => None,
        }
    }
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Token(name) => f.write_str(name),
            Self::Hub => f.write_str("the hub"),
        }
    }
}

/// As it reads in a sentence: "enrolled with its claim token".
impl std::fmt::Display for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Token => f.write_str("its claim token"),
            Self::Idevid(manufacturer) => write!(f, "its IDevID of {manufacturer}"),
        }
    }
}

/// As it reads in a sentence: its number, and whose key it is if it is not its holder's own.
impl std::fmt::Display for IssuedCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.serial)?;
        match self.key {
            KeyMaker::Holder => Ok(()),
            KeyMaker::Hub => f.write_str(" with a key that the hub made"),
        }
    }
}

/// What happened, as one sentence in the past tense.
impl std::fmt::Display for Fact {
    #[expect(clippy::too_many_lines, reason = "one sentence for each kind")]
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::HubCreated {
                log, demonstration, ..
            } => {
                let what = if *demonstration {
                    "A demonstration's hub, with simulated devices,"
                } else {
                    "The hub"
                };
                write!(f, "{what} was set up; its log is {log}.")
            }
            Self::JournalKeyChanged {
                from,
                to,
                lost: false,
            } => write!(f, "The journal's key was changed from {from} to {to}."),
            Self::JournalKeyChanged {
                from,
                to,
                lost: true,
            } => write!(
                f,
                "The journal's key {from} was lost; {to} took its place, and only the tree ties the entries before to it."
            ),
            Self::HubRestored {
                made,
                size,
                from,
                log,
                ..
            } => {
                let made = UnixTime::from_ms(*made);
                write!(
                    f,
                    "The hub was restored from a backup of {made} with {size} entries"
                )?;
                if from == log {
                    return f
                        .write_str(", after which nothing had been recorded; its log goes on.");
                }
                write!(
                    f,
                    ". What was recorded later is lost; the log {from} ended, and {log} goes on from there."
                )
            }
            Self::TokenIssued { name, by: None } => {
                write!(f, "A token was issued to {name}; the one before is void.")
            }
            Self::TokenIssued { name, by: Some(by) } => {
                write!(
                    f,
                    "A token was issued to {name} by {by}; one before it is void."
                )
            }
            Self::TokenRevoked { name, by } => {
                write!(f, "The token of {name} was revoked by {by}.")
            }
            Self::PasswordSet { name, by } => {
                write!(f, "The password of {name} was set by {by}.")
            }
            Self::SignInLinkMade { name, by } => {
                write!(f, "A link that signs {name} in, once, was made by {by}.")
            }
            Self::SessionsEnded { by } => {
                write!(f, "Every session of the console was ended by {by}.")
            }
            Self::ServerIssued { names, certificate } => write!(
                f,
                "The hub's doors were given certificate {} for {}.",
                certificate.serial,
                names.join(", ")
            ),
            Self::ResponderIssued { certificate } => write!(
                f,
                "The OCSP responder of issuing CA {} was given certificate {}.",
                certificate.ca, certificate.serial
            ),
            Self::CaInstalled { number, by, .. } => {
                write!(f, "Issuing CA {number} was put into service by {by}.")
            }
            Self::CertificateRevoked {
                serial, reason, by, ..
            } => {
                write!(f, "Certificate {serial} was revoked by {by} ({reason}).")
            }
            Self::ProfileSet { name, by: None, .. } => write!(f, "Profile {name} was set."),
            Self::ProfileSet {
                name, by: Some(by), ..
            } => write!(f, "Profile {name} was set by {by}."),
            Self::DeviceClaimed {
                device,
                profile,
                by,
                ..
            } => {
                write!(f, "{device} was claimed by {by} as {profile}.")
            }
            Self::DeviceClaimWithdrawn { device, by } => {
                write!(f, "The claim of {device} was withdrawn by {by}.")
            }
            Self::DeviceEnrolled {
                device,
                credential,
                certificate,
                ..
            } => {
                write!(
                    f,
                    "{device} enrolled with {credential} and holds certificate {certificate}."
                )
            }
            Self::DeviceEnrolmentRepeated {
                device,
                certificate,
                ..
            } => {
                write!(
                    f,
                    "{device} repeated its enrolment with the same key and holds certificate {certificate}."
                )
            }
            Self::DeviceReenrolled {
                device,
                via,
                certificate,
                ..
            } => {
                write!(f, "{device} enrolled again")?;
                if let Some(via) = via {
                    write!(f, " through {via}")?;
                }
                write!(f, " and holds certificate {certificate}.")
            }
            Self::DeviceActivated { device, door } => {
                write!(
                    f,
                    "{device} used its certificate for the first time, at the {door} door."
                )
            }
            Self::DeviceInTwoPlaces {
                device,
                certificate,
                door,
                ..
            } => write!(
                f,
                "Certificate {certificate} of {device} was used in two places at once, at the {door} door."
            ),
            Self::DeviceQuarantined {
                device, by, reason, ..
            } => {
                write!(f, "{device} was quarantined by {by} ({reason}).")
            }
            Self::DeviceReleased {
                device, by, reason, ..
            } => {
                write!(
                    f,
                    "{by} took the reason {reason} for the quarantine of {device} away."
                )
            }
            Self::DeviceTransferred { device, by, .. } => {
                write!(
                    f,
                    "{device} was given up by {by}; its certificates are revoked."
                )
            }
            Self::DeviceRetired { device, by, .. } => {
                write!(
                    f,
                    "{device} was retired by {by}; its certificates are revoked."
                )
            }
            Self::ServiceIssued {
                service,
                by,
                certificate,
                ..
            } => {
                write!(
                    f,
                    "Service {service} was given certificate {certificate} by {by}."
                )
            }
            Self::ServiceRevoked { service, by } => {
                write!(f, "Service {service} was revoked by {by}.")
            }
            Self::ManufacturerAdded { name, by, .. } => {
                write!(f, "The CA of manufacturer {name} was accepted by {by}.")
            }
            Self::ManufacturerRemoved { name, by } => {
                write!(f, "The CA of manufacturer {name} was removed by {by}.")
            }
            Self::ViewSaved { name, by, .. } => write!(f, "The view {name} was saved by {by}."),
            Self::ViewRemoved { name, by } => write!(f, "The view {name} was removed by {by}."),
            Self::ClockStepped { expected, shown } => write!(
                f,
                "The machine's clock jumped from {} to {}; certificates stopped.",
                UnixTime::from_ms(*expected),
                UnixTime::from_ms(*shown)
            ),
            Self::ClockAgreed { shown } => write!(
                f,
                "The machine's clock was right again at {}; certificates went on.",
                UnixTime::from_ms(*shown)
            ),
            Self::ClockConfirmed { by, .. } => {
                write!(
                    f,
                    "{by} confirmed the machine's clock; certificates went on."
                )
            }
            Self::PayloadErased { entry, by, .. } => {
                write!(f, "{by} had the words of entry {entry} erased.")
            }
            Self::SegmentArchived {
                first,
                entries,
                place,
                ..
            } => write!(
                f,
                "Entries {first} to {} were archived at {place}.",
                first.saturating_add(*entries).saturating_sub(1)
            ),
            Self::SnapshotTaken { entries, .. } => {
                write!(
                    f,
                    "A snapshot was taken of the state after {entries} entries."
                )
            }
        }
    }
}
