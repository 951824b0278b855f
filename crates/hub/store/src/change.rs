//! What is committed at once: entries, and the payloads and secrets that belong to them.

use std::borrow::Cow;
use std::ops::Range;

use ironroot_journal::SaltedDigest;
use ironroot_time::UnixTime;
use serde_json::{Map, Value};

use ironroot_secret::Secret;

use crate::{CommitError, PAYLOAD_SIZE_MAX, Payload};

/// The largest secret and its name, in bytes.
pub const SECRET_SIZE_MAX: usize = 64 << 10;

/// The most entries in one change.
pub const CHANGE_ENTRIES_MAX: usize = 256;

/// The most bytes of payloads and secrets in one change.
pub const CHANGE_SIZE_MAX: usize = 8 << 20;

/// One step of the hub, kept whole or not at all.
#[derive(Debug, Default)]
pub struct Change {
    /// Entries, in the order in which they enter the journal.
    pub entries: Vec<Draft>,
    /// Payloads that these entries name.
    pub payloads: Vec<Payload>,
    /// Payloads to forget; the entries that name them stay.
    pub erased: Vec<SaltedDigest>,
    /// What to put into the keyring or destroy there, in order.
    pub secrets: Vec<SecretWrite>,
}

/// An entry before the sequencer gives it an index and a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// What kind of thing happened: 1 to 64 characters of `[a-z0-9._-]`.
    pub kind: Cow<'static, str>,
    /// Which version of the kind's fields this is, from 1.
    pub v: u32,
    /// The fields, without `at`, `kind` and `v`.
    pub fields: Map<String, Value>,
}

/// A step of the keyring. Neither is repeated by a rebuild.
#[derive(Clone, Debug)]
pub enum SecretWrite {
    /// Keeps a secret under a name, in place of the one that was there.
    Keep {
        /// The name in the keyring.
        name: String,
        /// The bytes.
        secret: Secret,
    },
    /// Destroys the secret of this name, if there is one.
    Shred {
        /// The name in the keyring.
        name: String,
    },
}

/// What the sequencer says of a durable change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The indices of the change's entries, in the order in which they were given.
    pub indices: Range<u64>,
    /// The time that all entries of the change carry.
    pub at: UnixTime,
}

impl Change {
    /// A change that is one entry.
    pub fn of(draft: Draft) -> Self {
        Self {
            entries: vec![draft],
            ..Self::default()
        }
    }

    /// This change, and one more entry behind the others.
    #[must_use]
    pub fn and(mut self, draft: Draft) -> Self {
        self.entries.push(draft);
        self
    }

    /// This change, and a payload that an entry of it names.
    #[must_use]
    pub fn with_payload(mut self, payload: Payload) -> Self {
        self.payloads.push(payload);
        self
    }

    /// This change, which also erases a payload.
    #[must_use]
    pub fn erasing(mut self, digest: SaltedDigest) -> Self {
        self.erased.push(digest);
        self
    }

    /// This change, which also keeps a secret.
    #[must_use]
    pub fn keeping(mut self, name: impl Into<String>, secret: Secret) -> Self {
        let name = name.into();
        self.secrets.push(SecretWrite::Keep { name, secret });
        self
    }

    /// This change, which also destroys a secret.
    #[must_use]
    pub fn shredding(mut self, name: impl Into<String>) -> Self {
        self.secrets.push(SecretWrite::Shred { name: name.into() });
        self
    }

    /// The bytes of payloads and secrets in this change.
    pub fn attached_size(&self) -> usize {
        let payloads = self.payloads.iter().map(|payload| payload.bytes().len());
        let secrets = self.secrets.iter().map(SecretWrite::size);
        payloads.chain(secrets).sum()
    }

    /// Checks the bounds on counts and sizes that need no store.
    ///
    /// # Errors
    /// [`CommitError::TooLarge`] names the first bound that is passed. The bound on an entry's size
    /// is checked when it gets its time.
    pub fn check_bounds(&self) -> Result<(), CommitError> {
        let within = |what, size: usize, size_max: usize| {
            let fits = (size <= size_max).then_some(());
            fits.ok_or(CommitError::TooLarge { what, size_max })
        };
        within("entries", self.entries.len(), CHANGE_ENTRIES_MAX)?;
        within("erased payloads", self.erased.len(), CHANGE_ENTRIES_MAX)?;
        within("payloads", self.payloads.len(), CHANGE_ENTRIES_MAX)?;
        within("secrets", self.secrets.len(), CHANGE_ENTRIES_MAX)?;
        for payload in &self.payloads {
            within("payload bytes", payload.bytes().len(), PAYLOAD_SIZE_MAX)?;
        }
        for write in &self.secrets {
            within("secret bytes", write.size(), SECRET_SIZE_MAX)?;
        }
        within("change bytes", self.attached_size(), CHANGE_SIZE_MAX)
    }
}

impl Draft {
    /// A draft of `kind` in version `v`.
    pub fn new(kind: impl Into<Cow<'static, str>>, v: u32, fields: Map<String, Value>) -> Self {
        let kind = kind.into();
        Self { kind, v, fields }
    }
}

impl SecretWrite {
    fn size(&self) -> usize {
        match self {
            Self::Keep { name, secret } => name.len() + secret.expose().len(),
            Self::Shred { name } => name.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ironroot_journal::SALT_SIZE;

    fn refused(change: &Change) -> &'static str {
        match change.check_bounds() {
            Err(CommitError::TooLarge { what, .. }) => what,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn counts_are_bounded() {
        let draft = Draft::new("k", 1, Map::new());
        let entries = |count| Change {
            entries: vec![draft.clone(); count],
            ..Change::default()
        };
        assert!(entries(CHANGE_ENTRIES_MAX).check_bounds().is_ok());
        assert_eq!(refused(&entries(CHANGE_ENTRIES_MAX + 1)), "entries");
    }

    #[test]
    fn sizes_are_bounded() {
        let payload = |size| Payload::new([0; SALT_SIZE], vec![0; size]);
        let largest = Change::default().with_payload(payload(PAYLOAD_SIZE_MAX));
        assert!(largest.check_bounds().is_ok());
        let larger = Change::default().with_payload(payload(PAYLOAD_SIZE_MAX + 1));
        assert_eq!(refused(&larger), "payload bytes");

        let secret = |size| Change::default().keeping("k", Secret::new(vec![0; size]));
        assert!(secret(SECRET_SIZE_MAX - 1).check_bounds().is_ok());
        assert_eq!(refused(&secret(SECRET_SIZE_MAX)), "secret bytes");

        let full = (0..8).fold(Change::default(), |change, _| {
            change.with_payload(payload(PAYLOAD_SIZE_MAX))
        });
        assert!(full.check_bounds().is_ok());
        assert_eq!(refused(&full.shredding("k")), "change bytes");
    }
}
