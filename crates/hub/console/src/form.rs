//! Forms: taken from pages of the same session only, and given back with what is wrong beside each field.

use axum::body::Bytes;
use axum::extract::{Form, FromRequest, Multipart, Request};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use ironroot_api::{FieldFault, Problem};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::frame::Visitor;
use crate::pages::fault::{Trouble, fault_page};

/// A form that a page of this session sent.
pub(crate) struct Sent<T> {
    /// Who sent it.
    pub(crate) visitor: Visitor,
    /// What it says.
    pub(crate) form: T,
}

#[derive(Deserialize)]
struct Guarded<T> {
    #[serde(default)]
    csrf: String,
    #[serde(flatten)]
    form: T,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Sent<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let visitor = visitor_of(&request).ok_or_else(foreign)?;
        let read = Form::<Guarded<T>>::from_request(request, state).await;
        let Form(Guarded { csrf, form }) = read.map_err(|cause| unread(&cause.body_text()))?;
        if !visitor.owns(&csrf) {
            return Err(foreign());
        }
        Ok(Self { visitor, form })
    }
}

/// A form that says no more than which page it stands on.
#[derive(Debug, Deserialize)]
pub(crate) struct Nothing {}

/// A file that a page of this session sent, or the text that was pasted in its place.
pub(crate) struct Upload {
    /// Who sent it.
    pub(crate) visitor: Visitor,
    /// Its text; what is no UTF-8 is replaced.
    pub(crate) text: String,
}

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let visitor = visitor_of(&request).ok_or_else(foreign)?;
        let parts = Multipart::from_request(request, state).await;
        let mut parts = parts.map_err(|cause| unread(&cause.body_text()))?;
        let (mut csrf, mut text) = (String::new(), String::new());
        while let Some(part) = parts
            .next_field()
            .await
            .map_err(|cause| unread(&cause.body_text()))?
        {
            let name = part.name().unwrap_or_default().to_owned();
            let bytes = part
                .bytes()
                .await
                .map_err(|cause| unread(&cause.body_text()))?;
            match name.as_str() {
                "csrf" => csrf = lossy(&bytes),
                // The file counts before what was pasted.
                "file" if !bytes.is_empty() => text = lossy(&bytes),
                "text" if text.is_empty() => text = lossy(&bytes),
                _ => {}
            }
        }
        if !visitor.owns(&csrf) {
            return Err(foreign());
        }
        Ok(Self { visitor, text })
    }
}

fn lossy(bytes: &Bytes) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn visitor_of(request: &Request) -> Option<Visitor> {
    request.extensions().get::<Visitor>().cloned()
}

fn foreign() -> Response {
    fault_page(&Trouble::ForeignForm)
}

fn unread(cause: &str) -> Response {
    fault_page(&Trouble::Faulty(format!(
        "{}.",
        cause.trim_end_matches('.')
    )))
}

/// Sends the browser to a page after its form was carried out, so that a reload repeats nothing.
pub(crate) fn see(path: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, path)]).into_response()
}

/// A choice of a list.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) word: String,
    pub(crate) chosen: bool,
}

/// What is wrong with a form: on top of the page, and again beside each field.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    /// What did not come about; empty when nothing is wrong.
    pub(crate) heading: &'static str,
    /// Each with the field that it belongs to.
    pub(crate) all: Vec<FieldFault>,
}

impl Faults {
    /// What the API has against it; what it does not say of one field belongs to `field`.
    pub(crate) fn of(heading: &'static str, problem: Problem, field: &str) -> Self {
        let all = match problem.fields {
            fields if fields.is_empty() => vec![FieldFault::new(
                field,
                told(problem.detail, problem.reference),
            )],
            fields => fields
                .into_iter()
                .map(|fault| FieldFault::new(&fault.field, told(words(&fault.detail), None)))
                .collect(),
        };
        Self { heading, all }
    }

    /// One field is wrong.
    pub(crate) fn one(heading: &'static str, field: &str, detail: impl Into<String>) -> Self {
        let all = vec![FieldFault::new(field, detail)];
        Self { heading, all }
    }

    /// What is wrong with a field.
    pub(crate) fn at(&self, field: &str) -> Option<&str> {
        let fault = self.all.iter().find(|fault| fault.field == field)?;
        Some(&fault.detail)
    }

    /// The page's title: what failed comes first.
    pub(crate) fn titled(&self, title: &str) -> String {
        match self.heading {
            "" => title.to_owned(),
            heading => format!("{heading}: {title}"),
        }
    }

    /// The status of the page that shows them.
    pub(crate) fn status(&self) -> StatusCode {
        if self.all.is_empty() {
            StatusCode::OK
        } else {
            StatusCode::UNPROCESSABLE_ENTITY
        }
    }
}

/// The words of an error that also draws where it is, which takes lines of letters of one width.
fn words(detail: &str) -> String {
    let drawn = |line: &&str| {
        let behind = line.trim_start_matches(|c: char| c == ' ' || c.is_ascii_digit());
        !behind.starts_with('|')
    };
    let lines: Vec<_> = detail.lines().filter(drawn).collect();
    lines.join(": ")
}

/// A sentence, with the number under which the hub's log tells the cause. A name that it begins with stays as
/// it is.
fn told(detail: String, reference: Option<String>) -> String {
    let first = detail.split(' ').next().unwrap_or_default();
    let word = first.bytes().all(|byte| byte.is_ascii_lowercase());
    let sentence = match detail.get(..1).filter(|_letter| word) {
        Some(letter) => detail.replacen(letter, &letter.to_ascii_uppercase(), 1),
        None => detail,
    };
    match reference {
        None => sentence,
        Some(reference) => format!("{sentence} Reference {reference}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_is_left_out_and_its_words_stay() {
        let toml = "TOML parse error at line 11, column 2\n   |\n11 | [topocs]\n   |  ^^^^^^\nunknown field";
        assert_eq!(
            words(toml),
            "TOML parse error at line 11, column 2: unknown field"
        );
        assert_eq!(words("it contains ' '"), "it contains ' '");
    }

    #[test]
    fn a_sentence_begins_with_a_capital_and_a_name_does_not() {
        assert_eq!(
            told("there is no profile x.".to_owned(), None),
            "There is no profile x."
        );
        assert_eq!(told("cam-1: in use.".to_owned(), None), "cam-1: in use.");
        let reference = Some("00ff".to_owned());
        assert_eq!(told(String::new(), reference), " Reference 00ff.");
    }
}
