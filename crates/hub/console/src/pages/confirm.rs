//! A step that a person confirms: what it will change is shown; then it is carried out, or shown again with what
//! is against it.
//!
//! To add one: a type that is a [`Step`] in a file of its own, and a line in the route list.

use std::future::Future;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use ironroot_api::Problem;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::fault::Trouble;
use super::{Shown, answered};
use crate::Console;
use crate::form::{Faults, Sent, see};
use crate::frame::{Frame, Section, Visitor};
use crate::hub::Hub;

/// One kind of step; the address names what it is about, field by field.
pub(crate) trait Step: DeserializeOwned + Send + Sync + 'static {
    /// The part of the console that it belongs to.
    const SECTION: Section;
    /// What is said when it did not come about.
    const NOT_DONE: &'static str;
    /// The label of the reason that is asked for; empty when none is.
    const WHY: &'static str = "";

    /// What will change.
    fn question(
        &self,
        console: &Console,
        visitor: &Visitor,
    ) -> impl Future<Output = Result<Question, Trouble>> + Send;

    /// Asks the hub to do it; gives the address of the page that tells of it.
    fn carry_out(
        &self,
        hub: &Hub,
        by: &Visitor,
        why: &str,
    ) -> impl Future<Output = Result<String, Problem>> + Send;
}

/// The page of a step, and the form on it.
pub(crate) fn confirmed<S: Step>() -> MethodRouter<Console> {
    get(show::<S>).post(obey::<S>)
}

/// One thing, now and after.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) what: &'static str,
    pub(crate) now: String,
    /// Empty when it stays as it is.
    pub(crate) after: String,
}

impl Change {
    pub(crate) fn new(
        what: &'static str,
        now: impl Into<String>,
        after: impl Into<String>,
    ) -> Self {
        Self {
            what,
            now: now.into(),
            after: after.into(),
        }
    }
}

/// Whether what was confirmed can be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gravity {
    /// It can.
    Undoable,
    /// It cannot.
    Final,
}

/// What a person is asked.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// What kind of step it is, in a few words.
    pub(crate) kind: &'static str,
    pub(crate) heading: String,
    pub(crate) changes: Vec<Change>,
    /// What it will not do, or what undoes it.
    pub(crate) note: &'static str,
    /// The same by command line.
    pub(crate) command: String,
    /// What the button says, which does it.
    pub(crate) button: String,
    pub(crate) gravity: Gravity,
    /// The way back, and its words.
    pub(crate) back: String,
    pub(crate) stay: &'static str,
}

/// The page.
#[derive(Debug, Template)]
#[template(path = "confirm.html")]
struct Confirm {
    frame: Frame,
    question: Question,
    /// Where the form goes: to the page's own address.
    action: String,
    why_label: &'static str,
    form: Reason,
    faults: Faults,
}

/// The form, as it was typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Reason {
    why: String,
}

impl Confirm {
    fn is_final(&self) -> bool {
        self.question.gravity == Gravity::Final
    }
}

async fn show<S: Step>(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Path(step): Path<S>,
    address: Uri,
) -> Response {
    let (form, faults) = (Reason::default(), Faults::default());
    Shown(page(&console, visitor, &step, &address, form, faults).await).into_response()
}

async fn obey<S: Step>(
    State(console): State<Console>,
    Path(step): Path<S>,
    address: Uri,
    Sent { visitor, form }: Sent<Reason>,
) -> Response {
    match step.carry_out(&console.hub, &visitor, &form.why).await {
        Ok(done) => see(&done),
        Err(problem) => {
            let field = if S::WHY.is_empty() { "" } else { "why" };
            let faults = Faults::of(S::NOT_DONE, problem, field);
            let page = page(&console, visitor, &step, &address, form, faults.clone()).await;
            answered(&faults, page)
        }
    }
}

async fn page<S: Step>(
    console: &Console,
    visitor: Visitor,
    step: &S,
    address: &Uri,
    form: Reason,
    faults: Faults,
) -> Result<Confirm, Trouble> {
    let question = step.question(console, &visitor).await?;
    let title = faults.titled(&question.heading);
    Ok(Confirm {
        frame: console.frame(visitor, S::SECTION, title).await,
        question,
        action: address.path().to_owned(),
        why_label: S::WHY,
        form,
        faults,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{HOSTILE, check, frame};

    #[test]
    fn it_is_shown_with_and_without_a_reason_and_with_what_is_wrong() {
        let question = Question {
            kind: "Claim",
            heading: HOSTILE.to_owned(),
            changes: vec![
                Change::new("Token", HOSTILE, ""),
                Change::new("Claim", "waits", HOSTILE),
            ],
            note: HOSTILE,
            command: HOSTILE.to_owned(),
            button: HOSTILE.to_owned(),
            gravity: Gravity::Undoable,
            back: "/".to_owned(),
            stay: "Leave it",
        };
        let mut page = Confirm {
            frame: frame(Section::Onboard),
            question,
            action: HOSTILE.to_owned(),
            why_label: "",
            form: Reason {
                why: HOSTILE.to_owned(),
            },
            faults: Faults::default(),
        };
        let html = page.render().unwrap();
        check(&html);
        assert!(!html.contains("textarea") && !html.contains("grave"));
        page.why_label = "Why?";
        page.question.gravity = Gravity::Final;
        page.faults = Faults::one("It was not done", "why", HOSTILE);
        let html = page.render().unwrap();
        check(&html);
        assert!(html.contains(r#"role="alert""#) && html.contains("btn grave"));
        assert!(html.contains(r##"href="#why""##) && html.contains("Error: "));
    }
}
