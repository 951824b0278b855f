//! `/tokens`: programs that may ask the API, each with a token of its own.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use ironroot_api::{
    NewNamedToken, Page, PageQuery, Problem, Secret, TokenItem, TokenMade, TokenRevoked,
};
use ironroot_identity::ServiceName;

use super::auth::Caller;
use super::request::{Asked, Body, Named, id};
use super::{Api, Refusal};

/// Tokens by their names; what they are is not shown, since the hub keeps their digests alone.
#[utoipa::path(get, path = "/tokens", tag = "hub", params(PageQuery), responses((status = 200, body = Page<TokenItem>)))]
pub(crate) async fn list(
    State(api): State<Api>,
    Asked(query): Asked<PageQuery>,
) -> Result<Json<Page<TokenItem>>, Refusal> {
    let page = api.views.tokens(&query).await;
    page.map(Json).map_err(|cause| api.refuse(&cause))
}

/// Makes a token for a program; it may do everything, and the journal names it.
#[utoipa::path(post, path = "/tokens", tag = "hub", request_body = NewNamedToken, responses(
    (status = 201, body = TokenMade),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "The name is taken"),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "The name cannot be"),
))]
pub(crate) async fn make(
    State(api): State<Api>,
    Extension(Caller(by)): Extension<Caller>,
    Body(new): Body<NewNamedToken>,
) -> Result<(StatusCode, Json<TokenMade>), Refusal> {
    let name: ServiceName = id("name", &new.name)?;
    let made = api
        .tokens
        .make(name.as_str(), by.clone(), &api.ledger, api.rng.as_ref())
        .await;
    let (token, entry) = made.map_err(|cause| api.refuse_field(Some("name"), &cause))?;
    tracing::info!(door = "api", actor = %by, token = new.name, "A token was made.");
    let answer = TokenMade {
        name: new.name,
        token: Secret::new(token.to_string()),
        entry,
    };
    Ok((StatusCode::CREATED, Json(answer)))
}

/// Takes a token away; whoever shows it is refused from now on.
#[utoipa::path(delete, path = "/tokens/{name}", tag = "hub", params(("name" = String, Path, description = "Whose token it is")), responses(
    (status = 200, body = TokenRevoked),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "The owner's token is changed, not revoked"),
))]
pub(crate) async fn revoke(
    State(api): State<Api>,
    Extension(Caller(by)): Extension<Caller>,
    Named(name): Named<String>,
) -> Result<Json<TokenRevoked>, Refusal> {
    let revoked = api.tokens.revoke(&name, by.clone(), &api.ledger).await;
    let entry = revoked.map_err(|cause| api.refuse(&cause))?;
    tracing::info!(door = "api", actor = %by, token = name, "A token was revoked.");
    Ok(Json(TokenRevoked { name, entry }))
}
