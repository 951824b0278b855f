//! Licences, bans, sources and advisories of dependencies, by cargo-deny when it is installed.

use std::time::Duration;

use anyhow::bail;

use crate::phase::{Ended, Phases};
use crate::{process, workspace};

/// Adds the phases.
pub(crate) fn phase(phases: &mut Phases, limit: Duration) {
    if !process::exists("cargo-deny") {
        let why = "cargo-deny is not installed; `cargo install cargo-deny --locked` brings it";
        phases.run("deny", || Ok(Ended::Skipped(why.to_owned())));
        return;
    }
    let checks = ["deny", "check", "licenses", "bans", "sources"];
    phases.command("deny", workspace::cargo(checks), limit);
    let log = phases.log("advisories");
    phases.run("advisories", || {
        let (mut reached, mut shown) = (true, String::new());
        let checks = workspace::cargo(["deny", "check", "advisories"]);
        let status = process::run(checks, limit, &log, |line| {
            reached &= !line.contains("failed to fetch advisory database");
            shown += line;
            shown += "\n";
        })?;
        match (status.success(), reached) {
            (true, _) => Ok(Ended::Well),
            (false, false) => Ok(Ended::Skipped("its database cannot be reached".to_owned())),
            (false, true) => bail!("{shown}"),
        }
    });
}
