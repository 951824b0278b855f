//! The machine's clock, when it has jumped: a person says that it is right.

use ironroot_api::{ClockConfirmed, NewClockConfirmation, Problem};
use serde::Deserialize;

use super::confirm::{Change, Gravity, Question, Step};
use super::fault::Trouble;
use crate::Console;
use crate::figures::moment;
use crate::frame::{Section, Visitor};
use crate::hub::Hub;

/// The clock is right after all.
#[derive(Deserialize)]
pub(crate) struct ClockConfirmation {}

impl Step for ClockConfirmation {
    const SECTION: Section = Section::Settings;
    const NOT_DONE: &'static str = "The clock was not confirmed";
    const WHY: &'static str = "How do you know that it is right?";

    async fn question(&self, console: &Console, _visitor: &Visitor) -> Result<Question, Trouble> {
        let now = moment(&console.views.now().to_string());
        Ok(Question {
            kind: "The hub’s time",
            heading: "Confirm the machine’s clock?".to_owned(),
            changes: vec![
                Change::new(
                    "The hub’s time",
                    format!("{now} UTC, by its own count"),
                    "What the machine’s clock shows",
                ),
                Change::new(
                    "Certificates",
                    "None are issued while the clock is in doubt",
                    "Issued again",
                ),
                Change::new("The journal’s times", "Never go back", ""),
            ],
            note: "Compare the machine’s clock with another first. If it is wrong, set it right: the hub then goes on by itself.",
            command: "ironroot clock confirm --why \"…\"".to_owned(),
            button: "Confirm the clock".to_owned(),
            gravity: Gravity::Undoable,
            back: "/settings".to_owned(),
            stay: "Leave it in doubt",
        })
    }

    async fn carry_out(&self, hub: &Hub, by: &Visitor, why: &str) -> Result<String, Problem> {
        let new = NewClockConfirmation {
            why: why.to_owned(),
        };
        let path = "/clock/confirm";
        let _done: ClockConfirmed = hub.post(by, path, &new).await?;
        Ok("/settings?done=clock".to_owned())
    }
}
