//! What every answer and every request of the console's address has to keep to.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ironroot_console::CONTENT_SECURITY_POLICY;

use super::super::api::{Class, Refusal};

/// Refuses a request whose `Host` is no loopback name.
///
/// A page elsewhere can point its own name at 127.0.0.1 and have a browser ask us under that name (DNS
/// rebinding); to the browser we would then be that page's own server.
pub(crate) async fn refuse_other_hosts(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let mut hosts = headers
        .get_all(header::HOST)
        .iter()
        .map(|value| value.to_str().ok());
    let from_header = hosts.next().flatten();
    let one = hosts.next().is_none();
    let from_uri = request
        .uri()
        .authority()
        .map(axum::http::uri::Authority::as_str);
    let named = from_header.or(from_uri);
    if one && named.is_some_and(is_loopback) && from_uri.is_none_or(is_loopback) {
        return next.run(request).await;
    }
    tracing::warn!(door = "console", host = ?named, "A request for another host was refused.");
    let detail = "This address answers to localhost and to loopback addresses only.";
    Refusal::new(Class::Misdirected, detail).into_response()
}

/// Whether an authority (RFC 3986 section 3.2) is `localhost` or a loopback address, with any port.
fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or(rest, |(host, _port)| host),
        None => authority
            .split_once(':')
            .map_or(authority, |(host, _port)| host),
    };
    let address = host
        .parse()
        .is_ok_and(|address: IpAddr| address.is_loopback());
    address || host.eq_ignore_ascii_case("localhost")
}

/// Adds what tells a browser to be careful with us.
pub(crate) async fn add_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Answers are of this moment; only what carries its digest in its name may be kept.
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // A sign-in link's key must not travel on.
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), usb=()",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_names_and_addresses_are_ours() {
        for authority in [
            "localhost",
            "LOCALHOST:8080",
            "127.0.0.1:8080",
            "127.8.0.1",
            "[::1]:8080",
            "[::1]",
        ] {
            assert!(is_loopback(authority), "{authority}");
        }
    }

    #[test]
    fn every_other_name_is_not() {
        for authority in [
            "",
            "hub.example",
            "localhost.example:8080",
            "10.0.0.1",
            "[::2]:80",
            "[::1",
            "127.0.0.1.example",
            "0.0.0.0",
        ] {
            assert_eq!(is_loopback(authority), authority == "[::1", "{authority}");
        }
    }
}
