//! One exchange of a session: a request is sent over a connection, and its response is received.
//!
//! Nothing here knows what a request is about. While the primary responds to other requests, a
//! response timeout applies; a request that is lost by overload is sent again if that does no harm.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::congestion::RequestKind;
use super::session::Session;
use crate::deliver::error::Failure;
use crate::transport::{Connection, Step, TransportError};
use crate::wire::{self, Key, RequestMac};

/// Longest wait for the response to one message, and for each message of a transfer. BIND: takes
/// some 400 ms for an UPDATE of 64 KiB on a slow disk.
pub const EXCHANGE_TIME_MAX: Duration = Duration::from_secs(10);

/// Most attempts under overload, and the pause before the second one; it doubles.
const OVERLOAD_ATTEMPTS_MAX: u32 = 6;
const OVERLOAD_PAUSE: Duration = Duration::from_millis(100);

impl Session<'_> {
    /// Sends a request, signed with the key if there is one, and again after an overload. Returns the
    /// first message of the response, with the MAC of the request.
    ///
    /// # Errors
    /// [`Failure::Unknown`] if the response to an UPDATE is lost: it may have been applied. Other
    /// requests change nothing, and are sent again.
    pub(crate) async fn exchange(
        &mut self,
        unsigned: &[u8],
        key: Option<&Key>,
        kind: RequestKind,
    ) -> Result<(Vec<u8>, Option<RequestMac>), Failure> {
        let congestion = &self.primary.pool.congestion;
        let mut pauses = (1..OVERLOAD_ATTEMPTS_MAX).map(|n| OVERLOAD_PAUSE * 2_u32.pow(n - 1));
        loop {
            match kind {
                RequestKind::Transfer => self.take_transfer_permit().await?,
                RequestKind::Query | RequestKind::Update => self.take_permit().await?,
            }
            let mut message = unsigned.to_vec();
            let mac = match key {
                Some(key) => Some(wire::sign_request(&mut message, key, (self.clock)())?),
                None => None,
            };
            let started = Instant::now();
            let source = match self.send(&message, kind, started).await {
                Ok(answer) => return Ok((answer, mac)),
                Err(error) => error,
            };
            let is_overload = congestion.is_overload(started, &source);
            self.overloads += u32::from(is_overload);
            if kind == RequestKind::Update && source.request_may_have_arrived() {
                self.release_permits();
                return Err(Failure::Unknown { source });
            }
            if !is_overload {
                return Err(source.into());
            }
            // Other sessions go first.
            self.release_permits();
            let pause = pauses.next();
            let Some(pause) = pause.filter(|it| Instant::now() + *it < self.deadline) else {
                return Err(Failure::Overloaded { source });
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Makes one attempt of [`Self::exchange`]. Replaces an idle connection that turns out to be
    /// dead, unless the request is an UPDATE.
    async fn send(
        &mut self,
        message: &[u8],
        kind: RequestKind,
        started: Instant,
    ) -> Result<Vec<u8>, TransportError> {
        if self.connection.is_some() || self.reuse() {
            let answer = self.roundtrip(message, kind).await;
            let congestion = &self.primary.pool.congestion;
            let is_slow =
                |error: &TransportError| error.is_timeout() && congestion.is_answering(started);
            if kind == RequestKind::Update || answer.as_ref().err().is_none_or(is_slow) {
                return answer;
            }
        }
        self.connect().await?;
        self.roundtrip(message, kind).await
    }

    /// Gives the permits back, so that the next exchange waits for new ones.
    pub(crate) fn release_permits(&mut self) {
        if !self.keeps_permit {
            self.transfer_permit = None;
            self.permit = None;
        }
    }

    /// Takes an idle connection that the primary has not closed: an UPDATE that is sent over a
    /// closed one has an unknown outcome.
    fn reuse(&mut self) -> bool {
        let mut idle = self.primary.pool.idle.borrow_mut();
        self.connection = loop {
            match idle.pop() {
                Some(connection) if !connection.is_usable() => {}
                found => break found,
            }
        };
        self.connection.is_some()
    }

    async fn connect(&mut self) -> Result<(), TransportError> {
        let endpoint = &self.primary.endpoint;
        let opened = Connection::open(endpoint, self.exchange_deadline());
        let congestion = &self.primary.pool.congestion;
        let response_timeout = congestion.response_timeout(RequestKind::Query, 0);
        let target = endpoint.to_string();
        let opened = self.wait(response_timeout, Step::Connect, target, opened);
        self.connection = Some(opened.await?);
        Ok(())
    }

    /// Sends a request over the connection, and receives the first message of the response. If that
    /// fails, the connection is not used again.
    async fn roundtrip(
        &mut self,
        message: &[u8],
        kind: RequestKind,
    ) -> Result<Vec<u8>, TransportError> {
        let deadline = self.exchange_deadline();
        // Taken out first: a connection whose exchange fails or is cancelled is never used again.
        let mut connection = self
            .connection
            .take()
            .expect("connected before the exchange");
        let congestion = &self.primary.pool.congestion;
        let started = Instant::now();
        connection.send(message, deadline).await?;
        let target = connection.peer().to_string();
        let response_timeout = congestion.response_timeout(kind, message.len());
        let answer = connection.receive(deadline);
        let answer = self.wait(response_timeout, Step::Receive, target, answer);
        let answer = answer.await?;
        congestion.on_response(started);
        self.connection = Some(connection);
        Ok(answer)
    }

    /// Waits for work that has a deadline of its own; while the primary responds to other requests,
    /// no longer than the response timeout, which doubles with each overload: it may have been too
    /// short.
    async fn wait<T>(
        &self,
        response_timeout: Duration,
        step: Step,
        target: String,
        work: impl Future<Output = Result<T, TransportError>>,
    ) -> Result<T, TransportError> {
        let started = Instant::now();
        let longest = response_timeout * 2_u32.pow(self.overloads.saturating_sub(1).min(8));
        let mut work = pin!(work);
        loop {
            match timeout(longest, &mut work).await {
                Ok(done) => return done,
                Err(_) if self.primary.pool.congestion.is_answering(started) => {
                    return Err(TransportError::TimedOut {
                        step,
                        target,
                        after: started.elapsed(),
                    });
                }
                Err(_) => {}
            }
        }
    }

    pub(crate) fn exchange_deadline(&self) -> Instant {
        self.deadline.min(Instant::now() + EXCHANGE_TIME_MAX)
    }
}
