//! One HTTP/1.1 request to the API and its answer, each over a connection of its own, which is how
//! PowerDNS serves them.
//!
//! Every wait has a deadline and the answer a limit. No proxy is used and no redirect followed: the
//! key of the API goes to the configured server and nowhere else, and is never printed.

use std::pin::pin;

use futures_util::future::{Either, select};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONNECTION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, timeout_at};

use super::error::{PowerDnsError, Step};
use crate::model::Secret;
use crate::transport::{Connection, Endpoint};

/// Most octets of an answer. Those that are read have some hundred; a list of TSIG keys has a
/// hundred a key.
const ANSWER_OCTETS_MAX: usize = 1024 * 1024;

/// Where the API listens, and the key to it.
#[derive(Debug)]
pub(super) struct Server {
    /// Host, port and TLS.
    pub(super) endpoint: Endpoint,
    /// What stands before `/api` in each path, without a slash at its end; mostly nothing.
    pub(super) path: String,
    /// The key, which is a header of each request.
    pub(super) key: Secret<HeaderValue>,
}

/// An answer of the server.
#[derive(Debug)]
pub(super) struct Answer {
    /// Its status.
    pub(super) status: u16,
    /// What it said.
    pub(super) body: Vec<u8>,
}

impl Server {
    /// Sends a request and waits for the whole answer.
    ///
    /// # Errors
    /// [`PowerDnsError`]; whatever the status of the answer, it is no error here.
    pub(super) async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
        deadline: Instant,
    ) -> Result<Answer, PowerDnsError> {
        let opened = Connection::open(&self.endpoint, deadline).await;
        let connection = opened.map_err(|source| PowerDnsError::Unreachable {
            server: self.name(),
            source: Box::new(source),
        })?;
        let changes = method != Method::GET;
        let answer = self.exchange(connection, method, path, body);
        timeout_at(deadline, answer)
            .await
            .map_err(|_| PowerDnsError::Deadline {
                server: self.name(),
                step: if changes {
                    Step::Changing
                } else {
                    Step::Asking
                },
            })?
    }

    async fn exchange(
        &self,
        connection: Connection,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<Answer, PowerDnsError> {
        let lost = |source| PowerDnsError::Lost {
            server: self.name(),
            source,
        };
        let request = Request::builder()
            .method(method)
            .uri(format!("{}/api/v1{path}", self.path))
            .header(HOST, self.endpoint.to_string())
            .header("X-API-Key", self.key.expose())
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/json")
            .header(CONNECTION, "close")
            .body(Full::new(Bytes::from(body.unwrap_or_default())))
            .map_err(|source| PowerDnsError::Request {
                server: self.name(),
                source,
            })?;
        let octets = TokioIo::new(connection.into_stream());
        let (mut sender, connection) = http1::handshake(octets).await.map_err(lost)?;
        let answer = pin!(async {
            let response = sender.send_request(request).await.map_err(lost)?;
            let status = response.status().as_u16();
            let body = Limited::new(response.into_body(), ANSWER_OCTETS_MAX);
            let body = body.collect().await.map_err(|error| {
                if error.is::<LengthLimitError>() {
                    return PowerDnsError::TooLong {
                        server: self.name(),
                        octets_max: ANSWER_OCTETS_MAX,
                    };
                }
                match error.downcast::<hyper::Error>() {
                    Ok(source) => lost(*source),
                    Err(_) => PowerDnsError::NotTheApi {
                        server: self.name(),
                        status,
                    },
                }
            })?;
            let body = body.to_bytes().to_vec();
            Ok(Answer { status, body })
        });
        // The connection's own end is no news: the answer says whether it came too early.
        match select(answer, pin!(connection)).await {
            Either::Left((answer, _)) => answer,
            Either::Right((_, answer)) => answer.await,
        }
    }

    /// How it is called in messages.
    pub(super) fn name(&self) -> String {
        self.endpoint.to_string()
    }
}
