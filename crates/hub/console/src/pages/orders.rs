//! `/orders`: one order about several devices, and what it will change.

pub(crate) mod done;

use std::collections::BTreeMap;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use ironroot_api::{Lifecycle, NewOrders, ORDERS_MAX, Order, OrdersDone};

use super::fault::Trouble;
use super::order::{
    Change, NOT_DONE, Note, OrderDialog, OrderForm, Shown, order_of, question, verb,
};
use super::{Shown as ShownPage, answered};
use crate::Console;
use crate::address::{Address, address, segment};
use crate::figures::{counted, grouped};
use crate::form::{Faults, Sent, see};
use crate::frame::{Frame, Section, Visitor};
use crate::marks;

/// The devices page with an order about several of them open over it.
#[derive(Debug, Template)]
#[template(path = "orders.html")]
pub(crate) struct Orders {
    frame: Frame,
    dialog: Option<OrderDialog>,
}

/// What the address says: the order, and the devices that were ticked.
type Pairs = Vec<(String, String)>;

#[derive(Debug, Default)]
struct Asked {
    order: String,
    ids: Vec<String>,
    /// The first entry that may be of the order that was carried out.
    since: u64,
}

impl Asked {
    fn of(pairs: Pairs) -> Result<Self, Trouble> {
        let mut asked = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "order" => asked.order = value,
                "since" => asked.since = value.parse().unwrap_or(0),
                "id" if !asked.ids.contains(&value) => asked.ids.push(value),
                _ => {}
            }
        }
        match asked.ids.len() {
            0 => Err(Trouble::Faulty("No device was picked.".to_owned())),
            1..=ORDERS_MAX => Ok(asked),
            more => Err(Trouble::Faulty(format!(
                "{more} devices were picked; an order is about {ORDERS_MAX} at most."
            ))),
        }
    }
}

pub(crate) async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Address(pairs): Address<Pairs>,
) -> Response {
    let page = match Asked::of(pairs) {
        // One device has its own page for this.
        Ok(Asked { order, ids, .. }) if ids.len() == 1 => {
            let page = format!("/devices/{}", segment(&ids.concat()));
            return see(&address(&page, [("order", order.as_str())]));
        }
        Ok(asked) => {
            let form = OrderForm {
                order: asked.order,
                ids: asked.ids.join(","),
                ..OrderForm::default()
            };
            page(&console, visitor, form, Faults::default()).await
        }
        Err(trouble) => Err(trouble),
    };
    ShownPage(page).into_response()
}

async fn page(
    console: &Console,
    visitor: Visitor,
    form: OrderForm,
    faults: Faults,
) -> Result<Orders, Trouble> {
    let order = form.order()?;
    let picked: Vec<&str> = form.ids.split(',').collect();
    let (mut reached, mut unreached) = (Vec::new(), Vec::new());
    let (mut now, mut after) = (States::new(), States::new());
    let mut seen = console.views.journal_size();
    for id in &picked {
        let what = console.views.consequence(id, order)?;
        seen = seen.min(what.position);
        match what.after {
            Some(state) => {
                *now.entry(what.now.lifecycle).or_default() += 1;
                *after.entry(state.lifecycle).or_default() += 1;
                reached.push((*id).to_owned());
            }
            None => unreached.push(((*id).to_owned(), what.refused.unwrap_or_default())),
        }
    }
    let who = counted(reached.len() as u64, "device", "devices");
    let title = faults.titled(&question(order, &who));
    let mut frame = console
        .frame(visitor.clone(), Section::Devices, title)
        .await;
    frame.modal = true;
    let dialog = OrderDialog {
        visitor,
        order,
        about: format!(
            "Order for {}",
            counted(picked.len() as u64, "device", "devices")
        ),
        heading: question(order, &who),
        changes: changes(&now, &after),
        note: note(order),
        possible: !reached.is_empty(),
        seen,
        to_type: reached.len().to_string(),
        typed: form.typed,
        why: form.why,
        faults,
        command: format!(r#"ironroot device {order} {} --why "…""#, reached.join(" ")),
        action: "/orders".to_owned(),
        leave: "/devices".to_owned(),
        button: format!("{} {who}", verb(order)),
        unreached,
        reached,
    };
    let dialog = Some(dialog);
    Ok(Orders { frame, dialog })
}

/// How many devices are in each state.
type States = BTreeMap<Lifecycle, u64>;

fn changes(now: &States, after: &States) -> Vec<Change> {
    let states = Lifecycle::ALL
        .iter()
        .filter(|state| now.contains_key(state) || after.contains_key(state));
    let count = |states: &States, state| {
        let count = states.get(state).copied().unwrap_or(0);
        vec![Shown::Words(grouped(count))]
    };
    states
        .map(|state| {
            let (before, then) = (count(now, state), count(after, state));
            Change {
                what: marks::lifecycle(*state).word,
                after: if before == then { Vec::new() } else { then },
                now: before,
            }
        })
        .collect()
}

fn note(order: Order) -> Note {
    let (class, icon, what, so) = match order {
        Order::Quarantine => (
            "",
            "info",
            "Each is cut off at once",
            "They stay shut out until a person releases them, over restarts too.",
        ),
        Order::Release => (
            "",
            "info",
            "Each loses a person’s reason, and no other",
            "Those that are shut out for another reason too stay so.",
        ),
        Order::Retire => (
            "bad",
            "contraindicated",
            "Nothing leads back",
            "Their certificates are revoked, their retained messages deleted, their secrets forgotten. The journal keeps their history.",
        ),
        Order::Transfer => (
            "warn",
            "warning",
            "Each needs a new claim to come back",
            "Their certificates are revoked. Whoever claims a serial next enrols it anew.",
        ),
    };
    Note {
        class,
        icon,
        what: what.to_owned(),
        so: so.to_owned(),
    }
}

/// Takes the order, and shows what became of it.
pub(crate) async fn give(
    State(console): State<Console>,
    Sent { visitor, form }: Sent<OrderForm>,
) -> Response {
    let faults = match obey(&console, &visitor, &form).await {
        Ok(address) => return see(&address),
        Err(faults) => faults,
    };
    let page = page(&console, visitor, form, faults.clone()).await;
    answered(&faults, page)
}

/// Has the order carried out; gives the address that tells of it.
async fn obey(console: &Console, visitor: &Visitor, form: &OrderForm) -> Result<String, Faults> {
    let order = order_of(&form.order);
    let order = order.map_err(|_no_order| Faults::one(NOT_DONE, "", "There is no such order."))?;
    let devices: Vec<_> = form.ids.split(',').map(str::to_owned).collect();
    if order == Order::Retire && form.typed.trim() != devices.len().to_string() {
        let told = format!(
            "Type {}: nothing leads back from retirement.",
            devices.len()
        );
        return Err(Faults::one(NOT_DONE, "typed", told));
    }
    let since = console.views.journal_size();
    let orders = NewOrders {
        order,
        why: form.why.trim().to_owned(),
        seen: form.seen.parse().ok(),
        devices: devices.clone(),
    };
    let done = console
        .hub
        .post::<OrdersDone>(visitor, "/orders", &orders)
        .await;
    let done = done.map_err(|problem| Faults::of(NOT_DONE, problem, ""))?;
    if done.done.is_empty() {
        let told = done.refused.first().map(|one| one.detail.clone());
        return Err(Faults::one(NOT_DONE, "", told.unwrap_or_default()));
    }
    let (order, since) = (order.to_string(), since.to_string());
    let about = [("order", order.as_str()), ("since", since.as_str())];
    let ids = devices.iter().map(|id| ("id", id.as_str()));
    Ok(address("/orders/done", about.into_iter().chain(ids)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{HOSTILE, check, frame};

    fn dialog(order: Order, reached: usize, unreached: usize) -> String {
        let mut frame = frame(Section::Devices);
        frame.modal = true;
        let ids = |count| {
            (0..count)
                .map(|n| format!("CAM-7F31-{n:04}"))
                .collect::<Vec<_>>()
        };
        let now = States::from([(Lifecycle::Active, reached as u64)]);
        let after = States::from([(Lifecycle::Quarantined, reached as u64)]);
        let dialog = OrderDialog {
            visitor: frame.visitor.clone(),
            order,
            about: "Order for some devices".to_owned(),
            heading: question(order, "some devices"),
            changes: changes(&now, &after),
            note: note(order),
            unreached: ids(unreached)
                .into_iter()
                .map(|id| (id, HOSTILE.to_owned()))
                .collect(),
            reached: ids(reached),
            possible: reached > 0,
            seen: 41,
            to_type: reached.to_string(),
            typed: String::new(),
            why: HOSTILE.to_owned(),
            faults: Faults::default(),
            command: "ironroot device".to_owned(),
            action: "/orders".to_owned(),
            leave: "/devices".to_owned(),
            button: "Do it".to_owned(),
        };
        let dialog = Some(dialog);
        Orders { frame, dialog }.render().unwrap()
    }

    #[test]
    fn the_usual_form_counts_before_and_after() {
        let html = dialog(Order::Quarantine, 3, 0);
        check(&html);
        assert!(html.contains(r#"name="ids" value="CAM-7F31-0000,CAM-7F31-0001,CAM-7F31-0002""#));
        assert!(html.contains("Why do you quarantine them?"));
    }

    #[test]
    fn those_that_the_order_cannot_reach_are_named_first() {
        let html = dialog(Order::Retire, 500, 500);
        check(&html);
        assert!(html.contains("It does not reach 500 of them"));
        assert!(html.find("does not reach").unwrap() < html.find("What will change").unwrap());
    }

    #[test]
    fn an_order_that_reaches_none_has_no_button() {
        let html = dialog(Order::Release, 0, 2);
        check(&html);
        assert!(
            html.contains("It reaches none of them")
                && !html.contains(r#"<button class="btn main""#)
        );
    }

    #[test]
    fn refuses_no_device_and_too_many() {
        let pairs = |count| {
            (0..count)
                .map(|n| ("id".to_owned(), n.to_string()))
                .collect()
        };
        assert!(Asked::of(pairs(0)).is_err());
        assert!(Asked::of(pairs(ORDERS_MAX + 1)).is_err());
        assert_eq!(Asked::of(pairs(ORDERS_MAX)).unwrap().ids.len(), ORDERS_MAX);
    }
}
