//! The hub at the other end: requests to its API, and what its refusals mean.

use std::io::{self, ErrorKind, Write};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use ironroot_api::{PROBLEM_MEDIA_TYPE, Problem};
use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::http::{Response, StatusCode, header};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, Error};

use crate::answer::Answer;
use crate::connection::Connection;
use crate::failure::Failure;

/// How long one request may take, from the first byte to the last.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// The largest answer in bytes: a full bundle of journal entries is the largest there is.
const ANSWER_SIZE_MAX: u64 = 20 * 1024 * 1024;

/// A hub, and a way to speak with it.
pub(crate) struct Hub {
    agent: Agent,
    connection: Connection,
}

impl Hub {
    /// Prepares to speak with a hub; nothing is sent yet.
    pub(crate) fn new(connection: Connection) -> anyhow::Result<Self> {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0) // the token goes nowhere else
            .proxy(None) // nor through anybody
            .timeout_global(Some(REQUEST_TIMEOUT));
        if let Some(pem) = &connection.ca {
            config = config.tls_config(tls(pem)?);
        }
        let agent = config.build().new_agent();
        Ok(Self { agent, connection })
    }

    /// The device door's URL, when it is known.
    pub(crate) fn device_door(&self) -> Option<&str> {
        self.connection.device.as_deref()
    }

    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Answer<T>, Failure> {
        let sent = self
            .agent
            .get(self.url(path))
            .header(header::AUTHORIZATION, self.bearer())
            .call();
        Answer::read(self.text(sent)?)
    }

    pub(crate) fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<Answer<T>, Failure> {
        let call = self.agent.delete(self.url(path));
        let sent = call.header(header::AUTHORIZATION, self.bearer()).call();
        Answer::read(self.text(sent)?)
    }

    pub(crate) fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Answer<T>, Failure> {
        let call = self.agent.post(self.url(path));
        let sent = call
            .header(header::AUTHORIZATION, self.bearer())
            .send_json(body);
        Answer::read(self.text(sent)?)
    }

    pub(crate) fn put<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Answer<T>, Failure> {
        let call = self.agent.put(self.url(path));
        let sent = call
            .header(header::AUTHORIZATION, self.bearer())
            .send_json(body);
        Answer::read(self.text(sent)?)
    }

    /// The bytes of a file of the tile log, if the hub has it.
    pub(crate) fn log_file(&self, path: &str) -> Result<Option<Vec<u8>>, Failure> {
        let url = format!("{}{}/{path}", self.connection.console, ironroot_api::LOG);
        let call = self
            .agent
            .get(url)
            .header(header::AUTHORIZATION, self.bearer());
        let sent = call.call();
        if sent
            .as_ref()
            .is_ok_and(|response| response.status() == StatusCode::NOT_FOUND)
        {
            return Ok(None);
        }
        let mut response = self.accepted(sent)?;
        let body = response.body_mut().with_config().limit(ANSWER_SIZE_MAX);
        body.read_to_vec()
            .map(Some)
            .map_err(|cause| self.unreachable(cause))
    }

    /// Writes a body of any length to `out`; none when nobody listens there.
    pub(crate) fn download(&self, path: &str, out: &mut dyn Write) -> Result<Option<()>, Failure> {
        let call = self.agent.get(self.url(path)).config();
        // A long answer takes its time; each wait within it is bounded by the hub.
        let call = call
            .timeout_global(None)
            .timeout_connect(Some(REQUEST_TIMEOUT))
            .timeout_recv_response(Some(REQUEST_TIMEOUT))
            .build();
        let sent = call.header(header::AUTHORIZATION, self.bearer()).call();
        match &sent {
            Err(Error::ConnectionFailed) => return Ok(None),
            Err(Error::Io(cause)) if cause.kind() == ErrorKind::ConnectionRefused => {
                return Ok(None);
            }
            Ok(_) | Err(_) => {}
        }
        let mut response = self.accepted(sent)?;
        let mut body = response.body_mut().with_config().limit(u64::MAX).reader();
        io::copy(&mut body, out).context("the hub's answer broke off")?;
        Ok(Some(()))
    }

    fn url(&self, path: &str) -> String {
        format!("{}{}{path}", self.connection.console, ironroot_api::BASE)
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.connection.token.reveal())
    }

    fn text(&self, sent: Result<Response<Body>, Error>) -> Result<String, Failure> {
        text(&mut self.accepted(sent)?).map_err(|cause| self.unreachable(cause))
    }

    /// The response if it is a success; the refusal or the obstacle if not.
    fn accepted(&self, sent: Result<Response<Body>, Error>) -> Result<Response<Body>, Failure> {
        let mut response = sent.map_err(|cause| self.unreachable(cause))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let media_type = response.headers().get(header::CONTENT_TYPE);
        let is_problem =
            media_type.is_some_and(|value| value.as_bytes() == PROBLEM_MEDIA_TYPE.as_bytes());
        let json = text(&mut response).map_err(|cause| self.unreachable(cause))?;
        let problem = serde_json::from_str::<Problem>(&json)
            .ok()
            .filter(|_| is_problem);
        let Some(mut problem) = problem else {
            return Err(self.stranger(status));
        };
        if status == StatusCode::UNAUTHORIZED {
            let (said, file) = (problem.detail, self.connection.token_file.display());
            problem.detail = format!("{said} The token was read from {file}.");
        }
        let problem = Box::new(problem);
        Err(Failure::Refused { problem, json })
    }

    /// Something answers, but not as a hub does.
    fn stranger(&self, status: StatusCode) -> Failure {
        let console = &self.connection.console;
        Failure::Other(anyhow!(
            "{console} answered {} as no hub does: is it a console's address?",
            status.as_u16()
        ))
    }

    /// Nothing answers.
    fn unreachable(&self, cause: Error) -> Failure {
        let console = &self.connection.console;
        Failure::Other(match cause {
            Error::Io(cause) if cause.kind() == ErrorKind::InvalidData => {
                anyhow::Error::new(cause).context(format!(
                    "what answers at {console} is not vouched for by the CA named: it may be another \
                     hub, or somebody between"
                ))
            }
            Error::Io(_) | Error::HostNotFound | Error::ConnectionFailed => {
                anyhow::Error::new(cause).context(format!(
                    "no hub answers at {console}: start one with `ironroot up`, or name another \
                     with --data DIR or --hub URL"
                ))
            }
            Error::Timeout(_) => anyhow!(
                "the hub at {console} did not finish its answer within {} s: see `ironroot status` \
                 and its log, then try again",
                REQUEST_TIMEOUT.as_secs()
            ),
            cause => {
                anyhow::Error::new(cause).context(format!("the hub at {console} cannot be asked"))
            }
        })
    }
}

fn text(response: &mut Response<Body>) -> Result<String, Error> {
    response
        .body_mut()
        .with_config()
        .limit(ANSWER_SIZE_MAX)
        .read_to_string()
}

/// TLS that trusts the certificates in `pem` and nobody else.
fn tls(pem: &str) -> anyhow::Result<TlsConfig> {
    let mut roots = Vec::new();
    for item in parse_pem(pem.as_bytes()) {
        if let PemItem::Certificate(certificate) = item.context("the CA file is no PEM")? {
            roots.push(certificate);
        }
    }
    anyhow::ensure!(!roots.is_empty(), "the CA file holds no certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Ok(TlsConfig::builder()
        .root_certs(RootCerts::new_with_certs(&roots))
        .unversioned_rustls_crypto_provider(provider)
        .build())
}
