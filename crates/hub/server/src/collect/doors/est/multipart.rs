//! The answer to serverkeygen: a private key and its certificate as two parts of one body (RFC 7030 section
//! 4.4.2), wiped from memory when the last of it was written.

use axum::body::Bytes;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use ironroot_pki::est;
use zeroize::Zeroizing;

use super::CERTS_ONLY;
use crate::collect::intake::enrolment::KeyBody;

/// Puts a key and its certificate, in base64, together.
pub(super) fn answer(key: KeyBody, certificate: &str) -> Response {
    let (key_type, key) = match key {
        KeyBody::Pkcs8(key) => ("application/pkcs8", est::encode_key(&key)),
        KeyBody::Enveloped(cms) => (ENVELOPED_KEY, Zeroizing::new(cms)),
    };
    let parts = [(key_type, key.as_str()), (CERTS_ONLY, certificate)];
    // What grows is copied, and the copy stays: room is made once.
    let length = key.len() + certificate.len() + 2 * AROUND_PART_MAX;
    let mut body = Zeroizing::new(String::with_capacity(length));
    for (media_type, content) in parts {
        for piece in [
            "--ironroot-part\r\nContent-Type: ",
            media_type,
            "\r\nContent-Transfer-Encoding: base64\r\n\r\n",
            content,
            "\r\n",
        ] {
            body.push_str(piece);
        }
    }
    body.push_str("--ironroot-part--\r\n");
    let headers = [
        (header::CONTENT_TYPE, MULTIPART),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, Bytes::from_owner(Wiped(body))).into_response()
}

/// Bytes that are wiped when nobody needs them any more.
struct Wiped(Zeroizing<String>);

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

const ENVELOPED_KEY: &str = "application/pkcs7-mime; smime-type=server-generated-key";

/// No line of base64 looks like its boundary.
const MULTIPART: &str = "multipart/mixed; boundary=ironroot-part";

/// The most bytes that stand around one part's content.
const AROUND_PART_MAX: usize = 256;
