//! One HTTP/1.1 connection that is kept alive: a request, its answer, the next request.

use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

/// A connection to one server.
#[derive(Debug)]
pub struct Http {
    sender: SendRequest<Full<Bytes>>,
    host: HeaderValue,
}

/// What is asked.
#[derive(Debug)]
pub struct Call<'a> {
    /// How.
    pub method: Method,
    /// The path, with its leading slash.
    pub path: &'a str,
    /// The body and its media type.
    pub body: Option<(&'static str, Vec<u8>)>,
    /// Who asks.
    pub authorization: Option<&'a HeaderValue>,
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The body, whole.
    pub body: Bytes,
    headers: HeaderMap,
}

/// Why there is no answer, or none of success.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpFailed {
    /// The server's name can stand in no header.
    #[error("{0:?} is no name of a server")]
    Host(String),
    /// The connection broke, or does not carry HTTP.
    #[error("{path} was not answered")]
    Broken {
        /// What was asked for.
        path: String,
        /// Why.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It took too long.
    #[error("{path} was not answered in time")]
    Late {
        /// What was asked for.
        path: String,
    },
    /// It was refused.
    #[error("{path} was answered {status}: {said}")]
    Refused {
        /// What was asked for.
        path: String,
        /// How it was answered.
        status: StatusCode,
        /// In words.
        said: String,
    },
}

impl Http {
    /// Speaks HTTP with the server `host` on a stream that is connected.
    ///
    /// # Errors
    /// [`HttpFailed`] when the connection has ended already, or `host` is no name.
    pub async fn on<S>(stream: S, host: &str) -> Result<Self, HttpFailed>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let host = HeaderValue::try_from(host).map_err(|_bad| HttpFailed::Host(host.to_owned()))?;
        let (sender, connection) = handshake(TokioIo::new(stream))
            .await
            .map_err(|cause| broken("/", cause))?;
        // It ends with the sender; a fault on the way shows in the request that it hits.
        drop(tokio::spawn(connection));
        Ok(Self { sender, host })
    }

    /// Sends one request and reads the whole answer.
    ///
    /// # Errors
    /// [`HttpFailed`] when the connection breaks, or the answer is late or too long.
    pub async fn call(&mut self, call: Call<'_>) -> Result<Answer, HttpFailed> {
        let path = call.path;
        let mut request = Request::builder()
            .method(call.method)
            .uri(path)
            .header(header::HOST, &self.host);
        if let Some(authorization) = call.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let body = match call.body {
            Some((media_type, body)) => {
                request = request.header(header::CONTENT_TYPE, media_type);
                Full::new(Bytes::from(body))
            }
            None => Full::default(),
        };
        let request = request.body(body).map_err(|cause| broken(path, cause))?;
        match timeout(ANSWER_MAX, self.exchange(request)).await {
            Ok(answer) => answer.map_err(|cause| broken(path, cause)),
            Err(_elapsed) => Err(HttpFailed::Late {
                path: path.to_owned(),
            }),
        }
    }

    async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
        self.sender.ready().await?;
        let (head, body) = self.sender.send_request(request).await?.into_parts();
        let body = Limited::new(body, ANSWER_SIZE_MAX).collect().await?;
        Ok(Answer {
            status: head.status,
            body: body.to_bytes(),
            headers: head.headers,
        })
    }
}

impl Answer {
    /// The body of an answer that is a success.
    ///
    /// # Errors
    /// [`HttpFailed::Refused`] when it is none; `path` is what was asked for.
    pub fn success(self, path: &str) -> Result<Bytes, HttpFailed> {
        if self.status.is_success() {
            return Ok(self.body);
        }
        Err(HttpFailed::Refused {
            path: path.to_owned(),
            status: self.status,
            said: String::from_utf8_lossy(&self.body).trim_end().to_owned(),
        })
    }

    /// A header, if it is there and is text.
    pub fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

fn broken(path: &str, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> HttpFailed {
    HttpFailed::Broken {
        path: path.to_owned(),
        cause: cause.into(),
    }
}

/// The longest wait for an answer.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// The largest answer in bytes; a chain of certificates is the largest there is.
const ANSWER_SIZE_MAX: usize = 256 * 1024;
