//! The console's address: pages, sign-in and the API on one loopback listener.
//!
//! A browser is let in by a one-time link or a password and holds a session in a cookie; the API takes tokens and no cookie,
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
use ironroot_console::{
    Console, Said, Trouble, Visitor, fault_page, mark_demonstration, sign_in_page,
};
use ironroot_secret::Secret;
use ironroot_views::Views;
use serde::Deserialize;

use self::sign_ins::SignIns;
use super::api::Api;
use super::http::Peer;
use crate::collect::intake::password::TooManyTries;

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
    let doorstep = Doorstep {
        sign_ins,
        views: console.views.clone(),
    };
    let demonstration = doorstep.views.hub().demonstration;
    let pages = ironroot_console::routes(console)
        .fallback(no_page)
        .layer(signed_in);
    let doorstep = Router::new()
        .route("/sign-in", get(open_link).post(sign_in))
        .route("/sign-out", post(sign_out))
        .with_state(doorstep);
    // The API's own answer to an unknown path is a route, so the fallback is the pages'.
    let mut all = api
        .router()
        .merge(doorstep)
        .merge(ironroot_console::assets())
        .fallback_service(pages);
    if demonstration {
        all = all.layer(map_response(mark_demonstration));
    }
    all.layer(from_fn(guard::refuse_other_hosts))
        .layer(map_response(guard::add_headers))
}

/// What is shown to those who are not signed in.
#[derive(Clone)]
struct Doorstep {
    sign_ins: Arc<SignIns>,
    views: Arc<Views>,
}

impl Doorstep {
    fn page(&self, said: Said<'_>) -> Response {
        sign_in_page(said, self.sign_ins.has_password(), self.views.hub())
    }
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

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    /// A link's key.
    key: String,
    /// Who, with a password.
    name: String,
    password: String,
    /// Set by the sign-out.
    out: bool,
}

/// Shows a button: opening the link alone must not spend it, since programs open links to look at them.
async fn open_link(
    State(doorstep): State<Doorstep>,
    query: Result<Query<Entry>, QueryRejection>,
) -> Response {
    let asked = query.map(|Query(asked)| asked).unwrap_or_default();
    let said = match &asked {
        Entry { out: true, .. } => Said::SignedOut,
        Entry { key, .. } if key.is_empty() => Said::Nothing,
        Entry { key, .. } => Said::Link(key),
    };
    doorstep.page(said)
}

/// Spends a link or takes a password, and starts a session.
async fn sign_in(
    State(doorstep): State<Doorstep>,
    peer: Option<Extension<Peer>>,
    form: Result<Form<Entry>, FormRejection>,
) -> Response {
    let sent = form.map(|Form(sent)| sent).unwrap_or_default();
    if sent.password.is_empty() {
        return spend_link(&doorstep, &sent.key);
    }
    let source = peer.map(|Extension(peer)| peer.address.ip());
    let typed = Secret::new(sent.password.into_bytes());
    match doorstep.sign_ins.enter(&sent.name, typed, source).await {
        Ok(Some(cookie)) => {
            tracing::info!(
                door = "console",
                actor = sent.name,
                "Somebody signed in by password."
            );
            see("/", Some(&cookie))
        }
        Ok(None) => {
            tracing::warn!(door = "console", ?source, "A password was refused.");
            doorstep.page(Said::Wrong)
        }
        Err(TooManyTries { wait_s }) => {
            tracing::warn!(
                door = "console",
                ?source,
                "Too many wrong passwords were sent."
            );
            doorstep.page(Said::TooOften { wait_s })
        }
    }
}

fn spend_link(doorstep: &Doorstep, key: &str) -> Response {
    let Some(cookie) = doorstep.sign_ins.spend(key) else {
        tracing::warn!(door = "console", "A sign-in link was refused.");
        return doorstep.page(Said::Spent);
    };
    tracing::info!(door = "console", "Somebody signed in by a link.");
    if doorstep.sign_ins.has_password() {
        see("/", Some(&cookie))
    } else {
        see("/settings/password?first=true", Some(&cookie))
    }
}

#[derive(Debug, Deserialize)]
struct SignOut {
    csrf: String,
}

async fn sign_out(
    State(Doorstep { sign_ins, .. }): State<Doorstep>,
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
