//! Why a request was refused, as RFC 9457 wants it; the one place where the API's status codes stand.

use std::error::Error;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ironroot_api::{FieldFault, PROBLEM_MEDIA_TYPE, Problem};
use ironroot_store::{LaterCause, StoreError};
use ironroot_views::NotShown;

use super::Api;
use crate::collect::intake::clock::NotConfirmed;
use crate::collect::intake::erasure::NotErased;
use crate::collect::intake::issuing_ca::RotationRefused;
use crate::collect::intake::manufacturer::ManufacturerRefused;
use crate::collect::intake::order::OrderRefused;
use crate::collect::intake::password::PasswordRefused;
use crate::collect::intake::profiles::NotApplied;
use crate::collect::intake::service::ServiceRefused;
use crate::collect::intake::tokens::NoToken;
use crate::collect::intake::view::ViewRefused;
use crate::enforce::archive::NotMoved;
use crate::enforce::snapshots::SnapshotRefused;
use crate::fault::{Blame, Fault, Reference, chain};
use crate::ledger::NotRecorded;

/// The classes of refusals. The same class has the same remedy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// The request cannot be read.
    Malformed,
    /// It says something that cannot be right.
    Content,
    /// It does not prove who sends it.
    Unauthenticated,
    /// Its sender may not do this.
    Forbidden,
    /// What it names is not there.
    Unknown,
    /// Its path leads nowhere.
    NoRoute,
    /// Its path knows other methods.
    Method,
    /// It does not fit the present state.
    Conflict,
    /// Its body is too large.
    TooLarge,
    /// Its body is of another media type.
    MediaType,
    /// It is addressed to another host.
    Misdirected,
    /// It was carried out, and could not be recorded yet.
    Held,
    /// It may succeed later.
    Later,
    /// The hub failed.
    Failed,
}

impl Class {
    /// Status code, name and title of the class.
    const fn told(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Malformed => (
                StatusCode::BAD_REQUEST,
                "malformed",
                "The request cannot be read",
            ),
            Self::Content => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "content",
                "The request asks for something that cannot be",
            ),
            Self::Unauthenticated => (
                StatusCode::UNAUTHORIZED,
                "unauthenticated",
                "The request carries no valid token",
            ),
            Self::Forbidden => (
                StatusCode::FORBIDDEN,
                "forbidden",
                "The request is not allowed",
            ),
            Self::Unknown => (
                StatusCode::NOT_FOUND,
                "unknown",
                "What the request names is not there",
            ),
            Self::NoRoute => (StatusCode::NOT_FOUND, "no-route", "The path leads nowhere"),
            Self::Method => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method",
                "The path knows other methods",
            ),
            Self::Conflict => (
                StatusCode::CONFLICT,
                "state",
                "The request does not fit the present state",
            ),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "too-large",
                "The request is too large",
            ),
            Self::MediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "media-type",
                "The body is not JSON",
            ),
            Self::Misdirected => (
                StatusCode::MISDIRECTED_REQUEST,
                "misdirected",
                "The request is for another host",
            ),
            Self::Held => (
                StatusCode::SERVICE_UNAVAILABLE,
                "order-held",
                "Carried out, and not recorded yet",
            ),
            Self::Later => (
                StatusCode::SERVICE_UNAVAILABLE,
                "later",
                "Not now; try again later",
            ),
            Self::Failed => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "failed",
                "The hub failed",
            ),
        }
    }
}

impl From<Fault> for Class {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Unproven => Self::Unauthenticated,
            Fault::Sender(Blame::Content) => Self::Content,
            Fault::Sender(Blame::Unknown) => Self::Unknown,
            Fault::Sender(Blame::State) => Self::Conflict,
            Fault::Sender(Blame::Right) => Self::Forbidden,
            Fault::Later => Self::Later,
            Fault::Ours => Self::Failed,
        }
    }
}

/// A refusal on its way to the caller.
#[derive(Debug)]
pub(crate) struct Refusal {
    class: Class,
    detail: String,
    reference: Option<Reference>,
    fields: Vec<FieldFault>,
}

impl Refusal {
    pub(crate) fn new(class: Class, detail: impl Into<String>) -> Self {
        Self {
            class,
            detail: detail.into(),
            reference: None,
            fields: Vec::new(),
        }
    }

    /// Refuses a form, field by field.
    pub(crate) fn of_fields(fields: Vec<FieldFault>) -> Self {
        let told = fields
            .iter()
            .map(|fault| format!("{}: {}", fault.field, fault.detail));
        let detail = told.collect::<Vec<_>>().join("; ");
        Self {
            fields,
            ..Self::new(Class::Content, detail + ".")
        }
    }

    /// Refuses one field.
    pub(crate) fn of_field(field: &str, cause: &dyn Error) -> Self {
        Self::of_fields(vec![FieldFault::new(field, chain(cause))])
    }

    /// What it tells the caller.
    pub(crate) fn into_detail(self) -> String {
        self.detail
    }

    pub(crate) fn with_reference(self, reference: Reference) -> Self {
        Self {
            reference: Some(reference),
            ..self
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, class, title) = self.class.told();
        let problem = Problem {
            kind: format!("urn:ironroot:problem:{class}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: self.detail,
            reference: self.reference.map(|reference| reference.to_string()),
            fields: self.fields,
        };
        let mut response = (status, Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(PROBLEM_MEDIA_TYPE),
        );
        match self.class {
            Class::Unauthenticated => {
                headers.insert(
                    header::WWW_AUTHENTICATE,
                    HeaderValue::from_static(CHALLENGE),
                );
            }
            Class::Later => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_S));
            }
            _ => {}
        }
        response
    }
}

/// An error that knows whose fault it is.
pub(crate) trait Blamed: Error {
    fn fault(&self) -> Fault;
}

/// Takes over what the error says of itself.
macro_rules! blamed {
    ($($error:ty),+) => {
        $(impl Blamed for $error {
            fn fault(&self) -> Fault {
                self.fault()
            }
        })+
    };
}

blamed!(
    NotRecorded,
    ServiceRefused,
    ManufacturerRefused,
    NotErased,
    NotMoved,
    RotationRefused,
    SnapshotRefused,
    NotConfirmed,
    NoToken,
    PasswordRefused,
    NotApplied,
    OrderRefused,
    ViewRefused
);

impl Blamed for NotShown {
    fn fault(&self) -> Fault {
        match self {
            Self::Unknown { .. } => Fault::Sender(Blame::Unknown),
            Self::BadCursor | Self::BadMoment(_) => Fault::Sender(Blame::Content),
            Self::NotSigned { .. } | Self::Interrupted(_) => Fault::Later,
            Self::Store(StoreError::Later(cause)) if !matches!(cause, LaterCause::Failed(_)) => {
                Fault::Later
            }
            _ => Fault::Ours,
        }
    }
}

impl Api {
    /// Refuses because of `cause`, which the caller is told: whoever has a token is an operator. Where it is
    /// not the request's own fault, the log has it too, under a reference number.
    pub(crate) fn refuse(&self, cause: &dyn Blamed) -> Refusal {
        self.refuse_as(cause.fault().into(), &chain(cause))
    }

    /// The same, said of the field that is at fault, if one is.
    pub(crate) fn refuse_field(&self, field: Option<&str>, cause: &dyn Blamed) -> Refusal {
        let refusal = self.refuse(cause);
        match field {
            None => refusal,
            Some(field) => Refusal {
                fields: vec![FieldFault::new(field, chain(cause))],
                ..refusal
            },
        }
    }

    pub(crate) fn refuse_as(&self, class: Class, cause: &str) -> Refusal {
        let refusal = Refusal::new(class, format!("{cause}."));
        let reference = Reference::new(self.rng.as_ref());
        match class {
            Class::Failed => {
                tracing::error!(door = "api", %reference, error = cause, "A request failed.");
            }
            Class::Later | Class::Held => {
                tracing::warn!(door = "api", %reference, error = cause, "A request was put off.");
            }
            _ => return refusal,
        }
        refusal.with_reference(reference)
    }
}

/// RFC 6750 section 3.
const CHALLENGE: &str = "Bearer realm=\"Ironroot\"";

const RETRY_AFTER_S: &str = "5";
