//! Orders about one device: quarantine, release, retire, transfer.

use clap::Args;
use ironroot_api::{NewOrder, Order, OrderDone};
use ironroot_identity::DeviceId;

use crate::Remote;
use crate::failure::Failure;
use crate::hub::Hub;
use crate::terminal::Terminal;

/// The device, and the reason.
#[derive(Debug, Args)]
pub struct About {
    /// The device's id
    id: DeviceId,
    /// The reason, for whoever reads the journal
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    why: String,
}

impl About {
    fn check(&self, order: Order) -> Result<(), Failure> {
        if !order.needs_why() || !self.why.trim().is_empty() {
            return Ok(());
        }
        Err(Failure::Usage(format!(
            "{order} needs a reason, which stands in the journal for whoever finds the device shut \
             out:\n  ironroot device {order} {} --why \"…\"",
            self.id
        )))
    }

    fn run(self, order: Order, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let path = format!("/devices/{}/orders", self.id);
        let answer = hub.post(
            &path,
            &NewOrder {
                order,
                why: self.why,
            },
        )?;
        terminal.answer(answer, |terminal, done| terminal.line(&sentence(&done)))
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
        let id = &self.about.id;
        if !self.yes {
            terminal.hint(&format!(
                "Retiring {id} revokes its certificates and forgets its secrets: it cannot come back."
            ))?;
            if terminal.ask("Type the device's id to go on:")? != id.as_str() {
                return Err(Failure::Usage(format!(
                    "{id} was not retired: the id was not typed; --yes goes without"
                )));
            }
        }
        self.about.run(Order::Retire, hub, terminal)
    }
}
