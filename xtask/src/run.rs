//! `cargo xtask run`: builds the hub and starts it with the demonstration.

use std::os::unix::process::CommandExt;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::workspace;

/// `cargo xtask run [--release] [arguments of ironroot up]`.
///
/// The development build is the default: a newcomer's first hub is up after about three and a half minutes
/// of compiler time, link-time optimisation would add several more, an edit is in again within seconds, and
/// `make test` finds most of it built already. A demonstration fleet does not notice the difference;
/// figures are measured with `--release`, by `cargo xtask bench`.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let (release, up): (Vec<_>, Vec<_>) = arguments
        .iter()
        .partition(|argument| *argument == "--release");
    let mut command =
        workspace::cargo(["run", "--package", "ironroot-server", "--bin", "ironroot"]);
    if !release.is_empty() {
        command.arg("--release");
    }
    // Replaces this program, so that signals reach the hub itself.
    Err(command.args(["--", "up", "--demo"]).args(up).exec()).context("cargo does not start")
}
