//! One request and its response over UDP (RFC 1035 section 4.2.1). A request without a response is sent again, as
//! often as the caller allows.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

use super::connection::{Endpoint, resolve_host};
use super::error::{Step, TransportError};

/// Octets of a message that every server takes in a datagram (RFC 1035 section 4.2.1).
pub const DATAGRAM_OCTETS_USUAL: usize = 512;
/// Octets of the longest message that a datagram carries without fragments wherever there is IPv6. RFC 1035 does not
/// know such requests, yet servers take them: the common libraries send UPDATEs of any length by UDP.
pub const DATAGRAM_OCTETS_MAX: usize = 1_232;
/// Octets of the longest datagram that can come in.
const RECEIVED_OCTETS_MAX: usize = 65_535;
/// Octets of a message's id.
const ID_OCTETS: usize = 2;

/// The policy for requests that get no response.
#[derive(Clone, Copy, Debug)]
pub struct UdpRetryPolicy {
    /// The time to wait for a response to each attempt.
    pub response_timeout: Duration,
    /// The most attempts; zero counts as one.
    pub attempts_max: u32,
}

/// Sends a request, and again after each timeout, until a datagram with its id arrives from `peer`.
///
/// # Errors
/// [`TransportError::TimedOut`] after the last attempt, [`TransportError::Refused`] if nothing
/// listens, and [`TransportError::Io`].
pub async fn exchange_datagrams(
    peer: SocketAddr,
    local: Option<SocketAddr>,
    request: &[u8],
    retry_policy: UdpRetryPolicy,
    deadline: Instant,
) -> Result<Vec<u8>, TransportError> {
    let started = Instant::now();
    let any: SocketAddr = match peer {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let connect = |source| TransportError::from_io(peer, Step::Connect, source);
    let socket = UdpSocket::bind(local.unwrap_or(any))
        .await
        .map_err(connect)?;
    // A connected socket accepts datagrams from `peer` only, and reports if nothing listens there.
    socket.connect(peer).await.map_err(connect)?;
    for _ in 0..retry_policy.attempts_max.max(1) {
        let attempt = async {
            let failed = |step| move |source| TransportError::from_io(peer, step, source);
            socket.send(request).await.map_err(failed(Step::Send))?;
            let response = receive(&socket, request).await;
            response.map_err(failed(Step::Receive))
        };
        let until = deadline.min(Instant::now() + retry_policy.response_timeout);
        match timeout_at(until, attempt).await {
            Ok(done) => return done,
            Err(_) if Instant::now() >= deadline => break,
            Err(_) => {}
        }
    }
    Err(TransportError::TimedOut {
        step: Step::Receive,
        target: peer.to_string(),
        after: started.elapsed(),
    })
}

/// Sends a request as [`exchange_datagrams`] to the first address of a host that does not refuse it.
///
/// # Errors
/// Those of [`resolve_host`] and [`exchange_datagrams`]; for several addresses that of the last one.
pub async fn exchange_with_host(
    endpoint: &Endpoint,
    request: &[u8],
    retry_policy: UdpRetryPolicy,
    deadline: Instant,
) -> Result<Vec<u8>, TransportError> {
    let host = &endpoint.host;
    let mut outcome = Err(TransportError::NoAddress { host: host.clone() });
    for peer in resolve_host(host, endpoint.port, deadline).await? {
        outcome = exchange_datagrams(peer, None, request, retry_policy, deadline).await;
        match &outcome {
            Err(error) if !error.request_may_have_arrived() => {}
            Ok(_) | Err(_) => break,
        }
    }
    outcome
}

/// Receives the first datagram with the request's id. Others are late or forged; they are ignored.
async fn receive(socket: &UdpSocket, request: &[u8]) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; RECEIVED_OCTETS_MAX];
    loop {
        let octets = socket.recv(&mut buffer).await?;
        let response = &buffer[..octets];
        if octets > ID_OCTETS && response.get(..ID_OCTETS) == request.get(..ID_OCTETS) {
            return Ok(response.to_vec());
        }
    }
}
