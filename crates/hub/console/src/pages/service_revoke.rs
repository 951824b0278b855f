//! Taking a service's identity away.

use ironroot_api::{Problem, ServiceRevoked};
use serde::Deserialize;

use super::confirm::{Change, Gravity, Question, Step};
use super::fault::Trouble;
use crate::Console;
use crate::address::segment;
use crate::figures::counted;
use crate::frame::{Section, Visitor};
use crate::hub::Hub;

/// One service loses its identity.
#[derive(Deserialize)]
pub(crate) struct ServiceRevocation {
    name: String,
}

impl Step for ServiceRevocation {
    const SECTION: Section = Section::Services;
    const NOT_DONE: &'static str = "The service was not revoked";

    async fn question(&self, console: &Console, _visitor: &Visitor) -> Result<Question, Trouble> {
        let name = &self.name;
        let service = console.views.service(name).await?.item;
        let sessions = match service.sessions {
            0 => Change::new("Sessions", "None", ""),
            live => {
                let live = counted(live.into(), "session", "sessions");
                Change::new("Sessions", live, "Cut at once")
            }
        };
        let certificate = if service.revoked { "Revoked" } else { "Valid" };
        let filters = (service.publish.len() + service.subscribe.len()) as u64;
        let filters = counted(filters, "filter", "filters");
        Ok(Question {
            kind: "One service",
            heading: format!("Revoke {name}?"),
            changes: vec![
                Change::new("Certificate", certificate, "Revoked"),
                sessions,
                Change::new("May reach", filters, "Nothing"),
            ],
            note: "Its certificate counts no more, for ever. A service of the same name can be made anew, with another certificate.",
            command: format!("ironroot service revoke {name}"),
            button: format!("Revoke {name}"),
            gravity: Gravity::Final,
            back: format!("/services/{}", segment(name)),
            stay: "Leave it as it is",
        })
    }

    async fn carry_out(&self, hub: &Hub, by: &Visitor, _why: &str) -> Result<String, Problem> {
        let path = format!("/services/{}", segment(&self.name));
        let done: ServiceRevoked = hub.delete(by, &path).await?;
        Ok(format!("/services?revoked={}", segment(&done.name)))
    }
}
