//! The HTTP API v1: JSON for programs and for the command line, described by an OpenAPI document that every
//! route is part of.
//!
//! A request needs `Authorization: Bearer <token>`; only the document itself, `/healthz`, `/readyz` and
//! `/metrics` do not. Those three tell counts and whether the hub is well, no names and no secrets, and the
//! console's address is a loopback one.

mod auth;
mod backup;
mod certificates;
mod claims;
mod clock;
mod devices;
mod document;
mod figures;
mod health;
mod issuing_cas;
mod journal;
mod manufacturers;
mod orders;
mod password;
mod profiles;
mod refusal;
mod request;
mod services;
mod sessions;
mod settings;
mod sign_in;
mod status;
mod token;
mod tokens;
mod views;

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use ironroot_api::BODY_SIZE_MAX;
#[cfg(doc)]
use ironroot_console::Visitor;
use ironroot_pki::tls::AnchorSet;
use ironroot_registry::{Fact, Registry};
use ironroot_time::Rng;
use ironroot_views::Views;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::console::sign_ins::SignIns;
use crate::clock::HubClock;
use crate::collect::intake::issuing_ca::CaRotation;
use crate::collect::intake::order::Orders;
use crate::collect::intake::password::Password;
use crate::collect::intake::profiles::Profiles;
use crate::collect::intake::tokens::Tokens;
use crate::enforce::archive::Archivist;
use crate::enforce::certificates::Issuer;
use crate::enforce::snapshots::Snapshotter;
use crate::ledger::Ledger;

pub use backup::Backups;
pub(crate) use refusal::{Class, Refusal};
pub use settings::About;

/// What the API's handlers work with.
#[derive(Clone, Debug)]
pub struct Api(Arc<ApiParts>);

/// The parts of the hub that the API asks and orders.
#[derive(Debug)]
pub struct ApiParts {
    /// Answers what is read.
    pub views: Arc<Views>,
    /// Records what is changed.
    pub ledger: Ledger,
    /// What the hub knows.
    pub registry: Arc<Registry>,
    /// Takes orders.
    pub orders: Arc<Orders>,
    /// Issues certificates.
    pub issuer: Issuer,
    /// Brings new issuing CAs into service.
    pub rotation: Arc<CaRotation>,
    /// The doors' trust anchors, which a manufacturer's CA changes.
    pub anchors: Arc<AnchorSet>,
    /// Applies profiles.
    pub profiles: Profiles,
    /// The tokens that callers show.
    pub tokens: Arc<Tokens>,
    /// The administrator's password.
    pub password: Arc<Password>,
    /// Moves segments to the archive.
    pub archivist: Arc<Archivist>,
    /// Takes snapshots.
    pub snapshotter: Arc<Snapshotter>,
    /// Makes backups.
    pub backups: Backups,
    /// What does not change while the hub runs.
    pub about: About,
    /// Makes sign-in links.
    pub sign_ins: Arc<SignIns>,
    /// The hub's metrics, as Prometheus reads them.
    pub metrics: Metrics,
    /// The present moment.
    pub clock: Arc<HubClock>,
    /// Chance for tokens and reference numbers.
    pub rng: Arc<dyn Rng>,
}

/// A function that writes the metrics of this moment as text.
#[derive(Clone)]
pub struct Metrics(pub Arc<dyn Fn() -> String + Send + Sync>);

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl std::ops::Deref for Api {
    type Target = ApiParts;

    fn deref(&self) -> &ApiParts {
        &self.0
    }
}

impl Api {
    /// An API over these parts.
    pub fn new(parts: ApiParts) -> Self {
        Self(Arc::new(parts))
    }

    /// Records what was asked for; gives the index of the entry.
    pub(crate) async fn record(&self, fact: impl Into<Fact>) -> Result<u64, Refusal> {
        let recorded = self.ledger.record(&fact.into()).await;
        let receipt = recorded.map_err(|cause| self.refuse(&cause))?;
        Ok(receipt.indices.start)
    }

    /// Its routes for the pages of this process: a request carries the [`Visitor`] in whose name it is made.
    /// No socket leads here.
    pub fn for_pages(&self) -> Router {
        let (router, _document) = OpenApiRouter::new()
            .nest(
                ironroot_api::BASE,
                routes().route_layer(from_fn(auth::name_visitor)),
            )
            .split_for_parts();
        router
            .layer(DefaultBodyLimit::max(BODY_SIZE_MAX))
            .with_state(self.clone())
    }

    /// Its routes. What is asked for below `/api/` and is not among them is refused here too.
    pub fn router(&self) -> Router {
        let authenticate = from_fn_with_state(self.clone(), auth::authenticate);
        let guarded = routes().route_layer(authenticate);
        let (router, document) = OpenApiRouter::with_openapi(document::opening())
            .nest(ironroot_api::BASE, guarded)
            .merge(health::routes())
            .split_for_parts();
        document::serve(router, document)
            .method_not_allowed_fallback(request::other_method)
            .route("/api/{*rest}", axum::routing::any(request::no_route))
            .layer(DefaultBodyLimit::max(BODY_SIZE_MAX))
            .with_state(self.clone())
    }
}

/// Every route that needs a token; the handler names method and path.
fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(status::show))
        .routes(routes!(figures::show))
        .routes(routes!(settings::show))
        .routes(routes!(devices::list))
        .routes(routes!(devices::show))
        .routes(routes!(orders::consequence))
        .routes(routes!(orders::one))
        .routes(routes!(orders::many))
        .routes(routes!(views::list, views::save))
        .routes(routes!(views::remove))
        .routes(routes!(claims::list, claims::make))
        .routes(routes!(claims::make_all))
        .routes(routes!(claims::withdraw))
        .routes(routes!(clock::confirm))
        .routes(routes!(token::rotate))
        .routes(routes!(tokens::list, tokens::make))
        .routes(routes!(tokens::revoke))
        .routes(routes!(password::set))
        .routes(routes!(sessions::list, sessions::end))
        .routes(routes!(services::list, services::make))
        .routes(routes!(services::show, services::revoke))
        .routes(routes!(certificates::list))
        .routes(routes!(certificates::revoke))
        .routes(routes!(issuing_cas::request))
        .routes(routes!(issuing_cas::install))
        .routes(routes!(profiles::list))
        .routes(routes!(profiles::show, profiles::apply))
        .routes(routes!(profiles::check))
        .routes(routes!(manufacturers::list, manufacturers::add))
        .routes(routes!(manufacturers::remove))
        .routes(routes!(journal::list))
        .routes(routes!(journal::checkpoint))
        .routes(routes!(journal::show))
        .routes(routes!(journal::proof))
        .routes(routes!(journal::erase_words))
        .routes(routes!(journal::take_snapshot))
        .routes(routes!(journal::seal))
        .routes(routes!(journal::log_file))
        .routes(routes!(sign_in::make))
        .routes(routes!(backup::make))
}
