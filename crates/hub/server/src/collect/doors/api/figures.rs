//! `GET /figures`: what the hub counted over time.

use axum::Json;
use axum::extract::State;
use ironroot_api::{Figures, FiguresQuery};

use super::Api;
use super::request::Asked;

/// What the hub counted over time: messages, sessions, refusals, devices not in good standing, enrolments. Kept
/// for fourteen days, the coarser the longer ago.
#[utoipa::path(get, path = "/figures", tag = "hub", params(FiguresQuery), responses((status = 200, body = Figures)))]
pub(crate) async fn show(
    State(api): State<Api>,
    Asked(query): Asked<FiguresQuery>,
) -> Json<Figures> {
    Json(api.views.figures(query))
}
