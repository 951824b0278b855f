//! `ironroot profile`: what each class of devices is allowed.

use clap::{Args, Subcommand};
use ironroot_api::{Page, PageQuery, ProfileDetail, ProfileItem};
use ironroot_identity::ProfileName;

use super::{Part, hint_at_more};
use crate::failure::Failure;
use crate::hub::Hub;
use crate::query::query;
use crate::terminal::Terminal;
use crate::{Remote, With, run};

/// What each class of devices is allowed.
#[derive(Debug, Subcommand)]
pub enum ProfileCommand {
    /// List profiles.
    List(With<List>),
    /// Show a profile's file as it is in force.
    Show(With<Show>),
}

impl ProfileCommand {
    pub(crate) fn run_on(self, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        match self {
            Self::List(command) => run(command, terminal),
            Self::Show(command) => run(command, terminal),
        }
    }
}

/// Arguments of `profile list`.
#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    part: Part,
}

impl Remote for List {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let part = PageQuery::from(self.part);
        let answer = hub.get(&format!("/profiles{}", query(&part)))?;
        terminal.answer(answer, |terminal, page: Page<ProfileItem>| {
            let mut table = terminal.table(["NAME", "DEVICES", "EVIDENCE", "SUMMARY"]);
            for profile in page.items {
                let devices = profile.devices.to_string();
                table.add_row([profile.name, devices, profile.evidence, profile.summary]);
            }
            terminal.print(table, "there is no profile")?;
            hint_at_more(page.next.as_deref(), terminal)
        })
    }
}

/// Arguments of `profile show`.
#[derive(Debug, Args)]
pub struct Show {
    /// The profile's name
    name: ProfileName,
}

impl Remote for Show {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let answer = hub.get(&format!("/profiles/{}", self.name))?;
        terminal.answer(answer, |terminal, profile: ProfileDetail| {
            terminal.line(profile.toml.trim_end())
        })
    }
}
