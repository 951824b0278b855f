//! Licences, bans and sources of dependencies, by cargo-deny when it is installed.

use std::time::Duration;

use crate::phase::{Ended, Phases};
use crate::{process, workspace};

/// Adds the phase.
pub(crate) fn phase(phases: &mut Phases, limit: Duration) {
    if !process::exists("cargo-deny") {
        let why = "cargo-deny is not installed; `cargo install cargo-deny --locked` brings it";
        phases.run("deny", || Ok(Ended::Skipped(why.to_owned())));
        return;
    }
    // Advisories need a database from the network; CI asks for them where it can be reached.
    let checks = ["deny", "--offline", "check", "licenses", "bans", "sources"];
    phases.command("deny", workspace::cargo(checks), limit);
}
