//! An order that lies open over a page: what it will change, before anybody gives it.

use ironroot_api::{Consequence, Lifecycle, Order, OrderState};
use serde::Deserialize;

use super::fault::Trouble;
use crate::figures::counted;
use crate::form::Faults;
use crate::frame::Visitor;
use crate::marks::{self, Mark};

/// The order, as `order.html` shows it.
#[derive(Debug)]
pub(crate) struct OrderDialog {
    pub(crate) visitor: Visitor,
    pub(crate) order: Order,
    /// For how many.
    pub(crate) about: String,
    pub(crate) heading: String,
    pub(crate) changes: Vec<Change>,
    pub(crate) note: Note,
    /// The devices among several that the order cannot reach, and why; named first.
    pub(crate) unreached: Vec<(String, String)>,
    /// The devices among several that it reaches.
    pub(crate) reached: Vec<String>,
    /// Whether there is anything to order.
    pub(crate) possible: bool,
    /// The journal position that the changes were computed from.
    pub(crate) seen: u64,
    /// What has to be typed for what cannot be undone; empty for the others.
    pub(crate) to_type: String,
    pub(crate) typed: String,
    pub(crate) why: String,
    pub(crate) faults: Faults,
    /// The same by command line.
    pub(crate) command: String,
    /// Where the form goes, and the way back.
    pub(crate) action: String,
    pub(crate) leave: String,
    pub(crate) button: String,
}

/// What the form of an order sends.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct OrderForm {
    pub(crate) order: String,
    pub(crate) seen: String,
    pub(crate) why: String,
    pub(crate) typed: String,
    /// The devices of an order about several, commas between.
    pub(crate) ids: String,
}

impl OrderForm {
    /// The order that is meant.
    pub(crate) fn order(&self) -> Result<Order, Trouble> {
        order_of(&self.order)
    }
}

/// The order of this name.
pub(crate) fn order_of(name: &str) -> Result<Order, Trouble> {
    let found = Order::ALL.iter().find(|order| order.as_str() == name);
    let unknown = || Trouble::Faulty(format!("There is no order {name:?}."));
    found.copied().ok_or_else(unknown)
}

/// What did not come about, over what is wrong with an order's form.
pub(crate) const NOT_DONE: &str = "Your order was not carried out";

/// One thing, now and after.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) what: &'static str,
    pub(crate) now: Vec<Shown>,
    /// Empty when it stays as it is.
    pub(crate) after: Vec<Shown>,
}

/// How a value is shown: as its mark, or as words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    Tier(Mark),
    Life(Mark),
    Words(String),
}

/// What the order will not do, or what undoes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) class: &'static str,
    pub(crate) icon: &'static str,
    pub(crate) what: String,
    pub(crate) so: String,
}

impl OrderDialog {
    /// Whether it can never be undone.
    pub(crate) fn is_grave(&self) -> bool {
        self.order == Order::Retire
    }

    /// The heading of what will be so.
    pub(crate) fn after(&self) -> &'static str {
        match self.order {
            Order::Quarantine => "In quarantine",
            Order::Release => "After the release",
            Order::Retire => "Retired",
            Order::Transfer => "Given up",
        }
    }

    /// What is asked for beside the field of the reason.
    pub(crate) fn why_label(&self) -> String {
        let them = if self.reached.len() > 1 { "them" } else { "it" };
        match self.order {
            Order::Transfer => format!("Why do you give {them} up?"),
            order => format!("Why do you {order} {them}?"),
        }
    }

    /// The words of the way back.
    pub(crate) fn leave_word(&self) -> &'static str {
        match self.order {
            _ if !self.possible => "Back",
            Order::Release if self.reached.len() < 2 => "Leave it quarantined",
            Order::Release => "Leave them quarantined",
            _ if self.reached.len() < 2 => "Leave it as it is",
            _ => "Leave them as they are",
        }
    }
}

/// The order as an imperative.
pub(crate) const fn verb(order: Order) -> &'static str {
    match order {
        Order::Quarantine => "Quarantine",
        Order::Release => "Release",
        Order::Retire => "Retire",
        Order::Transfer => "Transfer",
    }
}

/// The question about `who`.
pub(crate) fn question(order: Order, who: &str) -> String {
    match order {
        Order::Quarantine => format!("Quarantine {who}?"),
        Order::Release => format!("Release {who} from quarantine?"),
        Order::Retire => format!("Retire {who} for good?"),
        Order::Transfer => format!("Give {who} up to a new owner?"),
    }
}

/// The device before and after, one line for each thing that an order may touch.
pub(crate) fn changes(what: &Consequence) -> Vec<Change> {
    let Some(after) = &what.after else {
        return Vec::new();
    };
    let line = |name, of: fn(&OrderState) -> Shown| {
        let (now, then) = (of(&what.now), of(after));
        Change {
            what: name,
            after: if now == then { Vec::new() } else { vec![then] },
            now: vec![now],
        }
    };
    vec![
        line("Lifecycle", |state| {
            Shown::Life(marks::lifecycle(state.lifecycle))
        }),
        line("Tier", |state| Shown::Tier(marks::tier(state.tier))),
        line("Connect", |state| may(state.grant.connect)),
        line("Publish", |state| topics(&state.grant.publish)),
        line("Receive", |state| topics(&state.grant.subscribe)),
        line("Renew its certificate", |state| may(state.grant.renew)),
        line("Certificates", |state| match state.certificates {
            0 => Shown::Words("None in force".to_owned()),
            some => Shown::Words(format!("{some} in force")),
        }),
    ]
}

fn may(allowed: bool) -> Shown {
    Shown::Words(if allowed { "Yes" } else { "No" }.to_owned())
}

fn topics(all: &[String]) -> Shown {
    Shown::Words(match all {
        [] => "No".to_owned(),
        some => some.join(", "),
    })
}

/// What else is to be known of an order about one device.
pub(crate) fn note(what: &Consequence, sessions: u32) -> Note {
    let Some(after) = &what.after else {
        let cause = what
            .refused
            .as_deref()
            .unwrap_or("its state does not allow it");
        return Note {
            class: "bad",
            icon: "contraindicated",
            what: format!("{} cannot be done", verb(what.order)),
            so: format!("{}: {cause}.", what.device),
        };
    };
    let plain = |what: String, so: &str| Note {
        class: "",
        icon: "info",
        what,
        so: so.to_owned(),
    };
    let warn = |what: &str, so: String| Note {
        class: "warn",
        icon: "warning",
        what: what.to_owned(),
        so,
    };
    let sessions = counted(sessions.into(), "session", "sessions");
    match what.order {
        Order::Quarantine if what.now.lifecycle == Lifecycle::Quarantined => plain(
            "It is shut out already".to_owned(),
            "Your reason takes the place of a person's reason before it. Nothing else changes.",
        ),
        Order::Quarantine => plain(
            format!("{sessions} will be checked at once"),
            "What it may not do any more ends within milliseconds. It stays shut out until a person releases it, over restarts too.",
        ),
        Order::Release if after.lifecycle == Lifecycle::Quarantined => warn(
            "It stays shut out",
            format!(
                "{} for quarantine remain: a release takes away what a person ordered, and nothing else.",
                counted(after.reasons_count.into(), "other reason", "other reasons")
            ),
        ),
        Order::Release => plain(
            "It may come back at once".to_owned(),
            "Its certificate is in force again; messages kept for it are delivered.",
        ),
        Order::Retire => Note {
            class: "bad",
            icon: "contraindicated",
            what: "Nothing leads back".to_owned(),
            so: format!(
                "{sessions} will be cut. Its certificates are revoked, its retained messages deleted, its secrets forgotten; the serial can never be claimed again. The journal keeps its history."
            ),
        },
        Order::Transfer => warn(
            "It needs a new claim to come back",
            format!(
                "{sessions} will be cut, and its certificates are revoked. Whoever claims the serial next enrols it anew."
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ironroot_api::{GrantSummary, Tier};

    fn state(lifecycle: Lifecycle, reasons_count: u32) -> OrderState {
        let active = lifecycle == Lifecycle::Active;
        OrderState {
            lifecycle,
            tier: Tier::None,
            reasons_count,
            certificates: 1,
            grant: GrantSummary {
                connect: active,
                renew: active,
                publish: Vec::new(),
                subscribe: Vec::new(),
                sessions_max: 1,
                subscriptions_max: 1,
                packet_size_max: 1,
                messages_per_s: 1,
                bytes_per_s: 1,
                topics_max: 1,
                message_burst: 1,
            },
        }
    }

    fn release(reasons: u32, after: Option<OrderState>) -> Consequence {
        Consequence {
            device: "cam-1".to_owned(),
            order: Order::Release,
            position: 7,
            now: state(Lifecycle::Quarantined, reasons),
            refused: after
                .is_none()
                .then(|| "it is shut out for other reasons".to_owned()),
            after,
        }
    }

    #[test]
    fn what_stays_is_told_apart_from_what_changes() {
        let what = release(1, Some(state(Lifecycle::Active, 0)));
        let lines = changes(&what);
        let changed: Vec<_> = lines
            .iter()
            .filter(|change| !change.after.is_empty())
            .map(|change| change.what)
            .collect();
        assert_eq!(changed, ["Lifecycle", "Connect", "Renew its certificate"]);
        assert_eq!(note(&what, 0).what, "It may come back at once");
    }

    #[test]
    fn a_release_that_leaves_a_reason_says_so_beforehand() {
        let what = release(2, Some(state(Lifecycle::Quarantined, 1)));
        assert!(note(&what, 0).so.starts_with("1 other reason"));
    }

    #[test]
    fn an_order_that_would_be_refused_says_why() {
        let note = note(&release(1, None), 0);
        assert_eq!(
            (note.class, note.so.as_str()),
            ("bad", "cam-1: it is shut out for other reasons.")
        );
    }
}
