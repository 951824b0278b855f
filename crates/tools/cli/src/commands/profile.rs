//! `ironroot profile`: what each class of devices is allowed.

use clap::{Args, Subcommand};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use ironroot_api::{
    GrantSummary, NewProfile, PageQuery, ProfileApplied, ProfileCheck, ProfileDetail, ProfileItem,
};
use ironroot_identity::ProfileName;

use super::{Columns, Part, listed, print_list};
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
    /// Say what a profile's file would change, and change nothing.
    Check(With<Check>),
    /// Put a profile's file in force; its devices' Grants follow at once.
    Apply(With<Apply>),
}

impl ProfileCommand {
    pub(crate) fn run_on(self, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        match self {
            Self::List(command) => run(command, terminal),
            Self::Show(command) => run(command, terminal),
            Self::Check(command) => run(command, terminal),
            Self::Apply(command) => run(command, terminal),
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
        let columns = Columns {
            headings: ["NAME", "DEVICES", "EVIDENCE", "SUMMARY"],
            unhurried: &[],
            none: "there is no profile",
        };
        print_list(terminal, answer, &columns, |profile: ProfileItem| {
            let devices = profile.devices.to_string();
            [profile.name, devices, profile.evidence, profile.summary]
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

/// Arguments of `profile check`.
#[derive(Debug, Args)]
pub struct Check {
    /// The profile's file, TOML
    file: PathBuf,
}

impl Remote for Check {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let answer = hub.post("/profiles/check", &read(&self.file)?)?;
        terminal.answer(answer, |terminal, check| print_check(terminal, &check))
    }
}

/// Arguments of `profile apply`.
#[derive(Debug, Args)]
pub struct Apply {
    /// The profile's file, TOML
    file: PathBuf,
    /// Only say what would change, as `profile check` does
    #[arg(long)]
    dry_run: bool,
}

impl Remote for Apply {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        if self.dry_run {
            return Check { file: self.file }.run(hub, terminal);
        }
        let mut new = read(&self.file)?;
        let check = hub.post::<ProfileCheck>("/profiles/check", &new)?.body;
        new.from = check.from;
        let answer = hub.put(&format!("/profiles/{}", check.name), &new)?;
        terminal.answer(answer, |terminal, applied: ProfileApplied| {
            terminal.line(&match applied.entry {
                Some(entry) => format!("{} is in force (journal entry {entry})", applied.name),
                None => format!("{} was in force already", applied.name),
            })
        })
    }
}

fn read(path: &Path) -> Result<NewProfile, Failure> {
    let toml = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    Ok(NewProfile { toml, from: None })
}

fn print_check(terminal: &mut Terminal<'_>, check: &ProfileCheck) -> Result<(), Failure> {
    let whose = if check.new {
        "a new profile"
    } else {
        "a known profile"
    };
    terminal.line(&format!(
        "{} is {whose}; {} devices have it",
        check.name, check.devices
    ))?;
    if check.grants.is_empty() && check.others.is_empty() {
        return terminal.line("nothing would change for any device");
    }
    for change in &check.grants {
        let (lifecycle, tier) = (change.lifecycle, change.tier);
        terminal.line(&format!(
            "\n{} devices that are {lifecycle}, tier {tier}",
            change.devices
        ))?;
        for (what, before, after) in differences(&change.before, &change.after) {
            terminal.line(&format!("  {what}: {before} -> {after}"))?;
        }
    }
    for other in &check.others {
        terminal.line(&format!(
            "\n{}: {} -> {}",
            other.path, other.before, other.after
        ))?;
    }
    if check.cut > 0 {
        terminal.line(&format!("\n{} sessions would be cut", check.cut))?;
    }
    Ok(())
}

/// What differs between two Grants, in words.
fn differences(before: &GrantSummary, after: &GrantSummary) -> Vec<(&'static str, String, String)> {
    let words = |grant: &GrantSummary| {
        [
            (
                "connect",
                if grant.connect { "yes" } else { "no" }.to_owned(),
            ),
            ("publish", listed(&grant.publish)),
            ("receive", listed(&grant.subscribe)),
            ("messages a second", grant.messages_per_s.to_string()),
            ("messages at once", grant.message_burst.to_string()),
            ("bytes a second", grant.bytes_per_s.to_string()),
            ("topics", grant.topics_max.to_string()),
            ("bytes in a packet", grant.packet_size_max.to_string()),
            ("sessions", grant.sessions_max.to_string()),
            ("subscriptions", grant.subscriptions_max.to_string()),
        ]
    };
    let pairs = words(before).into_iter().zip(words(after));
    let differ = pairs.filter(|((_, before), (_, after))| before != after);
    differ
        .map(|((what, before), (_, after))| (what, before, after))
        .collect()
}
