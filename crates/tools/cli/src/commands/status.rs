//! `ironroot status` and `ironroot sign-in`: how the hub is, and a way into its console.

use clap::Args;
use ironroot_api::{HubSettings, SignInLink, Status as HubStatus};

use super::Nothing;
use crate::Remote;
use crate::failure::Failure;
use crate::hub::Hub;
use crate::table::moment;
use crate::terminal::Terminal;

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct Status {}

impl Remote for Status {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let answer = hub.get("/status")?;
        terminal.answer(answer, |terminal, status| print_status(terminal, &status))
    }
}

fn print_status(terminal: &mut Terminal<'_>, status: &HubStatus) -> Result<(), Failure> {
    let store = match (status.store.ok, &status.store.cause) {
        (true, _) => "takes writes".to_owned(),
        (false, Some(cause)) => format!("takes no writes: {cause}"),
        (false, None) => "takes no writes".to_owned(),
    };
    let simulated = if status.demonstration {
        ", all simulated: this is the demonstration"
    } else {
        ""
    };
    let checkpoint = match &status.journal.checkpoint {
        Some(newest) => format!("signed up to {}, {} s ago", newest.size, newest.age_s),
        None => "no checkpoint yet".to_owned(),
    };
    for line in [
        format!(
            "version   {}, up since {} UTC",
            status.version,
            moment(&status.started_at)
        ),
        format!("devices   {}{simulated}", status.devices),
        format!("sessions  {}", status.sessions),
        format!("store     {store}"),
        format!("journal   {} entries, {checkpoint}", status.journal.entries),
    ] {
        terminal.line(&line)?;
    }
    for fault in &status.degraded {
        let since = moment(&fault.since);
        terminal.line(&format!(
            "\nDEGRADED since {since} UTC: {}\n  {}",
            fault.what, fault.remedy
        ))?;
    }
    Ok(())
}

/// Arguments of `settings`.
#[derive(Debug, Args)]
pub struct Settings {}

impl Remote for Settings {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let answer = hub.get("/settings")?;
        terminal.answer(answer, |terminal, settings| {
            print_settings(terminal, &settings)
        })
    }
}

fn print_settings(terminal: &mut Terminal<'_>, settings: &HubSettings) -> Result<(), Failure> {
    let bytes = |known: Option<u64>| {
        known.map_or_else(
            || "not known".to_owned(),
            |bytes| format!("{} MB", bytes / 1_000_000),
        )
    };
    let none = || "none".to_owned();
    for line in [
        format!(
            "store     {}, {}",
            settings.store,
            bytes(settings.store_bytes)
        ),
        format!(
            "data      {}, {} free",
            settings.data,
            bytes(settings.free_bytes)
        ),
        format!("key       {}", settings.key),
        format!("sealing   {}", settings.sealing),
        format!("ca key    {}", settings.ca_key),
        format!("log       {}", settings.log),
        format!(
            "archive   {}",
            settings.archive.clone().unwrap_or_else(none)
        ),
        format!(
            "backup    {}",
            settings.last_backup.as_deref().map_or_else(
                || "none known".to_owned(),
                |at| format!("{} UTC", moment(at))
            )
        ),
        format!(
            "snapshot  {}",
            settings.snapshot.as_ref().map_or_else(none, |kept| format!(
                "of {} entries, {} UTC",
                kept.entries,
                moment(&kept.at)
            ))
        ),
        format!(
            "password  {}",
            if settings.has_password { "set" } else { "none" }
        ),
        format!("console   {}", settings.doors.console),
        format!("mqtt      {}", settings.doors.mqtt),
        format!("device    {}", settings.doors.device),
        format!("pki       {}", settings.doors.pki),
    ] {
        terminal.line(&line)?;
    }
    Ok(())
}

/// Arguments of `sign-in`.
#[derive(Debug, Args)]
pub struct SignIn {}

impl Remote for SignIn {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let answer = hub.post("/sign-in-links", &Nothing {})?;
        terminal.answer(answer, |terminal, link: SignInLink| {
            terminal.line(link.url.reveal())?;
            let expires = moment(&link.expires);
            terminal.hint(&format!(
                "It signs one person in, once, until {expires} UTC."
            ))
        })
    }
}
