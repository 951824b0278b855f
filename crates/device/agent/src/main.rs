//! The program `ironroot-agent`: a device's own identity, and everything that it has to say, on its way to the hub.
//!
//! Stage: all three, in folders of their own; `collect` takes readings, orders and facts in, `decide` says when and
//! what, `enforce` carries out.
//! Never: lets a private key leave the device or lie open on its disk, trusts a server that the operator's `ca.pem`
//! does not lead to, starts a shell, or loses a reading without reporting it.
//! To add a fact about the device: a file in `collect/inventory`, and a line in its `gather`.

mod agent;
mod clock;
mod collect;
mod command;
mod decide;
mod enforce;
mod outgoing;
mod outside;
mod settings;
mod vault;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ironroot_custody::source::Source;

use command::PublishArgs;

/// Gives this device an identity at an Ironroot hub, and brings what it measures there.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Program {
    /// The settings file
    #[arg(
        long,
        short,
        global = true,
        value_name = "FILE",
        default_value = "/etc/ironroot/agent.toml"
    )]
    settings: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Enrol if need be, connect, and stay until asked to end
    Run,
    /// Get a certificate for a key that is made here, and end
    Enroll {
        /// Replace the certificate that is there by one for a fresh key
        #[arg(long)]
        renew: bool,
    },
    /// Seal the identity again under a key from another source; the agent must be stopped
    Seal {
        /// Where the new key comes from: FILE (made when it is not there), passphrase:FILE, credential:NAME, tpm or
        /// tpm:sha256:7
        #[arg(long, value_name = "SOURCE")]
        to: Source,
    },
    /// Read the settings as `run` would, and say what is wrong with them
    Check,
    /// What the running agent is doing
    Status,
    /// Hand readings to the running agent; it is safe once this has ended well
    Publish(PublishArgs),
}

fn main() -> ExitCode {
    let Program { settings, command } = Program::parse();
    let outcome = match command {
        Command::Run => command::run(&settings),
        Command::Enroll { renew } => command::enroll(&settings, renew),
        Command::Seal { to } => command::seal(&settings, &to),
        Command::Check => command::check(&settings),
        Command::Status => command::status(&settings),
        Command::Publish(args) => command::publish(&settings, &args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            command::complain(&cause);
            ExitCode::FAILURE
        }
    }
}
