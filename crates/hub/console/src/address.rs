//! Addresses: what the one of a page asks, and how one is written.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::response::Response;
use serde::de::DeserializeOwned;

use crate::pages::fault::{Trouble, fault_page};

/// What the query of a page's address asks.
pub(crate) struct Address<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Address<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(asked)) => Ok(Self(asked)),
            Err(cause) => Err(fault_page(&Trouble::Faulty(cause.body_text()))),
        }
    }
}

/// A page's address with the fields of its query; those that are empty are left out.
pub(crate) fn address<'a>(
    page: &str,
    fields: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    match query(fields).as_str() {
        "" => page.to_owned(),
        query => format!("{page}?{query}"),
    }
}

/// The same without the page.
pub(crate) fn query<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let given = fields.into_iter().filter(|(_name, text)| !text.is_empty());
    let pairs: Vec<_> = given
        .map(|(name, text)| format!("{name}={}", segment(text)))
        .collect();
    pairs.join("&")
}

/// A text as one segment of a path, or one value of a query: everything but unreserved characters becomes `%XX` (RFC 3986 section 2.1).
pub(crate) fn segment(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                text.push(byte.into());
            }
            _ => {
                text.push('%');
                text.push_str(&hex::encode_upper([byte]));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_the_fields_that_say_something() {
        let fields = [("id", "a b"), ("kind", ""), ("who", "é")];
        assert_eq!(address("/x", fields), "/x?id=a%20b&who=%C3%A9");
        assert_eq!(address("/x", [("id", "")]), "/x");
    }

    #[test]
    fn a_name_stays_within_its_segment() {
        assert_eq!(segment("pump-7.a_B~"), "pump-7.a_B~");
        assert_eq!(segment("../x?y#é"), "..%2Fx%3Fy%23%C3%A9");
    }
}
