//! `/journal`: entries, proofs, and the signed log itself.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::{Extension, Json};
use ironroot_api::{
    Checkpoint, EntryProof, JournalEntry, JournalQuery, Page, Problem, Sealed, SnapshotTaken,
    WordsErased,
};

use super::auth::Caller;
use super::request::{Asked, Named};
use super::{Api, Refusal};
use crate::collect::intake::erasure;

/// Entries, newest first, or upwards from one.
#[utoipa::path(get, path = "/journal", tag = "journal", params(JournalQuery), responses((status = 200, body = Page<JournalEntry>)))]
pub(crate) async fn list(
    State(api): State<Api>,
    Asked(query): Asked<JournalQuery>,
) -> Result<Json<Page<JournalEntry>>, Refusal> {
    let page = api.views.journal(&query).await;
    page.map(Json).map_err(|cause| api.refuse(&cause))
}

/// The newest signed checkpoint.
#[utoipa::path(get, path = "/journal/checkpoint", tag = "journal", responses((status = 200, body = Checkpoint)))]
pub(crate) async fn checkpoint(State(api): State<Api>) -> Result<Json<Checkpoint>, Refusal> {
    let newest = api.views.checkpoint().await;
    newest.map(Json).map_err(|cause| api.refuse(&cause))
}

/// One entry.
#[utoipa::path(get, path = "/journal/{index}", tag = "journal", params(("index" = u64, Path, description = "The entry's place in the log")), responses(
    (status = 200, body = JournalEntry),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn show(
    State(api): State<Api>,
    Named(index): Named<u64>,
) -> Result<Json<JournalEntry>, Refusal> {
    let entry = api.views.entry(index).await;
    entry.map(Json).map_err(|cause| api.refuse(&cause))
}

/// Erases a person's words: the reason given with an order. The entry and its digest stay, and still verify.
#[utoipa::path(delete, path = "/journal/{index}/why", tag = "journal", params(("index" = u64, Path, description = "The entry's place in the log")), responses(
    (status = 200, body = WordsErased),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "The entry has no words, or has them no more"),
))]
pub(crate) async fn erase_words(
    State(api): State<Api>,
    Extension(Caller(by)): Extension<Caller>,
    Named(index): Named<u64>,
) -> Result<Json<WordsErased>, Refusal> {
    let erased = erasure::erase(&api.ledger, &api.views, index, by.clone()).await;
    let entry = erased.map_err(|cause| api.refuse(&cause))?;
    tracing::info!(door = "api", actor = %by, entry = index, "A person's words were erased.");
    Ok(Json(WordsErased { index, entry }))
}

/// Takes a snapshot of the state, from which the rows can be made again without the entries before it.
#[utoipa::path(post, path = "/journal/snapshots", tag = "journal", responses(
    (status = 201, body = SnapshotTaken),
    (status = 500, body = Problem, content_type = "application/problem+json", description = "The rows are not what the journal says, or the disk is full"),
    (status = 503, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn take_snapshot(
    State(api): State<Api>,
    Extension(Caller(by)): Extension<Caller>,
) -> Result<(StatusCode, Json<SnapshotTaken>), Refusal> {
    let taken = api.snapshotter.take().await;
    let taken = taken.map_err(|cause| api.refuse(&cause))?;
    tracing::info!(door = "api", actor = %by, entry = taken.entry, "A snapshot of the state was taken.");
    let answer = SnapshotTaken {
        entries: taken.entries,
        state: taken.state,
        file: taken.path.display().to_string(),
        entry: taken.entry,
    };
    Ok((StatusCode::CREATED, Json(answer)))
}

/// Copies the log to the archive now, and moves every segment that may go.
#[utoipa::path(post, path = "/journal/segments", tag = "journal", responses(
    (status = 200, body = Sealed),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "The settings name no archive"),
    (status = 500, body = Problem, content_type = "application/problem+json", description = "The archive has something else than was signed"),
    (status = 503, body = Problem, content_type = "application/problem+json", description = "The archive cannot be reached"),
))]
pub(crate) async fn seal(
    State(api): State<Api>,
    Extension(Caller(by)): Extension<Caller>,
) -> Result<Json<Sealed>, Refusal> {
    let moved = api.archivist.seal().await;
    let moved = moved.map_err(|cause| api.refuse(&cause))?;
    tracing::info!(door = "api", actor = %by, floor = moved.floor, "The log was copied to the archive.");
    Ok(Json(Sealed {
        place: moved.place,
        archived: moved.archived,
        floor: moved.floor,
    }))
}

/// The proof that an entry is in the log (C2SP tlog-proof).
#[utoipa::path(get, path = "/journal/{index}/proof", tag = "journal", params(("index" = u64, Path, description = "The entry's place in the log")), responses(
    (status = 200, body = EntryProof),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json", description = "Not under a signed checkpoint yet"),
))]
pub(crate) async fn proof(
    State(api): State<Api>,
    Named(index): Named<u64>,
) -> Result<Json<EntryProof>, Refusal> {
    let proof = api.views.proof(index).await;
    proof.map(Json).map_err(|cause| api.refuse(&cause))
}

/// A file of the log (C2SP tlog-tiles): `checkpoint`, `tile/<level>/<n>`, `tile/entries/<n>`.
#[utoipa::path(get, path = "/journal/log/{*path}", tag = "journal", params(("path" = String, Path, description = "The file's name in the log")), responses(
    (status = 200, body = Vec<u8>, content_type = "application/octet-stream"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn log_file(
    State(api): State<Api>,
    Named(path): Named<String>,
) -> Result<impl IntoResponse, Refusal> {
    let file = api
        .views
        .log_file(&path)
        .await
        .map_err(|cause| api.refuse(&cause))?;
    // C2SP tlog-tiles: the checkpoint is text, tiles are bytes.
    let media_type = if path == "checkpoint" {
        "text/plain; charset=utf-8"
    } else {
        "application/octet-stream"
    };
    Ok(([(header::CONTENT_TYPE, media_type)], file))
}
