//! Taking a token of the API away.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use ironroot_api::TokenRevoked;

use super::confirm::{Change, Confirm, Gravity};
use super::onboard_tokens::Nothing;
use super::{Shown, answered};
use crate::Console;
use crate::form::{Faults, Sent, see};
use crate::frame::{Frame, Section, Visitor};
use crate::hub::segment;

pub(crate) async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
) -> Response {
    Shown(Ok(page(&console, visitor, &name, Faults::default()).await)).into_response()
}

pub(crate) async fn revoke(
    State(console): State<Console>,
    Path(name): Path<String>,
    sent: Sent<Nothing>,
) -> Response {
    let path = format!("/tokens/{}", segment(&name));
    match console
        .hub
        .delete::<TokenRevoked>(&sent.visitor, &path)
        .await
    {
        Ok(_done) => see("/settings?done=revoked"),
        Err(problem) => {
            let faults = Faults::of("The token was not revoked", problem, "");
            let page = page(&console, sent.visitor, &name, faults.clone()).await;
            answered(&faults, Ok(page))
        }
    }
}

async fn page(console: &Console, visitor: Visitor, name: &str, faults: Faults) -> Confirm {
    let heading = format!("Revoke the token of {name}?");
    let parts = (console.views.as_ref(), &console.live);
    let title = faults.titled(&heading);
    Confirm {
        frame: Frame::new(parts, visitor, Section::Settings, title).await,
        kind: "One token",
        heading,
        changes: vec![
            Change::new("The API, asked with it", "Answers", "Refuses"),
            Change::new("What it has done", "Stays in the journal", ""),
        ],
        note: "A new token can be made under the same name.".to_owned(),
        action: format!("/settings/tokens/{}/revoke", segment(name)),
        why_label: "",
        why: String::new(),
        command: format!("ironroot token revoke {name}"),
        button: format!("Revoke the token of {name}"),
        gravity: Gravity::Final,
        back: "/settings".to_owned(),
        stay: "Leave it as it is",
        faults,
    }
}
