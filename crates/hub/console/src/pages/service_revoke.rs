//! Taking a service's identity away.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use ironroot_api::ServiceRevoked;

use super::confirm::{Change, Confirm, Gravity};
use super::fault::Trouble;
use super::onboard_tokens::Nothing;
use super::{Shown, answered};
use crate::Console;
use crate::figures::counted;
use crate::form::{Faults, Sent, see};
use crate::frame::{Frame, Section, Visitor};
use crate::hub::segment;

pub(crate) async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
) -> Response {
    Shown(page(&console, visitor, &name, Faults::default()).await).into_response()
}

pub(crate) async fn revoke(
    State(console): State<Console>,
    Path(name): Path<String>,
    sent: Sent<Nothing>,
) -> Response {
    let path = format!("/services/{}", segment(&name));
    match console
        .hub
        .delete::<ServiceRevoked>(&sent.visitor, &path)
        .await
    {
        Ok(done) => see(&format!("/services?revoked={}", segment(&done.name))),
        Err(problem) => {
            let faults = Faults::of("The service was not revoked", problem, "");
            let page = page(&console, sent.visitor, &name, faults.clone()).await;
            answered(&faults, page)
        }
    }
}

async fn page(
    console: &Console,
    visitor: Visitor,
    name: &str,
    faults: Faults,
) -> Result<Confirm, Trouble> {
    let service = console.views.service(name).await?.item;
    let heading = format!("Revoke {name}?");
    let parts = (console.views.as_ref(), &console.live);
    let title = faults.titled(&heading);
    let sessions = match service.sessions {
        0 => Change::new("Sessions", "None", ""),
        live => {
            let live = counted(live.into(), "session", "sessions");
            Change::new("Sessions", live, "Cut at once")
        }
    };
    let filters = (service.publish.len() + service.subscribe.len()) as u64;
    Ok(Confirm {
        frame: Frame::new(parts, visitor, Section::Services, title).await,
        kind: "One service",
        heading,
        changes: vec![
            Change::new("Certificate", if service.revoked { "Revoked" } else { "Valid" }, "Revoked"),
            sessions,
            Change::new("May reach", counted(filters, "filter", "filters"), "Nothing"),
        ],
        note: "Its certificate counts no more, for ever. A service of the same name can be made anew, with another certificate."
            .to_owned(),
        action: format!("/services/{}/revoke", segment(name)),
        why_label: "",
        why: String::new(),
        command: format!("ironroot service revoke {name}"),
        button: format!("Revoke {name}"),
        gravity: Gravity::Final,
        back: format!("/services/{}", segment(name)),
        stay: "Leave it as it is",
        faults,
    })
}
