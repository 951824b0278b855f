//! `/sessions`: who is signed in to the console.

use axum::extract::State;
use axum::{Extension, Json};
use ironroot_api::{Page, SessionItem, SessionsEnded};

use super::auth::Caller;
use super::{Api, Refusal};

/// Everybody who is signed in to the console, newest first; there are at most 64.
#[utoipa::path(get, path = "/sessions", tag = "hub", responses((status = 200, body = Page<SessionItem>)))]
pub(crate) async fn list(State(api): State<Api>) -> Json<Page<SessionItem>> {
    Json(Page {
        items: api.sign_ins.sessions(),
        next: None,
    })
}

/// Ends every session of the console and makes every sign-in link void.
#[utoipa::path(delete, path = "/sessions", tag = "hub", responses((status = 200, body = SessionsEnded)))]
pub(crate) async fn end(
    State(api): State<Api>,
    Extension(Caller(by)): Extension<Caller>,
) -> Result<Json<SessionsEnded>, Refusal> {
    // Ended before it is recorded: what shrinks does not wait for the journal.
    let sessions_ended = api.sign_ins.end_all_but(None);
    let fact = ironroot_registry::SessionsEnded { by: by.clone() };
    let entry = api.record(fact).await?;
    tracing::info!(door = "api", actor = %by, "Every session of the console was ended.");
    Ok(Json(SessionsEnded {
        sessions_ended,
        entry,
    }))
}
