//! What a request brings: body, query and path, each refused in the API's own form when it cannot be read.

use std::str::FromStr;

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, OriginalUri, Path, Query, Request};
use axum::http::Method;
use axum::http::request::Parts;
use ironroot_identity::BadId;
use serde::de::DeserializeOwned;

use super::{Api, Class, Refusal};

/// A JSON body.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Api> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Refusal> {
        match Json::from_request(request, api).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(cause) => Err(Refusal::new(class_of(&cause), told(&cause.body_text()))),
        }
    }
}

fn class_of(cause: &JsonRejection) -> Class {
    match cause {
        JsonRejection::JsonDataError(_) => Class::Content,
        JsonRejection::MissingJsonContentType(_) => Class::MediaType,
        JsonRejection::BytesRejection(cause) if cause.status().as_u16() == TOO_LARGE => {
            Class::TooLarge
        }
        _ => Class::Malformed,
    }
}

/// What axum calls a body that is past its limit.
const TOO_LARGE: u16 = 413;

/// The query of a list.
pub(crate) struct Asked<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<Api> for Asked<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Refusal> {
        let read: Result<Query<T>, QueryRejection> = Query::from_request_parts(parts, api).await;
        match read {
            Ok(Query(query)) => Ok(Self(query)),
            Err(cause) => Err(Refusal::new(Class::Malformed, told(&cause.body_text()))),
        }
    }
}

/// The one thing that a path names.
pub(crate) struct Named<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Api> for Named<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Refusal> {
        let read: Result<Path<T>, PathRejection> = Path::from_request_parts(parts, api).await;
        match read {
            Ok(Path(name)) => Ok(Self(name)),
            Err(cause) => Err(Refusal::new(Class::Malformed, told(&cause.body_text()))),
        }
    }
}

/// Reads an id that a field of a body holds.
pub(crate) fn id<T: FromStr<Err = BadId>>(field: &str, text: &str) -> Result<T, Refusal> {
    text.parse()
        .map_err(|cause| Refusal::of_field(field, &cause))
}

/// Answers a path that leads nowhere.
pub(crate) async fn no_route(OriginalUri(uri): OriginalUri) -> Refusal {
    let path = uri.path();
    let document = "/api/v1/openapi.json lists those there are";
    Refusal::new(
        Class::NoRoute,
        format!("{path} is no path of this API: {document}."),
    )
}

/// Answers a method that the path does not know.
pub(crate) async fn other_method(method: Method, OriginalUri(uri): OriginalUri) -> Refusal {
    Refusal::new(
        Class::Method,
        format!("{} does not answer {method}.", uri.path()),
    )
}

fn told(cause: &str) -> String {
    format!("{}.", cause.trim_end_matches('.'))
}
