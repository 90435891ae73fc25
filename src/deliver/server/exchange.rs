//! One exchange of a session: a request is sent over a connection, and its response is received.
//!
//! Nothing here knows what a request is about. While the primary responds to other requests, a
//! response timeout applies; a request that is lost by overload is sent again if that does no harm.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::congestion::{RequestKind, Started};
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
    /// Signs and sends an idempotent request, and receives the first message of the response.
    pub(crate) async fn first_answer(
        &mut self,
        mut message: Vec<u8>,
        key: &Key,
        kind: RequestKind,
    ) -> Result<(Vec<u8>, RequestMac), Failure> {
        self.take_permit().await?;
        let mac = wire::sign_request(&mut message, key, (self.clock)())?;
        Ok((self.ask(&message, kind).await?, mac))
    }

    /// Sends an idempotent request, again after an overload, and receives the first message of the
    /// response.
    pub(crate) async fn ask(
        &mut self,
        message: &[u8],
        kind: RequestKind,
    ) -> Result<Vec<u8>, Failure> {
        let congestion = &self.primary.pool.congestion;
        let mut attempt = 0;
        loop {
            attempt += 1;
            match kind {
                RequestKind::Transfer => self.take_transfer_permit().await?,
                RequestKind::Query | RequestKind::Update(_) => self.take_permit().await?,
            }
            let started = congestion.start();
            let error = match self.ask_once(message, kind, started).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let is_overload = congestion.is_overload(started, &error);
            self.overloads += u32::from(is_overload);
            self.wait_out_overload(is_overload, attempt, error).await?;
        }
    }

    /// Makes one attempt of [`Self::ask`]. An idle connection that turns out to be dead is
    /// replaced.
    async fn ask_once(
        &mut self,
        message: &[u8],
        kind: RequestKind,
        started: Started,
    ) -> Result<Vec<u8>, TransportError> {
        if self.connection.is_some() || self.reuse() {
            match self.roundtrip(message, kind).await {
                Err(error)
                    if error.is_timeout() && self.primary.pool.congestion.is_answering(started) =>
                {
                    return Err(error);
                }
                Err(_) => {}
                answer => return answer,
            }
        }
        self.connect().await?;
        self.roundtrip(message, kind).await
    }

    /// Sends an UPDATE, and receives the response.
    pub(crate) async fn send_update(&mut self, message: &[u8]) -> Result<Vec<u8>, TransportError> {
        if self.connection.is_none() && !self.reuse() {
            self.connect().await?;
        }
        self.roundtrip(message, RequestKind::Update(message.len()))
            .await
    }

    /// After an overload, lets other sessions go first and pauses before the next attempt.
    ///
    /// # Errors
    /// The failure if there is no next attempt.
    pub(crate) async fn wait_out_overload(
        &mut self,
        is_overload: bool,
        attempt: u32,
        source: TransportError,
    ) -> Result<(), Failure> {
        if !is_overload {
            return Err(source.into());
        }
        self.release_permits();
        let pause = OVERLOAD_PAUSE * 2_u32.pow(attempt - 1);
        if attempt >= OVERLOAD_ATTEMPTS_MAX || Instant::now() + pause >= self.deadline {
            return Err(Failure::Overloaded { source });
        }
        tokio::time::sleep(pause).await;
        Ok(())
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
        let opened = self.wait(RequestKind::Query, opened).await;
        self.connection =
            Some(opened.unwrap_or_else(|after| {
                Err(timed_out(Step::Connect, endpoint.to_string(), after))
            })?);
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
        let started = congestion.start();
        connection.send(message, deadline).await?;
        let target = connection.peer().to_string();
        let answer = self.wait(kind, connection.receive(deadline)).await;
        let answer = answer.unwrap_or_else(|after| Err(timed_out(Step::Receive, target, after)))?;
        congestion.on_response(started);
        self.connection = Some(connection);
        Ok(answer)
    }

    /// Waits for work that has a deadline of its own; while the primary responds to other requests,
    /// no longer than the response timeout.
    ///
    /// # Errors
    /// The time waited. With each overload the timeout doubles: it may have been too short.
    async fn wait<T>(
        &self,
        kind: RequestKind,
        work: impl Future<Output = T>,
    ) -> Result<T, Duration> {
        let congestion = &self.primary.pool.congestion;
        let started = congestion.start();
        let response_timeout =
            congestion.response_timeout(kind) * 2_u32.pow(self.overloads.saturating_sub(1).min(8));
        let mut work = pin!(work);
        loop {
            match timeout(response_timeout, &mut work).await {
                Ok(done) => return Ok(done),
                Err(_) if congestion.is_answering(started) => return Err(started.elapsed()),
                Err(_) => {}
            }
        }
    }

    pub(crate) fn exchange_deadline(&self) -> Instant {
        self.deadline.min(Instant::now() + EXCHANGE_TIME_MAX)
    }
}

fn timed_out(step: Step, target: String, after: Duration) -> TransportError {
    TransportError::TimedOut {
        step,
        target,
        after,
    }
}
