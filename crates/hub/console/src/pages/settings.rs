//! The hub itself: what is not in order, then who may come in and how it keeps what it keeps.

use askama::Template;
use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use ironroot_api::{
    Degraded, HubSettings, NewNamedToken, PAGE_LIMIT_MAX, Page, PageQuery, SessionItem,
    SnapshotKept, Status, Tier, TokenItem, TokenMade,
};
use ironroot_time::UnixTime;
use serde::Deserialize;

use super::fault::Trouble;
use super::{Shown, answered};
use crate::Console;
use crate::figures::{age, counted, grouped, moment, short, size, span, until};
use crate::form::{Faults, Sent};
use crate::frame::{Frame, Section, Visitor, signed};
use crate::marks::{self, Mark};

/// The age in seconds at which a backup is old.
const BACKUP_AGE_MAX_S: u64 = 7 * 86_400;

/// The form for a new token.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TokenForm {
    name: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    /// What was done just now.
    done: String,
}

/// One thing that is not in order.
#[derive(Debug)]
struct Wrong {
    mark: Mark,
    what: String,
    so: String,
    /// The page that puts it right, and its words; empty when no page does.
    href: &'static str,
    link: &'static str,
}

/// A token in the list.
#[derive(Debug)]
struct Token {
    name: String,
    made: String,
    entry: u64,
    /// The owner's is changed, not revoked.
    revocable: bool,
}

/// A session in the list.
#[derive(Debug)]
struct Session {
    name: String,
    by: &'static str,
    begun: String,
    ends: String,
}

/// What is known of one part of the hub.
#[derive(Debug)]
struct Part {
    id: &'static str,
    heading: &'static str,
    facts: Facts,
}

/// Names and values.
type Facts = Vec<(&'static str, String)>;

#[derive(Debug, Template)]
#[template(path = "settings.html")]
pub(crate) struct Settings {
    frame: Frame,
    lead: String,
    done: &'static str,
    wrong: Vec<Wrong>,
    form: TokenForm,
    faults: Faults,
    tokens: Vec<Token>,
    sessions: Vec<Session>,
    panels: Vec<Part>,
    version: String,
}

pub(crate) async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let asked = asked.map(|Query(asked)| asked).unwrap_or_default();
    let page = page(
        &console,
        visitor,
        asked,
        TokenForm::default(),
        Faults::default(),
    );
    Shown(page.await).into_response()
}

/// Makes a token for a program; it waits on the next page.
pub(crate) async fn make_token(State(console): State<Console>, sent: Sent<TokenForm>) -> Response {
    let Sent { visitor, form } = sent;
    let new = NewNamedToken {
        name: form.name.trim().to_owned(),
    };
    match console
        .hub
        .post::<TokenMade>(&visitor, "/tokens", &new)
        .await
    {
        Ok(made) => console.hand_over(&visitor, made),
        Err(problem) => {
            let faults = Faults::of("The token was not made", problem, "name");
            let page = page(&console, visitor, Asked::default(), form, faults.clone()).await;
            answered(&faults, page)
        }
    }
}

async fn page(
    console: &Console,
    visitor: Visitor,
    asked: Asked,
    form: TokenForm,
    faults: Faults,
) -> Result<Settings, Trouble> {
    let views = &console.views;
    let all = PageQuery {
        limit: Some(PAGE_LIMIT_MAX),
        cursor: None,
    };
    let tokens = views.tokens(&all).await?.items;
    let sessions: Page<SessionItem> = console.hub.get(&visitor, "/sessions").await?;
    let hub: HubSettings = console.hub.get(&visitor, "/settings").await?;
    let title = faults.titled("Settings");
    let frame = console.frame(visitor, Section::Settings, title).await;
    let page = Settings::new(frame, views.status(), hub, views.now());
    Ok(Settings {
        done: done(&asked.done),
        form,
        faults,
        tokens: tokens
            .into_iter()
            .map(|item| Token::new(item, views.now()))
            .collect(),
        sessions: sessions
            .items
            .into_iter()
            .map(|item| Session::new(item, views.now()))
            .collect(),
        ..page
    })
}

/// What is said after something was done; other words than these lead nowhere.
fn done(asked: &str) -> &'static str {
    match asked {
        "password" => "The password is set. Everybody else is signed out.",
        "revoked" => "The token is revoked: whoever shows it is refused.",
        "clock" => "The clock is confirmed: certificates are issued again.",
        _ => "",
    }
}

impl Settings {
    fn new(frame: Frame, status: Status, hub: HubSettings, now: UnixTime) -> Self {
        let wrong = wrong(&frame.visitor, &status, &hub, now);
        let lead = match wrong.len() {
            0 => "Everything is in order.".to_owned(),
            count => format!(
                "{} in order.",
                counted(count as u64, "thing is not", "things are not")
            ),
        };
        Self {
            frame,
            lead,
            done: "",
            wrong,
            form: TokenForm::default(),
            faults: Faults::default(),
            tokens: Vec::new(),
            sessions: Vec::new(),
            panels: panels(&status, hub, now),
            version: status.version,
        }
    }
}

fn panels(status: &Status, hub: HubSettings, now: UnixTime) -> Vec<Part> {
    let part = |id, heading, facts| Part { id, heading, facts };
    vec![
        part("storage", "Storage", storage(status, &hub, now)),
        part("journal", "Journal", journal(status, &hub, now)),
        part(
            "keys",
            "Keys",
            vec![
                ("This hub’s key", hub.key),
                ("Sealing key", hub.sealing),
                ("CA key", hub.ca_key),
                ("Log", hub.log),
            ],
        ),
        part(
            "doors",
            "Doors and time",
            vec![
                ("Console", hub.doors.console),
                ("MQTT", hub.doors.mqtt),
                ("Device", hub.doors.device),
                ("PKI", hub.doors.pki),
                ("Hub’s time", moment(&now.to_string())),
                ("Running since", moment(&status.started_at)),
            ],
        ),
    ]
}

/// What is not in order, gravest first.
fn wrong(visitor: &Visitor, status: &Status, hub: &HubSettings, now: UnixTime) -> Vec<Wrong> {
    let mut all: Vec<_> = status.degraded.iter().map(Wrong::degraded).collect();
    if hub.clock_stepped {
        for told in all
            .iter_mut()
            .filter(|told| told.what.contains("clock jumped"))
        {
            (told.href, told.link) = ("/settings/clock", "Confirm the clock …");
        }
    }
    if !visitor.has_password {
        all.push(Wrong {
            mark: marks::tier(Tier::Warning),
            what: "There is no password yet".to_owned(),
            so: "Only a link of the command line lets anybody in.".to_owned(),
            href: "/settings/password",
            link: "Set a password",
        });
    }
    all.push(Wrong {
        mark: marks::tier(Tier::Warning),
        what: "No witness signs the journal".to_owned(),
        so: "Whoever has the hub’s keys could write a second history, and nobody would notice. \
             Keep checkpoints where the hub cannot reach them: ironroot journal checkpoint"
            .to_owned(),
        href: "",
        link: "",
    });
    if hub.archive.is_none() {
        all.push(Wrong {
            mark: marks::tier(Tier::None),
            what: "The journal has no archive".to_owned(),
            so: "Every entry stays in the database; archive.url in the settings moves old ones away."
                .to_owned(),
            href: "",
            link: "",
        });
    }
    all.extend(backup_wanted(hub.last_backup.as_deref(), now));
    all
}

/// What is wrong about the backups, if anything is.
fn backup_wanted(last: Option<&str>, now: UnixTime) -> Option<Wrong> {
    let (tier, what) = match last.map(|made| age(now, made)) {
        None => (Tier::None, "No backup is known of".to_owned()),
        Some(old) if old < BACKUP_AGE_MAX_S => return None,
        Some(old) => (
            Tier::Warning,
            format!("The last backup is {} old", span(old)),
        ),
    };
    Some(Wrong {
        mark: marks::tier(tier),
        what,
        so: "Make one on a schedule: ironroot backup create FOLDER --keep 14".to_owned(),
        href: "",
        link: "",
    })
}

fn storage(status: &Status, hub: &HubSettings, now: UnixTime) -> Facts {
    let known = |bytes: Option<u64>| bytes.map_or_else(|| "not known".to_owned(), size);
    vec![
        ("Kind", hub.store.clone()),
        (
            "Takes writes",
            if status.store.ok { "yes" } else { "no" }.to_owned(),
        ),
        ("Size", known(hub.store_bytes)),
        ("Free on its disk", known(hub.free_bytes)),
        ("Data folder", hub.data.clone()),
        (
            "Last backup",
            hub.last_backup.as_deref().map_or_else(
                || "none known".to_owned(),
                |made| format!("{}, {} ago", moment(made), span(age(now, made))),
            ),
        ),
    ]
}

fn journal(status: &Status, hub: &HubSettings, now: UnixTime) -> Facts {
    let journal = &status.journal;
    vec![
        ("Entries", grouped(journal.entries)),
        ("Checkpoint", signed(journal.checkpoint.as_ref())),
        (
            "Archive",
            hub.archive.clone().unwrap_or_else(|| "none".to_owned()),
        ),
        ("In the archive alone", grouped(journal.archived)),
        (
            "Snapshot",
            snapshot(
                hub.snapshot.as_ref(),
                hub.snapshot_every_entries,
                journal.entries,
                now,
            ),
        ),
        ("Witnesses", "none".to_owned()),
    ]
}

/// From what the state is made again, and how much of the journal a rebuild would have to read beyond it.
fn snapshot(kept: Option<&SnapshotKept>, every: u64, entries: u64, now: UnixTime) -> String {
    match (kept, every) {
        (Some(kept), _) => format!(
            "{} ago, of the first {}; {} since",
            span(age(now, &kept.at)),
            counted(kept.entries, "entry", "entries"),
            counted(entries.saturating_sub(kept.entries), "entry", "entries"),
        ),
        (None, 0) => "none: ironroot journal snapshot takes one".to_owned(),
        (None, every) => format!("none yet: one is taken every {} entries", grouped(every)),
    }
}

impl Wrong {
    fn degraded(degraded: &Degraded) -> Self {
        Self {
            mark: marks::tier(Tier::Contraindicated),
            what: degraded.what.clone(),
            so: format!("{} Since {} UTC.", degraded.remedy, moment(&degraded.since)),
            href: "",
            link: "",
        }
    }
}

impl Token {
    fn new(item: TokenItem, now: UnixTime) -> Self {
        Self {
            revocable: item.name != "admin",
            made: short(now, &item.made),
            name: item.name,
            entry: item.entry,
        }
    }
}

impl Session {
    fn new(item: SessionItem, now: UnixTime) -> Self {
        Self {
            by: match item.by.as_str() {
                "password" => "by password",
                _ => "by a link",
            },
            begun: short(now, &item.begun),
            ends: until(now, &item.ends),
            name: item.name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{HOSTILE, check, frame};
    use ironroot_api::{DoorAddresses, JournalStatus, StoreStatus};
    use std::time::Duration;

    const NOW: UnixTime = UnixTime::from_ms(1_795_323_961_042);

    fn status(degraded: usize) -> Status {
        let fault = Degraded {
            what: "The machine's clock jumped from a to b".to_owned(),
            remedy: HOSTILE.to_owned(),
            since: NOW.to_string(),
        };
        Status {
            version: "1.2.3".to_owned(),
            demonstration: false,
            started_at: NOW.to_string(),
            devices: 3,
            sessions: 1,
            store: StoreStatus {
                ok: degraded == 0,
                cause: None,
            },
            journal: JournalStatus {
                entries: 1_842_196,
                archived: 0,
                checkpoint: None,
            },
            degraded: vec![fault; degraded],
        }
    }

    fn hub(clock_stepped: bool) -> HubSettings {
        HubSettings {
            store: HOSTILE.to_owned(),
            store_bytes: Some(1_250_000),
            free_bytes: None,
            data: HOSTILE.to_owned(),
            key: HOSTILE.to_owned(),
            sealing: HOSTILE.to_owned(),
            ca_key: "in a sealed file".to_owned(),
            log: HOSTILE.to_owned(),
            archive: None,
            last_backup: None,
            snapshot: None,
            snapshot_every_entries: 100_000,
            clock_stepped,
            has_password: false,
            doors: DoorAddresses::default(),
        }
    }

    fn html(tokens: usize, degraded: usize, faults: Faults) -> String {
        let page = Settings::new(
            frame(Section::Settings),
            status(degraded),
            hub(degraded > 0),
            NOW,
        );
        let token = |n: usize| TokenItem {
            name: if n == 0 {
                "admin".to_owned()
            } else {
                format!("{n}{}", "x".repeat(62))
            },
            made: NOW.to_string(),
            entry: 7,
        };
        let session = SessionItem {
            name: HOSTILE.to_owned(),
            by: "link".to_owned(),
            begun: NOW.to_string(),
            ends: NOW.to_string(),
        };
        let page = Settings {
            faults,
            form: TokenForm {
                name: HOSTILE.to_owned(),
            },
            tokens: (0..tokens).map(|n| Token::new(token(n), NOW)).collect(),
            sessions: vec![Session::new(session, NOW)],
            ..page
        };
        let html = page.render().unwrap();
        check(&html);
        html
    }

    #[test]
    fn what_is_not_in_order_stands_on_top_with_the_way_out() {
        let usual = html(1, 0, Faults::default());
        assert!(usual.contains("4 things are not in order."));
        assert!(usual.contains(r#"href="/settings/password""#) && usual.contains("No witness"));
        let stepped = html(1, 1, Faults::default());
        assert!(stepped.contains(r#"href="/settings/clock""#) && stepped.contains("5 things"));
    }

    #[test]
    fn the_owners_token_is_not_revoked_and_many_tokens_hold() {
        assert!(!html(1, 0, Faults::default()).contains("/settings/tokens/admin/revoke"));
        assert_eq!(
            html(64, 0, Faults::default()).matches("/revoke\"").count(),
            63
        );
        let wrong = html(1, 0, Faults::one("The token was not made", "name", HOSTILE));
        assert!(wrong.contains(r#"id="name-e""#));
    }

    #[test]
    fn a_backup_is_wanted_where_there_is_none_and_where_it_is_a_week_old() {
        let ago = |days: u64| NOW.minus(Duration::from_secs(days * 86_400)).to_string();
        assert_eq!(
            backup_wanted(None, NOW).unwrap().what,
            "No backup is known of"
        );
        assert!(backup_wanted(Some(&ago(6)), NOW).is_none());
        let old = backup_wanted(Some(&ago(7)), NOW).unwrap();
        assert_eq!(old.what, "The last backup is 7 days old");
    }

    #[test]
    fn a_snapshot_says_how_old_it_is_and_what_it_covers() {
        let kept = SnapshotKept {
            entries: 1_800_000,
            at: NOW.minus(Duration::from_secs(7_200)).to_string(),
        };
        assert_eq!(
            snapshot(Some(&kept), 100_000, 1_842_196, NOW),
            "2 h ago, of the first 1,800,000 entries; 42,196 entries since"
        );
        assert_eq!(
            snapshot(None, 100_000, 7, NOW),
            "none yet: one is taken every 100,000 entries"
        );
    }

    #[test]
    fn only_known_words_are_said_after_something_was_done() {
        assert_eq!(
            done("password"),
            "The password is set. Everybody else is signed out."
        );
        assert_eq!(done(HOSTILE), "");
    }
}
