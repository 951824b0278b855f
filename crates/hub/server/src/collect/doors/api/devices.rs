//! `/devices`: lists of them, and one of them.

use axum::Json;
use axum::extract::State;
use ironroot_api::{DeviceDetail, DeviceList, DeviceQuery, Problem};

use super::request::{Asked, Named};
use super::{Api, Refusal};

/// Devices, filtered and sorted, page by page.
#[utoipa::path(get, path = "/devices", tag = "devices", params(DeviceQuery), responses(
    (status = 200, body = DeviceList),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "A cursor of another list"),
))]
pub(crate) async fn list(
    State(api): State<Api>,
    Asked(query): Asked<DeviceQuery>,
) -> Result<Json<DeviceList>, Refusal> {
    let page = api.views.devices(&query).await;
    page.map(Json).map_err(|cause| api.refuse(&cause))
}

/// One device: Standing, reasons, Grant, certificates, timeline.
#[utoipa::path(get, path = "/devices/{id}", tag = "devices", params(("id" = String, Path, description = "The device's id")), responses(
    (status = 200, body = DeviceDetail),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn show(
    State(api): State<Api>,
    Named(id): Named<String>,
) -> Result<Json<DeviceDetail>, Refusal> {
    let detail = api.views.device(&id).await;
    detail.map(Json).map_err(|cause| api.refuse(&cause))
}
