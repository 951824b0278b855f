//! The views: those that every hub has, then those that were saved, each with how many devices are in it.

use ironroot_api::{DeviceQuery, SavedView};

use super::asked::Asked;
use crate::figures::grouped;

/// The views that every hub has, with their queries.
const VIEWS: [(&str, &str); 4] = [
    ("All devices", ""),
    ("Shut out", "lifecycle=quarantined"),
    ("Certificate ends in 7 days", "certificate_ends_in_s=604800"),
    ("Not seen for a day", "lifecycle=active&unseen_for_s=86400"),
];

/// A view and what it asks.
pub(super) struct Known {
    name: String,
    query: String,
    question: DeviceQuery,
    /// Whether somebody saved it, and can remove it.
    saved: bool,
}

/// A view of the devices, and how many are in it.
#[derive(Debug)]
pub(super) struct View {
    pub(super) name: String,
    pub(super) count: String,
    pub(super) href: String,
    pub(super) current: bool,
    pub(super) saved: bool,
}

impl Known {
    /// All views whose query can be read.
    pub(super) fn all(saved: Vec<SavedView>) -> Vec<Self> {
        let read = |name: String, query: String, saved| {
            let question = Asked::read(&query)?.query().ok()?;
            Some(Self {
                name,
                query,
                question,
                saved,
            })
        };
        let own = VIEWS.map(|(name, query)| read(name.to_owned(), query.to_owned(), false));
        let saved = saved
            .into_iter()
            .map(|view| read(view.name, view.query, true));
        own.into_iter().chain(saved).flatten().collect()
    }

    pub(super) fn question(&self) -> &DeviceQuery {
        &self.question
    }

    /// The view with its count, beside the list of what `query` asks.
    pub(super) fn shown(self, count: u64, query: &DeviceQuery) -> View {
        View {
            count: grouped(count),
            href: match self.query.as_str() {
                "" => "/devices".to_owned(),
                query => format!("/devices?{query}"),
            },
            current: self.question.filters() == query.clone().filters(),
            saved: self.saved,
            name: self.name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_view_of_the_hub_is_a_question() {
        assert_eq!(Known::all(Vec::new()).len(), VIEWS.len());
    }

    #[test]
    fn a_saved_view_that_cannot_be_read_is_left_out() {
        let saved = |query: &str| SavedView {
            name: "mine".to_owned(),
            query: query.to_owned(),
            entry: 7,
        };
        let known = Known::all(vec![saved("tier=trusted"), saved("tier=warning")]);
        let mine: Vec<_> = known.iter().filter(|view| view.saved).collect();
        assert_eq!(mine.len(), 1);
    }
}
