//! `cargo xtask test`: everything CI runs. Its last line is the totals over all test programs.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Result, bail, ensure};

use crate::fuzz::{self, Target};
use crate::phase::{Ended, Phases};
use crate::totals::{Reader, Totals};
use crate::{check, deps, process, workspace};

/// How long building all test programs may take, in a clean checkout on a slow machine.
const BUILD_LIMIT: Duration = Duration::from_secs(20 * 60);
/// How long all tests together may take.
const TESTS_LIMIT: Duration = Duration::from_secs(20 * 60);

/// The variable through which tests find recorded data that is not part of the repository.
const TESTDATA: &str = "IRONROOT_TESTDATA";

/// `cargo xtask test`.
pub(crate) fn run(_arguments: &[String]) -> Result<ExitCode> {
    let mut phases = Phases::new()?;
    phases.run("peers", || deps::install().map(|()| Ended::Well));
    check::all(&mut phases);
    // Programs first: tests of other crates start `ironroot` from the target directory.
    for (name, kind) in [("programs", "--bins"), ("build", "--tests")] {
        let build = workspace::cargo(["build", "--workspace", "--quiet", kind]);
        phases.command(name, build, BUILD_LIMIT);
    }
    let mut targets = Vec::new();
    phases.run("targets", || {
        targets = fuzz::targets()?;
        Ok(Ended::Well)
    });
    let mut totals = tests(&mut phases, &targets);
    totals += fuzz::phase(&mut phases, targets);
    phases.summary();
    println!("{totals}");
    Ok(phases.exit_code())
}

/// Adds the phase of all tests but the fuzz targets, and gives their totals.
fn tests(phases: &mut Phases, fuzz: &[Target]) -> Totals {
    let log = phases.log("tests");
    let mut reader = Reader::default();
    let mut totals = Totals::default();
    phases.run("tests", || {
        let status = process::run(command(fuzz), TESTS_LIMIT, &log, |line| {
            if let Some(shown) = reader.line(line) {
                println!("{shown}");
            }
        });
        let (counted, rest) = reader.end();
        totals = counted;
        if let Some(rest) = rest {
            println!("{rest}");
        }
        let status = status?;
        ensure!(totals.failed == 0, "{} tests failed", totals.failed);
        if !status.success() {
            bail!("{status} before the tests ran; see {}", log.display());
        }
        Ok(Ended::Well)
    });
    totals
}

fn command(fuzz: &[Target]) -> Command {
    let mut command = workspace::cargo(["test", "--workspace", "--no-fail-fast", "--color=never"]);
    command.args(["--", "--show-output", "--exact"]);
    for target in fuzz {
        command.args(["--skip", &target.test]);
    }
    let data = workspace::root().join("../shared/data");
    if std::env::var_os(TESTDATA).is_none() && Path::is_dir(&data) {
        command.env(TESTDATA, data);
    }
    command
}
