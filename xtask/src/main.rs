//! `cargo xtask <command>`: everything a shell script would otherwise do, one file per command.
//!
//! Never: is part of a program; no crate depends on it, and it depends on none of ours.
//! To add a command: a file with a `run` function, and its line in [`COMMANDS`].
#![expect(
    clippy::print_stdout,
    reason = "these commands talk to whoever runs them"
)]

mod agent;
mod bench;
mod check;
mod console_check;
mod deny;
mod deps;
mod fuzz;
mod layers;
mod named;
mod no_std;
mod phase;
mod process;
mod run;
mod test;
mod totals;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;

/// Name, what it does, and the function that does it with the remaining arguments.
type Command = (
    &'static str,
    &'static str,
    fn(&[String]) -> Result<ExitCode>,
);

const COMMANDS: &[Command] = &[
    ("run", "build and start the hub", run::run),
    ("test", "everything CI runs, peers included", test::run),
    ("check", "everything but the tests", check::run),
    (
        "agent",
        "build the agent small, for this or a device's processor",
        agent::run,
    ),
    ("bench", "performance against peers, as ratios", bench::run),
    (
        "deps",
        "install the programs that tests talk with",
        deps::run,
    ),
    ("layers", "check who uses whom", layers::run),
    (
        "console-check",
        "look at the console's pages in a browser",
        console_check::run,
    ),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let wanted = arguments.first().map(String::as_str);
    if let Some((_, _, run)) = COMMANDS.iter().find(|(name, ..)| Some(*name) == wanted) {
        return run(arguments.get(1..).unwrap_or_default()).unwrap_or_else(|cause| {
            println!("error: {cause:#}");
            ExitCode::FAILURE
        });
    }
    println!("usage: cargo xtask <command>\n");
    for (name, what, _) in COMMANDS {
        println!("  {name:<13} {what}");
    }
    ExitCode::from(2)
}
