//! What an entry of the journal is: one canonical JSON object with a time, a kind and a version.

use ironroot_time::UnixTime;
use serde_json::{Map, Value};

use crate::canonical::{self, NotCanonical};

/// The largest entry in bytes: what the two-byte length of a C2SP tlog-tiles entry bundle can say.
pub const ENTRY_SIZE_MAX: usize = 65_535;

/// The longest name of a kind, in characters.
const KIND_LENGTH_MAX: usize = 64;

/// A checked entry: its canonical bytes and what they say.
///
/// Only [`Entry::compose`] and [`Entry::parse`] make one, so its bytes are canonical.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    bytes: Box<[u8]>,
    at: UnixTime,
    kind: Box<str>,
    v: u32,
    fields: Map<String, Value>,
}

/// Why bytes or fields make no entry.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadEntry {
    /// More than [`ENTRY_SIZE_MAX`] bytes.
    #[error("an entry has at most 65535 bytes")]
    TooLarge,
    /// The bytes are no JSON object.
    #[error("the entry is no JSON object")]
    NotJson {
        /// What the JSON parser met.
        #[source]
        cause: serde_json::Error,
    },
    /// The object holds something that has no canonical text.
    #[error("the entry has no canonical text")]
    NoCanonicalText {
        /// What stands in the way.
        #[source]
        cause: NotCanonical,
    },
    /// The bytes are valid JSON, but not the canonical text of it.
    #[error("the entry is not in canonical form")]
    NotCanonical,
    /// A field of the envelope is missing or out of range.
    #[error("the entry's {field:?} is missing or out of range")]
    Envelope {
        /// `at`, `kind` or `v`.
        field: &'static str,
    },
    /// The fields name something that belongs to the envelope.
    #[error("the field {field:?} belongs to the envelope")]
    Reserved {
        /// `at`, `kind` or `v`.
        field: &'static str,
    },
}

impl Entry {
    /// Makes the entry of `fields` that is of `kind` in version `v` and happened `at`.
    ///
    /// # Errors
    /// [`BadEntry`] when `fields` hold an envelope's name or a value without canonical text, when
    /// `kind` is not 1 to 64 characters of `[a-z0-9._-]`, when `v` is zero, or when the entry would
    /// be too large.
    pub fn compose(
        at: UnixTime,
        kind: &str,
        v: u32,
        mut fields: Map<String, Value>,
    ) -> Result<Self, BadEntry> {
        for field in [AT, KIND, V] {
            if fields.contains_key(field) {
                return Err(BadEntry::Reserved { field });
            }
        }
        if !is_kind(kind) {
            return Err(BadEntry::Envelope { field: KIND });
        }
        if v == 0 {
            return Err(BadEntry::Envelope { field: V });
        }
        fields.insert(AT.into(), at.as_ms().into());
        fields.insert(KIND.into(), kind.into());
        fields.insert(V.into(), v.into());
        let bytes = canonical_bytes(&fields)?;
        for field in [AT, KIND, V] {
            fields.remove(field);
        }
        Ok(Self {
            bytes: bytes.into(),
            at,
            kind: kind.into(),
            v,
            fields,
        })
    }

    /// Reads an entry, refusing every text but the canonical one.
    ///
    /// # Errors
    /// [`BadEntry`] when the bytes are too many, no JSON object, not canonical, or lack a field of
    /// the envelope.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadEntry> {
        if bytes.len() > ENTRY_SIZE_MAX {
            return Err(BadEntry::TooLarge);
        }
        let mut fields: Map<String, Value> =
            serde_json::from_slice(bytes).map_err(|cause| BadEntry::NotJson { cause })?;
        if canonical_bytes(&fields)? != bytes {
            return Err(BadEntry::NotCanonical);
        }
        let at = take(&mut fields, AT, Value::as_u64)?;
        let kind = take(&mut fields, KIND, |value| {
            value.as_str().filter(|kind| is_kind(kind)).map(Box::from)
        })?;
        let v = take(&mut fields, V, |value| {
            value.as_u64().and_then(|v| u32::try_from(v).ok())
        })?;
        if v == 0 {
            return Err(BadEntry::Envelope { field: V });
        }
        Ok(Self {
            bytes: bytes.into(),
            at: UnixTime::from_ms(at),
            kind,
            v,
            fields,
        })
    }

    /// The canonical bytes: what is stored, and what the leaf hash covers.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// When it was committed; never before the entry in front of it.
    pub fn at(&self) -> UnixTime {
        self.at
    }

    /// What kind of thing happened.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Which version of the kind's fields this is, from 1.
    pub fn v(&self) -> u32 {
        self.v
    }

    /// The fields of the kind, without `at`, `kind` and `v`.
    pub fn fields(&self) -> &Map<String, Value> {
        &self.fields
    }
}

const AT: &str = "at";
const KIND: &str = "kind";
const V: &str = "v";

fn is_kind(text: &str) -> bool {
    (1..=KIND_LENGTH_MAX).contains(&text.len())
        && text
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'))
}

fn canonical_bytes(fields: &Map<String, Value>) -> Result<Vec<u8>, BadEntry> {
    canonical::write(fields, ENTRY_SIZE_MAX).map_err(|cause| match cause {
        NotCanonical::Size { .. } => BadEntry::TooLarge,
        NotCanonical::Number | NotCanonical::Key | NotCanonical::Depth => {
            BadEntry::NoCanonicalText { cause }
        }
    })
}

/// Takes a field of the envelope out of `fields`, if `read` makes something of it.
fn take<T>(
    fields: &mut Map<String, Value>,
    field: &'static str,
    read: impl FnOnce(&Value) -> Option<T>,
) -> Result<T, BadEntry> {
    fields
        .remove(field)
        .as_ref()
        .and_then(read)
        .ok_or(BadEntry::Envelope { field })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    fn compose(value: Value) -> Result<Entry, BadEntry> {
        Entry::compose(UnixTime::from_ms(7), "device.claimed", 1, fields(value))
    }

    #[test]
    fn an_entry_comes_back_from_its_bytes() {
        let entry = compose(json!({"serial": "cam-1", "zone": 3})).unwrap();
        assert_eq!(
            entry.bytes(),
            br#"{"at":7,"kind":"device.claimed","serial":"cam-1","v":1,"zone":3}"#
        );
        let parsed = Entry::parse(entry.bytes()).unwrap();
        assert_eq!(parsed, entry);
        assert_eq!(parsed.at(), UnixTime::from_ms(7));
        assert_eq!((parsed.kind(), parsed.v()), ("device.claimed", 1));
        assert_eq!(
            *parsed.fields(),
            fields(json!({"serial": "cam-1", "zone": 3}))
        );
    }

    #[test]
    fn refuses_every_text_but_the_canonical_one() {
        for text in [
            r#"{"kind":"k","at":1,"v":1}"#,
            r#"{"at":1, "kind":"k","v":1}"#,
            r#"{"at":1,"at":1,"kind":"k","v":1}"#,
            r#"{"at":1,"kind":"\u006b","v":1}"#,
            "{\"at\":1,\"kind\":\"k\",\"v\":1}\n",
        ] {
            let refused = Entry::parse(text.as_bytes());
            assert!(matches!(refused, Err(BadEntry::NotCanonical)), "{text}");
        }
    }

    #[test]
    fn refuses_numbers_that_are_no_exact_integers() {
        for text in [
            r#"{"at":1,"kind":"k","n":1.0,"v":1}"#,
            r#"{"at":1,"kind":"k","n":-0,"v":1}"#,
            r#"{"at":1,"kind":"k","n":1e3,"v":1}"#,
            r#"{"at":18446744073709551615,"kind":"k","v":1}"#,
        ] {
            let refused = Entry::parse(text.as_bytes());
            assert!(
                matches!(
                    refused,
                    Err(BadEntry::NoCanonicalText {
                        cause: NotCanonical::Number
                    })
                ),
                "{text}"
            );
        }
    }

    #[test]
    fn refuses_a_missing_or_wrong_envelope() {
        for (text, wrong) in [
            (r#"{"kind":"k","v":1}"#, "at"),
            (r#"{"at":-1,"kind":"k","v":1}"#, "at"),
            (r#"{"at":1,"v":1}"#, "kind"),
            (r#"{"at":1,"kind":"","v":1}"#, "kind"),
            (r#"{"at":1,"kind":"K","v":1}"#, "kind"),
            (r#"{"at":1,"kind":"k"}"#, "v"),
            (r#"{"at":1,"kind":"k","v":0}"#, "v"),
            (r#"{"at":1,"kind":"k","v":4294967296}"#, "v"),
        ] {
            match Entry::parse(text.as_bytes()) {
                Err(BadEntry::Envelope { field }) => assert_eq!(field, wrong, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        assert!(matches!(Entry::parse(b"[]"), Err(BadEntry::NotJson { .. })));
    }

    #[test]
    fn refuses_fields_that_would_replace_the_envelope() {
        for field in ["at", "kind", "v"] {
            let refused = compose(json!({ field: 1 }));
            assert!(matches!(refused, Err(BadEntry::Reserved { .. })), "{field}");
        }
    }

    #[test]
    fn ends_at_sixty_five_thousand_five_hundred_and_thirty_five_bytes() {
        let envelope = compose(json!({"x": ""})).unwrap().bytes().len();
        let filled = |length: usize| compose(json!({"x": "x".repeat(length)}));
        let largest = filled(ENTRY_SIZE_MAX - envelope).unwrap();
        assert_eq!(largest.bytes().len(), ENTRY_SIZE_MAX);
        assert!(Entry::parse(largest.bytes()).is_ok());
        let larger = filled(ENTRY_SIZE_MAX - envelope + 1);
        assert!(matches!(larger, Err(BadEntry::TooLarge)));
        let padded = [largest.bytes(), b" "].concat();
        assert!(matches!(Entry::parse(&padded), Err(BadEntry::TooLarge)));
    }
}
