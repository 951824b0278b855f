//! What will change, before it does: one page for every step that a person confirms.

use askama::Template;

use crate::form::Faults;
use crate::frame::Frame;

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

/// The page.
#[derive(Debug, Template)]
#[template(path = "confirm.html")]
pub(crate) struct Confirm {
    pub(crate) frame: Frame,
    /// What kind of step it is, in a few words.
    pub(crate) kind: &'static str,
    /// The question.
    pub(crate) heading: String,
    pub(crate) changes: Vec<Change>,
    /// What it will not do, or what undoes it.
    pub(crate) note: String,
    /// Where the form goes.
    pub(crate) action: String,
    /// The label of the reason that is asked for; empty when none is.
    pub(crate) why_label: &'static str,
    /// The reason as it was typed.
    pub(crate) why: String,
    /// The same by command line.
    pub(crate) command: String,
    /// What the button says, which does it.
    pub(crate) button: String,
    pub(crate) gravity: Gravity,
    /// The way back, and its words.
    pub(crate) back: String,
    pub(crate) stay: &'static str,
    pub(crate) faults: Faults,
}

impl Confirm {
    fn is_final(&self) -> bool {
        self.gravity == Gravity::Final
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{HOSTILE, check, frame};
    use crate::frame::Section;

    #[test]
    fn it_is_shown_with_and_without_a_reason_and_with_what_is_wrong() {
        let mut page = Confirm {
            frame: frame(Section::Onboard),
            kind: "Claim",
            heading: HOSTILE.to_owned(),
            changes: vec![
                Change::new("Token", HOSTILE, ""),
                Change::new("Claim", "waits", HOSTILE),
            ],
            note: HOSTILE.to_owned(),
            action: HOSTILE.to_owned(),
            why_label: "",
            why: HOSTILE.to_owned(),
            command: HOSTILE.to_owned(),
            button: HOSTILE.to_owned(),
            gravity: Gravity::Undoable,
            back: "/".to_owned(),
            stay: "Leave it",
            faults: Faults::default(),
        };
        let html = page.render().unwrap();
        check(&html);
        assert!(!html.contains("textarea") && !html.contains("grave"));
        page.why_label = "Why?";
        page.gravity = Gravity::Final;
        page.faults = Faults::one("It was not done", "why", HOSTILE);
        let html = page.render().unwrap();
        check(&html);
        assert!(html.contains(r#"role="alert""#) && html.contains("btn grave"));
        assert!(html.contains(r##"href="#why""##) && html.contains("Error: "));
    }
}
