//! Trusting a maker's CA no more.

use ironroot_api::{ManufacturerCaRemoved, Problem};
use serde::Deserialize;

use super::confirm::{Change, Gravity, Question, Step};
use super::fault::Trouble;
use crate::Console;
use crate::address::segment;
use crate::frame::{Section, Visitor};
use crate::hub::Hub;

/// One maker is trusted no more.
#[derive(Deserialize)]
pub(crate) struct MakerRemoval {
    name: String,
}

impl Step for MakerRemoval {
    const SECTION: Section = Section::Onboard;
    const NOT_DONE: &'static str = "The maker was not removed";

    async fn question(&self, console: &Console, _visitor: &Visitor) -> Result<Question, Trouble> {
        let name = &self.name;
        let maker = console.views.manufacturer(name)?;
        Ok(Question {
            kind: "One maker",
            heading: format!("Trust {name} no more?"),
            changes: vec![
                Change::new("Enrolment by IDevID", maker.subject, "Refused"),
                Change::new("Devices that have enrolled", "Stay", ""),
                Change::new("Claims and their tokens", "Work", ""),
            ],
            note: "You can add the maker again with the same certificate.",
            command: format!("ironroot ca manufacturer remove {name}"),
            button: format!("Remove {name}"),
            gravity: Gravity::Undoable,
            back: "/onboard/makers".to_owned(),
            stay: "Leave it trusted",
        })
    }

    async fn carry_out(&self, hub: &Hub, by: &Visitor, _why: &str) -> Result<String, Problem> {
        let path = format!("/manufacturer-cas/{}", segment(&self.name));
        let done: ManufacturerCaRemoved = hub.delete(by, &path).await?;
        Ok(format!("/onboard/makers?done={}", segment(&done.name)))
    }
}
