//! One exchange of a session: a request is sent over a connection, and its response is received.
//!
//! Nothing here knows what a request is about. While the primary responds to other requests, a
//! response timeout applies; a request that is lost by overload is sent again if that does no harm.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::session::{Session, random_id};
use crate::deliver::error::Failure;
use crate::model::{Name, RecordType};
use crate::transport::{
    Connection, EXCHANGE_TIME_MAX, Endpoint, RequestKind, Security, Step, TransportError,
    UdpRetryPolicy, exchange_with_host,
};
use crate::wire::{self, Key, KeyList, RequestMac, Trial};

/// Most attempts under overload, and the pause before the second one; it doubles.
const OVERLOAD_ATTEMPTS_MAX: u32 = 6;
const OVERLOAD_PAUSE: Duration = Duration::from_millis(100);

/// How often a question is sent by UDP until there is a response.
const QUESTION_BY_UDP: UdpRetryPolicy = UdpRetryPolicy {
    response_timeout: Duration::from_millis(1_500),
    attempts_max: 4,
};

/// An UPDATE is sent by UDP once: a datagram that comes late could bring back what the next UPDATE has removed (RFC
/// 2136 section 5). If the response is lost, the transaction reads the zone again.
const UPDATE_BY_UDP: UdpRetryPolicy = UdpRetryPolicy {
    response_timeout: Duration::from_secs(3),
    attempts_max: 1,
};

/// How long to wait whether a server that takes no TCP connection answers by UDP.
const PROBE_BY_UDP: UdpRetryPolicy = UdpRetryPolicy {
    response_timeout: Duration::from_millis(500),
    attempts_max: 1,
};

impl Session<'_> {
    /// Sends a request, signed with each key in turn until the primary takes one. Returns the first message of the response,
    /// with the key and the MAC of the request.
    ///
    /// # Errors
    /// [`Failure::ResponseLost`] if the response to an UPDATE is lost: it may have been applied. Other
    /// requests change nothing, and are sent again.
    pub(crate) async fn exchange<'k>(
        &mut self,
        unsigned: &[u8],
        keys: Option<&'k KeyList>,
        kind: RequestKind,
    ) -> Result<(Vec<u8>, Option<(&'k Key, RequestMac)>), Failure> {
        let mut trial = Trial::new(keys);
        while let Some(turn) = trial.next_turn() {
            let (answer, mac) = self.exchange_with(unsigned, turn.key, kind).await?;
            trial.note(answer, mac);
        }
        Ok(trial.finish())
    }

    /// Sends the request of [`Self::exchange`] with one key or none, and again after an overload.
    async fn exchange_with(
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
            let (address, _) = self.primary.endpoint_of(kind);
            let is_overload = congestion.is_overload(address, started, &source);
            self.overloads += u32::from(is_overload);
            let is_in_doubt = self.unanswered.is_some() || source.request_may_have_arrived();
            if kind == RequestKind::Update && is_in_doubt {
                self.release_permits();
                return Err(Failure::ResponseLost { source });
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

    /// Makes one attempt of [`Self::exchange`]. Replaces, once, a connection that was used before and
    /// turns out to be dead. PowerDNS: closes each one after `max-tcp-transactions-per-conn` requests.
    ///
    /// An UPDATE is repeated only if the connection ended without an octet of the response, and then
    /// does no harm: it adds and removes exact records, so a second one changes nothing after the first
    /// one, and its prerequisites hold it off if anything else has changed in between.
    async fn send(
        &mut self,
        message: &[u8],
        kind: RequestKind,
        started: Instant,
    ) -> Result<Vec<u8>, TransportError> {
        let (connected_for, endpoint) = self.primary.endpoint_of(kind);
        if let Security::Udp = endpoint.security {
            let answer = self.send_datagram(endpoint, message, kind).await?;
            let congestion = &self.primary.pool.congestion;
            congestion.on_response(connected_for, started);
            return Ok(answer);
        }
        if self.connected_for != connected_for {
            self.yield_connection();
            self.connected_for = connected_for;
        }
        self.connection.take_if(|it| !it.is_usable());
        if self.connection.is_some() || self.reuse() {
            let error = match self.roundtrip(message, kind).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let congestion = &self.primary.pool.congestion;
            let is_dead = match kind {
                RequestKind::Query | RequestKind::Transfer => {
                    !(error.is_timeout() && congestion.is_answering(connected_for, started))
                }
                RequestKind::Update => error.is_end_before_answer(),
            };
            if !is_dead {
                return Err(error);
            }
            if kind == RequestKind::Update && error.request_may_have_arrived() {
                self.unanswered = Some(error);
            }
        }
        self.connect().await?;
        self.roundtrip(message, kind).await
    }

    /// Makes one attempt of [`Self::exchange`] by UDP.
    async fn send_datagram(
        &self,
        endpoint: &Endpoint,
        message: &[u8],
        kind: RequestKind,
    ) -> Result<Vec<u8>, TransportError> {
        let retry_policy = match kind {
            RequestKind::Query | RequestKind::Transfer => QUESTION_BY_UDP,
            RequestKind::Update => UPDATE_BY_UDP,
        };
        exchange_with_host(endpoint, message, retry_policy, self.exchange_deadline()).await
    }

    /// Returns the failure to connect; it says so if the server answers by UDP alone.
    pub(super) async fn explained(
        &self,
        address: RequestKind,
        error: TransportError,
    ) -> TransportError {
        let (_, endpoint) = self.primary.endpoint_of(address);
        // An address that has responded takes TCP, and is overloaded now.
        let may_be_without_tcp = matches!(endpoint.security, Security::Tcp)
            && error.is_without_connection()
            && !self.primary.pool.congestion.has_response(address);
        if may_be_without_tcp && self.answers_by_udp(endpoint).await {
            let peer = endpoint.to_string();
            return TransportError::NoTcp { peer };
        }
        error
    }

    /// Returns whether a server that takes no TCP connection answers by UDP, whatever it answers.
    async fn answers_by_udp(&self, endpoint: &Endpoint) -> bool {
        let Ok(id) = random_id() else {
            return false;
        };
        let question = wire::encode_query(&Name::root(), RecordType::SOA, id);
        let deadline = self.deadline;
        let answer = exchange_with_host(endpoint, &question, PROBE_BY_UDP, deadline);
        answer.await.is_ok()
    }

    /// Gives the permits back, so that the next exchange waits for new ones.
    pub(crate) fn release_permits(&mut self) {
        self.transfer_permit = None;
        self.permit = None;
    }

    /// Takes an idle connection that the primary has not closed.
    fn reuse(&mut self) -> bool {
        let mut idle = self.primary.pool.idle.borrow_mut();
        self.connection = loop {
            let at = idle.iter().rposition(|(it, _)| *it == self.connected_for);
            match at.map(|at| idle.remove(at).1) {
                Some(connection) if !connection.is_usable() => {}
                found => break found,
            }
        };
        self.connection.is_some()
    }

    async fn connect(&mut self) -> Result<(), TransportError> {
        let (_, endpoint) = self.primary.endpoint_of(self.connected_for);
        let opened = Connection::open(endpoint, self.exchange_deadline());
        let congestion = &self.primary.pool.congestion;
        let response_timeout = congestion.response_timeout(RequestKind::Query, 0);
        let target = endpoint.to_string();
        let opened = self.wait(response_timeout, Step::Connect, target, opened);
        match opened.await {
            Ok(connection) => self.connection = Some(connection),
            Err(error) => return Err(self.explained(self.connected_for, error).await),
        }
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
        congestion.on_response(self.connected_for, started);
        self.connection = Some(connection);
        Ok(answer)
    }

    /// Waits for work that has a deadline of its own; while the address responds to other requests, no longer than the
    /// response timeout, which doubles with each overload: it may have been too short.
    async fn wait<T>(
        &self,
        response_timeout: Duration,
        step: Step,
        target: String,
        work: impl Future<Output = Result<T, TransportError>>,
    ) -> Result<T, TransportError> {
        let started = Instant::now();
        let longest = response_timeout * 2_u32.pow(self.overloads.saturating_sub(1).min(8));
        let congestion = &self.primary.pool.congestion;
        let mut work = pin!(work);
        loop {
            match timeout(longest, &mut work).await {
                Ok(done) => return done,
                Err(_) if congestion.is_answering(self.connected_for, started) => {
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
