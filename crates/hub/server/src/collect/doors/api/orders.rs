//! A person's orders about one device or several, and what they would make of one.

use axum::extract::State;
use axum::{Extension, Json};
use futures_util::future::join_all;
use ironroot_api::{Consequence, NewOrder, NewOrders, Order, OrderDone, OrdersDone, Problem};
use ironroot_identity::{DeviceId, Principal};
use ironroot_registry::Actor;
use ironroot_standing::Lifecycle;

use super::auth::Caller;
use super::request::{Body, Named};
use super::{Api, Class, Refusal};
use crate::collect::intake::order::OrderRefused;
use crate::fault::chain;

/// What an order would make of a device; nothing is changed.
#[utoipa::path(get, path = "/devices/{id}/orders/{order}", tag = "devices", params(
    ("id" = String, Path, description = "The device's id"),
    ("order" = Order, Path, description = "The order"),
), responses(
    (status = 200, body = Consequence),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn consequence(
    State(api): State<Api>,
    Named((id, order)): Named<(String, Order)>,
) -> Result<Json<Consequence>, Refusal> {
    let consequence = api.views.consequence(&id, order);
    consequence.map(Json).map_err(|cause| api.refuse(&cause))
}

/// Orders something about a device; the journal keeps who and why.
///
/// When the journal cannot append, an order that shuts a device out is obeyed all the same: the answer is then
/// 503 with the class `order-held`, and the entry follows.
#[utoipa::path(post, path = "/devices/{id}/orders", tag = "devices", params(("id" = String, Path, description = "The device's id")), request_body = NewOrder, responses(
    (status = 200, body = OrderDone),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "The lifecycle does not allow it, or the consequence that was looked at is not the present one"),
    (status = 503, body = Problem, content_type = "application/problem+json", description = "Not now; or obeyed, and not recorded yet"),
))]
pub(crate) async fn one(
    State(api): State<Api>,
    Extension(Caller(by)): Extension<Caller>,
    Named(id): Named<String>,
    Body(new): Body<NewOrder>,
) -> Result<Json<OrderDone>, Refusal> {
    new.check().map_err(Refusal::of_fields)?;
    let unknown = |_no_id| Refusal::new(Class::Unknown, format!("There is no device {id:?}."));
    let device: DeviceId = id.parse().map_err(unknown)?;
    let done = api.obey(&device, &new, by).await;
    done.map(Json).map_err(|cause| refuse(&api, &cause))
}

/// Orders the same about several devices: each is carried out or refused by itself, in the order given.
#[utoipa::path(post, path = "/orders", tag = "devices", request_body = NewOrders, responses(
    (status = 200, body = OrdersDone),
    (status = 422, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn many(
    State(api): State<Api>,
    Extension(Caller(by)): Extension<Caller>,
    Body(new): Body<NewOrders>,
) -> Result<Json<OrdersDone>, Refusal> {
    new.check().map_err(Refusal::of_fields)?;
    Ok(Json(api.obey_all(&new, &by).await))
}

impl Api {
    /// Carries out an order that [`NewOrder::check`] has passed.
    pub(crate) async fn obey(
        &self,
        device: &DeviceId,
        new: &NewOrder,
        by: Actor,
    ) -> Result<OrderDone, OrderRefused> {
        let principal = Principal::Device(device.clone());
        let sessions = self.views.sessions(&principal);
        let done = self.orders.give(device, new, by.clone()).await?;
        tracing::info!(actor = %by, device.id = %device, action.kind = %new.order, "An order was carried out.");
        let subject = self.registry.subject(&principal);
        let cut = subject.is_none_or(|subject| !subject.grant().may_connect());
        Ok(OrderDone {
            device: device.to_string(),
            lifecycle: lifecycle(done.lifecycle),
            entry: done.entry,
            sessions_cut: if cut { sessions } else { 0 },
            reasons_count: u32::try_from(done.reasons_count).unwrap_or(u32::MAX),
        })
    }

    /// Carries out an order about each of several devices: all are shut out before the first is on the disk, and
    /// what is recorded together shares the wait for it.
    pub(crate) async fn obey_all(&self, new: &NewOrders, by: &Actor) -> OrdersDone {
        let each = new.each();
        let orders = new.devices.iter().map(async |device| {
            let id = device.parse();
            let id =
                id.map_err(|_no_id| refused(device, format!("there is no device {device:?}")))?;
            let obeyed = self.obey(&id, &each, by.clone()).await;
            obeyed.map_err(|cause| refused(device, chain(&cause)))
        });
        let outcomes = join_all(orders).await;
        let (mut done, mut refused) = (Vec::new(), Vec::new());
        for outcome in outcomes {
            match outcome {
                Ok(order) => done.push(order),
                Err(refusal) => refused.push(refusal),
            }
        }
        OrdersDone { done, refused }
    }
}

fn refused(device: &str, detail: String) -> ironroot_api::OrderRefused {
    ironroot_api::OrderRefused {
        device: device.to_owned(),
        detail,
    }
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
