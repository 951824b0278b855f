//! The units of systemd that we hand out, and what systemd itself says of them.

use std::fs;
use std::path::Path;

use super::{Place, Said, program};

/// The text of `contrib/systemd/NAME`.
pub(crate) fn unit(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../contrib/systemd");
    fs::read_to_string(Path::new(folder).join(name)).unwrap()
}

/// Shows that the unit is valid, and leaves its program, installed there, little to be misused for; `here` stands in
/// for that program.
pub(crate) fn systemd_accepts(place: &Place, name: &str, installed: &str, here: &str) {
    let text = unit(name);
    assert!(text.contains(installed), "{text}");
    let path = place.file(name);
    fs::write(&path, text.replace(installed, here)).unwrap();
    let verified = Said::of(program("systemd-analyze").arg("verify").arg(&path));
    let said = (verified.code, verified.err.as_str());
    assert_eq!(said, (0, ""), "{verified:?}");
    // In tenths: 2.0 of 10 at most.
    let judge = ["security", "--offline=true", "--threshold=20"];
    let judged = Said::of(program("systemd-analyze").args(judge).arg(&path));
    assert_eq!(judged.code, 0, "{judged:?}");
}
