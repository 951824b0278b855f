//! Whether the program lives, whether it can do its work, and its metrics: for supervisors, without a token.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Api, Class, Refusal};

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(healthz))
        .routes(routes!(readyz))
        .routes(routes!(metrics))
}

/// Whether the program lives.
#[utoipa::path(get, path = "/healthz", security(()), responses((status = 200, body = String)))]
async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether the hub can do all of its work: the journal can append, and the clock is trusted; if not, why, and
/// what to do about it.
#[utoipa::path(get, path = "/readyz", security(()), responses(
    (status = 200, body = String),
    (status = 503, body = ironroot_api::Problem, content_type = "application/problem+json"),
))]
async fn readyz(State(api): State<Api>) -> Response {
    let status = api.views.status();
    if status.store.ok && api.clock.step().is_none() {
        return "ready\n".into_response();
    }
    let causes = status
        .degraded
        .iter()
        .map(|fault| format!("{} {}", fault.what, fault.remedy));
    Refusal::new(Class::Later, causes.collect::<Vec<_>>().join(" ")).into_response()
}

/// The hub's counters in Prometheus's text format. They name no device and no person.
#[utoipa::path(get, path = "/metrics", security(()), responses((status = 200, body = String)))]
async fn metrics(State(api): State<Api>) -> Response {
    let headers = [(
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    )];
    (StatusCode::OK, headers, (api.metrics.0)()).into_response()
}
