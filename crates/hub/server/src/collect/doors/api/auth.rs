//! Who calls: the holder of a token, compared in constant time.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ironroot_console::Visitor;
use ironroot_registry::Actor;

use super::{Api, Class, Refusal};
use crate::collect::doors::http::Peer;
use crate::fault::Reference;

/// Who has proved to be the caller; every handler below the API's base finds it.
#[derive(Clone, Debug)]
pub(crate) struct Caller(pub(crate) Actor);

/// Lets a request with a valid token through. All others are refused alike, whatever is wrong with them.
pub(crate) async fn authenticate(
    State(api): State<Api>,
    mut request: Request,
    next: Next,
) -> Response {
    let holder = bearer(request.headers()).and_then(|token| api.tokens.holder(token));
    let Some(name) = holder else {
        return unauthenticated(&api, &request).into_response();
    };
    let caller = Caller(Actor::Token(name));
    request.extensions_mut().insert(caller);
    next.run(request).await
}

/// Names the caller of a request that a page makes: the one whose session the page belongs to.
pub(crate) async fn name_visitor(mut request: Request, next: Next) -> Response {
    let Some(visitor) = request.extensions().get::<Visitor>() else {
        let detail = "A page asked in nobody's name.";
        return Refusal::new(Class::Unauthenticated, detail).into_response();
    };
    let caller = Caller(Actor::Token(visitor.name.clone()));
    request.extensions_mut().insert(caller);
    next.run(request).await
}

fn unauthenticated(api: &Api, request: &Request) -> Refusal {
    let reference = Reference::new(api.rng.as_ref());
    let peer = request.extensions().get::<Peer>().map(|peer| peer.address);
    tracing::warn!(door = "api", %reference, ?peer, "A request without a valid token was refused.");
    let detail = "Send `Authorization: Bearer` and the token that is in admin.token of the hub's data directory.";
    Refusal::new(Class::Unauthenticated, detail).with_reference(reference)
}

/// The token of RFC 6750 section 2.1.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
