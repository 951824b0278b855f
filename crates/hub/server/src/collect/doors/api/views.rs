//! `/views`: saved views of the devices.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use ironroot_api::{NewView, Page, Problem, SavedView, ViewRemoved};
use ironroot_identity::ViewName;

use super::auth::Caller;
use super::request::{Body, Named};
use super::{Api, Class, Refusal};
use crate::collect::intake::view;

/// All saved views, by name.
#[utoipa::path(get, path = "/views", tag = "devices", responses((status = 200, body = Page<SavedView>)))]
pub(crate) async fn list(State(api): State<Api>) -> Json<Page<SavedView>> {
    let items = api.views.saved();
    Json(Page { items, next: None })
}

/// Saves a view; one of the same name is replaced.
#[utoipa::path(post, path = "/views", tag = "devices", request_body = NewView, responses(
    (status = 201, body = SavedView),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "There are too many"),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "The name or the query is none"),
))]
pub(crate) async fn save(
    State(api): State<Api>,
    Extension(Caller(by)): Extension<Caller>,
    Body(new): Body<NewView>,
) -> Result<(StatusCode, Json<SavedView>), Refusal> {
    let saved = view::save(&api.ledger, &api.registry, &new, by).await;
    let entry = saved.map_err(|cause| api.refuse(&cause))?;
    let NewView { name, query } = new;
    Ok((StatusCode::CREATED, Json(SavedView { name, query, entry })))
}

/// Removes a saved view; the devices in it stay as they are.
#[utoipa::path(delete, path = "/views/{name}", tag = "devices", params(("name" = String, Path, description = "What the view is called")), responses(
    (status = 200, body = ViewRemoved),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn remove(
    State(api): State<Api>,
    Extension(Caller(by)): Extension<Caller>,
    Named(name): Named<String>,
) -> Result<Json<ViewRemoved>, Refusal> {
    let unknown = |_no_id| Refusal::new(Class::Unknown, format!("There is no view {name:?}."));
    let known: ViewName = name.parse().map_err(unknown)?;
    let fact = ironroot_registry::ViewRemoved { name: known, by };
    let entry = api.record(fact).await?;
    Ok(Json(ViewRemoved { name, entry }))
}
