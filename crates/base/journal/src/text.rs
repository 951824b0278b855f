//! The text elements that the C2SP formats share: base64 and plain decimal numbers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// `bytes` in the standard base64 of RFC 4648 section 4.
pub(crate) fn base64_encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Reads at most `size_max` bytes of strict base64: with padding, and no stray bits in it.
pub(crate) fn base64_decode(text: &str, size_max: usize) -> Option<Vec<u8>> {
    let length_max = base64::encoded_len(size_max, true)?;
    if text.len() > length_max {
        return None;
    }
    STANDARD.decode(text).ok()
}

/// Reads an ASCII decimal without sign or leading zeroes.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let plain = text == "0" || matches!(text.as_bytes(), [b'1'..=b'9', ..]);
    if !plain || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_plain_decimals_alone() {
        assert_eq!(decimal("0"), Some(0));
        assert_eq!(decimal("18446744073709551615"), Some(u64::MAX));
        for text in [
            "",
            "00",
            "01",
            "+1",
            "-1",
            "1 ",
            "1e1",
            "18446744073709551616",
        ] {
            assert_eq!(decimal(text), None, "{text}");
        }
    }

    #[test]
    fn reads_strict_base64_alone() {
        assert_eq!(base64_decode("AQI=", 2), Some(vec![1, 2]));
        for text in ["AQI", "AQJ=", "AQI=\n", "AQ_=", "AQIDBA=="] {
            assert_eq!(base64_decode(text, 2), None, "{text}");
        }
    }
}
