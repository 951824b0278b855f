//! The columns: their headings, which sort, and how an order is spoken of.

use ironroot_api::DeviceSort;

use super::asked::Asked;

/// The heading of a column, which sorts by it.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) word: &'static str,
    pub(super) class: &'static str,
    pub(super) href: String,
    /// `ascending` or `descending`; empty when the list is in another order.
    pub(super) sorted: &'static str,
}

impl Asked {
    pub(super) fn heads(&self, sort: Option<DeviceSort>, reverse: bool) -> Vec<Head> {
        let sort = sort.unwrap_or(DeviceSort::Standing);
        let heads = COLUMNS.iter().map(|(word, class, by, natural)| {
            let current = *by == sort;
            let turned = if current && !reverse { "true" } else { "" };
            let by_name = by.to_string();
            let chosen = if *by == DeviceSort::Standing {
                ""
            } else {
                by_name.as_str()
            };
            Head {
                word,
                class,
                href: self.address(&[("sort", chosen), ("reverse", turned)]),
                sorted: match (current, natural, reverse) {
                    (false, ..) => "",
                    (true, Falls, false) | (true, Rises, true) => "descending",
                    (true, Falls, true) | (true, Rises, false) => "ascending",
                },
            }
        });
        heads.collect()
    }
}

/// Which way the values of a column go in its own order.
#[derive(Clone, Copy)]
enum Natural {
    Rises,
    Falls,
}
use Natural::{Falls, Rises};

/// Word, width from which it is shown, order, and which way that goes.
const COLUMNS: [(&str, &str, DeviceSort, Natural); 9] = [
    ("Device", "", DeviceSort::Id, Rises),
    ("Standing", "", DeviceSort::Standing, Falls),
    ("Lifecycle", "from-48", DeviceSort::Lifecycle, Rises),
    ("Profile", "from-80", DeviceSort::Profile, Rises),
    ("Cert. ends", "from-64", DeviceSort::CertificateEnds, Rises),
    ("Messages", "from-80 num", DeviceSort::Messages, Falls),
    ("Refused", "from-80 num", DeviceSort::Refused, Falls),
    ("Sessions", "from-64 num", DeviceSort::Sessions, Falls),
    ("Seen", "from-48 num", DeviceSort::LastSeen, Rises),
];

/// How an order is spoken of, and how the other way round.
pub(super) const fn order_words(sort: DeviceSort) -> (&'static str, &'static str) {
    match sort {
        DeviceSort::Standing => ("gravest first", "gravest last"),
        DeviceSort::Id => ("by id", "by id, from the end"),
        DeviceSort::LastSeen => ("latest seen first", "longest unseen first"),
        DeviceSort::Profile => ("by profile", "by profile, from the end"),
        DeviceSort::Lifecycle => ("youngest in life first", "oldest in life first"),
        DeviceSort::CertificateEnds => ("ending soonest first", "ending latest first"),
        DeviceSort::Sessions => ("most sessions first", "fewest sessions first"),
        DeviceSort::Messages => ("most messages first", "fewest messages first"),
        DeviceSort::Refused => ("most refused first", "fewest refused first"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_sorts_and_sorts_back() {
        let heads = Asked::default().heads(None, false);
        let by = |word: &str| heads.iter().find(|head| head.word == word).unwrap();
        assert_eq!(by("Seen").href, "/devices?sort=last_seen");
        assert_eq!(
            (by("Standing").href.as_str(), by("Standing").sorted),
            ("/devices?reverse=true", "descending")
        );
    }
}
