//! One digest over all rows, the same whatever backend holds them.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// SHA-256 over every row in the order of tables and keys.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct StateDigest([u8; 32]);

/// Takes rows in the order of tables and keys, and gives their digest.
#[derive(Debug, Default)]
pub struct StateHasher(Sha256);

impl StateHasher {
    /// Adds the next row.
    pub fn row(&mut self, table: &str, key: &str, value: &[u8]) {
        for part in [table.as_bytes(), key.as_bytes(), value] {
            // The length in front keeps two neighbours from passing for two others.
            self.0.update((part.len() as u64).to_be_bytes());
            self.0.update(part);
        }
    }

    /// The digest over all rows added.
    pub fn finish(self) -> StateDigest {
        StateDigest(self.0.finalize().into())
    }
}

impl fmt::Display for StateDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl FromStr for StateDigest {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, hex::FromHexError> {
        let mut digest = [0; 32];
        hex::decode_to_slice(text, &mut digest)?;
        Ok(Self(digest))
    }
}

impl fmt::Debug for StateDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(rows: &[(&str, &str, &str)]) -> StateDigest {
        let mut hasher = StateHasher::default();
        for (table, key, value) in rows {
            hasher.row(table, key, value.as_bytes());
        }
        hasher.finish()
    }

    #[test]
    fn is_read_as_it_is_printed_and_no_other_text_is() {
        let digest = digest(&[("t", "a", "b")]);
        assert_eq!(digest.to_string().parse(), Ok(digest));
        for text in ["", "00", &"g".repeat(64), &"0".repeat(66)] {
            assert!(text.parse::<StateDigest>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn text_that_moves_between_key_and_value_changes_the_digest() {
        assert_ne!(digest(&[("t", "ab", "c")]), digest(&[("t", "a", "bc")]));
        assert_ne!(digest(&[("t", "a", "")]), digest(&[]));
    }
}
