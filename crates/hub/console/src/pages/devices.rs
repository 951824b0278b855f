//! The list of devices: filter, order and page are the address, and nothing else is.

use askama::Template;
use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use ironroot_api::{DeviceItem, DeviceQuery, DeviceSort, Lifecycle, Tier};
use ironroot_time::UnixTime;
use serde::Deserialize;

use super::Shown;
use super::fault::Trouble;
use crate::Console;
use crate::figures::{counted, seen};
use crate::frame::{Frame, Section, Visitor};
use crate::marks::{self, Mark};

/// Devices on one page.
const PAGE: u32 = 25;

/// One device in a list.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) profile: String,
    pub(crate) tier: Mark,
    pub(crate) life: Mark,
    pub(crate) why: String,
    pub(crate) sessions: u32,
    pub(crate) seen: String,
}

/// What the form and the links of the list put into the address. A form sends empty fields too.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    id: String,
    profile: String,
    lifecycle: String,
    tier: String,
    sort: String,
    cursor: String,
}

#[derive(Debug, Template)]
#[template(path = "devices.html")]
pub(crate) struct Devices {
    frame: Frame,
    lead: String,
    asked: Asked,
    lifecycles: Vec<Choice>,
    profiles: Vec<Choice>,
    sorts: Vec<Choice>,
    applied: Vec<Applied>,
    rows: Vec<Row>,
    /// The address of the next page; empty on the last.
    next: String,
}

/// One choice of a field.
#[derive(Debug)]
struct Choice {
    value: String,
    word: String,
    chosen: bool,
}

/// A filter that is in force, and the address without it.
#[derive(Debug)]
struct Applied {
    what: String,
    without: String,
}

pub(crate) async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Shown<Devices> {
    Shown(match asked {
        Ok(Query(asked)) => page(&console, visitor, asked).await,
        Err(cause) => Err(Trouble::Faulty(cause.body_text())),
    })
}

async fn page(console: &Console, visitor: Visitor, asked: Asked) -> Result<Devices, Trouble> {
    let views = &console.views;
    let query = asked.query()?;
    let found = views.devices(&query).await?;
    let fleet = console.live.fleet(views).await;
    let now = views.now();
    let parts = (views.as_ref(), &console.live);
    Ok(Devices {
        frame: Frame::new(parts, visitor, Section::Devices, "Devices").await,
        lead: lead(&query, fleet.devices),
        lifecycles: choices(Lifecycle::ALL, &asked.lifecycle),
        profiles: fleet
            .by_profile
            .keys()
            .map(|name| Choice::new(name.as_str(), &asked.profile))
            .collect(),
        sorts: sorts(query.sort),
        applied: asked.applied(),
        rows: found
            .items
            .into_iter()
            .map(|item| Row::new(item, now))
            .collect(),
        next: found
            .next
            .map(|cursor| asked.with("cursor", &cursor))
            .unwrap_or_default(),
        asked,
    })
}

impl Row {
    pub(crate) fn new(item: DeviceItem, now: UnixTime) -> Self {
        let why = match item.reasons_count {
            0 => String::new(),
            count => format!("for {}", counted(count.into(), "reason", "reasons")),
        };
        Self {
            tier: marks::tier(item.tier),
            life: marks::lifecycle(item.lifecycle),
            seen: seen(now, item.sessions, item.last_seen.as_deref()),
            id: item.id,
            profile: item.profile,
            sessions: item.sessions,
            why,
        }
    }
}

impl Asked {
    /// The question in the words of the API.
    fn query(&self) -> Result<DeviceQuery, Trouble> {
        let given = |text: &String| (!text.is_empty()).then(|| text.clone());
        Ok(DeviceQuery {
            limit: Some(PAGE),
            cursor: given(&self.cursor),
            sort: word("sort", &self.sort, DeviceSort::ALL)?,
            id: given(&self.id),
            profile: given(&self.profile),
            lifecycle: word("lifecycle", &self.lifecycle, Lifecycle::ALL)?,
            tier: word("tier", &self.tier, Tier::ALL)?,
            connected: None,
        })
    }

    fn fields(&self) -> [(&'static str, &str); 6] {
        [
            ("id", &self.id),
            ("profile", &self.profile),
            ("lifecycle", &self.lifecycle),
            ("tier", &self.tier),
            ("sort", &self.sort),
            ("cursor", &self.cursor),
        ]
    }

    /// The address of this list with one field changed. All but `cursor` lead to the first page.
    fn with(&self, field: &str, value: &str) -> String {
        let mut address = "/devices".to_owned();
        for (name, text) in self.fields() {
            let text = if name == field { value } else { text };
            if !text.is_empty() && (name != "cursor" || field == "cursor") {
                address.push(if address.contains('?') { '&' } else { '?' });
                address.push_str(name);
                address.push('=');
                address.push_str(&escaped(text));
            }
        }
        address
    }

    fn applied(&self) -> Vec<Applied> {
        let words = [
            ("id", "id contains"),
            ("profile", "profile is"),
            ("lifecycle", "lifecycle is"),
            ("tier", "tier is"),
        ];
        let in_force = self
            .fields()
            .into_iter()
            .filter(|(_, text)| !text.is_empty());
        let chips = in_force.filter_map(|(name, text)| {
            let (_, word) = words.iter().find(|(known, _)| *known == name)?;
            Some(Applied {
                what: format!("{word} {text}"),
                without: self.with(name, ""),
            })
        });
        chips.collect()
    }
}

impl Choice {
    fn new(word: &str, chosen: &str) -> Self {
        Self {
            value: word.to_owned(),
            word: word.to_owned(),
            chosen: word == chosen,
        }
    }
}

fn choices<T: ToString>(all: &[T], chosen: &str) -> Vec<Choice> {
    all.iter()
        .map(|value| Choice::new(&value.to_string(), chosen))
        .collect()
}

fn sorts(chosen: Option<DeviceSort>) -> Vec<Choice> {
    let chosen = chosen.unwrap_or(DeviceSort::Standing);
    let all = DeviceSort::ALL.iter().map(|sort| Choice {
        value: sort.to_string(),
        word: match sort {
            DeviceSort::Standing => "Standing, gravest first",
            DeviceSort::Id => "Id",
            DeviceSort::LastSeen => "Seen, latest first",
        }
        .to_owned(),
        chosen: *sort == chosen,
    });
    all.collect()
}

fn lead(query: &DeviceQuery, devices: u64) -> String {
    let filtered = query.id.is_some()
        || query.profile.is_some()
        || query.lifecycle.is_some()
        || query.tier.is_some();
    let order = match query.sort.unwrap_or(DeviceSort::Standing) {
        DeviceSort::Standing => "gravest Standing first",
        DeviceSort::Id => "by id",
        DeviceSort::LastSeen => "latest seen first",
    };
    let all = counted(devices, "device", "devices");
    if filtered {
        format!("Those of {all} that fit every filter, {order}.")
    } else {
        format!("{all}, {order}.")
    }
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

/// A text inside an address (RFC 3986 section 2.1).
fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{HOSTILE, check, frame};

    const NOW: UnixTime = UnixTime::from_ms(1_795_323_961_042);

    fn page(asked: Asked, rows: usize, next: &str) -> String {
        let item = |n| DeviceItem {
            id: format!("CAM-7F31-{n:04}"),
            profile: "camera".to_owned(),
            lifecycle: Lifecycle::ALL[n % Lifecycle::ALL.len()],
            tier: Tier::ALL[n % Tier::ALL.len()],
            assurance: None,
            reasons_count: 0,
            sessions: 0,
            last_seen: Some(NOW.to_string()),
            simulated: false,
        };
        let page = Devices {
            frame: frame(Section::Devices),
            lead: lead(&DeviceQuery::default(), 2_418),
            lifecycles: choices(Lifecycle::ALL, &asked.lifecycle),
            profiles: vec![Choice::new("camera", &asked.profile)],
            sorts: sorts(None),
            applied: asked.applied(),
            rows: (0..rows).map(|n| Row::new(item(n), NOW)).collect(),
            next: next.to_owned(),
            asked,
        };
        page.render().unwrap()
    }

    #[test]
    fn the_empty_form_names_the_command_for_a_first_claim() {
        let html = page(Asked::default(), 0, "");
        check(&html);
        assert!(html.contains("ironroot claim new SERIAL"));
    }

    #[test]
    fn the_usual_form_shows_what_is_applied_with_a_way_out() {
        let asked = Asked {
            id: HOSTILE.to_owned(),
            lifecycle: "active".to_owned(),
            cursor: "6~x".to_owned(),
            ..Asked::default()
        };
        let html = page(asked, 3, "/devices?cursor=6~y");
        check(&html);
        assert!(html.contains("<option selected>active</option>"));
        assert!(html.contains(r#"href="/devices?id=%22%3E%3Cscript%3E"#));
        assert!(html.contains("Next page") && html.contains("First page"));
    }

    #[test]
    fn the_crowded_form_holds() {
        check(&page(Asked::default(), 25, "/devices?cursor=6~y"));
    }

    #[test]
    fn an_address_keeps_every_filter_but_the_one_that_is_taken_out() {
        let asked = Asked {
            id: "a b".to_owned(),
            profile: "camera".to_owned(),
            cursor: "6~x".to_owned(),
            ..Asked::default()
        };
        assert_eq!(asked.with("profile", ""), "/devices?id=a%20b");
        assert_eq!(
            asked.with("cursor", "6~y"),
            "/devices?id=a%20b&profile=camera&cursor=6~y"
        );
        assert_eq!(asked.with("id", ""), "/devices?profile=camera");
    }

    #[test]
    fn refuses_a_word_outside_the_vocabulary() {
        let asked = Asked {
            tier: "trusted".to_owned(),
            ..Asked::default()
        };
        assert!(matches!(asked.query(), Err(Trouble::Faulty(_))));
    }
}
