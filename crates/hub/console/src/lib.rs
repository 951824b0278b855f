//! The console: pages rendered on the server from what `views` answers.
//!
//! Stage: after enforce; people read here what the hub did and why.
//! Never: changes anything, reads the store itself, knows who may sign in (the door does), sends a page that
//! needs a script, or puts style or code inside one.
//! To add a page: `pages/<name>.rs` beside `<name>.html`, and a line in [`routes`].

mod assets;
#[cfg(test)]
mod check;
mod figures;
mod frame;
mod live;
mod marks;
mod pages;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use ironroot_views::Views;

pub use frame::Visitor;
pub use live::LiveFigures;
pub use pages::fault::{Trouble, fault_page};
pub use pages::sign_in::{SignInPage, sign_in_page};

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
}

/// The pages for those who are signed in; each request carries a [`Visitor`] as its extension.
pub fn routes(console: Console) -> Router {
    Router::new()
        .route("/", get(pages::overview::show))
        .route("/devices", get(pages::devices::show))
        .route("/devices/{id}", get(pages::device::show))
        .route("/journal", get(pages::journal::show))
        .route("/journal/{index}", get(pages::entry::show))
        .route("/events", get(live::events))
        .with_state(console)
}

/// Stylesheet, icons and script, which anybody may have.
pub fn assets() -> Router {
    assets::routes()
}
