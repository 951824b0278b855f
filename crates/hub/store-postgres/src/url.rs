//! A database's URL: libpq's, with the parameters that this store takes, and a stricter `sslmode`.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

/// A database, and how to reach it. Prints itself without the password.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(pub(crate) Arc<Place>);

/// What the URL says.
#[derive(PartialEq, Eq)]
pub(crate) struct Place {
    shown: String,
    pub(crate) config: Config,
    pub(crate) tls: Option<Tls>,
    pub(crate) passfile: Option<PathBuf>,
    pub(crate) lease: Option<Duration>,
}

/// The files that TLS is done with.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Tls {
    /// The CA that the server's certificate comes from.
    pub(crate) root: PathBuf,
    /// Our own certificate and key, where the server asks for one.
    pub(crate) own: Option<(PathBuf, PathBuf)>,
}

/// What is wrong with a database's URL.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadUrl {
    /// It is none.
    #[error("a PostgreSQL store is postgres://USER@HOST/DATABASE")]
    Shape,
    /// A part of it has no meaning.
    #[error("the PostgreSQL URL cannot be read: {0}")]
    Part(String),
    /// Nobody is named who opens the database.
    #[error("the PostgreSQL URL names no user: write postgres://USER@HOST/DATABASE")]
    NoUser,
    /// No database is named.
    #[error("the PostgreSQL URL names no database: write postgres://USER@HOST/DATABASE")]
    NoDatabase,
    /// Over a network, without a word about TLS.
    #[error(
        "the database is not on this machine: add ?sslmode=verify-full&sslrootcert=FILE with the CA of its certificate, or sslmode=disable where the network itself is trusted"
    )]
    NoSslMode,
    /// A mode that does not check whom it talks with.
    #[error(
        "sslmode={0} lets anybody on the way read and answer: write sslmode=verify-full&sslrootcert=FILE"
    )]
    Unverified(String),
    /// A lease that is no number of seconds, or too short to be renewed in time.
    #[error("lease_s is a whole number of seconds, from 3 to 3600")]
    Lease,
    /// `verify-full` without a CA.
    #[error("sslmode=verify-full needs sslrootcert=FILE, the CA of the database's certificate")]
    NoRoot,
    /// A certificate of our own without its key, or the other way round.
    #[error("sslcert and sslkey come together")]
    HalfACertificate,
    /// TLS files for a connection without TLS.
    #[error("{0} is of no use without sslmode=verify-full")]
    Unused(&'static str),
}

impl FromStr for PostgresUrl {
    type Err = BadUrl;

    fn from_str(text: &str) -> Result<Self, BadUrl> {
        let rest = ["postgres://", "postgresql://"]
            .iter()
            .find_map(|scheme| text.strip_prefix(scheme));
        let rest = rest.ok_or(BadUrl::Shape)?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut ours = Ours::default();
        let theirs: Vec<_> = query
            .split('&')
            .filter(|parameter| !parameter.is_empty() && !ours.takes(parameter))
            .collect();
        let mut config: Config = format!("postgres://{place}?{}", theirs.join("&"))
            .parse()
            .map_err(|cause| BadUrl::Part(why(&cause)))?;
        config.get_user().ok_or(BadUrl::NoUser)?;
        config.get_dbname().ok_or(BadUrl::NoDatabase)?;
        // Of several hosts, the one that can be written to.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        if config.get_application_name().is_none() {
            config.application_name("ironroot");
        }
        let passfile = ours.passfile.take();
        let lease = ours.lease.take().map(|text| lease(&text)).transpose()?;
        let tls = ours.tls(is_local(&config))?;
        config.ssl_mode(if tls.is_some() {
            SslMode::Require
        } else {
            SslMode::Disable
        });
        Ok(Self(Arc::new(Place {
            shown: shown(place, query),
            config,
            tls,
            passfile,
            lease,
        })))
    }
}

/// The parameters that are not tokio-postgres's.
#[derive(Default)]
struct Ours {
    sslmode: Option<String>,
    root: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    passfile: Option<PathBuf>,
    lease: Option<String>,
}

impl Ours {
    /// Takes `parameter` if it is one of these.
    fn takes(&mut self, parameter: &str) -> bool {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value = percent_decode_str(value).decode_utf8_lossy().into_owned();
        match name {
            "sslmode" => self.sslmode = Some(value),
            "sslrootcert" => self.root = Some(value.into()),
            "sslcert" => self.certificate = Some(value.into()),
            "sslkey" => self.key = Some(value.into()),
            "passfile" => self.passfile = Some(value.into()),
            "lease_s" => self.lease = Some(value),
            _ => return false,
        }
        true
    }

    fn tls(self, local: bool) -> Result<Option<Tls>, BadUrl> {
        match self.sslmode.as_deref() {
            Some("verify-full") => {
                let root = self.root.ok_or(BadUrl::NoRoot)?;
                let own = match (self.certificate, self.key) {
                    (Some(certificate), Some(key)) => Some((certificate, key)),
                    (None, None) => None,
                    (Some(_), None) | (None, Some(_)) => return Err(BadUrl::HalfACertificate),
                };
                Ok(Some(Tls { root, own }))
            }
            Some("disable") | None => {
                let unused = [
                    ("sslrootcert", &self.root),
                    ("sslcert", &self.certificate),
                    ("sslkey", &self.key),
                ];
                if let Some((name, _)) = unused.iter().find(|(_, file)| file.is_some()) {
                    return Err(BadUrl::Unused(name));
                }
                let said = local || self.sslmode.is_some();
                said.then_some(None).ok_or(BadUrl::NoSslMode)
            }
            Some(other) => Err(BadUrl::Unverified(other.to_owned())),
        }
    }
}

fn lease(text: &str) -> Result<Duration, BadUrl> {
    let seconds = text
        .parse()
        .ok()
        .filter(|seconds| (3..=3_600).contains(seconds));
    seconds.map(Duration::from_secs).ok_or(BadUrl::Lease)
}

/// What the parser has against the URL; its own sentence says only that it has something.
fn why(cause: &tokio_postgres::Error) -> String {
    let said = std::error::Error::source(cause);
    said.map_or_else(|| cause.to_string(), ToString::to_string)
}

/// Whether every host is this machine.
fn is_local(config: &Config) -> bool {
    config.get_hosts().iter().all(|host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        }
    })
}

/// The URL without its password.
fn shown(place: &str, query: &str) -> String {
    let place = match place.rsplit_once('@') {
        Some((who, place)) => {
            let user = who.split_once(':').map_or(who, |(user, _password)| user);
            format!("{user}@{place}")
        }
        None => place.to_owned(),
    };
    let query: Vec<_> = query
        .split('&')
        .filter(|parameter| !parameter.is_empty() && !parameter.starts_with("password="))
        .collect();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("postgres://{place}{mark}{}", query.join("&"))
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.shown)
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<PostgresUrl, BadUrl> {
        text.parse()
    }

    fn refused(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn prints_itself_without_the_password() {
        let url = parse("postgres://hub:s3cret@localhost/fleet?connect_timeout=3&password=s3cret");
        let url = url.unwrap();
        let shown = "postgres://hub@localhost/fleet?connect_timeout=3";
        assert_eq!(url.to_string(), shown);
        assert_eq!(format!("{url:?}"), shown);
        assert_eq!(url.0.config.get_password(), Some(b"s3cret".as_slice()));
    }

    #[test]
    fn on_this_machine_tls_is_not_asked_for() {
        for place in ["localhost", "127.0.0.1", "[::1]", "%2Frun%2Fpostgresql"] {
            let url = parse(&format!("postgresql://hub@{place}/fleet")).unwrap();
            assert!(url.0.tls.is_none(), "{place}");
        }
    }

    #[test]
    fn over_a_network_tls_is_verified_or_said_to_be_left_out() {
        let far = "postgres://hub@db.example/fleet";
        assert!(refused(far).contains("verify-full"));
        let verified = parse(&format!(
            "{far}?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem"
        ));
        assert_eq!(
            verified.unwrap().0.tls.as_ref().unwrap().root,
            PathBuf::from("/etc/ca.pem")
        );
        assert!(
            parse(&format!("{far}?sslmode=disable"))
                .unwrap()
                .0
                .tls
                .is_none()
        );
    }

    #[test]
    fn refuses_tls_that_checks_nobody() {
        for mode in ["allow", "prefer", "require", "verify-ca", "yes"] {
            let url = format!("postgres://hub@localhost/fleet?sslmode={mode}");
            assert!(refused(&url).contains("anybody on the way"), "{mode}");
        }
        let missing = "postgres://hub@db.example/fleet?sslmode=verify-full";
        assert!(refused(missing).contains("sslrootcert"));
        let half = format!("{missing}&sslrootcert=a&sslcert=b");
        assert!(refused(&half).contains("together"));
        let unused = "postgres://hub@localhost/fleet?sslrootcert=a";
        assert!(refused(unused).contains("of no use"));
    }

    #[test]
    fn a_lease_is_within_its_bounds() {
        let lease = |text: &str| parse(&format!("postgres://hub@localhost/fleet?lease_s={text}"));
        let three = lease("3").unwrap().0.lease;
        assert_eq!(three, Some(Duration::from_secs(3)));
        for text in ["2", "3601", "soon", ""] {
            assert!(matches!(lease(text), Err(BadUrl::Lease)), "{text:?}");
        }
    }

    #[test]
    fn refuses_a_url_that_leaves_out_user_or_database() {
        assert!(refused("postgres://localhost/fleet").contains("no user"));
        assert!(refused("postgres://hub@localhost").contains("no database"));
        assert!(refused("mysql://hub@localhost/fleet").contains("postgres://"));
        assert!(refused("postgres://hub@localhost/fleet?shape=odd").contains("`shape`"));
    }
}
