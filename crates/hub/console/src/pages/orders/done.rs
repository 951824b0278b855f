//! What became of an order about several devices, read from the journal, so that the address can be sent to others.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use ironroot_api::{JournalQuery, Order};

use super::{Asked, Pairs};
use crate::Console;
use crate::address::Address;
use crate::figures::{counted, grouped};
use crate::frame::{Frame, Section, Visitor};
use crate::marks::{self, Mark};
use crate::pages::Shown;
use crate::pages::fault::Trouble;
use crate::pages::order::order_of;

/// How many entries of each device are looked through for the order's own.
const NEWEST: u32 = 10;

/// What became of an order about several devices.
#[derive(Debug, Template)]
#[template(path = "orders_done.html")]
pub(crate) struct OrdersDone {
    frame: Frame,
    heading: String,
    outcomes: Vec<Outcome>,
}

/// One of the devices after the order.
#[derive(Debug)]
struct Outcome {
    id: String,
    life: Mark,
    /// The entry of the order; none when the order did not reach the device.
    entry: Option<(u64, String)>,
    sentence: String,
}

pub(crate) async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Address(pairs): Address<Pairs>,
) -> Shown<OrdersDone> {
    Shown(match Asked::of(pairs) {
        Ok(asked) => done_page(&console, visitor, asked).await,
        Err(trouble) => Err(trouble),
    })
}

async fn done_page(
    console: &Console,
    visitor: Visitor,
    asked: Asked,
) -> Result<OrdersDone, Trouble> {
    let views = &console.views;
    let order = order_of(&asked.order)?;
    let mut outcomes = Vec::with_capacity(asked.ids.len());
    for id in asked.ids {
        let state = views.consequence(&id, order)?.now;
        let newest = JournalQuery {
            limit: Some(NEWEST),
            device: Some(id.clone()),
            ..JournalQuery::default()
        };
        let mut entries = views.journal(&newest).await?.items.into_iter();
        let entry = entries.find(|entry| entry.kind == kind(order) && entry.index >= asked.since);
        outcomes.push(Outcome {
            id,
            life: marks::lifecycle(state.lifecycle),
            sentence: entry.as_ref().map_or_else(
                || {
                    "The order did not reach it: its state does not allow it, or has changed."
                        .to_owned()
                },
                |entry| entry.sentence.clone(),
            ),
            entry: entry.map(|entry| (entry.index, grouped(entry.index))),
        });
    }
    let reached = outcomes.iter().filter(|one| one.entry.is_some()).count();
    let heading = heading(order, reached, outcomes.len());
    Ok(OrdersDone {
        frame: console
            .frame(visitor, Section::Devices, heading.as_str())
            .await,
        heading,
        outcomes,
    })
}

/// The kind of the entry that records an order.
const fn kind(order: Order) -> &'static str {
    match order {
        Order::Quarantine => "device.quarantined",
        Order::Release => "device.released",
        Order::Retire => "device.retired",
        Order::Transfer => "device.transferred",
    }
}

fn heading(order: Order, reached: usize, all: usize) -> String {
    let done = match order {
        Order::Quarantine => "quarantined",
        Order::Release => "released",
        Order::Retire => "retired",
        Order::Transfer => "given up",
    };
    let all = counted(all as u64, "device was", "devices were");
    format!("{} of {all} {done}", grouped(reached as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{HOSTILE, check, frame};
    use ironroot_api::Lifecycle;

    #[test]
    fn what_became_of_it_names_each_device() {
        let outcome = |entry| Outcome {
            id: "W".repeat(64),
            life: marks::lifecycle(Lifecycle::Quarantined),
            entry,
            sentence: HOSTILE.to_owned(),
        };
        let page = OrdersDone {
            frame: frame(Section::Devices),
            heading: heading(Order::Quarantine, 1, 2),
            outcomes: vec![outcome(Some((7, "7".to_owned()))), outcome(None)],
        };
        let html = page.render().unwrap();
        check(&html);
        assert!(html.contains("1 of 2 devices were quarantined") && html.contains("/journal/7"));
    }
}
