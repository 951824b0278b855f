//! One HTTP/1.1 connection that is kept alive: a request, its answer, the next request.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{self, HeaderValue};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

/// A connection to one server.
#[derive(Debug)]
pub(crate) struct Http {
    sender: SendRequest<Full<Bytes>>,
}

/// What a POST carries beside its path.
pub(crate) struct Post<'a> {
    pub(crate) path: &'a str,
    pub(crate) content_type: &'static str,
    pub(crate) authorization: Option<&'a HeaderValue>,
    pub(crate) body: Vec<u8>,
}

impl Http {
    /// Speaks HTTP on a stream that is connected.
    pub(crate) async fn on<S>(stream: S) -> Result<Self>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // It ends with the sender; a fault on the way shows in the request that it hits.
        drop(tokio::spawn(connection));
        Ok(Self { sender })
    }

    /// Sends one request and reads the whole answer.
    ///
    /// # Errors
    /// When the connection breaks, the answer is late or too long, or is no success.
    pub(crate) async fn post(&mut self, post: Post<'_>) -> Result<Bytes> {
        let path = post.path.to_owned();
        let mut request = Request::post(post.path)
            .header(header::HOST, HOST)
            .header(header::CONTENT_TYPE, post.content_type);
        if let Some(authorization) = post.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let request = request.body(Full::new(Bytes::from(post.body)))?;
        self.ask(path, request).await
    }

    /// Asks for the deletion of what is at `path`, and reads the whole answer.
    ///
    /// # Errors
    /// As [`Self::post`].
    pub(crate) async fn delete(
        &mut self,
        path: &str,
        authorization: &HeaderValue,
    ) -> Result<Bytes> {
        let request = Request::delete(path)
            .header(header::HOST, HOST)
            .header(header::AUTHORIZATION, authorization)
            .body(Full::default())?;
        self.ask(path.to_owned(), request).await
    }

    async fn ask(&mut self, path: String, request: Request<Full<Bytes>>) -> Result<Bytes> {
        let (status, body) = timeout(ANSWER_MAX, self.exchange(request))
            .await
            .with_context(|| format!("{path} was not answered in time"))?
            .with_context(|| format!("{path} was not answered"))?;
        ensure!(
            status.is_success(),
            "{path} was answered {status}: {}",
            String::from_utf8_lossy(&body).trim_end()
        );
        Ok(body)
    }

    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes)> {
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_SIZE_MAX)
            .collect()
            .await
            .map_err(|cause| anyhow::anyhow!(cause))?;
        Ok((status, body.to_bytes()))
    }
}

const HOST: HeaderValue = HeaderValue::from_static("localhost");

/// The longest wait for an answer.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// The largest answer in bytes; a chain of certificates is the largest there is.
const ANSWER_SIZE_MAX: usize = 256 * 1024;
