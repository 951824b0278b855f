//! Crates that firmware links stay free of `std`.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::phase::{Ended, Phases};
use crate::workspace::{self, Crate};

/// Crates below `base`, `decide` and `device` that need `std`, each with its reason.
const NEED_STD: &[(&str, &str)] = &[
    (
        "base/journal",
        "its JSON parser does; devices keep no journal",
    ),
    (
        "base/profile",
        "its TOML parser does; devices read no profile",
    ),
    (
        "decide/standing",
        "it reads profiles; only hubs judge standing",
    ),
    ("device/agent", "it is a Linux program"),
    (
        "device/link",
        "it speaks through the sockets of a Linux program",
    ),
    ("device/spool", "it writes files"),
];

/// The targets without an operating system that are tried when rustup has one of them.
const BARE_TARGETS: &[&str] = &["thumbv7em-none-eabi", "thumbv7m-none-eabi"];

/// Adds the phase: every crate says `#![no_std]`, and builds where there is no `std`.
pub(crate) fn phase(phases: &mut Phases, limit: Duration) {
    let mut crates = Vec::new();
    phases.run("no_std", || {
        crates = workspace::crates(&workspace::metadata()?)?;
        crates.retain(wants_no_std);
        let mut missing = Vec::new();
        for one in &crates {
            if !says_no_std(one)? {
                missing.push(one.place.as_str());
            }
        }
        if missing.is_empty() {
            return Ok(Ended::Well);
        }
        bail!("without #![no_std]: {}", missing.join(", "))
    });
    let Some(target) = bare_target() else {
        let why = format!("rustup has none of the targets {}", BARE_TARGETS.join(", "));
        phases.run("bare metal", || Ok(Ended::Skipped(why)));
        return;
    };
    let mut build = workspace::cargo(["check", "--quiet", "--lib", "--target", target]);
    for one in &crates {
        build.args(["--package", &one.name]);
    }
    phases.command("bare metal", build, limit);
}

fn wants_no_std(one: &Crate) -> bool {
    let layer = matches!(one.layer(), "base" | "decide" | "device");
    layer && NEED_STD.iter().all(|(place, _)| *place != one.place)
}

fn says_no_std(one: &Crate) -> Result<bool> {
    let path = one.folder().join("src/lib.rs");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let mut lines = text.lines().map(str::trim);
    Ok(lines.any(|line| line == "#![no_std]" || line == "#![cfg_attr(not(test), no_std)]"))
}

/// The first bare target that is installed.
fn bare_target() -> Option<&'static str> {
    let list = Command::new("rustup")
        .args(["target", "list", "--installed"])
        .output()
        .ok()?;
    let list = String::from_utf8(list.stdout).ok()?;
    let installed = |target: &&&str| list.lines().any(|line| line == **target);
    BARE_TARGETS.iter().find(installed).copied()
}
