//! QR codes (ISO/IEC 18004) as one path of an inline SVG.

use std::fmt::Write as _;

use qrcode::{Color, EcLevel, QrCode};

/// The light border that readers need, in modules.
const QUIET: usize = 4;

/// A QR code, ready to be drawn.
#[derive(Clone, Debug)]
pub(crate) struct Qr {
    /// Width and height in modules, the light border counted in.
    pub(crate) size: usize,
    /// The dark modules, as the data of an SVG path.
    pub(crate) path: String,
}

/// Draws `text`; none when it is too long for any code.
pub(crate) fn draw(text: &str) -> Option<Qr> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let width = code.width();
    let mut path = String::new();
    for (y, row) in code.to_colors().chunks(width).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(|left, right| left == right) {
            if run.first() == Some(&Color::Dark) {
                // Writing to a string cannot fail.
                let _done = write!(
                    path,
                    "M{} {}h{}v1h-{}z",
                    x + QUIET,
                    y + QUIET,
                    run.len(),
                    run.len()
                );
            }
            x += run.len();
        }
    }
    Some(Qr {
        size: width + 2 * QUIET,
        path,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_begins_with_the_finder_pattern_inside_a_light_border() {
        let qr = draw("ironroot").unwrap();
        assert_eq!(qr.size, 21 + 2 * QUIET);
        assert!(qr.path.starts_with("M4 4h7v1h-7z"), "{}", qr.path);
        assert!(qr.path.contains("M4 5h1v1h-1zM10 5h1v1h-1z"));
    }

    #[test]
    fn what_is_too_long_for_a_code_has_none() {
        assert!(draw(&"x".repeat(3_000)).is_none());
    }
}
