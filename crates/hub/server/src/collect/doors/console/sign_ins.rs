//! Sign-in links, passwords and sessions. Links and sessions are in memory, bounded, gone when the hub stops.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, header};
use ironroot_api::{Secret as Shown, SessionItem, SignInLink};
use ironroot_console::{Begun, SessionEnd, Visitor};
use ironroot_registry::{Actor, Fact, SignInLinkMade};
use ironroot_secret::Secret;
use ironroot_time::{Clock, Rng, UnixTime};
use parking_lot::Mutex;
use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::collect::intake::password::{Password, TooManyTries};
use crate::collect::intake::secrets::{new_token, token_digest, token_matches};
use crate::ledger::{Ledger, NotRecorded};

/// How long a link works unless it is used.
pub const LINK_LIFETIME: Duration = Duration::from_secs(15 * 60);

/// How long a session lasts.
pub const SESSION_LIFETIME: Duration = Duration::from_secs(12 * 3_600);

/// The most links at a time; a further one takes the place of the oldest.
pub const LINKS_MAX: usize = 16;
/// The most sessions at a time; a further one takes the place of the oldest.
pub const SESSIONS_MAX: usize = 64;

/// Who may come in, and who is in.
#[derive(Debug)]
pub struct SignIns {
    /// The console's URL.
    url: String,
    /// The cookie's name. It has the port in it, since a browser sends cookies to every port of a host.
    cookie: String,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    password: Arc<Password>,
    links: Mutex<Vec<Pass>>,
    sessions: Mutex<Vec<Session>>,
}

/// A secret that lets in, by its digest.
#[derive(Debug)]
struct Pass {
    digest: Secret,
    ends: UnixTime,
    name: String,
}

#[derive(Debug)]
struct Session {
    pass: Pass,
    /// What the forms of this session carry.
    csrf: Secret,
    since: UnixTime,
    begun: Begun,
    /// Dropped with the session, which ends what lasts longer than a request.
    _lives: watch::Sender<()>,
    end: SessionEnd,
}

impl Pass {
    fn opens(&self, key: &str, now: UnixTime) -> bool {
        now < self.ends && token_matches(key, &self.digest)
    }
}

impl SignIns {
    /// For a console at `url`, such as `http://localhost:8080`.
    pub fn new(
        url: &str,
        (clock, rng): (Arc<dyn Clock>, Arc<dyn Rng>),
        password: Arc<Password>,
    ) -> Self {
        let port = url.rsplit_once(':').map_or("", |(_, port)| port);
        let port = port.trim_matches(|c: char| !c.is_ascii_digit());
        Self {
            url: url.trim_end_matches('/').to_owned(),
            cookie: format!("ironroot-{port}"),
            clock,
            rng,
            password,
            links: Mutex::default(),
            sessions: Mutex::default(),
        }
    }

    /// Makes a link that signs one person in, once, as `name`; the journal knows who made it.
    ///
    /// # Errors
    /// [`NotRecorded`]; then there is no link.
    pub async fn link(
        &self,
        name: &str,
        by: Actor,
        ledger: &Ledger,
    ) -> Result<SignInLink, NotRecorded> {
        let fact = Fact::from(SignInLinkMade {
            name: name.to_owned(),
            by,
        });
        ledger.record(&fact).await?;
        let key = new_token(self.rng.as_ref());
        let ends = self.clock.now().plus(LINK_LIFETIME);
        let pass = Pass {
            digest: token_digest(&key),
            ends,
            name: name.to_owned(),
        };
        keep(&mut self.links.lock(), pass, LINKS_MAX);
        Ok(SignInLink {
            url: Shown::new(format!("{}/sign-in?key={}", self.url, *key)),
            expires: ends.to_string(),
        })
    }

    /// Whether there is a password to sign in with.
    pub(crate) fn has_password(&self) -> bool {
        self.password.is_set()
    }

    /// Spends a link's key; returns the cookie of a new session, or nothing when the key is not good.
    pub(crate) fn spend(&self, key: &str) -> Option<Zeroizing<String>> {
        let now = self.clock.now();
        let name = {
            let mut links = self.links.lock();
            let place = links.iter().position(|link| link.opens(key, now))?;
            links.remove(place).name
        };
        Some(self.begin(name, Begun::Link))
    }

    /// Takes a name and a password; returns the cookie of a new session, or nothing when they are not right.
    ///
    /// # Errors
    /// [`TooManyTries`]; then nothing was compared.
    pub(crate) async fn enter(
        &self,
        name: &str,
        typed: Secret,
        source: Option<IpAddr>,
    ) -> Result<Option<Zeroizing<String>>, TooManyTries> {
        let now = self.clock.now();
        let right = self.password.matches(name, typed, source, now).await?;
        Ok(right.then(|| self.begin(name.to_owned(), Begun::Password)))
    }

    /// Begins a session; returns its cookie.
    fn begin(&self, name: String, begun: Begun) -> Zeroizing<String> {
        let (now, token) = (self.clock.now(), new_token(self.rng.as_ref()));
        let (lives, end) = SessionEnd::new();
        let session = Session {
            _lives: lives,
            end,
            pass: Pass {
                digest: token_digest(&token),
                ends: now.plus(SESSION_LIFETIME),
                name,
            },
            csrf: Secret::new(new_token(self.rng.as_ref()).as_bytes().to_vec()),
            since: now,
            begun,
        };
        keep(&mut self.sessions.lock(), session, SESSIONS_MAX);
        self.set_cookie(&token, SESSION_LIFETIME)
    }

    /// Who is signed in, newest first.
    pub(crate) fn sessions(&self) -> Vec<SessionItem> {
        let now = self.clock.now();
        let sessions = self.sessions.lock();
        let live = sessions
            .iter()
            .rev()
            .filter(|session| now < session.pass.ends);
        live.map(|session| SessionItem {
            name: session.pass.name.clone(),
            by: match session.begun {
                Begun::Link => "link",
                Begun::Password => "password",
            }
            .to_owned(),
            begun: session.since.to_string(),
            ends: session.pass.ends.to_string(),
        })
        .collect()
    }

    /// Ends every session but the visitor's own, and makes every link void; returns how many sessions ended.
    pub(crate) fn end_all_but(&self, visitor: Option<&Visitor>) -> u32 {
        self.links.lock().clear();
        let mut sessions = self.sessions.lock();
        let before = sessions.len();
        sessions.retain(|session| visitor.is_some_and(|own| same(&own.csrf, &session.csrf)));
        u32::try_from(before - sessions.len()).unwrap_or(u32::MAX)
    }

    /// Who a request's cookie stands for.
    pub(crate) fn visitor(&self, headers: &HeaderMap) -> Option<Visitor> {
        let (token, now) = (self.token(headers)?, self.clock.now());
        let mut sessions = self.sessions.lock();
        sessions.retain(|session| now < session.pass.ends);
        let session = sessions
            .iter()
            .find(|session| session.pass.opens(token, now))?;
        Some(Visitor {
            name: session.pass.name.clone(),
            csrf: String::from_utf8_lossy(session.csrf.expose()).into_owned(),
            begun: session.begun,
            has_password: self.has_password(),
            session: session.end.clone(),
        })
    }

    /// Ends the session of a request whose form carries the session's token; returns the cookie that
    /// makes the browser forget its own.
    pub(crate) fn sign_out(&self, headers: &HeaderMap, csrf: &str) -> Option<Zeroizing<String>> {
        let (token, now) = (self.token(headers)?, self.clock.now());
        let mut sessions = self.sessions.lock();
        let mut known = sessions.iter();
        let place = known
            .position(|session| session.pass.opens(token, now) && same(csrf, &session.csrf))?;
        sessions.remove(place);
        Some(self.set_cookie("", Duration::ZERO))
    }

    /// The session's token in a request's cookies (RFC 6265 section 5.4).
    fn token<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let cookies = headers.get_all(header::COOKIE).iter();
        let pairs = cookies
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split("; "));
        let mut named = pairs.filter_map(|pair| pair.split_once('='));
        let (_name, token) = named.find(|(name, _token)| *name == self.cookie)?;
        Some(token)
    }

    /// Not `Secure`: the console is plain HTTP on a loopback address, and not every browser takes that as secure.
    fn set_cookie(&self, token: &str, lifetime: Duration) -> Zeroizing<String> {
        let (name, age) = (&self.cookie, lifetime.as_secs());
        Zeroizing::new(format!(
            "{name}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={age}"
        ))
    }
}

/// Adds an item, at the cost of the oldest when there are too many.
fn keep<T>(all: &mut Vec<T>, item: T, max: usize) {
    if all.len() >= max {
        all.remove(0);
    }
    all.push(item);
}

fn same(text: &str, secret: &Secret) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(text.as_bytes(), secret.expose()).is_ok()
}
