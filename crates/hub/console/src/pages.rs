//! The pages: each one a typed view, a handler, and a template of the same name.

pub(crate) mod device;
pub(crate) mod devices;
pub(crate) mod entry;
pub(crate) mod fault;
pub(crate) mod journal;
pub(crate) mod overview;
pub(crate) mod sign_in;

use askama::Template;
use axum::response::{Html, IntoResponse, Response};

use self::fault::{Trouble, fault_page};

/// A page that is ready to be rendered, or why it is not shown.
pub(crate) struct Shown<T>(pub(crate) Result<T, Trouble>);

impl<T: Template> IntoResponse for Shown<T> {
    fn into_response(self) -> Response {
        match self.0.and_then(|page| page.render().map_err(Trouble::from)) {
            Ok(html) => Html(html).into_response(),
            Err(trouble) => fault_page(&trouble),
        }
    }
}
