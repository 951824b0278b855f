//! Taking a claim back before its device has come.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use ironroot_api::{ClaimWithdrawn, Lifecycle};

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
    Path(serial): Path<String>,
) -> Response {
    Shown(page(&console, visitor, &serial, Faults::default()).await).into_response()
}

pub(crate) async fn withdraw(
    State(console): State<Console>,
    Path(serial): Path<String>,
    sent: Sent<Nothing>,
) -> Response {
    let path = format!("/claims/{}", segment(&serial));
    match console
        .hub
        .delete::<ClaimWithdrawn>(&sent.visitor, &path)
        .await
    {
        Ok(done) => see(&format!("/onboard?withdrawn={}", segment(&done.serial))),
        Err(problem) => {
            let faults = Faults::of("The claim was not withdrawn", problem, "");
            let page = page(&console, sent.visitor, &serial, faults.clone()).await;
            answered(&faults, page)
        }
    }
}

async fn page(
    console: &Console,
    visitor: Visitor,
    serial: &str,
    faults: Faults,
) -> Result<Confirm, Trouble> {
    let device = console.views.device(serial).await?;
    let waits = device.item.lifecycle == Lifecycle::Claimed;
    let heading = format!("Withdraw the claim of {serial}?");
    let parts = (console.views.as_ref(), &console.live);
    let title = faults.titled(&heading);
    let now = |yes, no: &str| if waits { yes } else { no.to_owned() };
    Ok(Confirm {
        frame: Frame::new(parts, visitor, Section::Onboard, title).await,
        kind: "One claim",
        heading,
        changes: vec![
            Change::new("Claim", device.standing, now("Withdrawn".to_owned(), "")),
            Change::new(
                "Its token",
                now("Lets the device enrol once".to_owned(), "Void"),
                now("Void".to_owned(), ""),
            ),
            Change::new("The serial", "Yours", ""),
        ],
        note: "You can claim the serial again at any time; that makes a new token.".to_owned(),
        action: format!("/onboard/withdraw/{}", segment(serial)),
        why_label: "",
        why: String::new(),
        command: format!("ironroot claim withdraw {serial}"),
        button: format!("Withdraw the claim of {serial}"),
        gravity: Gravity::Undoable,
        back: "/onboard".to_owned(),
        stay: "Leave it waiting",
        faults,
    })
}
