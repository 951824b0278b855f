//! `ironroot device`: lists of devices, one device, and orders about it.

use clap::{Args, Subcommand};
use ironroot_api::{
    Assurance, DeviceDetail, DeviceItem, DeviceList, DeviceQuery, DeviceSort, Lifecycle, Page,
    Tier, span_s,
};
use ironroot_identity::{DeviceId, ProfileName, ViewName};

use super::order::{Quarantine, Release, Retire, Transfer};
use super::{Columns, Part, listed, one_of, print_list};
use crate::answer::Answer;
use crate::failure::Failure;
use crate::hub::Hub;
use crate::query::query;
use crate::table::{minute, moment};
use crate::terminal::Terminal;
use crate::{Remote, With, run};

/// See devices, and give orders about one.
#[derive(Debug, Subcommand)]
pub enum DeviceCommand {
    /// List devices, gravest standing first.
    List(With<List>),
    /// Show one device: standing, reasons, certificates, timeline.
    Show(With<Show>),
    /// Shut a device out: cut its sessions, leave it what its profile grants in quarantine.
    Quarantine(With<Quarantine>),
    /// Take a person's reason for quarantine away; other reasons stay.
    Release(With<Release>),
    /// Revoke a device's certificates and forget its secrets, for good.
    Retire(With<Retire>),
    /// Give a device up, so that a new owner can claim it.
    Transfer(With<Transfer>),
}

impl DeviceCommand {
    pub(crate) fn run_on(self, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        match self {
            Self::List(command) => run(command, terminal),
            Self::Show(command) => run(command, terminal),
            Self::Quarantine(command) => run(command, terminal),
            Self::Release(command) => run(command, terminal),
            Self::Retire(command) => run(command, terminal),
            Self::Transfer(command) => run(command, terminal),
        }
    }
}

/// Arguments of `device list`.
#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    which: Which,
    /// The devices of this saved view, instead of filters
    #[arg(long, value_name = "NAME", conflicts_with = "Which")]
    view: Option<ViewName>,
    /// Say how many there are in all
    #[arg(long)]
    count: bool,
    #[command(flatten)]
    part: Part,
}

/// Which devices, in which order.
#[derive(Debug, Args)]
pub(super) struct Which {
    /// Only ids that contain this
    #[arg(long, value_name = "TEXT")]
    id: Option<String>,
    /// Only devices of this profile
    #[arg(long)]
    profile: Option<ProfileName>,
    /// Only devices in this state
    #[arg(long, value_parser = one_of(Lifecycle::ALL, Lifecycle::as_str))]
    lifecycle: Option<Lifecycle>,
    /// Only devices of this tier
    #[arg(long, value_parser = one_of(Tier::ALL, Tier::as_str))]
    tier: Option<Tier>,
    /// Only devices that are connected, or that are not
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    connected: Option<bool>,
    /// Only devices whose key is kept like this
    #[arg(long, value_parser = one_of(Assurance::ALL, Assurance::as_str))]
    assurance: Option<Assurance>,
    /// Only devices that were not heard of for this long, such as 24h
    #[arg(long, value_name = "SPAN", value_parser = span_s)]
    unseen_for: Option<u64>,
    /// Only devices whose certificate ends within this time, such as 7d
    #[arg(long, value_name = "SPAN", value_parser = span_s)]
    certificate_ends_in: Option<u64>,
    /// Order of the list
    #[arg(long, value_parser = one_of(DeviceSort::ALL, DeviceSort::as_str))]
    sort: Option<DeviceSort>,
    /// The other way round
    #[arg(long)]
    reverse: bool,
}

impl Which {
    pub(super) fn query(self) -> DeviceQuery {
        DeviceQuery {
            sort: self.sort,
            reverse: self.reverse.then_some(true),
            id: self.id,
            profile: self.profile.map(|name| name.to_string()),
            lifecycle: self.lifecycle,
            tier: self.tier,
            assurance: self.assurance,
            connected: self.connected,
            unseen_for_s: self.unseen_for,
            certificate_ends_in_s: self.certificate_ends_in,
            ..DeviceQuery::default()
        }
    }
}

impl Remote for List {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let part = DeviceQuery {
            limit: self.part.limit,
            cursor: self.part.cursor,
            count: self.count.then_some(true),
            ..self.which.query()
        };
        let mut asked = query(&part);
        if let Some(view) = &self.view {
            asked.push(if asked.is_empty() { '?' } else { '&' });
            asked.push_str(&super::view::query_of(view, hub)?);
        }
        let Answer { body, json } = hub.get(&format!("/devices{asked}"))?;
        let DeviceList { items, next, count } = body;
        let body = Page { items, next };
        print_list(terminal, Answer { body, json }, &COLUMNS, row)?;
        match count {
            Some(count) if !terminal.wants_json() => {
                terminal.hint(&format!("{} in all", count.devices))
            }
            _ => Ok(()),
        }
    }
}

const COLUMNS: Columns<8> = Columns {
    headings: [
        "ID",
        "PROFILE",
        "LIFECYCLE",
        "TIER",
        "KEY",
        "REASONS",
        "SESSIONS",
        "SEEN (UTC)",
    ],
    // The key and the sessions.
    unhurried: &[4, 6],
    none: "no device matches; `ironroot claim new` claims the first",
};

fn row(device: DeviceItem) -> [String; 8] {
    [
        device.id,
        device.profile,
        device.lifecycle.to_string(),
        device.tier.to_string(),
        key(device.assurance).to_owned(),
        device.reasons_count.to_string(),
        device.sessions.to_string(),
        seen(device.last_seen.as_deref()),
    ]
}

fn key(assurance: Option<Assurance>) -> &'static str {
    assurance.map_or("-", Assurance::as_str)
}

fn seen(last: Option<&str>) -> String {
    last.map_or_else(|| "never".to_owned(), minute)
}

/// Arguments of `device show`.
#[derive(Debug, Args)]
pub struct Show {
    /// The device's id
    id: DeviceId,
}

impl Remote for Show {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let answer = hub.get(&format!("/devices/{}", self.id))?;
        terminal.answer(answer, |terminal, device| print_detail(terminal, &device))
    }
}

fn print_detail(terminal: &mut Terminal<'_>, device: &DeviceDetail) -> Result<(), Failure> {
    let item = &device.item;
    let simulated = if item.simulated { ", simulated" } else { "" };
    for line in [
        format!("{}: {}", item.id, device.standing),
        String::new(),
        format!("lifecycle  {}", item.lifecycle),
        format!("tier       {}", item.tier),
        format!("profile    {}{simulated}", item.profile),
        format!("key        {}", key(item.assurance)),
        format!("sessions   {}", item.sessions),
        format!("seen       {}", seen(item.last_seen.as_deref())),
    ] {
        terminal.line(&line)?;
    }
    print_grant(terminal, device)?;
    print_reasons(terminal, device)?;
    print_notices(terminal, device)?;
    print_certificates(terminal, device)?;
    print_timeline(terminal, device)
}

fn print_grant(terminal: &mut Terminal<'_>, device: &DeviceDetail) -> Result<(), Failure> {
    let grant = &device.grant;
    if !grant.connect {
        return terminal.line("may        nothing");
    }
    terminal.line(&format!("publishes  {}", listed(&grant.publish)))?;
    terminal.line(&format!("receives   {}", listed(&grant.subscribe)))?;
    terminal.line(&format!(
        "limits     sessions {}, subscriptions {}, messages/s {}, bytes/s {}, packet bytes {}, topics a day {}",
        grant.sessions_max, grant.subscriptions_max, grant.messages_per_s, grant.bytes_per_s, grant.packet_size_max, grant.topics_max
    ))
}

fn print_reasons(terminal: &mut Terminal<'_>, device: &DeviceDetail) -> Result<(), Failure> {
    if device.reasons.is_empty() {
        return Ok(());
    }
    let mut table = terminal.table(["REASON", "SINCE (UTC)", "WHO", "WHY", "ENTRY"]);
    for reason in &device.reasons {
        let kind = match reason.source.as_str() {
            "" => reason.kind.clone(),
            source => format!("{} {source}", reason.kind),
        };
        table.add_row([
            kind,
            moment(&reason.at),
            reason.who.clone().unwrap_or_else(|| "-".to_owned()),
            reason.why.clone(),
            reason.entry.to_string(),
        ]);
    }
    terminal.line("")?;
    terminal.print(table, "")
}

fn print_notices(terminal: &mut Terminal<'_>, device: &DeviceDetail) -> Result<(), Failure> {
    for notice in &device.notices {
        let (at, entry) = (moment(&notice.at), notice.entry);
        terminal.line("")?;
        terminal.line(&format!(
            "NOTICED {at} UTC (entry {entry}), {}: {}",
            notice.kind, notice.what
        ))?;
    }
    Ok(())
}

fn print_certificates(terminal: &mut Terminal<'_>, device: &DeviceDetail) -> Result<(), Failure> {
    let mut table = terminal.table(["CERTIFICATE", "STATUS", "FROM (UTC)", "UNTIL (UTC)"]);
    for certificate in &device.certificates {
        table.add_row([
            certificate.serial.clone(),
            certificate.status.to_string(),
            minute(&certificate.not_before),
            minute(&certificate.not_after),
        ]);
    }
    terminal.line("")?;
    terminal.print(table, "no certificate yet")
}

fn print_timeline(terminal: &mut Terminal<'_>, device: &DeviceDetail) -> Result<(), Failure> {
    let mut table = terminal.table(["ENTRY", "AT (UTC)", "WHAT HAPPENED"]);
    for entry in &device.timeline {
        table.add_row([
            entry.entry.to_string(),
            moment(&entry.at),
            entry.sentence.clone(),
        ]);
    }
    terminal.line("")?;
    terminal.print(table, "nothing has happened yet")
}
