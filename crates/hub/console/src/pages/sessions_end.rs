//! Signing everybody out.

use ironroot_api::{Problem, SessionsEnded};
use serde::Deserialize;

use super::confirm::{Change, Gravity, Question, Step};
use super::fault::Trouble;
use crate::Console;
use crate::frame::{Section, Visitor};
use crate::hub::Hub;

/// Every session ends.
#[derive(Deserialize)]
pub(crate) struct SessionsEnd {}

impl Step for SessionsEnd {
    const SECTION: Section = Section::Settings;
    const NOT_DONE: &'static str = "It was not recorded that everybody is signed out";

    async fn question(&self, _console: &Console, visitor: &Visitor) -> Result<Question, Trouble> {
        let back_in = if visitor.has_password {
            "By password, or by a new link"
        } else {
            "By a new link: there is no password"
        };
        Ok(Question {
            kind: "Every session of the console",
            heading: "Sign everybody out?".to_owned(),
            changes: vec![
                Change::new("Sessions", "Last twelve hours", "End now, yours too"),
                Change::new("Sign-in links", "Work once", "Void"),
                Change::new("Coming back", back_in, ""),
                Change::new("Tokens of the API", "Work", ""),
            ],
            note: "",
            command: "ironroot session end".to_owned(),
            button: "Sign everybody out".to_owned(),
            gravity: Gravity::Undoable,
            back: "/settings".to_owned(),
            stay: "Leave them signed in",
        })
    }

    async fn carry_out(&self, hub: &Hub, by: &Visitor, _why: &str) -> Result<String, Problem> {
        let _done: SessionsEnded = hub.delete(by, "/sessions").await?;
        Ok("/sign-in?out=true".to_owned())
    }
}
