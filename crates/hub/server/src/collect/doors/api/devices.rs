//! `/devices`: lists of them, one of them, and a person's order about one.

use axum::extract::State;
use axum::{Extension, Json};
use ironroot_api::{DeviceDetail, DeviceItem, DeviceQuery, NewOrder, OrderDone, Page, Problem};
use ironroot_identity::{DeviceId, Principal};
use ironroot_standing::Lifecycle;

use super::auth::Caller;
use super::request::{Asked, Body, Named};
use super::{Api, Class, Refusal};
use crate::collect::intake::order::OrderRefused;
use crate::fault::chain;

/// Devices, filtered and sorted, page by page.
#[utoipa::path(get, path = "/devices", tag = "devices", params(DeviceQuery), responses(
    (status = 200, body = Page<DeviceItem>),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "A cursor of another list"),
))]
pub(crate) async fn list(
    State(api): State<Api>,
    Asked(query): Asked<DeviceQuery>,
) -> Result<Json<Page<DeviceItem>>, Refusal> {
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

/// Orders something about a device; the journal keeps who and why.
///
/// When the journal cannot append, an order that shuts a device out is obeyed all the same: the answer is then
/// 503 with the class `order-held`, and the entry follows.
#[utoipa::path(post, path = "/devices/{id}/orders", tag = "devices", params(("id" = String, Path, description = "The device's id")), request_body = NewOrder, responses(
    (status = 200, body = OrderDone),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "The lifecycle does not allow it"),
    (status = 503, body = Problem, content_type = "application/problem+json", description = "Not now; or obeyed, and not recorded yet"),
))]
pub(crate) async fn order(
    State(api): State<Api>,
    Extension(Caller(by)): Extension<Caller>,
    Named(id): Named<String>,
    Body(new): Body<NewOrder>,
) -> Result<Json<OrderDone>, Refusal> {
    new.check().map_err(Refusal::of_fields)?;
    let unknown = |_no_id| Refusal::new(Class::Unknown, format!("There is no device {id:?}."));
    let device: DeviceId = id.parse().map_err(unknown)?;
    let principal = Principal::Device(device.clone());
    let sessions = api.views.sessions(&principal);
    let given = api
        .orders
        .give(&device, new.order, &new.why, by.clone())
        .await;
    let done = given.map_err(|cause| refuse(&api, &cause))?;
    tracing::info!(door = "api", actor = %by, device.id = %device, action.kind = %new.order, "An order was carried out.");
    let cut = api
        .registry
        .subject(&principal)
        .is_none_or(|subject| !subject.grant().may_connect());
    Ok(Json(OrderDone {
        device: device.to_string(),
        lifecycle: lifecycle(done.lifecycle),
        entry: done.entry,
        sessions_cut: if cut { sessions } else { 0 },
        reasons_count: u32::try_from(done.reasons_count).unwrap_or(u32::MAX),
    }))
}

fn refuse(api: &Api, cause: &OrderRefused) -> Refusal {
    match cause {
        OrderRefused::Held { .. } => api.refuse_as(Class::Held, &chain(cause)),
        _ => api.refuse(cause),
    }
}

fn lifecycle(state: Lifecycle) -> ironroot_api::Lifecycle {
    match state {
        Lifecycle::Claimed => ironroot_api::Lifecycle::Claimed,
        Lifecycle::Enrolled => ironroot_api::Lifecycle::Enrolled,
        Lifecycle::Active => ironroot_api::Lifecycle::Active,
        Lifecycle::Quarantined => ironroot_api::Lifecycle::Quarantined,
        Lifecycle::Transferred => ironroot_api::Lifecycle::Transferred,
        Lifecycle::Retired => ironroot_api::Lifecycle::Retired,
    }
}
