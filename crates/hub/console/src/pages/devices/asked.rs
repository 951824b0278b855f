//! What the address of the list asks: filters, order and page, as the API, the next address and the command line
//! say it.

use axum::extract::Query;
use ironroot_api::{Assurance, DeviceCount, DeviceQuery, DeviceSort, Lifecycle, Tier};
use serde::Deserialize;

use super::columns::order_words;
use crate::address::{address, query};
use crate::figures::grouped;
use crate::pages::fault::Trouble;

/// Devices on one page.
const PAGE: u32 = 25;

/// What the form and the links of the list put into the address. A form sends empty fields too.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    pub(super) id: String,
    pub(super) tier: String,
    pub(super) lifecycle: String,
    pub(super) profile: String,
    pub(super) connected: String,
    pub(super) unseen_for_s: String,
    pub(super) certificate_ends_in_s: String,
    pub(super) assurance: String,
    pub(super) sort: String,
    pub(super) reverse: String,
    pub(super) cursor: String,
    /// How many devices stand on the pages before this one.
    pub(super) past: String,
    /// The view that was just saved or removed.
    pub(super) saved: String,
    pub(super) removed: String,
}

impl Asked {
    /// What a query of the list of devices asks.
    pub(crate) fn read(query: &str) -> Option<Self> {
        let address = format!("/devices?{query}").parse().ok()?;
        Some(Query::try_from_uri(&address).ok()?.0)
    }

    /// The question in the words of the API.
    pub(super) fn query(&self) -> Result<DeviceQuery, Trouble> {
        let given = |text: &String| (!text.is_empty()).then(|| text.clone());
        Ok(DeviceQuery {
            limit: Some(PAGE),
            cursor: given(&self.cursor),
            sort: word("sort", &self.sort, DeviceSort::ALL)?,
            reverse: (self.reverse == "true").then_some(true),
            count: Some(true),
            id: given(&self.id),
            profile: given(&self.profile),
            lifecycle: word("lifecycle", &self.lifecycle, Lifecycle::ALL)?,
            tier: word("tier", &self.tier, Tier::ALL)?,
            assurance: word("assurance", &self.assurance, Assurance::ALL)?,
            connected: word("connected", &self.connected, &[true, false])?,
            unseen_for_s: number("unseen_for_s", &self.unseen_for_s)?,
            certificate_ends_in_s: number("certificate_ends_in_s", &self.certificate_ends_in_s)?,
        })
    }

    pub(super) fn fields(&self) -> [(&'static str, &str); 10] {
        [
            ("id", &self.id),
            ("tier", &self.tier),
            ("lifecycle", &self.lifecycle),
            ("profile", &self.profile),
            ("connected", &self.connected),
            ("unseen_for_s", &self.unseen_for_s),
            ("certificate_ends_in_s", &self.certificate_ends_in_s),
            ("assurance", &self.assurance),
            ("sort", &self.sort),
            ("reverse", &self.reverse),
        ]
    }

    fn changed<'a>(&'a self, changed: &'a [(&str, &str)]) -> [(&'a str, &'a str); 10] {
        self.fields().map(|(name, text)| {
            let change = changed.iter().find(|(known, _)| *known == name);
            (name, change.map_or(text, |(_, value)| *value))
        })
    }

    /// The query of this list's first page, with some fields changed.
    pub(super) fn with(&self, changed: &[(&str, &str)]) -> String {
        query(self.changed(changed))
    }

    /// The same question without one filter.
    pub(super) fn without(&self, filter: &str) -> Self {
        Self::read(&self.with(&[(filter, "")])).unwrap_or_default()
    }

    /// The address of this list's first page, with some fields changed.
    pub(super) fn address(&self, changed: &[(&str, &str)]) -> String {
        address("/devices", self.changed(changed))
    }

    /// The same filters and order as options of the command line.
    pub(crate) fn flags(&self) -> String {
        let mut flags = String::new();
        for (name, text) in self
            .fields()
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
        {
            let option = match name {
                "unseen_for_s" => format!(" --unseen-for {}s", quoted(text)),
                "certificate_ends_in_s" => format!(" --certificate-ends-in {}s", quoted(text)),
                "connected" => format!(" --connected={}", quoted(text)),
                "reverse" => " --reverse".to_owned(),
                _ => format!(" --{name} {}", quoted(text)),
            };
            flags.push_str(&option);
        }
        flags
    }

    /// The address of the first page.
    pub(super) fn here(&self) -> String {
        self.address(&[])
    }

    /// What would be saved as a view; empty when nothing is asked for.
    pub(super) fn saveable(&self) -> String {
        self.with(&[])
    }

    /// The address of the first page; empty when this is it.
    pub(super) fn first(&self) -> String {
        if self.cursor.is_empty() {
            String::new()
        } else {
            self.here()
        }
    }

    /// The address of the page after this one, which shows so many devices; empty when there is none.
    pub(super) fn next(&self, shown: usize, cursor: Option<&str>) -> String {
        let Some(cursor) = cursor else {
            return String::new();
        };
        let past = (self.past() + shown).to_string();
        let place = [("cursor", cursor), ("past", past.as_str())];
        address("/devices", self.fields().into_iter().chain(place))
    }

    fn past(&self) -> usize {
        if self.cursor.is_empty() {
            return 0;
        }
        self.past.parse().unwrap_or(0)
    }

    pub(super) fn range(
        &self,
        shown: usize,
        count: &DeviceCount,
        sort: Option<DeviceSort>,
    ) -> String {
        let past = self.past();
        let from = grouped(past as u64 + 1);
        let to = grouped((past + shown) as u64);
        let all = grouped(count.devices);
        let (forth, back) = order_words(sort.unwrap_or(DeviceSort::Standing));
        let order = if self.reverse == "true" { back } else { forth };
        format!("{from} to {to} of {all}, {order}")
    }
}

/// A number, if one was given.
fn number(field: &str, text: &str) -> Result<Option<u64>, Trouble> {
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = |_no_number| Trouble::Faulty(format!("{field} is no number of seconds: {text:?}."));
    text.parse().map(Some).map_err(wrong)
}

/// A word of a vocabulary, if one was given.
fn word<T: Copy + ToString>(field: &str, text: &str, all: &[T]) -> Result<Option<T>, Trouble> {
    if text.is_empty() {
        return Ok(None);
    }
    let found = all.iter().find(|value| value.to_string() == text);
    let unknown = || Trouble::Faulty(format!("{field} has no value {text:?}."));
    found.copied().map(Some).ok_or_else(unknown)
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_every_filter_but_the_one_that_is_taken_out() {
        let asked = Asked {
            id: "a b".to_owned(),
            profile: "camera".to_owned(),
            cursor: "6~x".to_owned(),
            ..Asked::default()
        };
        assert_eq!(asked.address(&[("profile", "")]), "/devices?id=a%20b");
        assert_eq!(asked.without("id").address(&[]), "/devices?profile=camera");
        assert_eq!(Asked::default().address(&[]), "/devices");
        let next = asked.next(25, Some("6~y"));
        assert_eq!(next, "/devices?id=a%20b&profile=camera&cursor=6~y&past=25");
    }

    #[test]
    fn a_question_is_the_same_on_the_command_line() {
        let asked = Asked::read("id=a%27b&lifecycle=active&unseen_for_s=60&reverse=true").unwrap();
        assert_eq!(
            asked.flags(),
            r" --id 'a'\''b' --lifecycle active --unseen-for 60s --reverse"
        );
    }

    #[test]
    fn refuses_a_word_outside_the_vocabulary() {
        for asked in [
            "tier=trusted",
            "connected=maybe",
            "unseen_for_s=-1",
            "sort=colour",
        ] {
            let asked = Asked::read(asked).unwrap();
            assert!(matches!(asked.query(), Err(Trouble::Faulty(_))));
        }
    }
}
