//! Stylesheet, icons and script: inside the program, cached for good under names that change with them.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

struct Asset {
    path: String,
    media_type: &'static str,
    bytes: &'static [u8],
}

static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "console.css",
        "text/css; charset=utf-8",
        include_bytes!("../assets/console.css"),
    )
});
static ICONS: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "icons.svg",
        "image/svg+xml",
        include_bytes!("../assets/icons.svg"),
    )
});
static FAVICON: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "favicon.svg",
        "image/svg+xml",
        include_bytes!("../assets/favicon.svg"),
    )
});
static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "console.js",
        "text/javascript; charset=utf-8",
        include_bytes!("../assets/console.js"),
    )
});

impl Asset {
    /// `/assets/<digest>/<name>`.
    fn new(name: &str, media_type: &'static str, bytes: &'static [u8]) -> Self {
        let digest = hex::encode(digest(&SHA256, bytes));
        let short = digest.get(..12).unwrap_or(&digest);
        Self {
            path: format!("/assets/{short}/{name}"),
            media_type,
            bytes,
        }
    }
}

pub(crate) fn style() -> &'static str {
    &STYLE.path
}

pub(crate) fn icons() -> &'static str {
    &ICONS.path
}

pub(crate) fn favicon() -> &'static str {
    &FAVICON.path
}

pub(crate) fn script() -> &'static str {
    &SCRIPT.path
}

pub(crate) fn routes() -> Router {
    let all: [&'static Asset; 4] = [&STYLE, &ICONS, &FAVICON, &SCRIPT];
    all.into_iter().fold(Router::new(), |router, asset| {
        let answer = || async {
            let headers = [
                (header::CONTENT_TYPE, asset.media_type),
                (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
            ];
            (headers, asset.bytes).into_response()
        };
        router.route(&asset.path, get(answer))
    })
}
