//! `cargo xtask run`: builds and starts the hub.

use std::os::unix::process::CommandExt;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::workspace;

/// `cargo xtask run [--release] [arguments of ironroot up]`.
///
/// The development build is the default: it is there in about half the time of a release build, is made
/// again in seconds after an edit, and is quick enough for a demonstration fleet. Figures are measured
/// with `--release`, by `cargo xtask bench`.
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
    Err(command.args(["--", "up"]).args(up).exec()).context("cargo does not start")
}
