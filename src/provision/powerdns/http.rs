//! One HTTP/1.1 request to the API and its response. Each request has a connection of its own.
//! PowerDNS: serves one request per connection.
//!
//! Every wait has a deadline, and the response has a size limit. This module uses no proxy and
//! follows no redirect: it sends the API key to the configured server only, and never prints it.

use std::pin::pin;
use std::time::Duration;

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
use crate::provision::silence::Silence;
use crate::transport::{Connection, Endpoint, TransportError};

/// Most octets of a response. The usual ones have some hundred octets; a list of TSIG keys has a
/// hundred octets per key.
const RESPONSE_OCTETS_MAX: usize = 1024 * 1024;

/// The address of the API and its key.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) endpoint: Endpoint,
    /// The path before `/api`, without a final slash; mostly empty.
    pub(super) path: String,
    /// The API key, a header of each request.
    pub(super) key: Secret<String>,
    /// The longest wait for the response to one request.
    pub(super) exchange_time_max: Duration,
    pub(super) silence: Silence,
}

/// A response of the server.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

impl Server {
    /// Sends a request and waits for the whole response.
    ///
    /// # Errors
    /// [`PowerDnsError`]; no status of a response is an error here.
    pub(super) async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
        deadline: Instant,
    ) -> Result<Response, PowerDnsError> {
        let limit = self.silence.connect_deadline(deadline);
        let opened = Connection::open(&self.endpoint, limit).await;
        let connection = opened.map_err(|source| {
            if let TransportError::TimedOut { .. } = source {
                self.silence.note();
            }
            PowerDnsError::Unreachable {
                server: self.name(),
                source: Box::new(source),
            }
        })?;
        let changes = method != Method::GET;
        let response = self.exchange(connection, method, path, body);
        // The response may be lost without the end of the connection.
        let limit = deadline.min(Instant::now() + self.exchange_time_max);
        timeout_at(limit, response)
            .await
            .map_err(|_| PowerDnsError::Deadline {
                server: self.name(),
                step: if changes {
                    Step::Changing
                } else {
                    Step::Reading
                },
            })?
    }

    async fn exchange(
        &self,
        connection: Connection,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<Response, PowerDnsError> {
        let lost = |source| PowerDnsError::Lost {
            server: self.name(),
            source,
        };
        let key = HeaderValue::from_str(self.key.expose());
        let mut key = key.map_err(|_| PowerDnsError::ApiKey)?;
        key.set_sensitive(true);
        let request = Request::builder()
            .method(method)
            .uri(format!("{}/api/v1{path}", self.path))
            .header(HOST, self.endpoint.to_string())
            .header("X-API-Key", key)
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
        let response = pin!(async {
            let head = sender.send_request(request).await.map_err(lost)?;
            let status = head.status().as_u16();
            let body = Limited::new(head.into_body(), RESPONSE_OCTETS_MAX);
            let body = body.collect().await.map_err(|error| {
                if error.is::<LengthLimitError>() {
                    return PowerDnsError::TooLong {
                        server: self.name(),
                        octets_max: RESPONSE_OCTETS_MAX,
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
            Ok(Response { status, body })
        });
        // If the connection ends first, the response reports whether that was too early.
        match select(response, pin!(connection)).await {
            Either::Left((response, _)) => response,
            Either::Right((_, response)) => response.await,
        }
    }

    /// Returns host and port, for messages.
    pub(super) fn name(&self) -> String {
        self.endpoint.to_string()
    }
}
