//! The OpenAPI document: made from the routes themselves, so that none is missing.

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, SecurityRequirement};

use super::Api;

/// Where it lies.
const PATH: &str = "/api/v1/openapi.json";

/// The name of the one security scheme.
const SCHEME: &str = "token";

/// Vocabularies that queries alone use are named here, since no body brings them in.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Ironroot",
        description = "The hub's API: devices, claims, orders, services, and the journal. Within v1 it only \
                       grows. Every refusal is an RFC 9457 problem. Lists come in pages: hand `next` back as \
                       `cursor`."
    ),
    components(schemas(ironroot_api::DeviceSort))
)]
struct Opening;

/// What stands in the document before the routes.
pub(crate) fn opening() -> utoipa::openapi::OpenApi {
    let mut document = Opening::openapi();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    let components = document.components.get_or_insert_with(Components::new);
    components.add_security_scheme(SCHEME, SecurityScheme::Http(bearer));
    document.security = Some(vec![SecurityRequirement::new(SCHEME, Vec::<String>::new())]);
    document
}

/// Adds the document to the routes that it describes.
pub(crate) fn serve(router: Router<Api>, mut document: utoipa::openapi::OpenApi) -> Router<Api> {
    // axum writes a path's rest with a star, OpenAPI without.
    document.paths.paths = std::mem::take(&mut document.paths.paths)
        .into_iter()
        .map(|(path, item)| (path.replace("{*", "{"), item))
        .collect();
    let json: Arc<str> = serde_json::to_string(&document).unwrap_or_default().into();
    let answer = async move || {
        (
            [(header::CONTENT_TYPE, "application/json")],
            json.to_string(),
        )
            .into_response()
    };
    router.route(PATH, get(answer))
}
