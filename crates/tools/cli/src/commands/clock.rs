//! `ironroot clock`: the machine's clock, when it has jumped.

use clap::{Args, Subcommand};
use ironroot_api::{ClockConfirmed, NewClockConfirmation};

use crate::failure::Failure;
use crate::hub::Hub;
use crate::table::moment;
use crate::terminal::Terminal;
use crate::{Remote, With};

/// What to do about the clock.
#[derive(Debug, Subcommand)]
pub enum ClockCommand {
    /// Say that the machine's clock is right after it has jumped, so that certificates are issued again.
    Confirm(With<Confirm>),
}

impl ClockCommand {
    pub(crate) fn run_on(self, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        match self {
            Self::Confirm(command) => crate::run(command, terminal),
        }
    }
}

/// Arguments of `clock confirm`.
#[derive(Debug, Args)]
pub struct Confirm {
    /// The reason, for whoever reads the journal
    #[arg(long, value_name = "TEXT")]
    why: String,
}

impl Remote for Confirm {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let answer = hub.post("/clock/confirm", &NewClockConfirmation { why: self.why })?;
        terminal.answer(answer, |terminal, confirmed: ClockConfirmed| {
            let (time, entry) = (moment(&confirmed.time), confirmed.entry);
            terminal.line(&format!(
                "The clock is followed again: it is {time} UTC for the hub (journal entry {entry})"
            ))
        })
    }
}
