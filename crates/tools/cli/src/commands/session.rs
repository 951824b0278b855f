//! `ironroot session` and `ironroot password`: who is signed in to the console, and with what.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use ironroot_api::{NewPassword, PasswordSet, Secret, SessionItem, SessionsEnded};

use super::{Columns, print_list};
use crate::failure::Failure;
use crate::hub::Hub;
use crate::table::moment;
use crate::terminal::Terminal;
use crate::{Remote, With, run};

/// Sessions of the console.
#[derive(Debug, Subcommand)]
pub enum SessionCommand {
    /// List who is signed in, newest first.
    List(With<List>),
    /// Sign everybody out, and make every sign-in link void.
    End(With<End>),
}

impl SessionCommand {
    pub(crate) fn run_on(self, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        match self {
            Self::List(command) => run(command, terminal),
            Self::End(command) => run(command, terminal),
        }
    }
}

/// The administrator's password for the console.
#[derive(Debug, Subcommand)]
pub enum PasswordCommand {
    /// Set it, also in the place of one that is lost; every session of the console ends.
    Set(With<Set>),
}

impl PasswordCommand {
    pub(crate) fn run_on(self, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        match self {
            Self::Set(command) => run(command, terminal),
        }
    }
}

/// Arguments of `session list`.
#[derive(Debug, Args)]
pub struct List {}

impl Remote for List {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let answer = hub.get("/sessions")?;
        let columns = Columns {
            headings: ["WHO", "BY", "SINCE (UTC)", "ENDS (UTC)"],
            unhurried: &[],
            none: "nobody is signed in",
        };
        print_list(terminal, answer, &columns, |session: SessionItem| {
            let (begun, ends) = (moment(&session.begun), moment(&session.ends));
            [session.name, session.by, begun, ends]
        })
    }
}

/// Arguments of `session end`.
#[derive(Debug, Args)]
pub struct End {}

impl Remote for End {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let answer = hub.delete("/sessions")?;
        terminal.answer(answer, |terminal, ended: SessionsEnded| {
            let (count, entry) = (ended.sessions_ended, ended.entry);
            terminal.line(&format!("{count} sessions ended (journal entry {entry})"))
        })
    }
}

/// Arguments of `password set`.
#[derive(Debug, Args)]
pub struct Set {
    /// Read the password from the first line of this file, rather than from standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

impl Remote for Set {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let typed = match self.file {
            None => terminal.ask_secret("New password, at least 15 characters:")?,
            Some(path) => first_line(&path)?,
        };
        let new = NewPassword {
            password: typed,
            current: None,
        };
        let answer = hub.put("/password", &new)?;
        terminal.answer(answer, |terminal, set: PasswordSet| {
            terminal.line(&format!(
                "the password is set; {} sessions of the console ended (journal entry {})",
                set.sessions_ended, set.entry
            ))
        })
    }
}

fn first_line(path: &PathBuf) -> Result<Secret, Failure> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let text = Secret::new(text);
    let line = text.reveal().lines().next().unwrap_or_default();
    Ok(Secret::new(line.to_owned()))
}
