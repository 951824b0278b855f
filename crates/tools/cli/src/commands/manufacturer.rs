//! `ironroot ca manufacturer`: device makers whose IDevID certificates are taken at enrolment.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ironroot_api::{ManufacturerCa, ManufacturerCaRemoved, NewManufacturerCa, PageQuery};
use ironroot_identity::ServiceName;

use super::issuing_ca::{Install, Request};
use super::service::read_pem;
use super::{Columns, Part, print_list};
use crate::failure::Failure;
use crate::hub::Hub;
use crate::query::query;
use crate::table::moment;
use crate::terminal::Terminal;
use crate::{Remote, With, run};

/// The hub's issuing CAs, and CAs of others that it trusts.
#[derive(Debug, Subcommand)]
pub enum CaCommand {
    /// Ask for the next issuing CA: makes its key, and a request for whoever keeps the root.
    Request(With<Request>),
    /// Put a new issuing CA into service; devices notice nothing.
    Install(With<Install>),
    /// CAs of device makers.
    #[command(subcommand)]
    Manufacturer(ManufacturerCommand),
}

/// CAs of device makers.
#[derive(Debug, Subcommand)]
pub enum ManufacturerCommand {
    /// Trust a maker's CA for IDevID certificates.
    Add(With<Add>),
    /// List the makers' CAs.
    List(With<List>),
    /// Trust a maker's CA no more; devices that enrolled through it stay.
    Remove(With<Remove>),
}

impl CaCommand {
    pub(crate) fn run_on(self, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        match self {
            Self::Request(command) => run(command, terminal),
            Self::Install(command) => run(command, terminal),
            Self::Manufacturer(ManufacturerCommand::Add(command)) => run(command, terminal),
            Self::Manufacturer(ManufacturerCommand::List(command)) => run(command, terminal),
            Self::Manufacturer(ManufacturerCommand::Remove(command)) => run(command, terminal),
        }
    }
}

/// Arguments of `ca manufacturer add`.
#[derive(Debug, Args)]
pub struct Add {
    /// What to call it
    name: ServiceName,
    /// The CA certificate, PEM
    file: PathBuf,
    /// Set before this maker's serials, since two makers' may collide
    #[arg(long, value_name = "TEXT")]
    serial_prefix: Option<String>,
}

impl Remote for Add {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let new = NewManufacturerCa {
            name: self.name.to_string(),
            pem: read_pem(&self.file)?,
            serial_prefix: self.serial_prefix,
        };
        let answer = hub.post("/manufacturer-cas", &new)?;
        terminal.answer(answer, |terminal, ca: ManufacturerCa| {
            terminal.line(&format!(
                "IDevID certificates of {} are taken now, until {} UTC (journal entry {})",
                ca.subject,
                moment(&ca.not_after),
                ca.entry
            ))
        })
    }
}

/// Arguments of `ca manufacturer list`.
#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    part: Part,
}

impl Remote for List {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let part = PageQuery::from(self.part);
        let answer = hub.get(&format!("/manufacturer-cas{}", query(&part)))?;
        let columns = Columns {
            headings: ["NAME", "SUBJECT", "PREFIX", "UNTIL (UTC)", "FINGERPRINT"],
            unhurried: &[],
            none: "no maker's CA is trusted; devices enrol with claim tokens",
        };
        print_list(terminal, answer, &columns, |ca: ManufacturerCa| {
            let prefix = ca.serial_prefix.unwrap_or_else(|| "-".to_owned());
            let until = moment(&ca.not_after);
            [ca.name, ca.subject, prefix, until, ca.fingerprint]
        })
    }
}

/// Arguments of `ca manufacturer remove`.
#[derive(Debug, Args)]
pub struct Remove {
    /// What it is called
    name: ServiceName,
}

impl Remote for Remove {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let answer = hub.delete(&format!("/manufacturer-cas/{}", self.name))?;
        terminal.answer(answer, |terminal, removed: ManufacturerCaRemoved| {
            terminal.line(&format!(
                "{} is trusted no more (journal entry {})",
                removed.name, removed.entry
            ))
        })
    }
}
