//! Orders about one device or several: quarantine, release, retire, transfer.

use anyhow::anyhow;
use clap::Args;
use ironroot_api::{Consequence, NewOrder, NewOrders, Order, OrderDone, OrderState, OrdersDone};
use ironroot_identity::DeviceId;

use super::listed;
use crate::Remote;
use crate::failure::Failure;
use crate::hub::Hub;
use crate::terminal::Terminal;

/// The devices, and the reason.
#[derive(Debug, Args)]
pub struct About {
    /// The device's id; several are allowed
    #[arg(required = true, value_name = "ID")]
    ids: Vec<DeviceId>,
    /// The reason, for whoever reads the journal
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    why: String,
    /// Say what the order would change, and change nothing
    #[arg(long)]
    dry_run: bool,
}

impl About {
    fn check(&self, order: Order) -> Result<(), Failure> {
        if self.dry_run || !order.needs_why() || !self.why.trim().is_empty() {
            return Ok(());
        }
        Err(Failure::Usage(format!(
            "{order} needs a reason, which stands in the journal for whoever finds the device shut \
             out:\n  ironroot device {order} {} --why \"…\"",
            self.named()
        )))
    }

    /// The ids as a person types them.
    fn named(&self) -> String {
        let ids: Vec<_> = self.ids.iter().map(DeviceId::as_str).collect();
        ids.join(" ")
    }

    fn run(self, order: Order, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        if self.dry_run {
            return self.ids.iter().try_for_each(|id| {
                let answer = hub.get(&format!("/devices/{id}/orders/{order}"))?;
                terminal.answer(answer, |terminal, what| print_consequence(terminal, &what))
            });
        }
        let seen = None;
        if let [id] = self.ids.as_slice() {
            let path = format!("/devices/{id}/orders");
            let why = self.why;
            let answer = hub.post(&path, &NewOrder { order, why, seen })?;
            return terminal.answer(answer, |terminal, done| terminal.line(&sentence(&done)));
        }
        let orders = NewOrders {
            order,
            why: self.why,
            seen,
            devices: self.ids.iter().map(ToString::to_string).collect(),
        };
        let answer = hub.post::<OrdersDone>("/orders", &orders)?;
        let refused = answer.body.refused.len();
        terminal.answer(answer, |terminal, orders| print_all(terminal, &orders))?;
        if refused > 0 {
            let all = self.ids.len();
            let told = format!("{refused} of {all} devices were not reached by the order");
            return Err(Failure::Other(anyhow!(told)));
        }
        Ok(())
    }
}

fn print_all(terminal: &mut Terminal<'_>, orders: &OrdersDone) -> Result<(), Failure> {
    for done in &orders.done {
        terminal.line(&sentence(done))?;
    }
    for refused in &orders.refused {
        let device = &refused.device;
        let detail = refused.detail.strip_prefix(device.as_str());
        let detail = detail.and_then(|rest| rest.strip_prefix(": "));
        let detail = detail.unwrap_or(&refused.detail);
        terminal.line(&format!("{device}: not done: {detail}"))?;
    }
    Ok(())
}

fn print_consequence(terminal: &mut Terminal<'_>, what: &Consequence) -> Result<(), Failure> {
    let (device, order) = (&what.device, what.order);
    let Some(after) = &what.after else {
        let cause = what.refused.as_deref().unwrap_or("it cannot be");
        return terminal.line(&format!("{device}: {order} would be refused: {cause}"));
    };
    let mut table = terminal.table(["", "NOW", "AFTER"]);
    for (name, of) in ASPECTS {
        table.add_row([(*name).to_owned(), of(&what.now), of(after)]);
    }
    terminal.line(&format!(
        "{order} {device}, at journal entry {}:",
        what.position
    ))?;
    terminal.print(table, "")
}

/// A thing that an order may change, and how it reads.
type Aspect = (&'static str, fn(&OrderState) -> String);

const ASPECTS: &[Aspect] = &[
    ("lifecycle", |state| state.lifecycle.to_string()),
    ("tier", |state| state.tier.to_string()),
    ("reasons", |state| state.reasons_count.to_string()),
    ("connects", |state| may(state.grant.connect)),
    ("publishes", |state| listed(&state.grant.publish)),
    ("receives", |state| listed(&state.grant.subscribe)),
    ("renews", |state| may(state.grant.renew)),
    ("certificates", |state| state.certificates.to_string()),
];

fn may(allowed: bool) -> String {
    if allowed { "yes" } else { "no" }.to_owned()
}

impl About {
    /// Has what cannot be undone typed: the id, or how many there are.
    fn ask_to_retire(&self, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let (warning, question, wanted, refused) = match self.ids.as_slice() {
            [id] => (
                format!(
                    "Retiring {id} revokes its certificates and forgets its secrets: it cannot come back."
                ),
                "Type the device's id to go on:",
                id.to_string(),
                format!("{id} was not retired: the id was not typed; --yes goes without"),
            ),
            many => (
                format!(
                    "Retiring {} devices revokes their certificates and forgets their secrets: they cannot come back.",
                    many.len()
                ),
                "Type the number of devices to go on:",
                many.len().to_string(),
                "nothing was retired: the number was not typed; --yes goes without".to_owned(),
            ),
        };
        terminal.hint(&warning)?;
        if terminal.ask(question)? == wanted {
            return Ok(());
        }
        Err(Failure::Usage(refused))
    }
}

/// What became of an order.
pub(crate) fn sentence(done: &OrderDone) -> String {
    let cut = match done.sessions_cut {
        0 => "no session was open".to_owned(),
        1 => "1 session was cut".to_owned(),
        more => format!("{more} sessions were cut"),
    };
    let rest = match done.reasons_count {
        0 => String::new(),
        1 => "; 1 reason for quarantine remains".to_owned(),
        more => format!("; {more} reasons for quarantine remain"),
    };
    let (device, lifecycle, entry) = (&done.device, done.lifecycle, done.entry);
    format!("{device} is {lifecycle} now; {cut}{rest} (journal entry {entry})")
}

/// Arguments of `device quarantine`.
#[derive(Debug, Args)]
pub struct Quarantine {
    #[command(flatten)]
    about: About,
}

impl Remote for Quarantine {
    fn check(&self) -> Result<(), Failure> {
        self.about.check(Order::Quarantine)
    }

    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        self.about.run(Order::Quarantine, hub, terminal)
    }
}

/// Arguments of `device release`.
#[derive(Debug, Args)]
pub struct Release {
    #[command(flatten)]
    about: About,
}

impl Remote for Release {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        self.about.run(Order::Release, hub, terminal)
    }
}

/// Arguments of `device transfer`.
#[derive(Debug, Args)]
pub struct Transfer {
    #[command(flatten)]
    about: About,
}

impl Remote for Transfer {
    fn check(&self) -> Result<(), Failure> {
        self.about.check(Order::Transfer)
    }

    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        self.about.run(Order::Transfer, hub, terminal)
    }
}

/// Arguments of `device retire`.
#[derive(Debug, Args)]
pub struct Retire {
    #[command(flatten)]
    about: About,
    /// Do not ask for the id to be typed
    #[arg(long)]
    yes: bool,
}

impl Remote for Retire {
    fn check(&self) -> Result<(), Failure> {
        self.about.check(Order::Retire)
    }

    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        if !self.yes && !self.about.dry_run {
            self.about.ask_to_retire(terminal)?;
        }
        self.about.run(Order::Retire, hub, terminal)
    }
}
