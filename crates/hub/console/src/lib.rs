//! The console: pages rendered on the server from what `views` answers.
//!
//! Stage: after enforce; people read here what the hub did and why.
//! Never: changes anything but by a request of the API ([`Hub`]), reads the store itself, knows who may sign in
//! (the door does), sends a page that needs a script, or puts style or code inside one.
//! To add a page: `pages/<name>.rs` beside `<name>.html`, and a line in [`routes`]; a step that a person confirms
//! is a `Step` of `pages/confirm.rs` and needs no template.

mod address;
mod assets;
#[cfg(test)]
mod check;
mod figures;
mod form;
mod frame;
mod handover;
mod hub;
mod live;
mod marks;
mod pages;
mod qr;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use ironroot_api::{ServiceIssued, TokenMade};
use ironroot_views::Views;

use handover::{Handovers, put_away};
use pages::confirm::confirmed;
use pages::onboard_tokens::ClaimTokens;

pub use frame::{Begun, SessionEnd, Visitor};
pub use hub::Hub;
pub use live::LiveFigures;
pub use pages::fault::{Trouble, fault_page, mark_demonstration};
pub use pages::sign_in::{Said, sign_in_page};

/// The policy under which every page works: nothing inline, nothing from elsewhere, nobody frames it.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

/// What pages are made from.
#[derive(Clone, Debug)]
pub struct Console {
    /// What they show.
    pub views: Arc<Views>,
    /// The figures that change while a page is open.
    pub live: LiveFigures,
    /// What carries out what forms order.
    pub(crate) hub: Hub,
    /// Secrets on their way to whoever asked for them.
    pub(crate) handovers: Handovers,
}

impl Console {
    /// Pages of what `views` answers, whose forms `hub` carries out.
    pub fn new(views: Arc<Views>, hub: Hub) -> Self {
        Self {
            views,
            live: LiveFigures::default(),
            hub,
            handovers: Handovers::default(),
        }
    }
}

/// The largest form in bytes; a list of claims is the largest there is.
const FORM_SIZE_MAX: usize = 128 << 10;

/// The pages for those who are signed in; each request carries a [`Visitor`] as its extension.
pub fn routes(console: Console) -> Router {
    Router::new()
        .route("/", get(pages::overview::show))
        .route("/devices", get(pages::devices::show))
        .route("/devices/{id}", get(pages::device::show))
        .route("/devices/{id}/orders", post(pages::device::order))
        .route(
            "/orders",
            get(pages::orders::show).post(pages::orders::give),
        )
        .route("/orders/done", get(pages::orders::done::show))
        .route("/views", get(pages::views::show).post(pages::views::save))
        .route("/views/{name}/remove", post(pages::views::remove))
        .route(
            "/onboard",
            get(pages::onboard::show).post(pages::onboard::claim),
        )
        .route(
            "/onboard/many",
            get(pages::onboard_many::show).post(pages::onboard_many::check),
        )
        .route("/onboard/many/claim", post(pages::onboard_many::claim))
        .route("/onboard/tokens/{id}", get(pages::onboard_tokens::show))
        .route(
            "/onboard/tokens/{id}/labels",
            get(pages::onboard_tokens::labels),
        )
        .route(
            "/onboard/tokens/{id}/put-away",
            post(put_away::<ClaimTokens>),
        )
        .route(
            "/onboard/withdraw/{serial}",
            confirmed::<pages::withdraw::Withdrawal>(),
        )
        .route(
            "/onboard/makers",
            get(pages::makers::show).post(pages::makers::add),
        )
        .route(
            "/onboard/makers/{name}/remove",
            confirmed::<pages::maker_remove::MakerRemoval>(),
        )
        .route("/services", get(pages::services::show))
        .route(
            "/services/new",
            get(pages::service_new::show).post(pages::service_new::make),
        )
        .route("/services/{name}", get(pages::service::show))
        .route(
            "/services/{name}/revoke",
            confirmed::<pages::service_revoke::ServiceRevocation>(),
        )
        .route("/services/issued/{id}", get(pages::service_issued::show))
        .route(
            "/services/issued/{id}/put-away",
            post(put_away::<ServiceIssued>),
        )
        .route("/profiles", get(pages::profiles::show))
        .route(
            "/profiles/new",
            get(pages::profile_edit::fresh).post(pages::profile_edit::check_new),
        )
        .route("/profiles/{name}", get(pages::profile::show))
        .route(
            "/profiles/{name}/edit",
            get(pages::profile_edit::show).post(pages::profile_edit::check),
        )
        .route("/profiles/{name}/apply", post(pages::profile_edit::apply))
        .route("/journal", get(pages::journal::show))
        .route("/journal/{index}", get(pages::entry::show))
        .route("/journal/{index}/proof", get(pages::entry::proof))
        .route("/settings", get(pages::settings::show))
        .route(
            "/settings/password",
            get(pages::password::show).post(pages::password::set),
        )
        .route("/settings/tokens", post(pages::settings::make_token))
        .route("/settings/tokens/made/{id}", get(pages::token_made::show))
        .route(
            "/settings/tokens/made/{id}/put-away",
            post(put_away::<TokenMade>),
        )
        .route(
            "/settings/tokens/{name}/revoke",
            confirmed::<pages::token_revoke::TokenRevocation>(),
        )
        .route(
            "/settings/sessions/end",
            confirmed::<pages::sessions_end::SessionsEnd>(),
        )
        .route(
            "/settings/clock",
            confirmed::<pages::clock::ClockConfirmation>(),
        )
        .route("/events", get(live::events))
        .layer(DefaultBodyLimit::max(FORM_SIZE_MAX))
        .with_state(console)
}

/// Stylesheet, icons and script, which anybody may have.
pub fn assets() -> Router {
    assets::routes()
}
