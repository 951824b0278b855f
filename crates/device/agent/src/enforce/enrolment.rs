//! The device's certificate: asked for, and replaced long before it ends, each time for a fresh key.

use std::fs;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ironroot_custody::files::{read_secret, write_private};
use ironroot_link::{
    Applicant, Credentials, Identity, Issued, KeyExchange, Server, Trust, connect,
};
use ironroot_time::{Clock, UnixTime};
use parking_lot::Mutex;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::clock::DeviceClock;
use crate::decide::backoff::Backoff;
use crate::decide::renewal;
use crate::outside::chance;
use crate::settings::{Endpoint, Settings};
use crate::vault::{Kept, Vault, is_certificate};

/// Whoever asks the hub's EST server for certificates.
#[derive(Debug)]
pub(crate) struct Registrar {
    settings: Arc<Settings>,
    clock: Arc<DeviceClock>,
    vault: Vault,
    /// What the operator's `ca.pem` holds, and what the hub added to it.
    anchors: Mutex<Anchors>,
}

#[derive(Clone, Debug)]
struct Anchors {
    pinned: Vec<CertificateDer<'static>>,
    learned: Vec<CertificateDer<'static>>,
}

/// The CA certificates in the operator's file.
pub(crate) fn pinned(settings: &Settings) -> Result<Vec<CertificateDer<'static>>> {
    let path = settings.hub.ca.display();
    let pem = fs::read(&settings.hub.ca).with_context(|| format!("{path} cannot be read"))?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let certificates = certificates.with_context(|| format!("{path} is no PEM"))?;
    Trust::in_anchors(certificates.clone(), KeyExchange::Hybrid)
        .with_context(|| format!("{path} is no file of CA certificates"))?;
    Ok(certificates)
}

impl Registrar {
    pub(crate) fn open(
        settings: Arc<Settings>,
        clock: Arc<DeviceClock>,
        pinned: Vec<CertificateDer<'static>>,
    ) -> Result<Self> {
        let vault = Vault::open(&settings, &clock)?;
        let learned = fs::read(settings.state.join(LEARNED)).unwrap_or_default();
        let learned = CertificateDer::pem_slice_iter(&learned).filter_map(Result::ok);
        let learned = learned.collect();
        Ok(Self {
            settings,
            clock,
            vault,
            anchors: Mutex::new(Anchors { pinned, learned }),
        })
    }

    /// The identity that is there.
    pub(crate) fn identity(&self) -> Result<Option<Kept>> {
        self.vault.identity(&self.settings.device)
    }

    /// Whom this device trusts, by its own clock.
    pub(crate) fn trust(&self) -> Result<Trust> {
        let Anchors { pinned, learned } = self.anchors.lock().clone();
        let all = pinned.into_iter().chain(learned);
        Ok(Trust::in_anchors(all, KeyExchange::Hybrid)?.by(self.clock.clone()))
    }

    /// The first certificate of a claim, with the token or the IDevID that the settings name; `ended` is what the
    /// device had before.
    pub(crate) async fn enrol(&self, ended: Option<&Kept>) -> Result<Kept> {
        let Some(ended) = ended else {
            return self.enrol_after(None).await;
        };
        let device = &self.settings.device;
        // Each claim is good for one enrolment, and what has ended renews nothing.
        self.enrol_after(Some(ended)).await.with_context(|| {
            format!(
                "the certificate has ended on {}: transfer {device} at the hub, claim it anew, and put the token where enrol.token_file says",
                ended.not_after
            )
        })
    }

    async fn enrol_after(&self, ended: Option<&Kept>) -> Result<Kept> {
        let enrol = &self.settings.enrol;
        if let (Some(certificate), Some(key)) = (&enrol.idevid_certificate, &enrol.idevid_key) {
            let certificates = fs::read_to_string(certificate)
                .with_context(|| format!("{} cannot be read", certificate.display()))?;
            let key = read_secret(key, SECRET_MAX)?;
            let key = str::from_utf8(key.expose()).context("the IDevID's key is no PEM")?;
            let idevid = Identity::from_pem(&certificates, key).context("the IDevID")?;
            return self
                .certify(Some(&idevid), &Credentials::Certificate, ended, None)
                .await;
        }
        let Some(path) = &enrol.token_file else {
            bail!(
                "this device has no certificate, and the settings name neither enrol.token_file nor an IDevID"
            );
        };
        let token = read_secret(path, SECRET_MAX)?;
        let token = str::from_utf8(token.expose()).context("the token is no text")?;
        let token = token.trim();
        let digest = hex::encode(digest(&SHA256, token.as_bytes()));
        // Shown with another key than the first time, it would look stolen.
        if ended.is_some_and(|ended| ended.token.as_ref() == Some(&digest)) {
            bail!("the token in {} was used already", path.display());
        }
        self.certify(None, &Credentials::Token(token), ended, Some(digest))
            .await
    }

    /// Another certificate in place of `old`, for a fresh key.
    pub(crate) async fn renew(&self, old: &Kept) -> Result<Kept> {
        let credentials = Credentials::OldCertificate;
        let token = old.token.clone();
        self.certify(Some(&old.identity), &credentials, Some(old), token)
            .await
    }

    async fn certify(
        &self,
        shown: Option<&Identity>,
        credentials: &Credentials<'_>,
        old: Option<&Kept>,
        token: Option<String>,
    ) -> Result<Kept> {
        let key = self.vault.pending_key(old)?;
        let device = &self.settings.device;
        let applicant = Applicant {
            serial: device.as_str(),
            key: &key,
        };
        let mut server = self.server(shown).await?;
        let issued = server.certify(&applicant, credentials).await?;
        self.learn_time(&issued);
        let identity = Identity::new(issued.certificates, key.clone());
        let kept = Kept {
            token,
            ..Kept::of(identity, device)?
        };
        // Shows that certificate and key belong together, before the old ones are given up.
        self.trust()?.client(Some(&kept.identity))?;
        self.vault.keep(&kept)?;
        Ok(kept)
    }

    /// Asks for the certificates of the CA: they say whom to trust from now on (RFC 7030 section 4.1.3), and their
    /// bearer what time it is.
    pub(crate) async fn learn(&self) -> Result<()> {
        let issued = self.server(None).await?.ca_certificates().await?;
        self.learn_time(&issued);
        let certificates = issued.certificates;
        let well_formed = certificates
            .iter()
            .all(|certificate| is_certificate(certificate));
        if certificates.len() > ANCHORS_MAX || !well_formed {
            bail!("the hub sent no list of CA certificates");
        }
        Trust::in_anchors(certificates.clone(), KeyExchange::Hybrid)?;
        if self.anchors.lock().learned == certificates {
            return Ok(());
        }
        let pem: String = certificates.iter().map(pem).collect();
        write_private(&self.settings.state.join(LEARNED), pem.as_bytes())?;
        self.anchors.lock().learned = certificates;
        tracing::info!("The hub's CA certificates have changed, and the new ones are trusted.");
        Ok(())
    }

    fn learn_time(&self, issued: &Issued) {
        let date = issued.date.as_deref().and_then(|date| {
            let date = httpdate::parse_http_date(date).ok()?;
            let since = date.duration_since(std::time::UNIX_EPOCH).ok()?;
            Some(UnixTime::from_s(since.as_secs()))
        });
        if let Some(date) = date
            && let Err(cause) = self.clock.vouched(date)
        {
            tracing::warn!(error = %cause, "The time could not be kept on disk.");
        }
    }

    async fn server(&self, identity: Option<&Identity>) -> Result<Server> {
        let endpoint = &self.settings.hub.est;
        let config = self.trust()?.client(identity)?;
        let stream = dial(endpoint).await?;
        let stream = connect(stream, &endpoint.host, config)
            .await
            .with_context(|| format!("the hub's EST server {}", endpoint.host))?;
        Ok(Server::on(stream, &endpoint.host).await?)
    }

    /// When the certificate is to be replaced.
    pub(crate) fn renewal_due(&self, kept: &Kept) -> UnixTime {
        let percent = self.settings.enrol.renew_at_percent;
        renewal::due(kept.not_before, kept.not_after, percent, chance())
    }
}

/// Connects to a name and port, in time.
pub(crate) async fn dial(endpoint: &Endpoint) -> Result<TcpStream> {
    let Endpoint { host, port } = endpoint;
    let address = (host.as_str(), *port);
    let stream = timeout(CONNECT_MAX, TcpStream::connect(address))
        .await
        .with_context(|| format!("{host}:{port} does not answer"))?
        .with_context(|| format!("connecting to {host}:{port}"))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Sees to the certificate as long as the program runs: gets it, replaces it, and asks the hub for the time.
pub(crate) async fn keep_up(registrar: &Registrar, first: Option<Kept>, renewed: impl Fn(Kept)) {
    let mut backoff = Backoff::new(RETRY_FIRST, RETRY_MAX);
    let mut current = first;
    if let Some(kept) = &current {
        renewed(kept.clone());
    }
    let mut due = current.as_ref().map(|kept| registrar.renewal_due(kept));
    let mut learn_at = Duration::ZERO;
    loop {
        let (now, steady) = (registrar.clock.now(), registrar.clock.steady());
        let outcome = match (&current, due) {
            (None, _) => registrar.enrol(None).await.map(Some),
            (Some(kept), _) if kept.not_after <= now => registrar.enrol(Some(kept)).await.map(Some),
            (Some(kept), Some(due)) if due <= now => registrar.renew(kept).await.map(Some),
            (Some(_), _) if learn_at <= steady => {
                learn_at = steady + LEARN_EVERY;
                registrar.learn().await.map(|()| None)
            }
            (Some(_), _) => Ok(None),
        };
        let wait = match outcome {
            Ok(Some(kept)) => {
                tracing::info!(serial = kept.serial, until = %kept.not_after, "A certificate was issued.");
                due = Some(registrar.renewal_due(&kept));
                renewed(kept.clone());
                current = Some(kept);
                backoff.reset();
                AFTER_RENEWAL
            }
            Ok(None) => {
                backoff.reset();
                LOOK_EVERY
            }
            Err(cause) => {
                let wait = backoff.wait(chance());
                tracing::warn!(error = %format!("{cause:#}"), retry_s = wait.as_secs(), "The hub gave no certificate.");
                wait
            }
        };
        sleep(wait).await;
    }
}

fn pem(certificate: &CertificateDer<'static>) -> String {
    let text = BASE64_STANDARD.encode(certificate);
    let mut pem = "-----BEGIN CERTIFICATE-----\n".to_owned();
    for line in text.as_bytes().chunks(64) {
        pem += &String::from_utf8_lossy(line);
        pem.push('\n');
    }
    pem + "-----END CERTIFICATE-----\n"
}

/// Whether a file that the settings name is missing; for `check`.
pub(crate) fn is_missing(path: &std::path::Path) -> bool {
    matches!(fs::metadata(path), Err(cause) if cause.kind() == ErrorKind::NotFound)
}

/// The CA certificates that the hub has told of, in the state folder.
const LEARNED: &str = "ca.pem";
/// The longest that connecting may take.
const CONNECT_MAX: Duration = Duration::from_secs(15);
/// The longest token or key file, in bytes.
const SECRET_MAX: usize = 16 << 10;
const ANCHORS_MAX: usize = 16;
const RETRY_FIRST: Duration = Duration::from_secs(2);
const RETRY_MAX: Duration = Duration::from_secs(3_600);
/// How soon after one certificate the next is asked for, at the soonest.
const AFTER_RENEWAL: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_secs(60);
const LEARN_EVERY: Duration = Duration::from_secs(6 * 3_600);
