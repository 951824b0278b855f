//! Taking a token of the API away.

use ironroot_api::{Problem, TokenRevoked};
use serde::Deserialize;

use super::confirm::{Change, Gravity, Question, Step};
use super::fault::Trouble;
use crate::Console;
use crate::address::segment;
use crate::frame::{Section, Visitor};
use crate::hub::Hub;

/// One token opens nothing any more.
#[derive(Deserialize)]
pub(crate) struct TokenRevocation {
    name: String,
}

impl Step for TokenRevocation {
    const SECTION: Section = Section::Settings;
    const NOT_DONE: &'static str = "The token was not revoked";

    async fn question(&self, _console: &Console, _visitor: &Visitor) -> Result<Question, Trouble> {
        let name = &self.name;
        Ok(Question {
            kind: "One token",
            heading: format!("Revoke the token of {name}?"),
            changes: vec![
                Change::new("The API, asked with it", "Answers", "Refuses"),
                Change::new("What it has done", "Stays in the journal", ""),
            ],
            note: "A new token can be made under the same name.",
            command: format!("ironroot token revoke {name}"),
            button: format!("Revoke the token of {name}"),
            gravity: Gravity::Final,
            back: "/settings".to_owned(),
            stay: "Leave it as it is",
        })
    }

    async fn carry_out(&self, hub: &Hub, by: &Visitor, _why: &str) -> Result<String, Problem> {
        let path = format!("/tokens/{}", segment(&self.name));
        let _done: TokenRevoked = hub.delete(by, &path).await?;
        Ok("/settings?done=revoked".to_owned())
    }
}
