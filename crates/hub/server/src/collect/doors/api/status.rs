//! `GET /status`: how the hub is.

use axum::Json;
use axum::extract::State;
use ironroot_api::Status;

use super::Api;

/// How the hub is: what works, what does not, and what to do about it.
#[utoipa::path(get, path = "/status", tag = "hub", responses((status = 200, body = Status)))]
pub(crate) async fn show(State(api): State<Api>) -> Json<Status> {
    Json(api.views.status())
}
