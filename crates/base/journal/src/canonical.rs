//! One JSON text per value: RFC 8785, narrowed to ASCII keys and exact integers.
//!
//! With ASCII keys the order by bytes is RFC 8785's order by UTF-16 units, and integers that an
//! IEEE 754 double holds exactly (RFC 7493 section 2.2) read the same in every JSON library.

use serde_json::{Map, Number, Value};

/// The largest magnitude of an integer, 2^53 - 1.
const INTEGER_MAX: u64 = (1 << 53) - 1;

/// How deep arrays and objects may nest.
const DEPTH_MAX: usize = 16;

/// Why a value has no canonical text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotCanonical {
    /// A number with a fraction or an exponent, or beyond 2^53 - 1.
    #[error("a number is no integer between -(2^53 - 1) and 2^53 - 1")]
    Number,
    /// A key with a character outside printable ASCII.
    #[error("an object's key has a character outside printable ASCII")]
    Key,
    /// Arrays and objects nest too deep.
    #[error("arrays and objects nest deeper than 16 levels")]
    Depth,
    /// The text would be longer than the writer was allowed.
    #[error("the text is longer than {size_max} bytes")]
    Size {
        /// The bound, in bytes.
        size_max: usize,
    },
}

/// Writes `fields` as canonical JSON of at most `size_max` bytes.
pub(crate) fn write(fields: &Map<String, Value>, size_max: usize) -> Result<Vec<u8>, NotCanonical> {
    let mut writer = Writer {
        text: Vec::with_capacity(256),
        size_max,
    };
    writer.object(fields, DEPTH_MAX)?;
    Ok(writer.text)
}

struct Writer {
    text: Vec<u8>,
    size_max: usize,
}

impl Writer {
    fn push(&mut self, bytes: &[u8]) -> Result<(), NotCanonical> {
        let size_max = self.size_max;
        if self.text.len().saturating_add(bytes.len()) > size_max {
            return Err(NotCanonical::Size { size_max });
        }
        self.text.extend_from_slice(bytes);
        Ok(())
    }

    fn value(&mut self, value: &Value, depth_left: usize) -> Result<(), NotCanonical> {
        match value {
            Value::Null => self.push(b"null"),
            Value::Bool(true) => self.push(b"true"),
            Value::Bool(false) => self.push(b"false"),
            Value::Number(number) => self.number(number),
            Value::String(text) => self.string(text),
            Value::Array(items) => self.array(items, depth_left),
            Value::Object(fields) => self.object(fields, depth_left),
        }
    }

    fn number(&mut self, number: &Number) -> Result<(), NotCanonical> {
        match number.as_i64() {
            Some(integer) if integer.unsigned_abs() <= INTEGER_MAX => {
                self.push(integer.to_string().as_bytes())
            }
            Some(_) | None => Err(NotCanonical::Number),
        }
    }

    fn array(&mut self, items: &[Value], depth_left: usize) -> Result<(), NotCanonical> {
        let depth_left = depth_left.checked_sub(1).ok_or(NotCanonical::Depth)?;
        self.push(b"[")?;
        for (nth, item) in items.iter().enumerate() {
            if nth > 0 {
                self.push(b",")?;
            }
            self.value(item, depth_left)?;
        }
        self.push(b"]")
    }

    /// Sorts by itself: whether `Map` is sorted depends on features that other crates choose.
    fn object(&mut self, map: &Map<String, Value>, depth_left: usize) -> Result<(), NotCanonical> {
        let depth_left = depth_left.checked_sub(1).ok_or(NotCanonical::Depth)?;
        let mut sorted: Vec<_> = map.iter().collect();
        sorted.sort_unstable_by_key(|(key, _)| *key);
        self.push(b"{")?;
        for (nth, (key, value)) in sorted.into_iter().enumerate() {
            if nth > 0 {
                self.push(b",")?;
            }
            if !key.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
                return Err(NotCanonical::Key);
            }
            self.string(key)?;
            self.push(b":")?;
            self.value(value, depth_left)?;
        }
        self.push(b"}")
    }

    /// RFC 8785 section 3.2.2.2: the short escapes where JSON has them, else `\u00xx`.
    fn string(&mut self, text: &str) -> Result<(), NotCanonical> {
        self.push(b"\"")?;
        for plain_then_special in text.as_bytes().split_inclusive(|byte| needs_escape(*byte)) {
            match plain_then_special.split_last() {
                Some((special, plain)) if needs_escape(*special) => {
                    self.push(plain)?;
                    self.escape(*special)?;
                }
                Some(_) | None => self.push(plain_then_special)?,
            }
        }
        self.push(b"\"")
    }

    fn escape(&mut self, byte: u8) -> Result<(), NotCanonical> {
        match byte {
            b'"' => self.push(b"\\\""),
            b'\\' => self.push(b"\\\\"),
            0x08 => self.push(b"\\b"),
            b'\t' => self.push(b"\\t"),
            b'\n' => self.push(b"\\n"),
            0x0c => self.push(b"\\f"),
            b'\r' => self.push(b"\\r"),
            control => self.push(format!("\\u{control:04x}").as_bytes()),
        }
    }
}

fn needs_escape(byte: u8) -> bool {
    matches!(byte, 0..=0x1f | b'"' | b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn text(value: &Value) -> Result<String, NotCanonical> {
        let bytes = write(value.as_object().unwrap(), 1_000)?;
        Ok(String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn sorts_keys_and_writes_no_whitespace() {
        let value = json!({"b": [1, -2, null], "a": {"d": true, "c": "x"}, "": false});
        assert_eq!(
            text(&value).unwrap(),
            r#"{"":false,"a":{"c":"x","d":true},"b":[1,-2,null]}"#
        );
    }

    #[test]
    fn escapes_as_rfc_8785_section_3_2_2_2() {
        let value = json!({"s": "\u{8}\t\n\u{c}\r\"\\\u{0}\u{1f}\u{7f}/€ö\u{1f600}"});
        assert_eq!(
            text(&value).unwrap(),
            "{\"s\":\"\\b\\t\\n\\f\\r\\\"\\\\\\u0000\\u001f\u{7f}/€ö\u{1f600}\"}"
        );
    }

    #[test]
    fn refuses_numbers_that_another_reader_might_round() {
        let most = 9_007_199_254_740_991_i64;
        assert!(text(&json!({"n": most, "m": -most})).is_ok());
        for number in [
            json!(most + 1),
            json!(-most - 1),
            json!(u64::MAX),
            json!(1.5),
        ] {
            assert_eq!(text(&json!({ "n": number })), Err(NotCanonical::Number));
        }
    }

    #[test]
    fn refuses_a_key_outside_ascii() {
        assert_eq!(text(&json!({"ü": 1})), Err(NotCanonical::Key));
        assert_eq!(text(&json!({"a\n": 1})), Err(NotCanonical::Key));
    }

    #[test]
    fn refuses_nesting_past_the_bound() {
        let nested = |levels: usize| {
            let inner = (1..levels).fold(json!(1), |inner, _| json!([inner]));
            text(&json!({ "k": inner }))
        };
        assert!(nested(16).is_ok());
        assert_eq!(nested(17), Err(NotCanonical::Depth));
    }

    #[test]
    fn stops_at_the_size_bound() {
        let fields = json!({"k": "12345"});
        let fields = fields.as_object().unwrap();
        assert!(write(fields, 13).is_ok());
        assert_eq!(write(fields, 12), Err(NotCanonical::Size { size_max: 12 }));
    }
}
