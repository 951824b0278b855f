//! `/services`: backend applications and their identities.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use ironroot_api::{
    NewService, Page, PageQuery, Problem, Secret, ServiceDetail, ServiceIssued, ServiceItem,
    ServiceRevoked,
};
use ironroot_identity::{Principal, ServiceName};

use super::auth::Caller;
use super::request::{Asked, Body, Named, id};
use super::{Api, Class, Refusal};
use crate::collect::intake::service;

/// Services, page by page.
#[utoipa::path(get, path = "/services", tag = "services", params(PageQuery), responses((status = 200, body = Page<ServiceItem>)))]
pub(crate) async fn list(
    State(api): State<Api>,
    Asked(query): Asked<PageQuery>,
) -> Result<Json<Page<ServiceItem>>, Refusal> {
    let page = api.views.services(&query).await;
    page.map(Json).map_err(|cause| api.refuse(&cause))
}

/// One service: what it may reach, and what passed since the hub started.
#[utoipa::path(get, path = "/services/{name}", tag = "services", params(("name" = String, Path, description = "The service's name")), responses(
    (status = 200, body = ServiceDetail),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn show(
    State(api): State<Api>,
    Named(name): Named<String>,
) -> Result<Json<ServiceDetail>, Refusal> {
    let detail = api.views.service(&name).await;
    detail.map(Json).map_err(|cause| api.refuse(&cause))
}

/// Gives a service an identity and its topics; one of the same name before it is replaced.
#[utoipa::path(post, path = "/services", tag = "services", request_body = NewService, responses(
    (status = 201, body = ServiceIssued),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "A field is wrong"),
))]
pub(crate) async fn make(
    State(api): State<Api>,
    Extension(Caller(by)): Extension<Caller>,
    Body(new): Body<NewService>,
) -> Result<(StatusCode, Json<ServiceIssued>), Refusal> {
    new.check().map_err(Refusal::of_fields)?;
    let asked = service::NewService {
        name: id("name", &new.name)?,
        publish: new.publish,
        subscribe: new.subscribe,
        csr: new.csr,
    };
    let made = service::create(&api.ledger, &api.issuer, asked, by.clone()).await;
    let made = made.map_err(|cause| api.refuse_field(cause.field(), &cause))?;
    tracing::info!(door = "api", actor = %by, service = new.name, "A service was given an identity.");
    let issuing =
        ironroot_pki::pem::certificate_pem(api.issuer.authority().current().certificate());
    let answer = ServiceIssued {
        name: new.name,
        certificate: made.issued.pem + &issuing,
        key: made
            .key
            .map(|key| Secret::new(String::from_utf8_lossy(key.expose()).into_owned())),
        expires: made.issued.not_after.to_string(),
        entry: made.entry,
    };
    Ok((StatusCode::CREATED, Json(answer)))
}

/// Revokes a service: its sessions end, its certificate counts no more, its name stays taken.
#[utoipa::path(delete, path = "/services/{name}", tag = "services", params(("name" = String, Path, description = "The service's name")), responses(
    (status = 200, body = ServiceRevoked),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn revoke(
    State(api): State<Api>,
    Extension(Caller(by)): Extension<Caller>,
    Named(name): Named<String>,
) -> Result<Json<ServiceRevoked>, Refusal> {
    let unknown = |_no_id| Refusal::new(Class::Unknown, format!("There is no service {name:?}."));
    let service: ServiceName = name.parse().map_err(unknown)?;
    let sessions_cut = api.views.sessions(&Principal::Service(service.clone()));
    let fact = ironroot_registry::ServiceRevoked {
        service,
        by: by.clone(),
    };
    let entry = api.record(fact).await?;
    tracing::info!(door = "api", actor = %by, service = name, "A service was revoked.");
    Ok(Json(ServiceRevoked {
        name,
        entry,
        sessions_cut,
    }))
}
