//! `ironroot token`: who may ask the API.

use clap::{Args, Subcommand};
use ironroot_api::{NewNamedToken, NewToken, PageQuery, TokenItem, TokenMade, TokenRevoked};
use ironroot_identity::ServiceName;

use super::{Columns, Nothing, Part, print_list};
use crate::failure::Failure;
use crate::hub::Hub;
use crate::query::query;
use crate::table::moment;
use crate::terminal::Terminal;
use crate::{Remote, With, run};

/// What to do about tokens.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token for a program; it may do everything, and the journal names it.
    New(With<New>),
    /// List who has a token.
    List(With<List>),
    /// Take a token away.
    Revoke(With<Revoke>),
    /// Change the owner's token for a new one; the old one and every session of the console end at once.
    Rotate(With<Rotate>),
}

impl TokenCommand {
    pub(crate) fn run_on(self, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        match self {
            Self::New(command) => run(command, terminal),
            Self::List(command) => run(command, terminal),
            Self::Revoke(command) => run(command, terminal),
            Self::Rotate(command) => run(command, terminal),
        }
    }
}

/// Arguments of `token new`.
#[derive(Debug, Args)]
pub struct New {
    /// The program that it is for
    name: ServiceName,
}

impl Remote for New {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let name = self.name.to_string();
        let answer = hub.post("/tokens", &NewNamedToken { name })?;
        terminal.answer(answer, |terminal, made: TokenMade| {
            terminal.line(made.token.reveal())?;
            terminal.hint("The token is shown only now; the hub keeps its digest.")
        })
    }
}

/// Arguments of `token list`.
#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    part: Part,
}

impl Remote for List {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let answer = hub.get(&format!("/tokens{}", query(&PageQuery::from(self.part))))?;
        let columns = Columns {
            headings: ["WHOSE", "MADE (UTC)", "ENTRY"],
            unhurried: &[],
            none: "there is no token",
        };
        print_list(terminal, answer, &columns, |token: TokenItem| {
            [token.name, moment(&token.made), token.entry.to_string()]
        })
    }
}

/// Arguments of `token revoke`.
#[derive(Debug, Args)]
pub struct Revoke {
    /// Whose token is taken away
    name: ServiceName,
}

impl Remote for Revoke {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let answer = hub.delete(&format!("/tokens/{}", self.name))?;
        terminal.answer(answer, |terminal, revoked: TokenRevoked| {
            let (name, entry) = (revoked.name, revoked.entry);
            terminal.line(&format!(
                "the token of {name} is revoked (journal entry {entry})"
            ))
        })
    }
}

/// Arguments of `token rotate`.
#[derive(Debug, Args)]
pub struct Rotate {}

impl Remote for Rotate {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let answer = hub.post("/token/rotate", &Nothing {})?;
        terminal.answer(answer, |terminal, new: NewToken| {
            terminal.line(new.token.reveal())?;
            terminal.hint("The hub has written it to admin.token as well; the old one is void.")
        })
    }
}
