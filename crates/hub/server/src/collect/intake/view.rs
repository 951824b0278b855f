//! Saved views of the devices: in the journal like all that people set, so that a rebuild keeps them and
//! whoever uses one for an order can see who said what it means.

use axum::extract::Query;
use axum::http::Uri;
use ironroot_api::{DeviceQuery, NewView, VIEW_QUERY_LENGTH_MAX, VIEWS_MAX};
use ironroot_identity::{BadId, ViewName};
use ironroot_registry::{Actor, Fact, Registry, ViewSaved};

use crate::fault::{Blame, Fault};
use crate::ledger::{Ledger, NotRecorded};

/// Why a view is not saved.
#[derive(Debug, thiserror::Error)]
pub enum ViewRefused {
    /// The name is none.
    #[error("name: {0}")]
    Name(BadId),
    /// The query asks for a part of a list, or for nothing that a list of devices knows.
    #[error("query: it is no query of the list of devices: {0}")]
    Query(String),
    /// The query is longer than its bound.
    #[error("query: it has {0} bytes; at most {VIEW_QUERY_LENGTH_MAX} are kept")]
    TooLong(usize),
    /// There are as many as there may be.
    #[error("there are {VIEWS_MAX} views already: remove one that nobody needs")]
    TooMany,
    /// It could not be recorded.
    #[error("the view was not saved")]
    NotRecorded(#[from] NotRecorded),
}

impl ViewRefused {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Name(_) | Self::Query(_) | Self::TooLong(_) => Fault::Sender(Blame::Content),
            Self::TooMany => Fault::Sender(Blame::State),
            Self::NotRecorded(cause) => cause.fault(),
        }
    }
}

/// Saves a view; gives the entry.
///
/// # Errors
/// [`ViewRefused`]; nothing was saved.
pub async fn save(
    ledger: &Ledger,
    registry: &Registry,
    new: &NewView,
    by: Actor,
) -> Result<u64, ViewRefused> {
    let name: ViewName = new.name.parse().map_err(ViewRefused::Name)?;
    check(&new.query)?;
    let known = registry.views();
    if known.len() >= VIEWS_MAX && known.iter().all(|view| view.name != name) {
        return Err(ViewRefused::TooMany);
    }
    let query = new.query.clone();
    let receipt = ledger
        .record(&Fact::from(ViewSaved { name, query, by }))
        .await?;
    Ok(receipt.indices.start)
}

/// A query that the list of devices takes, and that says nothing about a part of it.
fn check(query: &str) -> Result<(), ViewRefused> {
    if query.len() > VIEW_QUERY_LENGTH_MAX {
        return Err(ViewRefused::TooLong(query.len()));
    }
    let told = |cause: &dyn std::fmt::Display| ViewRefused::Query(cause.to_string());
    let uri: Uri = format!("/devices?{query}")
        .parse()
        .map_err(|cause: axum::http::uri::InvalidUri| told(&cause))?;
    let Query(read) =
        Query::<DeviceQuery>::try_from_uri(&uri).map_err(|cause| told(&cause.body_text()))?;
    if read.limit.is_some() || read.cursor.is_some() || read.count.is_some() {
        return Err(told(&"limit, cursor and count are about one page of it"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_the_list_of_devices_takes() {
        for query in [
            "",
            "lifecycle=quarantined",
            "id=cam%20&sort=last_seen&reverse=true",
        ] {
            assert!(check(query).is_ok(), "{query}");
        }
    }

    #[test]
    fn refuses_a_part_of_a_list_and_what_no_list_knows() {
        for query in [
            "limit=5",
            "cursor=4~cam-1",
            "count=true",
            "lifecycle=lost",
            "colour=red",
            "id=\n",
            "id=<script>",
        ] {
            assert!(
                matches!(check(query), Err(ViewRefused::Query(_))),
                "{query}"
            );
        }
        let long = format!("id={}", "x".repeat(VIEW_QUERY_LENGTH_MAX));
        assert!(matches!(check(&long), Err(ViewRefused::TooLong(515))));
    }
}
