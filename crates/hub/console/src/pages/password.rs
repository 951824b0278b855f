//! The password: set after the first sign-in, and changed whenever its owner wants.

use askama::Template;
use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use ironroot_api::{NewPassword, PasswordSet, Secret};
use serde::Deserialize;

use super::{Shown, answered};
use crate::Console;
use crate::form::{Faults, Sent, see};
use crate::frame::{Begun, Frame, Section, Visitor};

/// The form. Nothing of it comes back.
#[derive(Deserialize)]
pub(crate) struct PasswordForm {
    #[serde(default)]
    current: Option<Secret>,
    password: Secret,
    again: Secret,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    /// Whoever comes has just signed in for the first time.
    first: bool,
}

#[derive(Debug, Template)]
#[template(path = "password.html")]
pub(crate) struct PasswordPage {
    frame: Frame,
    /// There is none yet, and this is the first thing to do.
    first: bool,
    /// The present one is asked for.
    confirms: bool,
    faults: Faults,
}

pub(crate) async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let asked = asked.map(|Query(asked)| asked).unwrap_or_default();
    let page = page(&console, visitor, asked, Faults::default()).await;
    Shown(Ok(page)).into_response()
}

pub(crate) async fn set(State(console): State<Console>, sent: Sent<PasswordForm>) -> Response {
    let Sent { visitor, form } = sent;
    let heading = "The password was not set";
    let faults = if form.password.reveal() == form.again.reveal() {
        let new = NewPassword {
            password: form.password,
            current: form.current,
        };
        match console
            .hub
            .put::<PasswordSet>(&visitor, "/password", &new)
            .await
        {
            Ok(_done) => return see("/settings?done=password"),
            Err(problem) => Faults::of(heading, problem, "password"),
        }
    } else {
        Faults::one(
            heading,
            "again",
            "The two are not the same. Type them once more.",
        )
    };
    let page = page(&console, visitor, Asked::default(), faults.clone()).await;
    answered(&faults, Ok(page))
}

async fn page(console: &Console, visitor: Visitor, asked: Asked, faults: Faults) -> PasswordPage {
    let confirms = visitor.has_password && visitor.begun == Begun::Password;
    let first = asked.first && !visitor.has_password;
    let title = faults.titled("Password");
    PasswordPage {
        frame: console.frame(visitor, Section::Settings, title).await,
        first,
        confirms,
        faults,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{HOSTILE, check, frame};

    fn html(first: bool, confirms: bool, faults: Faults) -> String {
        let page = PasswordPage {
            frame: frame(Section::Settings),
            first,
            confirms,
            faults,
        };
        let html = page.render().unwrap();
        check(&html);
        assert!(!html.contains("value=\"\"") && html.contains("autocomplete=\"new-password\""));
        html
    }

    #[test]
    fn the_first_one_can_wait_and_a_later_one_asks_for_the_present() {
        assert!(html(true, false, Faults::default()).contains("Not now"));
        assert!(html(false, true, Faults::default()).contains("current-password"));
        let wrong = html(
            false,
            true,
            Faults::one("The password was not set", "current", HOSTILE),
        );
        assert!(wrong.contains("id=\"current-e\""));
    }
}
