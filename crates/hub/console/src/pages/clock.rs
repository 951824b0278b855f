//! The machine's clock, when it has jumped: a person says that it is right.

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use ironroot_api::{ClockConfirmed, NewClockConfirmation};
use serde::Deserialize;

use super::confirm::{Change, Confirm, Gravity};
use super::{Shown, answered};
use crate::Console;
use crate::figures::moment;
use crate::form::{Faults, Sent, see};
use crate::frame::{Frame, Section, Visitor};

/// The form, as it was typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ClockForm {
    why: String,
}

pub(crate) async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
) -> Response {
    let page = page(&console, visitor, ClockForm::default(), Faults::default()).await;
    Shown(Ok(page)).into_response()
}

pub(crate) async fn confirm(State(console): State<Console>, sent: Sent<ClockForm>) -> Response {
    let Sent { visitor, form } = sent;
    let new = NewClockConfirmation {
        why: form.why.clone(),
    };
    match console
        .hub
        .post::<ClockConfirmed>(&visitor, "/clock/confirm", &new)
        .await
    {
        Ok(_done) => see("/settings?done=clock"),
        Err(problem) => {
            let faults = Faults::of("The clock was not confirmed", problem, "why");
            let page = page(&console, visitor, form, faults.clone()).await;
            answered(&faults, Ok(page))
        }
    }
}

async fn page(console: &Console, visitor: Visitor, form: ClockForm, faults: Faults) -> Confirm {
    let parts = (console.views.as_ref(), &console.live);
    let heading = "Confirm the machine’s clock?";
    let title = faults.titled(heading);
    let now = moment(&console.views.now().to_string());
    Confirm {
        frame: Frame::new(parts, visitor, Section::Settings, title).await,
        kind: "The hub’s time",
        heading: heading.to_owned(),
        changes: vec![
            Change::new("The hub’s time", format!("{now} UTC, by its own count"), "What the machine’s clock shows"),
            Change::new("Certificates", "None are issued while the clock is in doubt", "Issued again"),
            Change::new("The journal’s times", "Never go back", ""),
        ],
        note: "Compare the machine’s clock with another first. If it is wrong, set it right: the hub then goes on by itself."
            .to_owned(),
        action: "/settings/clock".to_owned(),
        why_label: "How do you know that it is right?",
        why: form.why,
        command: "ironroot clock confirm --why \"…\"".to_owned(),
        button: "Confirm the clock".to_owned(),
        gravity: Gravity::Undoable,
        back: "/settings".to_owned(),
        stay: "Leave it in doubt",
        faults,
    }
}
