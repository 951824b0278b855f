//! Signing everybody out.

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use ironroot_api::SessionsEnded;

use super::confirm::{Change, Confirm, Gravity};
use super::onboard_tokens::Nothing;
use super::{Shown, answered};
use crate::Console;
use crate::form::{Faults, Sent, see};
use crate::frame::{Frame, Section, Visitor};

pub(crate) async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
) -> Response {
    Shown(Ok(page(&console, visitor, Faults::default()).await)).into_response()
}

pub(crate) async fn end(State(console): State<Console>, sent: Sent<Nothing>) -> Response {
    match console
        .hub
        .delete::<SessionsEnded>(&sent.visitor, "/sessions")
        .await
    {
        Ok(_done) => see("/sign-in?out=true"),
        Err(problem) => {
            let faults = Faults::of(
                "It was not recorded that everybody is signed out",
                problem,
                "",
            );
            let page = page(&console, sent.visitor, faults.clone()).await;
            answered(&faults, Ok(page))
        }
    }
}

async fn page(console: &Console, visitor: Visitor, faults: Faults) -> Confirm {
    let parts = (console.views.as_ref(), &console.live);
    let heading = "Sign everybody out?";
    let title = faults.titled(heading);
    let back_in = if visitor.has_password {
        "By password, or by a new link"
    } else {
        "By a new link: there is no password"
    };
    Confirm {
        frame: Frame::new(parts, visitor, Section::Settings, title).await,
        kind: "Every session of the console",
        heading: heading.to_owned(),
        changes: vec![
            Change::new("Sessions", "Last twelve hours", "End now, yours too"),
            Change::new("Sign-in links", "Work once", "Void"),
            Change::new("Coming back", back_in, ""),
            Change::new("Tokens of the API", "Work", ""),
        ],
        note: String::new(),
        action: "/settings/sessions/end".to_owned(),
        why_label: "",
        why: String::new(),
        command: "ironroot session end".to_owned(),
        button: "Sign everybody out".to_owned(),
        gravity: Gravity::Undoable,
        back: "/settings".to_owned(),
        stay: "Leave them signed in",
        faults,
    }
}
