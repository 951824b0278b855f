//! Base64 in lines, and PEM made of it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rustls::pki_types::CertificateDer;

/// A certificate in PEM (RFC 7468 section 5).
pub fn certificate_pem(certificate: &CertificateDer<'_>) -> String {
    encode("CERTIFICATE", certificate)
}

/// PEM with this label. Nothing of `der` is left in memory but in the text that is returned.
pub(crate) fn encode(label: &str, der: &[u8]) -> String {
    let mut pem = String::with_capacity(2 * der.len() + 2 * label.len() + 64);
    pem.extend(["-----BEGIN ", label, "-----\n"]);
    push_lines(&mut pem, der, PEM_LINE_BYTES);
    pem.extend(["-----END ", label, "-----\n"]);
    pem
}

/// Base64 in lines of 76 characters (RFC 2045 section 6.8), as EST sends it.
pub(crate) fn fold(der: &[u8]) -> String {
    let mut folded = String::with_capacity(2 * der.len());
    push_lines(&mut folded, der, MIME_LINE_BYTES);
    folded
}

fn push_lines(text: &mut String, bytes: &[u8], bytes_per_line: usize) {
    for line in bytes.chunks(bytes_per_line) {
        BASE64_STANDARD.encode_string(line, text);
        text.push('\n');
    }
}

/// 64 characters (RFC 7468 section 2).
const PEM_LINE_BYTES: usize = 48;
/// 76 characters.
const MIME_LINE_BYTES: usize = 57;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_64_and_76_characters_and_the_last_what_is_left() {
        let lengths = |text: &str| text.lines().map(str::len).collect::<Vec<_>>();
        assert_eq!(lengths(&encode("X", &[0; 49])), [17, 64, 4, 15]);
        assert_eq!(lengths(&fold(&[0; 58])), [76, 4]);
        assert_eq!(fold(&[]), "");
    }

    #[test]
    fn room_for_the_text_is_made_once_so_that_no_secret_is_left_behind() {
        for length in [0, 1, 138, 5_000] {
            let der = vec![7; length];
            let capacity = 2 * length + 2 * "PRIVATE KEY".len() + 64;
            assert!(encode("PRIVATE KEY", &der).len() <= capacity, "{length}");
        }
    }
}
