//! The lines of the local socket: one JSON object each, in both directions.

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

/// What an application asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Keep this reading.
    Publish { topic: String, payload: Vec<u8> },
    /// Hand over the orders that this filter matches.
    Subscribe(String),
    /// Say what the agent is doing.
    Status,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw<'a> {
    topic: Option<String>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
    text: Option<String>,
    base64: Option<String>,
    subscribe: Option<String>,
    status: Option<bool>,
}

impl Request {
    /// Reads one line.
    ///
    /// # Errors
    /// With what is wrong, for the one who wrote it.
    pub(crate) fn parse(line: &[u8]) -> Result<Self> {
        let text = str::from_utf8(line).context("it is not UTF-8")?;
        let raw: Raw<'_> = serde_json::from_str(text).context("it is no request")?;
        let payload = match (raw.payload, raw.text, raw.base64) {
            // As the application wrote it: numbers keep their digits.
            (Some(json), None, None) => Some(json.get().as_bytes().to_vec()),
            (None, Some(text), None) => Some(text.into_bytes()),
            (None, None, Some(base64)) => Some(BASE64_STANDARD.decode(base64).context("base64")?),
            (None, None, None) => None,
            _ => bail!("write one of payload, text and base64"),
        };
        match (raw.topic, payload, raw.subscribe, raw.status) {
            (Some(topic), Some(payload), None, None) => Ok(Self::Publish { topic, payload }),
            (None, None, Some(filter), None) => Ok(Self::Subscribe(filter)),
            (None, None, None, Some(true)) => Ok(Self::Status),
            _ => bail!("write a topic with a payload, or subscribe, or status"),
        }
    }
}

/// The line that hands an order over.
pub(crate) fn message(topic: &str, payload: &[u8]) -> String {
    let mut object = Map::new();
    object.insert("message".to_owned(), topic.into());
    let (key, value) = match str::from_utf8(payload) {
        Ok(text) => match serde_json::from_str::<Value>(text) {
            Ok(json) => ("payload", json),
            Err(_no_json) => ("text", text.into()),
        },
        Err(_no_text) => ("base64", BASE64_STANDARD.encode(payload).into()),
    };
    object.insert(key.to_owned(), value);
    format!("{}\n", Value::Object(object))
}

/// The line that says that a reading is durable.
pub(crate) fn kept(number: u64) -> String {
    format!("{}\n", json!({ "ok": true, "number": number }))
}

/// The line that says that a request was carried out.
pub(crate) fn done() -> String {
    format!("{}\n", json!({ "ok": true }))
}

/// The line that says what was wrong.
pub(crate) fn refused(cause: &anyhow::Error) -> String {
    format!("{}\n", json!({ "error": format!("{cause:#}") }))
}

/// The longest line, its end included, in bytes.
pub(crate) const LINE_MAX: usize = 512 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn publishes(line: &str) -> Vec<u8> {
        match Request::parse(line.as_bytes()).unwrap() {
            Request::Publish { topic, payload } => {
                assert_eq!(topic, "up/t");
                payload
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_payload_comes_as_json_as_text_or_as_bytes() {
        assert_eq!(
            publishes(r#"{"topic":"up/t","payload":{"c": 21.50}}"#),
            br#"{"c": 21.50}"#
        );
        assert_eq!(publishes(r#"{"topic":"up/t","text":"a\nb"}"#), b"a\nb");
        assert_eq!(publishes(r#"{"base64":"AP8=","topic":"up/t"}"#), [0, 255]);
    }

    #[test]
    fn refuses_what_is_no_request() {
        for line in [
            "",
            "21.5",
            "{}",
            r#"{"topic":"up/t"}"#,
            r#"{"payload":1}"#,
            r#"{"topic":"up/t","payload":1,"text":"1"}"#,
            r#"{"topic":"up/t","payload":1,"subscribe":"down/#"}"#,
            r#"{"topic":"up/t","payload":1,"retain":true}"#,
            r#"{"topic":"up/t","base64":"%"}"#,
            r#"{"status":false}"#,
        ] {
            assert!(Request::parse(line.as_bytes()).is_err(), "{line}");
        }
        assert!(Request::parse(b"{\"topic\":\"\xff\"}").is_err());
    }

    #[test]
    fn an_order_is_one_line_whatever_is_in_it() {
        for payload in [&b"{\n\"a\":1}"[..], b"two\nlines", b"\xff\n", b""] {
            let line = message("down/x", payload);
            assert_eq!(line.matches('\n').count(), 1, "{line}");
            let read: Value = serde_json::from_str(&line).unwrap();
            assert_eq!(read["message"], "down/x");
        }
    }

    #[test]
    fn no_bytes_make_a_request_panic() {
        bolero::check!().for_each(|bytes| {
            if let Ok(Request::Publish { payload, .. }) = Request::parse(bytes) {
                drop(message("down/x", &payload));
            }
        });
    }
}
