//! The program `ironroot`: reads the command line, calls what it names, turns the outcome into an exit code.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::{CommandFactory, Parser, Subcommand};
use ironroot_cli::{CaCommand, CompletionsArgs, JournalCommand, ManArgs, RemoteCommand};
use ironroot_machine::SystemClock;
use ironroot_server::backup::BackupCommand;
use ironroot_server::ca::{LocalCaCommand, run_on_files};
use ironroot_server::demonstration::{self, Purpose};
use ironroot_server::journal::LocalJournalCommand;
use ironroot_server::keys::command::KeysCommand;
use ironroot_server::migrate::StoreCommand;
use ironroot_server::outside::SystemRng;
use ironroot_server::settings::{LogFormat, Settings, UpArgs};
use ironroot_server::supervisor::Supervisor;
use ironroot_server::wiring::{Hub, Outside};
use ironroot_sim::SimCommand;
use ironroot_time::Clock;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Security for connected devices: an identity for each, a door that only those in good standing pass, and
/// a journal that proves what happened.
#[derive(Debug, Parser)]
#[command(name = "ironroot", version, max_term_width = 100)]
struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a hub, and keep it up until Ctrl-C
    Up(UpArgs),
    /// The record of everything that matters
    #[command(subcommand)]
    Journal(Journal),
    /// What the hub signs and seals with
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Copies of a hub, and hubs made again from them
    #[command(subcommand)]
    Backup(BackupCommand),
    /// The database that a hub keeps everything in
    #[command(subcommand)]
    Store(StoreCommand),
    /// The hub's CAs, their root, and CAs of others that the hub trusts
    #[command(subcommand)]
    Ca(Ca),
    #[command(flatten)]
    Remote(RemoteCommand),
    /// Simulated devices, to try a hub on this machine and to measure it
    #[command(subcommand)]
    Sim(SimCommand),
    /// Read the settings as `up` would, and print what they come to
    CheckSettings(UpArgs),
    /// Print what lets a shell complete these commands: source <(ironroot completions bash)
    Completions(CompletionsArgs),
    /// Print a page of the manual: ironroot man device list | man -l -
    Man(ManArgs),
}

#[derive(Debug, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "there is one, once")]
enum Journal {
    #[command(flatten)]
    Local(LocalJournalCommand),
    #[command(flatten)]
    Remote(JournalCommand),
}

#[derive(Debug, Subcommand)]
enum Ca {
    #[command(flatten)]
    Local(LocalCaCommand),
    #[command(flatten)]
    Remote(CaCommand),
}

fn main() -> ExitCode {
    match Program::parse().command {
        Command::Up(args) => exit_code(up(args)),
        Command::Journal(Journal::Local(command)) => exit_code(command.run()),
        Command::Journal(Journal::Remote(command)) => command.run(),
        Command::Keys(command) => exit_code(command.run()),
        Command::Store(command) => exit_code(command.run()),
        Command::Backup(command) => exit_code(command.run()),
        Command::Ca(Ca::Local(command)) => exit_code(command.run()),
        Command::Ca(Ca::Remote(command)) => match command.on_files() {
            Some(first) => exit_code(run_on_files(&first)),
            None => command.run(),
        },
        Command::Remote(command) => command.run(),
        Command::Sim(command) => command.run(),
        Command::CheckSettings(args) => exit_code(check_settings(args)),
        Command::Completions(args) => args.run(Program::command()),
        Command::Man(args) => args.run(Program::command()),
    }
}

fn up(args: UpArgs) -> anyhow::Result<ExitCode> {
    log(args.log_format, args.demo);
    let (demo, speed) = (args.demo, args.demo_speed);
    let supervisor = Supervisor::of_process().context("NOTIFY_SOCKET")?;
    let settings = Settings::gather(args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let (mut interrupt, mut terminate) = (
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        );
        let data = settings.data.clone();
        let outside = Outside {
            clock: Arc::new(SystemClock),
            rng: Arc::new(SystemRng),
        };
        let hub = Box::pin(Hub::start(settings, outside))
            .await
            .context("the hub did not start")?;
        greet(&hub, &data.display().to_string());
        supervisor.ready();
        tokio::select! {
            () = demonstrate(&data, speed), if demo => {}
            () = supervisor.keep_alive() => {}
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("The hub is shutting down.");
        supervisor.stopping();
        hub.stop().await;
        Ok(ExitCode::SUCCESS)
    })
}

/// Plays the demonstration; never ends by itself.
async fn demonstrate(data: &Path, speed: u32) {
    if let Err(cause) = demonstration::play(data, speed, Box::new(tell)).await {
        tracing::error!(error = format!("{cause:#}"), "The demonstration ended.");
    }
    std::future::pending::<()>().await;
}

/// Prints a sentence of the demonstration, with the time of day.
fn tell(sentence: &str) {
    let now = SystemClock.now().to_string();
    let time = now.get(11..19).unwrap_or_default();
    let text = sentence.trim_start_matches('\n');
    let gap = if text.len() < sentence.len() {
        "\n"
    } else {
        ""
    };
    let mut out = std::io::stdout();
    let width = if out.is_terminal() { WIDTH } else { usize::MAX };
    let lines = demonstration::wrapped(text, width).join(INDENT);
    // Nobody may be watching.
    drop(writeln!(out, "{gap}{time}  {lines}"));
}

/// How much of a sentence stands in one line of a terminal, behind the time of day.
const WIDTH: usize = 70;

/// What begins the further lines of a sentence.
const INDENT: &str = "\n            ";

/// Starts the log, on standard error; `RUST_LOG` says how much of it. The demonstration tells its own story,
/// and leaves the log to what a person must act on.
fn log(format: LogFormat, demo: bool) {
    let usual = if demo { "error" } else { "info" };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_unset| EnvFilter::new(usual));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}

#[expect(
    clippy::print_stdout,
    reason = "this is what the person who started the hub wants to read"
)]
fn greet(hub: &Hub, data: &str) {
    let addresses = &hub.addresses;
    println!("Ironroot is up.");
    println!("  sign in   {}", hub.sign_in.url.reveal());
    println!("            (once, within 15 minutes)");
    println!("  key       {}  (the sign-in page shows the same)", hub.key);
    println!("  console   {}", addresses.console);
    println!("  mqtt      {}", addresses.mqtt);
    println!("  device    {}/.well-known/est", addresses.device);
    println!("  pki       {}", addresses.pki);
    println!("  data      {data}  (ca.pem for devices, admin.token for the API)");
    match hub.purpose {
        Purpose::Production => println!(
            "Claim a first device:  ironroot claim new --data {data} --profile camera cam-1"
        ),
        Purpose::Demonstration => {
            println!("This is the demonstration: its devices are simulated, and only this machine");
            println!("reaches it. A hub of your own is `ironroot up`.");
            println!("Watch the fleet live:  ironroot top --data {data}");
        }
    }
}

#[expect(clippy::print_stdout, reason = "printing is what it is for")]
fn check_settings(args: UpArgs) -> anyhow::Result<ExitCode> {
    println!("{:#?}", Settings::gather(args)?);
    Ok(ExitCode::SUCCESS)
}

#[expect(
    clippy::print_stderr,
    reason = "the last word of a program that failed"
)]
fn exit_code(outcome: anyhow::Result<ExitCode>) -> ExitCode {
    match outcome {
        Ok(code) => code,
        Err(cause) => {
            eprintln!("ironroot: {cause:#}");
            ExitCode::FAILURE
        }
    }
}
