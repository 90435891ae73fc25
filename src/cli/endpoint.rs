//! `[serve] listen`: answers HTTP/1.1 for `/metrics` and `/health`.

use std::cell::Cell;
use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};

use super::configuration::Setup;
use super::message::{Abort, Message};
use super::metrics::{Metrics, Snapshot, in_old_format};
use super::status::Status;
use super::store::try_write;
use crate::deliver::Failure;
use crate::diagnostic::{case, command};
use crate::queue::StoreThread;

/// The media type of OpenMetrics 1.0.
const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
/// The media type of the format of Prometheus before that.
const OLD_FORMAT: HeaderValue =
    HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// The most connections at a time; further ones wait.
const CONNECTIONS_MAX: usize = 16;
/// The longest life of a connection.
const CONNECTION_TIME_MAX: Duration = Duration::from_secs(30);
/// The time without a look at the queue after which the worker counts as stalled. It looks four times a second.
const STALLED: Duration = Duration::from_secs(30);
/// The pause after the system gave no connection, as when too many files are open.
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);

/// Answers about the worker of this process.
pub(super) struct Endpoint<'a> {
    setup: &'a Setup,
    store_thread: &'a StoreThread,
    pub(super) metrics: Metrics,
    /// The time of the last look at the queue.
    looked_at: Cell<Instant>,
    listener: Option<TcpListener>,
}

impl<'a> Endpoint<'a> {
    /// Listens where the configuration says; nowhere if it names no address.
    ///
    /// # Errors
    /// A message if the system does not let it.
    pub(super) async fn bind(
        setup: &'a Setup,
        store_thread: &'a StoreThread,
    ) -> Result<Self, Abort> {
        let listener = match setup.serve.listen {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        let primaries = setup.primaries.keys().map(String::as_str);
        Ok(Self {
            setup,
            store_thread,
            metrics: Metrics::new(primaries),
            looked_at: Cell::new(Instant::now()),
            listener,
        })
    }

    /// Notes that the worker has looked at the queue.
    pub(super) fn looked(&self) {
        self.looked_at.set(Instant::now());
    }

    /// Answers requests, and does not end.
    pub(super) async fn serve(&self) -> Infallible {
        let Some(listener) = &self.listener else {
            return pending().await;
        };
        let mut connections = FuturesUnordered::new();
        loop {
            let has_room = connections.len() < CONNECTIONS_MAX;
            tokio::select! {
                accepted = listener.accept(), if has_room => match accepted {
                    Ok((stream, _)) => connections.push(timeout(CONNECTION_TIME_MAX, self.converse(stream))),
                    Err(error) => {
                        tracing::warn!(%error, "no connection to the endpoint of the worker");
                        sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(_) = connections.next() => {}
            }
        }
    }

    async fn converse(&self, stream: TcpStream) {
        let answer =
            service_fn(|request| async move { Ok::<_, Infallible>(self.answer(request).await) });
        let mut http = http1::Builder::new();
        let conversation = http
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), answer);
        if let Err(error) = conversation.await {
            tracing::debug!(%error, "a connection to the endpoint of the worker ended early");
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return response(StatusCode::METHOD_NOT_ALLOWED, TEXT, "GET or HEAD\n".into());
        }
        match request.uri().path() {
            "/metrics" => match self.snapshot().await {
                Ok(snapshot) => {
                    let text = self.metrics.text(&snapshot);
                    if takes_open_metrics(&request) {
                        response(StatusCode::OK, OPEN_METRICS, text)
                    } else {
                        response(StatusCode::OK, OLD_FORMAT, in_old_format(&text))
                    }
                }
                Err(failure) => {
                    let text = format!("{}\n", Message::of(&failure));
                    response(StatusCode::SERVICE_UNAVAILABLE, TEXT, text)
                }
            },
            "/health" => {
                let faults = self.faults().await;
                if faults.is_empty() {
                    response(StatusCode::OK, TEXT, "well\n".into())
                } else {
                    let text = faults.join("\n") + "\n";
                    response(StatusCode::SERVICE_UNAVAILABLE, TEXT, text)
                }
            }
            _ => response(StatusCode::NOT_FOUND, TEXT, "/metrics or /health\n".into()),
        }
    }

    async fn snapshot(&self) -> Result<Snapshot, Failure> {
        let jobs = self.store_thread.jobs();
        Ok(Snapshot {
            jobs: jobs.count().await?.into_iter().collect(),
            contacts: jobs.contacts().await?,
            unmet: jobs.unmet().await?,
            wanted: jobs.count_wanted().await?,
            is_writable: try_write(&self.setup.queue_path).is_ok(),
            now: (self.setup.policy.clock)(),
        })
    }

    /// Returns the faults of the worker and its queue, a line for each.
    async fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        faults.extend(stall_after(self.looked_at.get().elapsed()));
        if let Err((_, fault)) = try_write(&self.setup.queue_path) {
            faults.push(Message::of(&fault).to_string());
        }
        match self.snapshot().await {
            Ok(snapshot) => {
                let limit = u64::from(self.setup.serve.oldest_job_seconds_max);
                if let Some(seconds) = snapshot.oldest_seconds().filter(|it| *it > limit) {
                    faults.push(format!("the oldest job waits for {seconds} s"));
                }
            }
            Err(failure) => faults.push(Message::of(&failure).to_string()),
        }
        faults
    }
}

/// Returns the fault of a worker that last looked at the queue so long ago.
fn stall_after(silence: Duration) -> Option<String> {
    let seconds = silence.as_secs();
    (silence > STALLED).then(|| format!("the worker has not looked at the queue for {seconds} s"))
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Abort> {
    TcpListener::bind(address).await.map_err(|source| {
        let failed = case!(command::SERVE_LISTEN_FAILED, address, source);
        let message = Message::of(&failed).and_nothing_attempted();
        Abort::new(Status::BadConfiguration, message)
    })
}

fn takes_open_metrics(request: &Request<Incoming>) -> bool {
    let mut accepted = request.headers().get_all(ACCEPT).iter();
    accepted.any(|it| {
        let text = it.to_str().unwrap_or_default();
        text.contains("application/openmetrics-text")
    })
}

fn response(status: StatusCode, media_type: HeaderValue, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_has_not_looked_at_the_queue_for_long_is_a_fault() {
        assert_eq!(stall_after(STALLED), None);
        let fault = stall_after(STALLED + Duration::from_secs(1));
        let expected = "the worker has not looked at the queue for 31 s";
        assert_eq!(fault.as_deref(), Some(expected));
    }
}
