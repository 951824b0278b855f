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

mod console;
mod cut;
mod enrolment;
mod fleet;
mod messages;
mod mosquitto;
mod sessions;
mod soak;
mod stand;

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};

use soak::SoakArgs;

/// How our own figures are marked.
const OURS: &str = "ironroot";

#[derive(Debug, Parser)]
#[command(name = "doors")]
struct Arguments {
    /// Said by cargo
    #[arg(long, hide = true)]
    bench: bool,
    /// What to measure; everything but the soak when absent
    parts: Vec<Part>,
    #[command(flatten)]
    soak: SoakArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Part {
    /// Processor time for a million messages, beside mosquitto
    Messages,
    /// Memory and processor time for an idle session, beside mosquitto
    Sessions,
    /// Processor time for an enrolment
    Enrolment,
    /// How long an order takes to end a session
    Cut,
    /// Memory with 100,000 devices, and the console's list of them
    Fleet,
    /// Memory under load for a long time, with a picture of it
    Soak,
}

/// The parts that run when none is named.
const ALL: [Part; 5] = [
    Part::Messages,
    Part::Sessions,
    Part::Enrolment,
    Part::Cut,
    Part::Fleet,
];

fn main() -> ExitCode {
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("this measures, and tests nothing: run it with `cargo bench`");
        return ExitCode::SUCCESS;
    }
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            eprintln!("doors: {cause:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    ironroot_sim::limits::raise()?;
    let named = &arguments.parts[..];
    let parts = if named.is_empty() { &ALL } else { named };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        for part in parts {
            let name = part.to_possible_value();
            let name = name.map_or_else(String::new, |value| value.get_name().to_owned());
            measure(*part, &arguments.soak).await.context(name)?;
        }
        Ok(())
    })
}

async fn measure(part: Part, soak: &SoakArgs) -> Result<()> {
    match part {
        Part::Messages => messages::run().await,
        Part::Sessions => sessions::run().await,
        Part::Enrolment => enrolment::run().await,
        Part::Cut => cut::run().await,
        Part::Fleet => fleet::run().await,
        Part::Soak => soak::run(soak).await,
    }
}

/// Prints one number as `cargo xtask bench` reads it.
fn figure(what: &str, who: &str, value: f64) {
    println!("figure\t{what}\t{who}\t{value:.3}");
}
