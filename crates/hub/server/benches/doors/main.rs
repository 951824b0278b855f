//! The hub's doors, measured from outside with simulated devices, beside mosquitto where there is something
//! to compare: `cargo bench -p ironroot-server --bench doors [-- PART...]`.
//!
//! The hub is the program itself in a process of its own; its processor time and memory are the kernel's
//! count. Each line that begins with `figure` is one number, smaller is better.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints its figures"
)]

mod cut;
mod enrolment;
mod fleet;
mod messages;
mod mosquitto;
mod sessions;
mod stand;

use std::process::ExitCode;

use anyhow::{Context, Result};

/// How our own figures are marked.
const OURS: &str = "ironroot";

/// The parts, in the order in which they run.
const PARTS: [&str; 5] = ["messages", "sessions", "enrolment", "cut", "fleet"];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if !arguments.iter().any(|argument| argument == "--bench") {
        println!("this measures, and tests nothing: run it with `cargo bench`");
        return ExitCode::SUCCESS;
    }
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            eprintln!("doors: {cause:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    ironroot_sim::limits::raise()?;
    let mut parts: Vec<&str> = arguments.iter().map(String::as_str).collect();
    parts.retain(|argument| *argument != "--bench");
    if parts.is_empty() {
        parts = PARTS.to_vec();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        for part in parts {
            measure(part).await.with_context(|| part.to_owned())?;
        }
        Ok(())
    })
}

async fn measure(part: &str) -> Result<()> {
    match part {
        "messages" => messages::run().await,
        "sessions" => sessions::run().await,
        "enrolment" => enrolment::run().await,
        "cut" => cut::run().await,
        "fleet" => fleet::run().await,
        other => anyhow::bail!("there is no part {other}: {}", PARTS.join(", ")),
    }
}

/// Prints one number as `cargo xtask bench` reads it.
fn figure(what: &str, who: &str, value: f64) {
    println!("figure\t{what}\t{who}\t{value:.3}");
}
