//! Which strings MQTT allows (MQTT 5 section 1.5.4).

/// Why a string is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadText {
    /// The bytes are no well-formed UTF-8; surrogates are not either.
    #[error("it is not UTF-8")]
    Utf8,
    /// U+0000 stands in it.
    #[error("it contains U+0000")]
    Nul,
    /// A control character or a Unicode non-character stands in a name.
    #[error("it contains {0:?}, a control character or a non-character")]
    Unprintable(char),
}

/// Reads UTF-8; what is in it is not looked at.
pub(crate) fn decode(bytes: &[u8]) -> Result<&str, BadText> {
    // MQTT 5 section 1.5.4 [MQTT-1.5.4-1]: surrogates are ill-formed, as in RFC 3629.
    core::str::from_utf8(bytes).ok().ok_or(BadText::Utf8)
}

/// Checks a string that people or programs read: anything but U+0000.
pub(crate) fn check_prose(text: &str) -> Result<(), BadText> {
    // MQTT 5 section 1.5.4 [MQTT-1.5.4-2].
    if text.as_bytes().contains(&0) {
        return Err(BadText::Nul);
    }
    Ok(())
}

/// Checks a string that names something: no control character and no non-character either.
///
/// MQTT 5 section 1.5.4 lets a receiver refuse these; they have no place in a name that ends up in
/// rules, logs and pages.
pub(crate) fn check_name(text: &str) -> Result<(), BadText> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Ok(());
    }
    match text.chars().find(|&c| is_unprintable(c)) {
        Some('\0') => Err(BadText::Nul),
        Some(found) => Err(BadText::Unprintable(found)),
        None => Ok(()),
    }
}

/// U+0000 to U+001F, U+007F to U+009F, U+FDD0 to U+FDEF, and the last two of each plane.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{FDD0}'..='\u{FDEF}')
        || matches!(u32::from(c) & 0xFFFF, 0xFFFE | 0xFFFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_no_control_character_and_no_non_character() {
        for (bad, good) in [
            ('\u{1f}', ' '),
            ('\u{7f}', '~'),
            ('\u{9f}', '\u{a0}'),
            ('\u{fdd0}', '\u{fdcf}'),
            ('\u{fdef}', '\u{fdf0}'),
            ('\u{fffe}', '\u{fffd}'),
            ('\u{ffff}', '\u{10000}'),
            ('\u{10ffff}', '\u{10fffd}'),
        ] {
            let mut buffer = [0; 4];
            assert_eq!(
                check_name(bad.encode_utf8(&mut buffer)),
                Err(BadText::Unprintable(bad))
            );
            assert_eq!(check_name(good.encode_utf8(&mut buffer)), Ok(()));
        }
        assert_eq!(check_name("a\0b"), Err(BadText::Nul));
    }

    #[test]
    fn prose_may_carry_anything_but_nul() {
        assert_eq!(check_prose("line\r\n\u{ffff}"), Ok(()));
        assert_eq!(check_prose("a\0"), Err(BadText::Nul));
    }

    #[test]
    fn refuses_surrogates_and_overlong_forms() {
        for bytes in [
            &[0xED, 0xA0, 0x80][..],   // U+D800
            &[0xED, 0xBF, 0xBF],       // U+DFFF
            &[0xC0, 0x80],             // U+0000 in two bytes
            &[0xF4, 0x90, 0x80, 0x80], // U+110000
            &[0xE2, 0x82],             // cut short
        ] {
            assert_eq!(decode(bytes), Err(BadText::Utf8));
        }
        // MQTT 5 section 1.5.4 [MQTT-1.5.4-3]: the byte order mark is a character like any other.
        assert_eq!(decode(&[0xEF, 0xBB, 0xBF]), Ok("\u{feff}"));
    }
}
