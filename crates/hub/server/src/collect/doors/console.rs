//! The console's address: pages, sign-in and the API on one loopback listener.
//!
//! A browser is let in by a one-time link and holds a session in a cookie; the API takes tokens and no cookie,
//! so a page elsewhere cannot make a browser order anything.

mod guard;
pub mod sign_ins;

use std::sync::Arc;

use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use ironroot_console::{Console, SignInPage, Trouble, Visitor, fault_page, sign_in_page};
use serde::Deserialize;

use self::sign_ins::SignIns;
use super::api::Api;

/// What the door serves.
#[derive(Debug)]
pub struct ConsoleParts {
    /// The API.
    pub api: Api,
    /// What pages are made from.
    pub console: Console,
    /// Links and sessions.
    pub sign_ins: Arc<SignIns>,
}

/// Everything on the console's address.
pub fn router(parts: ConsoleParts) -> Router {
    let ConsoleParts {
        api,
        console,
        sign_ins,
    } = parts;
    let signed_in = from_fn_with_state(sign_ins.clone(), only_signed_in);
    let pages = ironroot_console::routes(console)
        .fallback(no_page)
        .layer(signed_in);
    let doorstep = Router::new()
        .route("/sign-in", get(open_link).post(spend_link))
        .route("/sign-out", post(sign_out))
        .with_state(sign_ins);
    // The API's own answer to an unknown path is a route, so the fallback is the pages'.
    api.router()
        .merge(doorstep)
        .merge(ironroot_console::assets())
        .fallback_service(pages)
        .layer(from_fn(guard::refuse_other_hosts))
        .layer(map_response(guard::add_headers))
}

/// Lets a browser with a session through, and sends all others to the sign-in page.
async fn only_signed_in(
    State(sign_ins): State<Arc<SignIns>>,
    mut request: Request,
    next: Next,
) -> Response {
    match sign_ins.visitor(request.headers()) {
        Some(visitor) => {
            request.extensions_mut().insert(visitor);
            next.run(request).await
        }
        None => see("/sign-in", None),
    }
}

async fn no_page(Extension(visitor): Extension<Visitor>, request: Request) -> Response {
    tracing::debug!(
        door = "console",
        actor = visitor.name,
        "A page that is not there was asked for."
    );
    fault_page(&Trouble::NotThere(format!(
        "No page has the address {}.",
        request.uri().path()
    )))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LinkKey {
    key: String,
    /// Set by the sign-out.
    out: bool,
}

/// Shows a button: opening the link alone must not spend it, since programs open links to look at them.
async fn open_link(query: Result<Query<LinkKey>, QueryRejection>) -> Response {
    match query.map(|Query(asked)| asked).unwrap_or_default() {
        LinkKey { out: true, .. } => sign_in_page(SignInPage::SignedOut),
        LinkKey { key, .. } if key.is_empty() => sign_in_page(SignInPage::Nobody),
        LinkKey { key, .. } => sign_in_page(SignInPage::Link(&key)),
    }
}

/// Spends a link, and starts a session.
async fn spend_link(
    State(sign_ins): State<Arc<SignIns>>,
    form: Result<Form<LinkKey>, FormRejection>,
) -> Response {
    let key = form.map(|Form(sent)| sent.key).unwrap_or_default();
    let Some(cookie) = sign_ins.spend(&key) else {
        tracing::warn!(door = "console", "A sign-in link was refused.");
        return sign_in_page(SignInPage::Spent);
    };
    tracing::info!(door = "console", "Somebody signed in.");
    see("/", Some(&cookie))
}

#[derive(Debug, Deserialize)]
struct SignOut {
    csrf: String,
}

async fn sign_out(
    State(sign_ins): State<Arc<SignIns>>,
    headers: HeaderMap,
    form: Result<Form<SignOut>, FormRejection>,
) -> Response {
    let csrf = form.map(|Form(sent)| sent.csrf).unwrap_or_default();
    match sign_ins.sign_out(&headers, &csrf) {
        Some(cookie) => see("/sign-in?out=true", Some(&cookie)),
        None => fault_page(&Trouble::ForeignForm),
    }
}

/// Sends the browser on, with a cookie to keep or to forget.
fn see(path: &'static str, cookie: Option<&str>) -> Response {
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, path)]).into_response();
    if let Some(Ok(cookie)) = cookie.map(HeaderValue::from_str) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}
