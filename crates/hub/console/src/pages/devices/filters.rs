//! The filters: those that can be chosen, and those in force, each with the way out of it.

use ironroot_api::{Assurance, DeviceQuery, Lifecycle, Tier};
use ironroot_views::Views;

use super::asked::Asked;
use crate::figures::{grouped, span};
use crate::form::Choice;
use crate::pages::fault::Trouble;

/// Name in the address, how a chip says it, and how the form does.
const FILTERS: [(&str, &str, &str); 8] = [
    ("id", "id contains", "Id contains"),
    ("tier", "tier is", "Tier"),
    ("lifecycle", "lifecycle is", "Lifecycle"),
    ("profile", "profile is", "Profile"),
    ("connected", "connected:", "Connected"),
    ("unseen_for_s", "not seen for", "Not seen for"),
    (
        "certificate_ends_in_s",
        "certificate ends in",
        "Certificate ends in",
    ),
    ("assurance", "key is", "Key"),
];

/// The spans that the form offers, in seconds.
const SPANS: [u64; 4] = [3_600, 86_400, 604_800, 2_592_000];

/// A field of the form with its choices.
#[derive(Debug)]
pub(super) struct Select {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) choices: Vec<Choice>,
}

/// A filter that is in force, and the address without it.
#[derive(Debug)]
pub(super) struct Applied {
    pub(super) what: String,
    pub(super) without: String,
    /// How many would fit without it; empty unless nothing fits.
    pub(super) then: String,
}

impl Asked {
    /// The filters in force, by their names in the address.
    pub(super) fn filters(&self) -> impl Iterator<Item = &'static str> {
        let named = |name| FILTERS.iter().any(|(known, ..)| *known == name);
        let given = self
            .fields()
            .into_iter()
            .filter(|(_, text)| !text.is_empty());
        given.map(|(name, _)| name).filter(move |name| named(*name))
    }

    pub(super) fn applied(&self) -> Vec<Applied> {
        let fields = self.fields();
        let chips = self.filters().filter_map(|name| {
            let (_, what, _) = FILTERS.iter().find(|(known, ..)| *known == name)?;
            let (_, text) = fields.iter().find(|(known, _)| *known == name)?;
            Some(Applied {
                what: format!("{what} {}", said(name, text)),
                without: self.address(&[(name, "")]),
                then: String::new(),
            })
        });
        chips.collect()
    }

    pub(super) fn selects(&self, profiles: &[String]) -> Vec<Select> {
        let spans = || SPANS.map(|span| span.to_string()).to_vec();
        let names = |name: &str| -> Vec<String> {
            match name {
                "tier" => listed(Tier::ALL),
                "lifecycle" => listed(Lifecycle::ALL),
                "profile" => profiles.to_vec(),
                "connected" => listed(&[true, false]),
                "assurance" => listed(Assurance::ALL),
                _ => spans(),
            }
        };
        let fields = self.fields();
        let selects = FILTERS.iter().skip(1).filter_map(|(name, _, label)| {
            let (_, chosen) = fields.iter().find(|(known, _)| known == name)?;
            let mut values = names(name);
            if !chosen.is_empty() && !values.iter().any(|value| value == chosen) {
                values.push((*chosen).to_owned());
            }
            let choice = |value: String| Choice {
                word: said(name, &value),
                chosen: value == *chosen,
                value,
            };
            Some(Select {
                name,
                label,
                choices: values.into_iter().map(choice).collect(),
            })
        });
        selects.collect()
    }
}

/// How many devices there would be with each one filter left out.
pub(super) async fn count_without(
    views: &Views,
    asked: &Asked,
    applied: &mut [Applied],
) -> Result<(), Trouble> {
    let mut less = Vec::with_capacity(applied.len());
    for filter in asked.filters() {
        less.push(asked.without(filter).query()?);
    }
    let none = DeviceQuery {
        limit: Some(1),
        ..DeviceQuery::default()
    };
    let found = views.find(&none, &less).await?;
    for (filter, count) in applied.iter_mut().zip(found.others) {
        filter.then = grouped(count);
    }
    Ok(())
}

/// A value of a filter as people say it.
fn said(name: &str, value: &str) -> String {
    match (name, value.parse::<u64>()) {
        ("unseen_for_s" | "certificate_ends_in_s", Ok(seconds)) => span(seconds),
        ("connected", _) => if value == "true" { "yes" } else { "no" }.to_owned(),
        _ => value.to_owned(),
    }
}

fn listed<T: ToString>(all: &[T]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}
