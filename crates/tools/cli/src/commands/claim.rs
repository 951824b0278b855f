//! `ironroot claim`: serials become ours, and their devices may enrol once.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use ironroot_api::{
    BadLine, Claim, ClaimItem, ClaimLine, ClaimWithdrawn, ClaimsMade, NewClaim, NewClaims,
    PageQuery, claim_lines,
};
use ironroot_identity::{DeviceId, ProfileName};

use super::{Columns, Part, print_list};
use crate::failure::Failure;
use crate::hub::Hub;
use crate::query::query;
use crate::table::moment;
use crate::terminal::Terminal;
use crate::{Remote, With, run};

/// Claim devices for this organisation.
#[derive(Debug, Subcommand)]
pub enum ClaimCommand {
    /// Claim a serial; prints the token with which its device enrols.
    New(With<New>),
    /// Claim all serials of a list, or none; prints their tokens as CSV.
    Import(With<Import>),
    /// List the claims that wait for their devices; what ends first stands first.
    List(With<List>),
    /// Take a claim back before its device has come.
    Withdraw(With<Withdraw>),
}

impl ClaimCommand {
    pub(crate) fn run_on(self, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        match self {
            Self::New(command) => run(command, terminal),
            Self::Import(command) => run(command, terminal),
            Self::List(command) => run(command, terminal),
            Self::Withdraw(command) => run(command, terminal),
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
    #[arg(long, value_name = "SPAN", default_value = "24h", value_parser = ironroot_api::span_s)]
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

/// Arguments of `claim import`.
#[derive(Debug, Args)]
pub struct Import {
    /// A file with a line `serial,profile[,ttl]` for each device, at most 250
    file: PathBuf,
    /// Only say whether all of it could be claimed
    #[arg(long)]
    dry_run: bool,
}

impl Remote for Import {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let text =
            fs::read_to_string(&self.file).with_context(|| self.file.display().to_string())?;
        let lines = claim_lines(&text).map_err(|bad| Failure::Usage(listed_faults(&bad)))?;
        let new = NewClaims {
            claims: lines.iter().map(|line| line.claim.clone()).collect(),
            dry_run: self.dry_run,
        };
        let answer = hub.post::<ClaimsMade>("/claims/batch", &new);
        let answer = answer.map_err(|failure| by_line(failure, &lines))?;
        let dry_run = self.dry_run;
        terminal.answer(answer, |terminal, made| {
            if dry_run {
                return terminal.line(&format!(
                    "all {} can be claimed; nothing is claimed yet",
                    lines.len()
                ));
            }
            terminal.line("serial,token,expires")?;
            for claim in made.claims {
                let token = claim.token.reveal();
                terminal.line(&format!("{},{token},{}", claim.serial, claim.expires))?;
            }
            terminal.hint("The tokens are shown only now.")
        })
    }
}

fn listed_faults(bad: &[BadLine]) -> String {
    let told = bad.iter().map(|bad| match bad.line {
        0 => bad.detail.clone(),
        line => format!("line {line}: {}", bad.detail),
    });
    told.collect::<Vec<_>>().join("\n")
}

/// Says by the line of the file what the hub has against the claim that came from it.
fn by_line(failure: Failure, lines: &[ClaimLine]) -> Failure {
    let Failure::Refused { mut problem, json } = failure else {
        return failure;
    };
    let line_of = |field: &str| {
        let place = field.strip_prefix("claims[")?.strip_suffix(']')?;
        lines
            .get(place.parse::<usize>().ok()?)
            .map(|line| line.line)
    };
    if !problem.fields.is_empty() {
        let told = problem.fields.iter().map(|fault| BadLine {
            line: line_of(&fault.field).unwrap_or(0),
            detail: fault.detail.clone(),
        });
        problem.detail = listed_faults(&told.collect::<Vec<_>>());
        problem.fields.clear();
    }
    Failure::Refused { problem, json }
}

/// Arguments of `claim list`.
#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    part: Part,
}

impl Remote for List {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let answer = hub.get(&format!("/claims{}", query(&PageQuery::from(self.part))))?;
        let columns = Columns {
            headings: ["SERIAL", "PROFILE", "CLAIMED BY", "UNTIL (UTC)"],
            unhurried: &[],
            none: "no claim waits for its device",
        };
        print_list(terminal, answer, &columns, |claim: ClaimItem| {
            let who = claim.who.unwrap_or_else(|| "-".to_owned());
            [claim.serial, claim.profile, who, moment(&claim.expires)]
        })
    }
}

/// Arguments of `claim withdraw`.
#[derive(Debug, Args)]
pub struct Withdraw {
    /// The serial whose claim is taken back
    serial: DeviceId,
}

impl Remote for Withdraw {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let answer = hub.delete(&format!("/claims/{}", self.serial))?;
        terminal.answer(answer, |terminal, withdrawn: ClaimWithdrawn| {
            terminal.line(&format!(
                "the claim of {} is withdrawn: its token lets no device in (journal entry {})",
                withdrawn.serial, withdrawn.entry
            ))
        })
    }
}
