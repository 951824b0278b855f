//! `ironroot view`: questions about the devices that have a name.

use anyhow::anyhow;
use clap::{Args, Subcommand};
use ironroot_api::{NewView, Page, SavedView, ViewRemoved};
use ironroot_identity::ViewName;

use super::device::Which;
use crate::failure::Failure;
use crate::hub::Hub;
use crate::query::query;
use crate::terminal::Terminal;
use crate::{Remote, With, run};

/// Saved views of the devices; `device list --view` shows one.
#[derive(Debug, Subcommand)]
pub enum ViewCommand {
    /// List the saved views.
    List(With<List>),
    /// Save which devices are wanted, in which order, under a name.
    Save(With<Save>),
    /// Remove a saved view; the devices in it stay as they are.
    Remove(With<Remove>),
}

impl ViewCommand {
    pub(crate) fn run_on(self, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        match self {
            Self::List(command) => run(command, terminal),
            Self::Save(command) => run(command, terminal),
            Self::Remove(command) => run(command, terminal),
        }
    }
}

/// Arguments of `view list`.
#[derive(Debug, Args)]
pub struct List {}

impl Remote for List {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let answer = hub.get("/views")?;
        terminal.answer(answer, |terminal, page: Page<SavedView>| {
            let mut table = terminal.table(["NAME", "DEVICES", "ENTRY"]);
            for view in page.items {
                table.add_row([view.name, view.query, view.entry.to_string()]);
            }
            terminal.print(table, "no view is saved; `ironroot view save` saves one")
        })
    }
}

/// Arguments of `view save`.
#[derive(Debug, Args)]
pub struct Save {
    /// What to call it
    name: ViewName,
    #[command(flatten)]
    which: Which,
}

impl Remote for Save {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let asked = query(&self.which.query());
        let new = NewView {
            name: self.name.to_string(),
            query: asked.trim_start_matches('?').to_owned(),
        };
        let answer = hub.post("/views", &new)?;
        terminal.answer(answer, |terminal, saved: SavedView| {
            let (name, entry) = (&saved.name, saved.entry);
            terminal.line(&format!(
                "{name} is saved (journal entry {entry}): ironroot device list --view {name}"
            ))
        })
    }
}

/// Arguments of `view remove`.
#[derive(Debug, Args)]
pub struct Remove {
    /// What it is called
    name: ViewName,
}

impl Remote for Remove {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let answer = hub.delete(&format!("/views/{}", self.name))?;
        terminal.answer(answer, |terminal, gone: ViewRemoved| {
            let (name, entry) = (&gone.name, gone.entry);
            terminal.line(&format!("{name} is removed (journal entry {entry})"))
        })
    }
}

/// What a saved view asks of the list of devices.
pub(super) fn query_of(name: &ViewName, hub: &Hub) -> Result<String, Failure> {
    let page: Page<SavedView> = hub.get("/views")?.body;
    let mut views = page.items.into_iter();
    let view = views.find(|view| view.name == name.as_str());
    let missing = || anyhow!("there is no view {name}: `ironroot view list` shows those there are");
    Ok(view.ok_or_else(missing)?.query)
}
