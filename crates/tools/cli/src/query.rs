//! The part of a URL after the question mark, from a query type of the API.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

/// `?a=1&b=x%2Fy` for the fields that are set; empty when none is.
pub(crate) fn query(fields: &impl Serialize) -> String {
    let mut text = String::new();
    let Ok(Value::Object(fields)) = serde_json::to_value(fields) else {
        return text;
    };
    for (name, value) in fields {
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        text.push(if text.is_empty() { '?' } else { '&' });
        text.push_str(&name);
        text.push('=');
        encode(&value, &mut text);
    }
    text
}

/// Everything but unreserved characters becomes `%XX` (RFC 3986 section 2.1).
fn encode(value: &str, text: &mut String) {
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                text.push(char::from(byte));
            }
            _ => _ = write!(text, "%{byte:02X}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ironroot_api::{DeviceQuery, Lifecycle};

    #[test]
    fn writes_what_is_set_and_hides_what_would_end_a_field() {
        let all = DeviceQuery {
            id: Some("a&b=c/ä".to_owned()),
            lifecycle: Some(Lifecycle::Active),
            limit: Some(5),
            ..DeviceQuery::default()
        };
        assert_eq!(
            query(&all),
            "?id=a%26b%3Dc%2F%C3%A4&lifecycle=active&limit=5"
        );
        assert_eq!(query(&DeviceQuery::default()), "");
    }
}
