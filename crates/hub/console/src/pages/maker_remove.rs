//! Trusting a maker's CA no more.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use ironroot_api::ManufacturerCaRemoved;

use super::confirm::{Change, Confirm, Gravity};
use super::fault::Trouble;
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
    Shown(page(&console, visitor, &name, Faults::default()).await).into_response()
}

pub(crate) async fn remove(
    State(console): State<Console>,
    Path(name): Path<String>,
    sent: Sent<Nothing>,
) -> Response {
    let path = format!("/manufacturer-cas/{}", segment(&name));
    match console
        .hub
        .delete::<ManufacturerCaRemoved>(&sent.visitor, &path)
        .await
    {
        Ok(done) => see(&format!("/onboard/makers?done={}", segment(&done.name))),
        Err(problem) => {
            let faults = Faults::of("The maker was not removed", problem, "");
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
    let maker = console.views.manufacturer(name)?;
    let heading = format!("Trust {name} no more?");
    let parts = (console.views.as_ref(), &console.live);
    let title = faults.titled(&heading);
    Ok(Confirm {
        frame: Frame::new(parts, visitor, Section::Onboard, title).await,
        kind: "One maker",
        heading,
        changes: vec![
            Change::new("Enrolment by IDevID", maker.subject, "Refused"),
            Change::new("Devices that have enrolled", "Stay", ""),
            Change::new("Claims and their tokens", "Work", ""),
        ],
        note: "You can add the maker again with the same certificate.".to_owned(),
        action: format!("/onboard/makers/{}/remove", segment(name)),
        why_label: "",
        why: String::new(),
        command: format!("ironroot ca manufacturer remove {name}"),
        button: format!("Remove {name}"),
        gravity: Gravity::Undoable,
        back: "/onboard/makers".to_owned(),
        stay: "Leave it trusted",
        faults,
    })
}
