//! `ironroot claim`: a serial becomes ours, and its device may enrol once.

use clap::{Args, Subcommand};
use ironroot_api::{Claim, NewClaim};
use ironroot_identity::{DeviceId, ProfileName};

use crate::failure::Failure;
use crate::hub::Hub;
use crate::table::moment;
use crate::terminal::Terminal;
use crate::{Remote, With, run, span};

/// Claim devices for this organisation.
#[derive(Debug, Subcommand)]
pub enum ClaimCommand {
    /// Claim a serial; prints the token with which its device enrols.
    New(With<New>),
}

impl ClaimCommand {
    pub(crate) fn run_on(self, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        match self {
            Self::New(command) => run(command, terminal),
        }
    }
}

/// Arguments of `claim new`.
#[derive(Debug, Args)]
pub struct New {
    /// Serial number that the maker gave the device
    serial: DeviceId,
    /// Profile that the device gets; `ironroot profile list` shows them
    #[arg(long)]
    profile: ProfileName,
    /// How long the token lives: 90s, 30m, 24h, 7d
    #[arg(long, value_name = "SPAN", default_value = "24h", value_parser = span::seconds)]
    ttl: u64,
}

impl Remote for New {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let claim = NewClaim {
            serial: self.serial.to_string(),
            profile: self.profile.to_string(),
            ttl_s: self.ttl,
        };
        let answer = hub.post::<Claim>("/claims", &claim)?;
        terminal.answer(answer, |terminal, made| {
            terminal.line(&format!("serial   {}", made.serial))?;
            terminal.line(&format!("token    {}", made.token.reveal()))?;
            terminal.line(&format!("expires  {} UTC", moment(&made.expires)))?;
            let door = hub.device_door().unwrap_or("https://<device door>");
            terminal.hint(&format!(
                "The token is shown only now. The device enrols once by EST at \
                 {door}/.well-known/est, user {}, password the token.",
                made.serial
            ))
        })
    }
}
