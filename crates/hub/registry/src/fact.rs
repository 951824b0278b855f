//! The kinds of journal entries: each is one thing that happened, with everything it changes.
//!
//! A kind is a struct that is a [`Kind`] in the file of its subject, and has a line in the table `facts!`.

mod access;
mod certificate;
mod claim;
mod clock;
mod enrolment;
mod hub;
mod journal;
mod manufacturer;
mod profile;
mod service;
mod standing;
mod view;

use std::fmt::{self, Formatter};

use ironroot_identity::DeviceId;
use ironroot_journal::Entry;
use ironroot_store::{ApplyError, Draft};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::access::*;
pub use self::certificate::*;
pub use self::claim::*;
pub use self::clock::*;
pub use self::enrolment::*;
pub use self::hub::*;
pub use self::journal::*;
pub use self::manufacturer::*;
pub use self::profile::*;
pub use self::service::*;
pub use self::standing::*;
pub use self::view::*;
use crate::fold::Step;

/// The version of the fields of every kind. A new version gets a reader of its own; old ones stay.
const V: u32 = 1;

/// One kind of fact: what its entries are called, what they say, and what they do to the rows.
///
/// Entries are kept for ever, so the fields are chosen with care.
pub(crate) trait Kind: Serialize + DeserializeOwned {
    /// The kind in the entry.
    const KIND: &'static str;

    /// What happened, as one sentence in the past tense.
    fn sentence(&self, f: &mut Formatter<'_>) -> fmt::Result;

    /// Folds it into the rows, or refuses it because it does not fit them.
    fn fold(&self, step: &mut Step<'_>) -> Result<(), ApplyError>;

    /// The device that it is about.
    fn device(&self) -> Option<&DeviceId> {
        None
    }

    /// The digest of the words that explain it.
    fn why(&self) -> Option<&str> {
        None
    }
}

/// Makes [`Fact`] of all kinds.
macro_rules! facts {
    ($($kind:ident,)+) => {
        /// Something that happened and is worth keeping for ever.
        ///
        /// A field `why` names a payload by its salted digest: a person's words can be erased, the entry stays.
        /// Moments are milliseconds since 1970.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Fact {
            $(#[doc = concat!("See [`", stringify!($kind), "`].")] $kind($kind),)+
        }

        $(impl From<$kind> for Fact {
            fn from(fact: $kind) -> Self {
                Self::$kind(fact)
            }
        })+

        impl Fact {
            /// Every kind there is.
            pub const KINDS: &[&str] = &[$($kind::KIND),+];

            /// The entry to be appended for this fact.
            ///
            /// # Errors
            /// Never in practice: every field has a JSON form. The error is handed on, not hidden.
            pub fn draft(&self) -> Result<Draft, serde_json::Error> {
                match self {
                    $(Self::$kind(fact) => draft(fact),)+
                }
            }

            /// Reads the fact back from an entry.
            ///
            /// # Errors
            /// [`Unreadable`] when the entry is of a newer version or an unknown kind, or has other fields.
            pub fn read(entry: &Entry) -> Result<Self, Unreadable> {
                let kind = || entry.kind().to_owned();
                if entry.v() != V {
                    return Err(Unreadable::Version { kind: kind(), v: entry.v() });
                }
                let read = match entry.kind() {
                    $($kind::KIND => $kind::deserialize(entry.fields()).map(Self::$kind),)+
                    _ => return Err(Unreadable::Kind(kind())),
                };
                read.map_err(Unreadable::Fields)
            }

            /// The device that the fact is about.
            pub fn device(&self) -> Option<&DeviceId> {
                match self {
                    $(Self::$kind(fact) => fact.device(),)+
                }
            }

            /// The digest of the words that explain the fact.
            pub fn why(&self) -> Option<&str> {
                match self {
                    $(Self::$kind(fact) => fact.why(),)+
                }
            }

            pub(crate) fn fold(&self, step: &mut Step<'_>) -> Result<(), ApplyError> {
                match self {
                    $(Self::$kind(fact) => fact.fold(step),)+
                }
            }
        }

        /// What happened, as one sentence in the past tense.
        impl fmt::Display for Fact {
            fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$kind(fact) => fact.sentence(f),)+
                }
            }
        }
    };
}

facts! {
    HubCreated,
    HubRestored,
    JournalKeyChanged,
    TokenIssued,
    TokenRevoked,
    PasswordSet,
    SignInLinkMade,
    SessionsEnded,
    ServerIssued,
    ResponderIssued,
    CaInstalled,
    CertificateRevoked,
    ProfileSet,
    DeviceClaimed,
    DeviceClaimWithdrawn,
    DeviceEnrolled,
    DeviceEnrolmentRepeated,
    DeviceReenrolled,
    DeviceActivated,
    DeviceInTwoPlaces,
    DeviceQuarantined,
    DeviceReleased,
    DeviceTransferred,
    DeviceRetired,
    ServiceIssued,
    ServiceRevoked,
    ManufacturerAdded,
    ManufacturerRemoved,
    ViewSaved,
    ViewRemoved,
    ClockStepped,
    ClockAgreed,
    ClockConfirmed,
    PayloadErased,
    SegmentArchived,
    SnapshotTaken,
}

fn draft<K: Kind>(fact: &K) -> Result<Draft, serde_json::Error> {
    let fields: Map<String, Value> = match serde_json::to_value(fact)? {
        Value::Object(fields) => fields,
        _ => return Err(serde::ser::Error::custom("a fact is an object")),
    };
    Ok(Draft::new(K::KIND.to_owned(), V, fields))
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

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(name) => f.write_str(name),
            Self::Hub => f.write_str("the hub"),
        }
    }
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
    /// Of a kind that came later.
    #[error("this hub knows no entries of kind {0}: use the hub that wrote it, or a newer one")]
    Kind(String),
    /// Its fields are not those of its kind.
    #[error("the entry's fields are not those of its kind")]
    Fields(#[source] serde_json::Error),
}

#[cfg(test)]
mod tests {
    use super::*;
    use ironroot_time::UnixTime;

    fn read(kind: &str, v: u32, fields: Value) -> Result<Fact, Unreadable> {
        let Value::Object(fields) = fields else {
            panic!("{fields}");
        };
        Fact::read(&Entry::compose(UnixTime::from_ms(1), kind, v, fields).unwrap())
    }

    #[test]
    fn every_kind_has_a_name_of_its_own() {
        let mut kinds = Fact::KINDS.to_vec();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds.len(), Fact::KINDS.len());
    }

    #[test]
    fn refuses_a_kind_and_a_version_that_came_later_and_names_them() {
        let kind = read("device.teleported", 1, serde_json::json!({}));
        assert!(kind.unwrap_err().to_string().contains("device.teleported"));
        let version = read("token.issued", 2, serde_json::json!({"name": "ci"}));
        assert!(matches!(version, Err(Unreadable::Version { v: 2, .. })));
    }

    #[test]
    fn refuses_a_field_that_is_not_of_the_kind_and_one_that_is_missing() {
        for fields in [
            serde_json::json!({"name": "ci", "x": 1}),
            serde_json::json!({}),
        ] {
            let read = read("token.issued", 1, fields);
            assert!(matches!(read, Err(Unreadable::Fields(_))));
        }
    }
}
