//! The API in the same process, asked in the name of whoever is signed in.
//!
//! What a form orders is one request of the API: the console can do nothing that a program cannot, is refused
//! for the same reasons in the same words, and the journal names the person all the same.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, header};
use ironroot_api::{BASE, Problem};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tower::ServiceExt;

use crate::frame::Visitor;

/// The largest answer in bytes.
const ANSWER_SIZE_MAX: usize = 4 << 20;

/// The API, as pages ask it.
#[derive(Clone, Debug)]
pub struct Hub(Router);

impl Hub {
    /// `api` answers below the API's base, for the [`Visitor`] that a request carries as its extension.
    pub fn new(api: Router) -> Self {
        Self(api)
    }

    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        visitor: &Visitor,
        path: &str,
    ) -> Result<T, Problem> {
        self.ask(visitor, Method::GET, path, Body::empty()).await
    }

    pub(crate) async fn put<T: DeserializeOwned>(
        &self,
        visitor: &Visitor,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<T, Problem> {
        self.send(visitor, Method::PUT, path, body).await
    }

    pub(crate) async fn delete<T: DeserializeOwned>(
        &self,
        visitor: &Visitor,
        path: &str,
    ) -> Result<T, Problem> {
        self.ask(visitor, Method::DELETE, path, Body::empty()).await
    }

    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        visitor: &Visitor,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<T, Problem> {
        self.send(visitor, Method::POST, path, body).await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        visitor: &Visitor,
        method: Method,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<T, Problem> {
        let json = serde_json::to_vec(body).map_err(|cause| failed(&cause))?;
        self.ask(visitor, method, path, json.into()).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        visitor: &Visitor,
        method: Method,
        path: &str,
        body: Body,
    ) -> Result<T, Problem> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{BASE}{path}"))
            .header(header::CONTENT_TYPE, "application/json")
            .extension(visitor.clone())
            .body(body)
            .map_err(|cause| failed(&cause))?;
        let Ok(response) = self.0.clone().oneshot(request).await;
        let done = response.status().is_success();
        let body = to_bytes(response.into_body(), ANSWER_SIZE_MAX).await;
        let body = body.map_err(|cause| failed(&cause))?;
        if done {
            return serde_json::from_slice(&body).map_err(|cause| failed(&cause));
        }
        Err(serde_json::from_slice(&body).unwrap_or_else(|cause| failed(&cause)))
    }
}

/// The refusal of a hub that does not answer as an API does.
fn failed(cause: &dyn std::error::Error) -> Problem {
    tracing::error!(error = %cause, "The API did not answer a page.");
    Problem {
        kind: "urn:ironroot:problem:failed".to_owned(),
        title: "The hub failed".to_owned(),
        status: 500,
        detail: "The hub could not carry this out; its log has the cause.".to_owned(),
        reference: None,
        fields: Vec::new(),
    }
}
