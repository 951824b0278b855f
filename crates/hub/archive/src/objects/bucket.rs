//! A bucket of an S3-compatible store as an archive: signed requests (AWS Signature Version 4), one file each.

use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs};

use ironroot_secret::Secret;
use ironroot_tree::LogFiles;
use rusty_s3::{Bucket, BucketError, S3Action, UrlStyle};
use serde::Deserialize;
use ureq::http::{Response, StatusCode};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body};

use super::Objects;

/// How long a signed request is good for.
const SIGNATURE_LIFETIME: Duration = Duration::from_secs(300);

/// The longest that one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// Where Linux systems keep the certificates of the CAs that they trust.
const SYSTEM_CA_FILE: &str = "/etc/ssl/certs/ca-certificates.crt";

/// How a bucket is reached.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BucketSettings {
    /// The store's URL, like `https://minio.example:9000`.
    pub endpoint: String,
    /// The region that requests are signed for.
    pub region: String,
    /// A file, readable by the hub alone, with `access_key_id`, `secret_access_key` and perhaps
    /// `session_token` as TOML; the environment's `AWS_ACCESS_KEY_ID` and so on when absent.
    pub credentials_file: Option<PathBuf>,
    /// The CA certificates (PEM) that the store's own may come from; the system's when absent.
    pub ca_file: Option<PathBuf>,
}

impl Default for BucketSettings {
    fn default() -> Self {
        Self {
            endpoint: "https://s3.amazonaws.com".to_owned(),
            region: "us-east-1".to_owned(),
            credentials_file: None,
            ca_file: None,
        }
    }
}

/// Who the store takes us for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Credentials {
    access_key_id: String,
    secret_access_key: String,
    #[serde(default)]
    session_token: Option<String>,
}

/// Why a bucket cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoBucket {
    /// The endpoint is no URL of a server.
    #[error("archive.s3.endpoint: {0:?} is no URL of a server")]
    Endpoint(String),
    /// The endpoint and the bucket's name do not go together.
    #[error("archive.s3.endpoint: the bucket has no address there")]
    Bucket(#[source] BucketError),
    /// A file cannot be read.
    #[error("{} cannot be read", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// Others may read the credentials.
    #[error("{}: others may read it, so it is no secret: chmod 600", .0.display())]
    NotPrivate(PathBuf),
    /// The credentials are no TOML, or lack a field. The cause would show the secret.
    #[error("{}: write access_key_id = \"…\" and secret_access_key = \"…\"", .0.display())]
    Credentials(PathBuf),
    /// Nothing says who we are.
    #[error(
        "archive.s3.credentials_file: name one, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    )]
    NoCredentials,
    /// The CA file holds no certificate.
    #[error("{}: it holds no certificate", .0.display())]
    NoCertificate(PathBuf),
}

/// The files of a log in a bucket.
pub(super) struct BucketObjects {
    agent: Agent,
    bucket: Bucket,
    prefix: String,
    credentials: rusty_s3::Credentials,
}

impl BucketObjects {
    pub(super) fn open(
        name: &str,
        prefix: &str,
        settings: &BucketSettings,
    ) -> Result<Self, NoBucket> {
        let endpoint = settings.endpoint.parse();
        let endpoint = endpoint.map_err(|_no_url| NoBucket::Endpoint(settings.endpoint.clone()))?;
        let (name, region) = (name.to_owned(), settings.region.clone());
        // Path style is what every compatible store understands.
        let bucket = Bucket::new(endpoint, UrlStyle::Path, name, region);
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0) // a signature is for one host
            .timeout_global(Some(REQUEST_TIMEOUT));
        if settings.endpoint.starts_with("https:") {
            let file = settings.ca_file.as_deref();
            config = config.tls_config(tls(file.unwrap_or(Path::new(SYSTEM_CA_FILE)))?);
        }
        Ok(Self {
            agent: config.build().new_agent(),
            bucket: bucket.map_err(NoBucket::Bucket)?,
            prefix: prefix.to_owned(),
            credentials: Credentials::find(settings)?.into(),
        })
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

impl LogFiles for BucketObjects {
    fn read(&self, name: &str, size_max: usize) -> io::Result<Vec<u8>> {
        let key = self.key(name);
        let url = self.bucket.get_object(Some(&self.credentials), &key);
        let url = url.sign(SIGNATURE_LIFETIME);
        let mut answer = self.agent.get(url.as_str()).call().map_err(failed)?;
        accepted(&mut answer)?;
        let mut bytes = Vec::new();
        let limit = u64::try_from(size_max)
            .unwrap_or(u64::MAX)
            .saturating_add(1);
        let body = answer.body_mut().as_reader();
        body.take(limit).read_to_end(&mut bytes)?;
        if bytes.len() > size_max {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(bytes)
    }

    fn place(&self, name: &str) -> PathBuf {
        format!("s3://{}/{}", self.bucket.name(), self.key(name)).into()
    }
}

impl Objects for BucketObjects {
    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let key = self.key(name);
        let url = self.bucket.put_object(Some(&self.credentials), &key);
        let url = url.sign(SIGNATURE_LIFETIME);
        let mut answer = self.agent.put(url.as_str()).send(bytes).map_err(failed)?;
        accepted(&mut answer)
    }
}

impl std::fmt::Debug for BucketObjects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BucketObjects")
            .field("bucket", &self.bucket)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl Credentials {
    fn find(settings: &BucketSettings) -> Result<Self, NoBucket> {
        match &settings.credentials_file {
            Some(path) => Self::read(path),
            None => Self::of_environment().ok_or(NoBucket::NoCredentials),
        }
    }

    fn read(path: &Path) -> Result<Self, NoBucket> {
        let failed = |cause| NoBucket::File {
            path: path.to_owned(),
            cause,
        };
        let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(NoBucket::NotPrivate(path.to_owned()));
        }
        let text = Secret::new(fs::read(path).map_err(failed)?);
        let text = str::from_utf8(text.expose()).ok();
        let read = text.and_then(|text| toml::from_str(text).ok());
        read.ok_or_else(|| NoBucket::Credentials(path.to_owned()))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "where every S3 client looks for them; a secret must not stand among the settings"
    )]
    fn of_environment() -> Option<Self> {
        Some(Self {
            access_key_id: env::var("AWS_ACCESS_KEY_ID").ok()?,
            secret_access_key: env::var("AWS_SECRET_ACCESS_KEY").ok()?,
            session_token: env::var("AWS_SESSION_TOKEN").ok(),
        })
    }
}

impl From<Credentials> for rusty_s3::Credentials {
    fn from(own: Credentials) -> Self {
        match own.session_token {
            Some(token) => Self::new_with_token(own.access_key_id, own.secret_access_key, token),
            None => Self::new(own.access_key_id, own.secret_access_key),
        }
    }
}

/// TLS that trusts the CAs in the file at `path`.
fn tls(path: &Path) -> Result<TlsConfig, NoBucket> {
    let pem = fs::read(path).map_err(|cause| NoBucket::File {
        path: path.to_owned(),
        cause,
    })?;
    let roots: Vec<_> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if roots.is_empty() {
        return Err(NoBucket::NoCertificate(path.to_owned()));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Ok(TlsConfig::builder()
        .root_certs(RootCerts::new_with_certs(&roots))
        .unversioned_rustls_crypto_provider(provider)
        .build())
}

/// What the store answers when it did what it was asked; otherwise its own words for why not.
fn accepted(answer: &mut Response<Body>) -> io::Result<()> {
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    if status == StatusCode::NOT_FOUND {
        return Err(io::ErrorKind::NotFound.into());
    }
    let mut told = String::new();
    // What it says is for the log; a part of it, or none, will do.
    drop(
        answer
            .body_mut()
            .as_reader()
            .take(TOLD_MAX)
            .read_to_string(&mut told),
    );
    let code = told
        .split_once("<Code>")
        .and_then(|(_, rest)| rest.split_once("</Code>"))
        .map_or("no reason", |(code, _)| code);
    Err(io::Error::other(format!(
        "the store answers {status} ({code})"
    )))
}

fn failed(cause: ureq::Error) -> io::Error {
    match cause {
        ureq::Error::Io(cause) => cause,
        other => io::Error::other(other),
    }
}

/// How much of a refusal is read, in bytes.
const TOLD_MAX: u64 = 4_096;
