//! `/profiles`: what each class of devices may do.

use axum::Json;
use axum::extract::State;
use ironroot_api::{Page, PageQuery, Problem, ProfileDetail, ProfileItem};

use super::request::{Asked, Named};
use super::{Api, Refusal};

/// Profiles, page by page.
#[utoipa::path(get, path = "/profiles", tag = "profiles", params(PageQuery), responses((status = 200, body = Page<ProfileItem>)))]
pub(crate) async fn list(
    State(api): State<Api>,
    Asked(query): Asked<PageQuery>,
) -> Json<Page<ProfileItem>> {
    Json(api.views.profiles(&query).await)
}

/// One profile, whole.
#[utoipa::path(get, path = "/profiles/{name}", tag = "profiles", params(("name" = String, Path, description = "The profile's name")), responses(
    (status = 200, body = ProfileDetail),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn show(
    State(api): State<Api>,
    Named(name): Named<String>,
) -> Result<Json<ProfileDetail>, Refusal> {
    let detail = api.views.profile(&name).await;
    detail.map(Json).map_err(|cause| api.refuse(&cause))
}
