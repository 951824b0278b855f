//! Taking a claim back before its device has come.

use ironroot_api::{ClaimWithdrawn, Lifecycle, Problem};
use serde::Deserialize;

use super::confirm::{Change, Gravity, Question, Step};
use super::fault::Trouble;
use crate::Console;
use crate::address::segment;
use crate::frame::{Section, Visitor};
use crate::hub::Hub;

/// One claim waits no more.
#[derive(Deserialize)]
pub(crate) struct Withdrawal {
    serial: String,
}

impl Step for Withdrawal {
    const SECTION: Section = Section::Onboard;
    const NOT_DONE: &'static str = "The claim was not withdrawn";

    async fn question(&self, console: &Console, _visitor: &Visitor) -> Result<Question, Trouble> {
        let serial = &self.serial;
        let device = console.views.device(serial).await?;
        let waits = device.item.lifecycle == Lifecycle::Claimed;
        let now = |yes, no| if waits { yes } else { no };
        Ok(Question {
            kind: "One claim",
            heading: format!("Withdraw the claim of {serial}?"),
            changes: vec![
                Change::new("Claim", device.standing, now("Withdrawn", "")),
                Change::new(
                    "Its token",
                    now("Lets the device enrol once", "Void"),
                    now("Void", ""),
                ),
                Change::new(
                    "The serial",
                    now("In the list of devices", "Left out of lists"),
                    now("Left out of lists", ""),
                ),
            ],
            note: "You can claim the serial again at any time; that makes a new token.",
            command: format!("ironroot claim withdraw {serial}"),
            button: format!("Withdraw the claim of {serial}"),
            gravity: Gravity::Undoable,
            back: "/onboard".to_owned(),
            stay: "Leave it waiting",
        })
    }

    async fn carry_out(&self, hub: &Hub, by: &Visitor, _why: &str) -> Result<String, Problem> {
        let path = format!("/claims/{}", segment(&self.serial));
        let done: ClaimWithdrawn = hub.delete(by, &path).await?;
        Ok(format!("/onboard?withdrawn={}", segment(&done.serial)))
    }
}
