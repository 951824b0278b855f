//! An order about the one device, open over its page.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use ironroot_api::{Consequence, NewOrder, Order, OrderDone};

use super::{DevicePage, page};
use crate::Console;
use crate::address::segment;
use crate::form::{Faults, Sent, see};
use crate::frame::Visitor;
use crate::pages::fault::Trouble;
use crate::pages::order::{NOT_DONE, OrderDialog, OrderForm, changes, note, question, verb};
use crate::pages::{Shown, answered};

/// The API's class of an order that was carried out and could not be recorded yet.
const ORDER_HELD: &str = "urn:ironroot:problem:order-held";

/// The device with an order open over it.
pub(super) async fn order_page(
    console: &Console,
    visitor: Visitor,
    id: &str,
    form: OrderForm,
    faults: Faults,
) -> Result<DevicePage, Trouble> {
    let order = form.order()?;
    let consequence = console.views.consequence(id, order)?;
    let mut page = page(console, visitor, id).await?;
    page.frame.modal = true;
    page.frame.title = faults.titled(&question(order, id));
    page.dialog = Some(dialog(&page, &consequence, form, faults));
    Ok(page)
}

fn dialog(page: &DevicePage, what: &Consequence, form: OrderForm, faults: Faults) -> OrderDialog {
    let (id, order) = (&page.id, what.order);
    OrderDialog {
        visitor: page.frame.visitor.clone(),
        order,
        about: "Order for 1 device".to_owned(),
        heading: question(order, id),
        changes: changes(what),
        note: note(what, page.sessions),
        unreached: Vec::new(),
        reached: Vec::new(),
        possible: what.after.is_some(),
        seen: what.position,
        to_type: id.clone(),
        typed: form.typed,
        why: form.why,
        faults,
        command: format!(r#"ironroot device {order} {id} --why "…""#),
        action: format!("/devices/{}/orders", segment(id)),
        leave: format!("/devices/{}", segment(id)),
        button: format!("{} {id}", verb(order)),
    }
}

/// Takes an order, and shows the device again.
pub(crate) async fn order(
    State(console): State<Console>,
    Path(id): Path<String>,
    Sent { visitor, form }: Sent<OrderForm>,
) -> Response {
    let faults = match give(&console, &visitor, &id, &form).await {
        Ok(address) => return see(&address),
        Err(Refused::Trouble(trouble)) => {
            return Shown::<DevicePage>(Err(trouble)).into_response();
        }
        Err(Refused::Form(faults)) => faults,
    };
    let page = order_page(&console, visitor, &id, form, faults.clone()).await;
    answered(&faults, page)
}

/// Why an order was not carried out: the form can be mended, or it cannot be shown again.
enum Refused {
    Form(Faults),
    Trouble(Trouble),
}

/// Has the order carried out; gives the address that tells of it.
async fn give(
    console: &Console,
    visitor: &Visitor,
    id: &str,
    form: &OrderForm,
) -> Result<String, Refused> {
    let order = form.order().map_err(Refused::Trouble)?;
    if order == Order::Retire && form.typed.trim() != id {
        let told = format!("Type {id} as it stands here: nothing leads back from retirement.");
        return Err(Refused::Form(Faults::one(NOT_DONE, "typed", told)));
    }
    let new = NewOrder {
        order,
        why: form.why.trim().to_owned(),
        seen: form.seen.parse().ok(),
    };
    let path = format!("/devices/{}/orders", segment(id));
    let done = console.hub.post::<OrderDone>(visitor, &path, &new).await;
    match done {
        Ok(done) => Ok(format!("/devices/{}?done={}", segment(id), done.entry)),
        // It is obeyed; the device's own page says that it is not recorded yet.
        Err(problem) if problem.kind == ORDER_HELD => Ok(format!("/devices/{}", segment(id))),
        Err(problem) => Err(Refused::Form(Faults::of(NOT_DONE, problem, ""))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{NOW, detail};
    use super::*;
    use crate::check::{HOSTILE, check, frame};
    use crate::frame::Section;
    use askama::Template;
    use ironroot_api::{Lifecycle, Tier};

    fn ordered(order: Order, faults: Faults) -> String {
        let mut page = DevicePage::new(frame(Section::Devices), detail(Lifecycle::Active), NOW);
        page.frame.modal = true;
        let state = |lifecycle| ironroot_api::OrderState {
            lifecycle,
            tier: Tier::None,
            reasons_count: 0,
            certificates: 1,
            grant: detail(lifecycle).grant,
        };
        let what = Consequence {
            device: "cam-1".to_owned(),
            order,
            position: 41,
            now: state(Lifecycle::Active),
            after: (order != Order::Release).then(|| state(Lifecycle::Retired)),
            refused: (order == Order::Release).then(|| HOSTILE.to_owned()),
        };
        let form = OrderForm {
            why: HOSTILE.to_owned(),
            typed: HOSTILE.to_owned(),
            ..OrderForm::default()
        };
        page.dialog = Some(dialog(&page, &what, form, faults));
        page.render().unwrap()
    }

    #[test]
    fn an_order_shows_now_and_after_and_carries_its_position() {
        let html = ordered(Order::Quarantine, Faults::default());
        check(&html);
        assert!(html.contains(r#"<div class="app" inert>"#));
        assert!(html.contains(r#"name="seen" value="41""#) && html.contains("What will change"));
        assert!(!html.contains(r#"name="typed""#));
    }

    #[test]
    fn what_cannot_be_undone_wants_the_id_typed() {
        let html = ordered(Order::Retire, Faults::default());
        check(&html);
        assert!(html.contains(r#"name="typed""#) && html.contains("btn grave\" type=\"submit"));
    }

    #[test]
    fn an_order_that_would_be_refused_has_no_button() {
        let html = ordered(Order::Release, Faults::default());
        check(&html);
        assert!(!html.contains(r#"<button class="btn main" type="submit">"#));
    }

    #[test]
    fn what_is_wrong_stands_on_top_and_beside_its_field() {
        let html = ordered(Order::Retire, Faults::one(NOT_DONE, "typed", HOSTILE));
        check(&html);
        assert!(html.contains(r##"href="#typed""##) && html.contains("Error: "));
        assert!(html.contains(r#"role="alert""#));
    }
}
