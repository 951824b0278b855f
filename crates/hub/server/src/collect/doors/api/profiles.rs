//! `/profiles`: what each class of devices may do.

use axum::extract::State;
use axum::{Extension, Json};
use ironroot_api::{
    FieldFault, NewProfile, Page, PageQuery, Problem, ProfileApplied, ProfileCheck, ProfileDetail,
    ProfileItem,
};
use ironroot_profile::BadProfile;

use super::auth::Caller;
use super::request::{Asked, Body, Named};
use super::{Api, Refusal};
use crate::collect::intake::profiles::NotApplied;

/// Profiles, page by page.
#[utoipa::path(get, path = "/profiles", tag = "profiles", params(PageQuery), responses((status = 200, body = Page<ProfileItem>)))]
pub(crate) async fn list(
    State(api): State<Api>,
    Asked(query): Asked<PageQuery>,
) -> Json<Page<ProfileItem>> {
    Json(api.views.profiles(&query).await)
}

/// One profile, whole.
#[utoipa::path(get, path = "/profiles/{name}", tag = "profiles", params(("name" = String, Path, description = "The profile's name")), responses(
    (status = 200, body = ProfileDetail),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn show(
    State(api): State<Api>,
    Named(name): Named<String>,
) -> Result<Json<ProfileDetail>, Refusal> {
    let detail = api.views.profile(&name).await;
    detail.map(Json).map_err(|cause| api.refuse(&cause))
}

/// Says what a profile's text would change, and changes nothing.
#[utoipa::path(post, path = "/profiles/check", tag = "profiles", request_body = NewProfile, responses(
    (status = 200, body = ProfileCheck),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "What is wrong with the text"),
))]
pub(crate) async fn check(
    State(api): State<Api>,
    Body(new): Body<NewProfile>,
) -> Result<Json<ProfileCheck>, Refusal> {
    let check = api.views.profile_change(&new.toml).await;
    check.map(Json).map_err(|bad| faulty(&bad))
}

/// Puts a profile in force: its devices' Grants follow at once, and its file in the data folder too.
#[utoipa::path(put, path = "/profiles/{name}", tag = "profiles", params(("name" = String, Path, description = "The profile's name")), request_body = NewProfile, responses(
    (status = 200, body = ProfileApplied),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "It was changed meanwhile"),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "What is wrong with the text"),
))]
pub(crate) async fn apply(
    State(api): State<Api>,
    Extension(Caller(by)): Extension<Caller>,
    Named(name): Named<String>,
    Body(new): Body<NewProfile>,
) -> Result<Json<ProfileApplied>, Refusal> {
    let unchanged = |before: Option<&str>| {
        let digest = before.map(ironroot_views::profile_digest);
        new.from.is_none() || new.from == digest
    };
    let applied = api.profiles.apply(&name, &new.toml, unchanged, by.clone());
    let entry = applied.await.map_err(|cause| match &cause {
        NotApplied::Faulty(bad) => faulty(bad),
        cause => api.refuse_field(Some("toml"), cause),
    })?;
    tracing::info!(door = "api", actor = %by, profile = name, "A profile was applied.");
    Ok(Json(ProfileApplied { name, entry }))
}

fn faulty(bad: &BadProfile) -> Refusal {
    let told = bad.faults.iter().map(|fault| {
        let colon = if fault.path.is_empty() { "" } else { ": " };
        FieldFault::new("toml", format!("{}{colon}{}", fault.path, fault.fault))
    });
    Refusal::of_fields(told.collect())
}
