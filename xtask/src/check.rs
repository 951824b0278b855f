//! `cargo xtask check`: everything that CI runs except the tests.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::phase::{Ended, Phases};
use crate::{deny, layers, named, no_std, workspace};

/// How long one phase may take, in a clean checkout on a slow machine.
const LIMIT: Duration = Duration::from_secs(15 * 60);

/// `cargo xtask check`.
pub(crate) fn run(_arguments: &[String]) -> Result<ExitCode> {
    let mut phases = Phases::new()?;
    all(&mut phases);
    phases.summary();
    Ok(phases.exit_code())
}

/// Adds the phases of a check, the quick ones first.
pub(crate) fn all(phases: &mut Phases) {
    phases.command(
        "format",
        workspace::cargo(["fmt", "--all", "--check"]),
        LIMIT,
    );
    phases.run("layers", || {
        let wrong = layers::wrong(&workspace::crates(&workspace::metadata()?)?);
        if wrong.is_empty() {
            return Ok(Ended::Well);
        }
        bail!("{}", wrong.join("; "))
    });
    phases.run("named tests", || {
        let missing = named::missing()?;
        if missing.is_empty() {
            return Ok(Ended::Well);
        }
        bail!("{}", missing.join("; "))
    });
    no_std::phase(phases, LIMIT);
    deny::phase(phases, LIMIT);
    let clippy = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--quiet",
        "--keep-going",
        "--",
        "-Dwarnings",
    ];
    phases.command("clippy", workspace::cargo(clippy), LIMIT);
    let mut doc = workspace::cargo(["doc", "--workspace", "--no-deps", "--quiet", "--keep-going"]);
    doc.env("RUSTDOCFLAGS", "-Dwarnings");
    phases.command("docs", doc, LIMIT);
}
