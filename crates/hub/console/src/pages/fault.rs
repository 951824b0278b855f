//! The page that is shown when there is none: made without store, journal or session.

use std::error::Error;

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use ironroot_api::Problem;
use ironroot_views::NotShown;

/// Why a page is not shown.
#[derive(Debug)]
#[non_exhaustive]
pub enum Trouble {
    /// The address leads nowhere, or what it named is not there.
    NotThere(String),
    /// The request is faulty.
    Faulty(String),
    /// The form was sent from elsewhere, or is too old.
    ForeignForm,
    /// The API did not do what a page asked of it.
    Refused(Box<Problem>),
    /// The hub failed, or cannot answer now.
    Failed(String),
}

#[derive(Clone, Debug, Template)]
#[template(path = "fault.html")]
struct FaultPage {
    status: u16,
    heading: &'static str,
    what: String,
    remedy: &'static str,
    demonstration: bool,
}

/// The page for a trouble, with its status code: the only place where the console's are written.
pub fn fault_page(trouble: &Trouble) -> Response {
    let (status, heading, what, remedy) = match trouble {
        Trouble::NotThere(what) => (
            StatusCode::NOT_FOUND,
            "There is no page here",
            what.as_str(),
            "Check the address, or look for the device in the list.",
        ),
        Trouble::Faulty(what) => (
            StatusCode::BAD_REQUEST,
            "The address cannot be read",
            what.as_str(),
            "Go back, and follow the link again.",
        ),
        Trouble::ForeignForm => (
            StatusCode::FORBIDDEN,
            "Nothing was done",
            "The form did not come from a page of this session.",
            "Open the console again, and repeat what you did.",
        ),
        Trouble::Refused(problem) => (
            StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            "Nothing was done",
            problem.detail.as_str(),
            "Go back and try again; what you typed is still there. Your devices are still guarded.",
        ),
        Trouble::Failed(what) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The page cannot be made",
            what.as_str(),
            "Your devices are still guarded: the doors go on with the Grants they have. See `ironroot status` and the hub's log.",
        ),
    };
    let page = FaultPage {
        status: status.as_u16(),
        heading,
        what: what.to_owned(),
        remedy,
        demonstration: false,
    };
    let mut response = (status, Html(page.html())).into_response();
    response.extensions_mut().insert(page);
    response
}

/// Puts the demonstration's mark on a page of a fault, which is made where nobody knows whose hub it is.
pub async fn mark_demonstration(mut response: Response) -> Response {
    if let Some(mut page) = response.extensions_mut().remove::<FaultPage>() {
        page.demonstration = true;
        response.headers_mut().remove(header::CONTENT_LENGTH);
        *response.body_mut() = page.html().into();
    }
    response
}

impl FaultPage {
    fn html(&self) -> String {
        let html = self.render();
        html.unwrap_or_else(|_cause| self.heading.to_owned())
    }
}

impl From<NotShown> for Trouble {
    fn from(cause: NotShown) -> Self {
        match cause {
            NotShown::Unknown { .. } | NotShown::NotSigned { .. } => {
                Self::NotThere(sentence(&cause))
            }
            NotShown::BadCursor | NotShown::BadMoment(_) => Self::Faulty(sentence(&cause)),
            _ => {
                tracing::error!(error = %sentence(&cause), "A page could not be made.");
                Self::Failed(sentence(&cause))
            }
        }
    }
}

impl From<Problem> for Trouble {
    fn from(problem: Problem) -> Self {
        match problem.status {
            404 => Self::NotThere(problem.detail),
            _ => Self::Refused(Box::new(problem)),
        }
    }
}

impl From<askama::Error> for Trouble {
    fn from(cause: askama::Error) -> Self {
        tracing::error!(error = %cause, "A template could not be rendered.");
        Self::Failed(sentence(&cause))
    }
}

/// An error and its causes as one sentence, for an operator.
fn sentence(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        line = format!("{line}: {next}");
        cause = next.source();
    }
    let mut letters = line.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).chain(['.']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{HOSTILE, check};
    use axum::body::to_bytes;

    async fn page(trouble: &Trouble) -> (u16, String) {
        let response = fault_page(trouble);
        (response.status().as_u16(), read(response).await)
    }

    async fn read(response: Response) -> String {
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        String::from_utf8(body.into()).unwrap()
    }

    #[tokio::test]
    async fn each_trouble_says_what_happened_and_what_to_do() {
        for (trouble, status, told) in [
            (
                Trouble::NotThere(HOSTILE.to_owned()),
                404,
                "look for the device",
            ),
            (
                Trouble::Faulty(HOSTILE.to_owned()),
                400,
                "follow the link again",
            ),
            (Trouble::ForeignForm, 403, "Nothing was done"),
            (Trouble::Failed(HOSTILE.to_owned()), 503, "still guarded"),
        ] {
            let (found, html) = page(&trouble).await;
            check(&html);
            assert_eq!(found, status);
            assert!(
                html.contains(told) && !html.contains("Demonstration"),
                "{html}"
            );
        }
    }

    #[tokio::test]
    async fn the_demonstration_says_so_on_its_faults_too() {
        let fault = fault_page(&Trouble::NotThere(HOSTILE.to_owned()));
        let marked = mark_demonstration(fault).await;
        assert_eq!(marked.status(), StatusCode::NOT_FOUND);
        let html = read(marked).await;
        check(&html);
        assert!(html.contains("Demonstration") && html.contains("look for the device"));
        let other = mark_demonstration(StatusCode::NOT_FOUND.into_response()).await;
        assert_eq!(read(other).await, "");
    }

    #[test]
    fn an_operator_is_told_the_cause() {
        let no_number = serde_json::from_str::<u8>("x").unwrap_err();
        let cause = NotShown::DamagedRow(no_number);
        let Trouble::Failed(what) = Trouble::from(cause) else {
            panic!("a store that fails is no address that leads nowhere");
        };
        assert_eq!(
            what,
            "A row of the state is damaged: `ironroot journal rebuild` makes it again: \
             expected value at line 1 column 1."
        );
    }
}
