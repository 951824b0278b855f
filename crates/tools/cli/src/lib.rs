//! The operator's command line: everything a person can do in the console, through the same API.
//!
//! Stage: the edge of all three; `ironroot`'s main program flattens [`RemoteCommand`], [`CaCommand`] and
//! [`JournalCommand`] into its own commands and calls `run`.
//! Never: opens the hub's database or decides anything; the hub answers, and this prints the answer.
//! To add a command: a file in `commands` with its arguments and `Remote`, a variant here.
//!
//! Exit codes: 0 done, 1 refused or not possible, 2 not understood.

mod answer;
mod backup;
pub mod commands;
mod completions;
mod connection;
mod failure;
mod hub;
mod query;
mod table;
mod terminal;
#[cfg(test)]
mod tests;
mod top;

use std::process::ExitCode;

use clap::{Args, Subcommand};

pub use backup::Copied;
use commands::certificate::CertificateCommand;
use commands::claim::ClaimCommand;
use commands::clock::ClockCommand;
use commands::device::DeviceCommand;
use commands::figures::Figures;
pub use commands::journal::JournalCommand;
pub use commands::manufacturer::CaCommand;
use commands::profile::ProfileCommand;
use commands::service::ServiceCommand;
use commands::session::{PasswordCommand, SessionCommand};
use commands::status::{Settings, SignIn, Status};
use commands::token::TokenCommand;
use commands::view::ViewCommand;
pub use completions::{CompletionsArgs, ManArgs};
pub use connection::HubArgs;

use failure::Failure;
use hub::Hub;
use terminal::Terminal;
pub use top::TopArgs;

/// The commands that a running hub carries out; those about the journal and about CAs are in
/// [`JournalCommand`] and [`CaCommand`], since `ironroot journal` and `ironroot ca` have others beside them.
#[derive(Debug, Subcommand)]
pub enum RemoteCommand {
    /// See devices, and give orders about one.
    #[command(subcommand)]
    Device(DeviceCommand),
    /// Saved views of the devices.
    #[command(subcommand)]
    View(ViewCommand),
    /// Claim devices for this organisation.
    #[command(subcommand)]
    Claim(ClaimCommand),
    /// Identities of backend applications.
    #[command(subcommand)]
    Service(ServiceCommand),
    /// Certificates that the hub issued, and the revocation of one.
    #[command(subcommand)]
    Certificate(CertificateCommand),
    /// What each class of devices is allowed.
    #[command(subcommand)]
    Profile(ProfileCommand),
    /// The machine's clock, when it has jumped.
    #[command(subcommand)]
    Clock(ClockCommand),
    /// Tokens that the API is asked with.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Who is signed in to the console.
    #[command(subcommand)]
    Session(SessionCommand),
    /// The administrator's password for the console.
    #[command(subcommand)]
    Password(PasswordCommand),
    /// Where the hub keeps what, and with what keys.
    Settings(With<Settings>),
    /// How the hub is, and what to do about it.
    Status(With<Status>),
    /// What the hub counted over time: messages, sessions, refusals, devices shut out, enrolments.
    Figures(With<Figures>),
    /// The fleet on this terminal, live.
    Top(TopArgs),
    /// Get a link that signs you in to the console, once.
    SignIn(With<SignIn>),
}

/// A command's own arguments, and those that all commands share.
#[derive(Debug, Args)]
pub struct With<T: Args> {
    #[command(flatten)]
    what: T,
    #[command(flatten)]
    hub: HubArgs,
}

/// One command that a hub carries out.
pub(crate) trait Remote {
    /// Refuses arguments that cannot be right, before a hub is asked.
    fn check(&self) -> Result<(), Failure> {
        Ok(())
    }

    /// Asks the hub and prints its answer.
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure>;
}

/// Carries out one command.
fn run<T: Args + Remote>(command: With<T>, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
    terminal.set_json(command.hub.json);
    command.what.check()?;
    let hub = Hub::new(command.hub.find()?)?;
    command.what.run(&hub, terminal)
}

impl RemoteCommand {
    /// Carries the command out on this process's terminal.
    pub fn run(self) -> ExitCode {
        Terminal::of_process(|terminal| self.run_on(terminal))
    }

    fn run_on(self, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        match self {
            Self::Device(command) => command.run_on(terminal),
            Self::View(command) => command.run_on(terminal),
            Self::Claim(command) => command.run_on(terminal),
            Self::Service(command) => command.run_on(terminal),
            Self::Certificate(command) => command.run_on(terminal),
            Self::Profile(command) => command.run_on(terminal),
            Self::Clock(command) => command.run_on(terminal),
            Self::Token(command) => command.run_on(terminal),
            Self::Session(command) => command.run_on(terminal),
            Self::Password(command) => command.run_on(terminal),
            Self::Settings(command) => run(command, terminal),
            Self::Status(command) => run(command, terminal),
            Self::Figures(command) => run(command, terminal),
            Self::Top(command) => command.run(),
            Self::SignIn(command) => run(command, terminal),
        }
    }
}

impl CaCommand {
    /// Carries the command out on this process's terminal.
    pub fn run(self) -> ExitCode {
        Terminal::of_process(|terminal| self.run_on(terminal))
    }
}

impl JournalCommand {
    /// Carries the command out on this process's terminal.
    pub fn run(self) -> ExitCode {
        Terminal::of_process(|terminal| self.run_on(terminal))
    }
}
