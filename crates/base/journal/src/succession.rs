//! How a log changes its key: the entry that names the next one.

use crate::entry::Entry;
use crate::note::VerifierKey;

/// The kind of the entry.
pub const KEY_CHANGED: &str = "journal.key_changed";

/// One change of a log's key, as the entry says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Succession {
    /// The key until then.
    pub from: VerifierKey,
    /// The key from then on.
    pub to: VerifierKey,
    /// Whether the old key was lost: then it did not sign the entry, and the new one speaks for itself alone.
    pub lost: bool,
}

impl Succession {
    /// Reads it from an entry; nothing when the entry is of another kind, or names no two keys of one log.
    pub fn read(entry: &Entry) -> Option<Self> {
        if entry.kind() != KEY_CHANGED || entry.v() != 1 {
            return None;
        }
        let key = |name| entry.fields().get(name)?.as_str()?.parse().ok();
        let read = Self {
            from: key("from")?,
            to: key("to")?,
            lost: entry.fields().get("lost")?.as_bool()?,
        };
        (read.from.name() == read.to.name() && read.from != read.to).then_some(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::note::SigningKey;
    use ironroot_time::UnixTime;
    use serde_json::json;

    fn entry(kind: &str, v: u32, from: &str, to: &str) -> Entry {
        let fields = json!({"from": from, "to": to, "lost": false});
        let fields = fields.as_object().unwrap().clone();
        Entry::compose(UnixTime::from_s(1), kind, v, fields).unwrap()
    }

    fn key(name: &str, seed: u8) -> String {
        let key = SigningKey::from_seed(name, &[seed; 32]).unwrap();
        key.verifier_key().to_string()
    }

    #[test]
    fn a_change_of_key_is_read_from_its_entry() {
        let (old, new) = (key("log", 1), key("log", 2));
        let read = Succession::read(&entry(KEY_CHANGED, 1, &old, &new)).unwrap();
        assert_eq!((read.from.to_string(), read.to.to_string()), (old, new));
        assert!(!read.lost);
    }

    #[test]
    fn refuses_another_kind_another_version_another_log_and_no_change() {
        let (old, new, other) = (key("log", 1), key("log", 2), key("other", 2));
        for (kind, v, to) in [
            ("journal.other", 1, &new),
            (KEY_CHANGED, 2, &new),
            (KEY_CHANGED, 1, &other),
            (KEY_CHANGED, 1, &old),
            (KEY_CHANGED, 1, &"no key".to_owned()),
        ] {
            assert_eq!(Succession::read(&entry(kind, v, &old, to)), None, "{to}");
        }
    }
}
