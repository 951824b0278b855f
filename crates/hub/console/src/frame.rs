//! What stands around every page: navigation, who is signed in, and how far the journal is.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use ironroot_api::CheckpointStatus;
use tokio::sync::watch;

use crate::Console;
use crate::figures::{grouped, span};

/// Who looks at a page.
#[derive(Clone)]
pub struct Visitor {
    /// What they are called.
    pub name: String,
    /// The token that their forms carry, against requests that another site makes them send.
    pub csrf: String,
    /// How their session was begun.
    pub begun: Begun,
    /// Whether there is a password to sign in with.
    pub has_password: bool,
    /// Tells when their session is over.
    pub session: SessionEnd,
}

/// How a session was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// By a link that worked once.
    Link,
    /// By a password.
    Password,
}

/// The end of a session, for what lasts longer than a request: sign-out, expiry, or the hub's word.
#[derive(Clone, Debug)]
pub struct SessionEnd(watch::Receiver<()>);

impl SessionEnd {
    /// A session that lasts as long as what is returned first lives.
    pub fn new() -> (watch::Sender<()>, Self) {
        let (lives, end) = watch::channel(());
        (lives, Self(end))
    }

    /// Resolves when the session is over.
    pub(crate) async fn ended(&mut self) {
        while self.0.changed().await.is_ok() {}
    }
}

impl Visitor {
    /// Whether a form's token, or what is kept for a session, is this session's; in constant time.
    pub(crate) fn owns(&self, csrf: &str) -> bool {
        verify_slices_are_equal(csrf.as_bytes(), self.csrf.as_bytes()).is_ok()
    }
}

impl std::fmt::Debug for Visitor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Visitor")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The part of the console that a page belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Overview,
    Devices,
    Onboard,
    Services,
    Profiles,
    Journal,
    Settings,
}

/// What every page shows beside its own content.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) title: String,
    pub(crate) section: Section,
    pub(crate) visitor: Visitor,
    pub(crate) initials: String,
    pub(crate) version: &'static str,
    pub(crate) demonstration: bool,
    /// Devices that wait for a person.
    pub(crate) attention: u64,
    /// Claims that wait for their device.
    pub(crate) claims: u64,
    /// Entries of the journal.
    pub(crate) entries: String,
    /// How far the journal is signed.
    pub(crate) signed: String,
    /// The moment the page was made, as RFC 3339.
    pub(crate) as_of: String,
    /// Whether an order lies over the page, so that the page itself takes no input.
    pub(crate) modal: bool,
}

impl Console {
    /// What stands around a page that is made now.
    pub(crate) async fn frame(
        &self,
        visitor: Visitor,
        section: Section,
        title: impl Into<String>,
    ) -> Frame {
        let views = &self.views;
        let journal = views.status().journal;
        let fleet = self.live.fleet(views).await;
        Frame {
            title: title.into(),
            section,
            initials: visitor
                .name
                .chars()
                .take(2)
                .collect::<String>()
                .to_uppercase(),
            visitor,
            version: views.hub().version,
            demonstration: views.hub().demonstration,
            attention: fleet.attention,
            claims: fleet.claims_waiting,
            entries: grouped(journal.entries),
            signed: signed(journal.checkpoint.as_ref()),
            as_of: views.now().to_string(),
            modal: false,
        }
    }
}

impl Frame {
    /// Whether the page belongs to the section of this name, for the navigation's mark.
    pub(crate) fn is_in(&self, section: &str) -> bool {
        section
            == match self.section {
                Section::Overview => "overview",
                Section::Devices => "devices",
                Section::Onboard => "onboard",
                Section::Services => "services",
                Section::Profiles => "profiles",
                Section::Journal => "journal",
                Section::Settings => "settings",
            }
    }

    /// The time of day in [`Frame::as_of`].
    pub(crate) fn as_of_time(&self) -> &str {
        self.as_of.get(11..19).unwrap_or(&self.as_of)
    }
}

/// How far the journal is signed, in a few words.
pub(crate) fn signed(checkpoint: Option<&CheckpointStatus>) -> String {
    checkpoint.map_or_else(
        || "no signed checkpoint yet".to_owned(),
        |newest| {
            let (size, age) = (grouped(newest.size), span(newest.age_s));
            format!("signed up to {size}, {age} ago")
        },
    )
}
