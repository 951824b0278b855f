//! `/claims`: serials become this organisation's, and wait for their devices.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use ironroot_api::{
    CLAIMS_MAX, Claim, ClaimItem, ClaimWithdrawn, ClaimsMade, FieldFault, NewClaim, NewClaims,
    Page, PageQuery, Problem, Secret,
};
use ironroot_time::{Clock, Rng};

use super::auth::Caller;
use super::request::{Asked, Body, Named, id};
use super::{Api, Class, Refusal};
use crate::collect::intake::claim::{self, AskedClaim, Claimed};

/// Claims that wait for their devices; what ends first stands first.
#[utoipa::path(get, path = "/claims", tag = "devices", params(PageQuery), responses((status = 200, body = Page<ClaimItem>)))]
pub(crate) async fn list(
    State(api): State<Api>,
    Asked(query): Asked<PageQuery>,
) -> Result<Json<Page<ClaimItem>>, Refusal> {
    let page = api.views.claims(&query).await;
    page.map(Json).map_err(|cause| api.refuse(&cause))
}

/// Claims a serial; the answer holds the token with which its device enrols, once.
#[utoipa::path(post, path = "/claims", tag = "devices", request_body = NewClaim, responses(
    (status = 201, body = Claim),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "The device is in use"),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "A field is wrong"),
))]
pub(crate) async fn make(
    State(api): State<Api>,
    Extension(Caller(by)): Extension<Caller>,
    Body(new): Body<NewClaim>,
) -> Result<(StatusCode, Json<Claim>), Refusal> {
    let asked = vec![read(&new)?];
    let outside: (&dyn Clock, &dyn Rng) = (api.clock.as_ref(), api.rng.as_ref());
    let made = claim::claim(&api.ledger, outside, asked, &by).await;
    let made = made.map_err(|cause| api.refuse(&cause))?;
    let mut claims = answers([new], made);
    let claim = claims.next().ok_or_else(nothing_made)?;
    Ok((StatusCode::CREATED, Json(claim)))
}

/// Claims several serials, all of them or none; the answer holds their tokens, once.
#[utoipa::path(post, path = "/claims/batch", tag = "devices", request_body = NewClaims, responses(
    (status = 200, body = ClaimsMade, description = "A dry run: it could be done"),
    (status = 201, body = ClaimsMade),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "Claims that cannot be made, by their place in the list; none was made"),
))]
pub(crate) async fn make_all(
    State(api): State<Api>,
    Extension(Caller(by)): Extension<Caller>,
    Body(new): Body<NewClaims>,
) -> Result<(StatusCode, Json<ClaimsMade>), Refusal> {
    let asked = read_all(&api, &new.claims)?;
    if new.dry_run {
        let claims = Vec::new();
        return Ok((StatusCode::OK, Json(ClaimsMade { claims })));
    }
    let outside: (&dyn Clock, &dyn Rng) = (api.clock.as_ref(), api.rng.as_ref());
    let made = claim::claim(&api.ledger, outside, asked, &by).await;
    let made = made.map_err(|cause| api.refuse(&cause))?;
    let claims: Vec<_> = answers(new.claims, made).collect();
    tracing::info!(door = "api", actor = %by, claims = claims.len(), "Serials were claimed.");
    Ok((StatusCode::CREATED, Json(ClaimsMade { claims })))
}

/// Takes a claim back: its token lets no device in, and the serial can be claimed again.
#[utoipa::path(delete, path = "/claims/{serial}", tag = "devices", params(("serial" = String, Path, description = "The serial")), responses(
    (status = 200, body = ClaimWithdrawn),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "No claim of this serial waits"),
))]
pub(crate) async fn withdraw(
    State(api): State<Api>,
    Extension(Caller(by)): Extension<Caller>,
    Named(serial): Named<String>,
) -> Result<Json<ClaimWithdrawn>, Refusal> {
    let unknown = |_no_id| Refusal::new(Class::Unknown, format!("There is no serial {serial:?}."));
    let device = serial.parse().map_err(unknown)?;
    let withdrawn = claim::withdraw(&api.ledger, device, by.clone()).await;
    let entry = withdrawn.map_err(|cause| api.refuse(&cause))?;
    tracing::info!(door = "api", actor = %by, device.id = serial, "A claim was withdrawn.");
    Ok(Json(ClaimWithdrawn { serial, entry }))
}

fn read(new: &NewClaim) -> Result<AskedClaim, Refusal> {
    new.check().map_err(Refusal::of_fields)?;
    Ok(AskedClaim {
        device: id("serial", &new.serial)?,
        profile: id("profile", &new.profile)?,
        lifetime: Duration::from_secs(new.ttl_s),
    })
}

/// Reads and checks every claim, so that all that is wrong is said together.
fn read_all(api: &Api, claims: &[NewClaim]) -> Result<Vec<AskedClaim>, Refusal> {
    if claims.is_empty() || claims.len() > CLAIMS_MAX {
        let told = format!(
            "{} claims; 1 to {CLAIMS_MAX} are made at once",
            claims.len()
        );
        return Err(Refusal::of_fields(vec![FieldFault::new("claims", told)]));
    }
    let (mut asked, mut faults) = (Vec::with_capacity(claims.len()), Vec::new());
    for (place, new) in claims.iter().enumerate() {
        let fault = match read(new) {
            Err(refusal) => Some(refusal.into_detail()),
            Ok(read) => {
                let fault = claim::check(&api.registry, &read).err();
                let twice = asked
                    .iter()
                    .any(|other: &AskedClaim| other.device == read.device);
                asked.push(read);
                fault
                    .map(|cause| cause.to_string())
                    .or_else(|| twice.then(|| format!("{} stands in the list twice", new.serial)))
            }
        };
        faults.extend(fault.map(|told| FieldFault::new(&format!("claims[{place}]"), told)));
    }
    if faults.is_empty() {
        Ok(asked)
    } else {
        Err(Refusal::of_fields(faults))
    }
}

fn answers(
    new: impl IntoIterator<Item = NewClaim>,
    made: Vec<Claimed>,
) -> impl Iterator<Item = Claim> {
    new.into_iter().zip(made).map(|(new, made)| Claim {
        serial: new.serial,
        token: Secret::new((*made.token).clone()),
        expires: made.expires.to_string(),
    })
}

fn nothing_made() -> Refusal {
    Refusal::new(Class::Failed, "No claim was made.")
}
