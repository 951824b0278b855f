//! `ironroot token`: the API's own token.

use clap::{Args, Subcommand};
use ironroot_api::NewToken;

use crate::failure::Failure;
use crate::hub::Hub;
use crate::terminal::Terminal;
use crate::{Remote, With};

/// What to do about the token.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Change the token for a new one; the old one and every session of the console end at once.
    Rotate(With<Rotate>),
}

impl TokenCommand {
    pub(crate) fn run_on(self, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        match self {
            Self::Rotate(command) => crate::run(command, terminal),
        }
    }
}

/// Arguments of `token rotate`.
#[derive(Debug, Args)]
pub struct Rotate {}

/// A request without content.
#[derive(serde::Serialize)]
struct Nothing {}

impl Remote for Rotate {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let answer = hub.post("/token/rotate", &Nothing {})?;
        terminal.answer(answer, |terminal, new: NewToken| {
            terminal.line(new.token.reveal())?;
            terminal.hint("The hub has written it to admin.token as well; the old one is void.")
        })
    }
}
