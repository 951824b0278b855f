//! `/manufacturer-cas`: whose IDevID certificates stand for a claim token.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use ironroot_api::{
    ManufacturerCa, ManufacturerCaRemoved, NewManufacturerCa, Page, PageQuery, Problem,
};
use ironroot_identity::ProfileName;
use ironroot_registry::ManufacturerRemoved;

use super::auth::Caller;
use super::request::{Asked, Body, Named, id};
use super::{Api, Class, Refusal};
use crate::collect::intake::manufacturer::{self, NewManufacturer};
use crate::enforce::anchors;

/// Manufacturers' CAs, page by page.
#[utoipa::path(get, path = "/manufacturer-cas", tag = "manufacturers", params(PageQuery), responses((status = 200, body = Page<ManufacturerCa>)))]
pub(crate) async fn list(
    State(api): State<Api>,
    Asked(query): Asked<PageQuery>,
) -> Json<Page<ManufacturerCa>> {
    Json(api.views.manufacturers(&query))
}

/// Accepts a manufacturer's CA; it counts from the next handshake on.
#[utoipa::path(post, path = "/manufacturer-cas", tag = "manufacturers", request_body = NewManufacturerCa, responses(
    (status = 201, body = ManufacturerCa),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "The name is taken"),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "A field is wrong"),
))]
pub(crate) async fn add(
    State(api): State<Api>,
    Extension(Caller(by)): Extension<Caller>,
    Body(new): Body<NewManufacturerCa>,
) -> Result<(StatusCode, Json<ManufacturerCa>), Refusal> {
    let asked = NewManufacturer {
        name: id("name", &new.name)?,
        pem: new.pem,
        prefix: new.serial_prefix.unwrap_or_default(),
    };
    let added = manufacturer::add(&api.ledger, api.issuer.authority(), asked, by.clone()).await;
    added.map_err(|cause| api.refuse(&cause))?;
    refresh(&api)?;
    tracing::info!(door = "api", actor = %by, manufacturer = new.name, "A manufacturer's CA was accepted.");
    let shown = api
        .views
        .manufacturer(&new.name)
        .map_err(|cause| api.refuse(&cause))?;
    Ok((StatusCode::CREATED, Json(shown)))
}

/// Removes a manufacturer's CA; devices that enrolled through it stay.
#[utoipa::path(delete, path = "/manufacturer-cas/{name}", tag = "manufacturers", params(("name" = String, Path, description = "What the CA is called")), responses(
    (status = 200, body = ManufacturerCaRemoved),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn remove(
    State(api): State<Api>,
    Extension(Caller(by)): Extension<Caller>,
    Named(name): Named<String>,
) -> Result<Json<ManufacturerCaRemoved>, Refusal> {
    let unknown = |_no_id| {
        Refusal::new(
            Class::Unknown,
            format!("There is no manufacturer CA {name:?}."),
        )
    };
    let known: ProfileName = name.parse().map_err(unknown)?;
    let fact = ManufacturerRemoved {
        name: known,
        by: by.clone(),
    };
    let entry = api.record(fact).await?;
    refresh(&api)?;
    tracing::info!(door = "api", actor = %by, manufacturer = name, "A manufacturer's CA was removed.");
    Ok(Json(ManufacturerCaRemoved { name, entry }))
}

/// Puts what was recorded in force at the doors.
fn refresh(api: &Api) -> Result<(), Refusal> {
    let refreshed = anchors::refresh(&api.anchors, api.issuer.authority(), &api.registry);
    refreshed.map_err(|cause| api.refuse(&cause))
}
