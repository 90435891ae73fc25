//! One request and its response over UDP (RFC 1035 section 4.2.1), for the small messages of
//! nsupdate. A request without a response is sent again.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

use super::error::{Step, TransportError};

/// Octets of the longest datagram.
const DATAGRAM_OCTETS_MAX: usize = 65_535;
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
        let failed = |source| TransportError::from_io(peer, Step::Send, source);
        socket.send(request).await.map_err(failed)?;
        let until = deadline.min(Instant::now() + retry_policy.response_timeout);
        match timeout_at(until, receive(&socket, request)).await {
            Ok(Ok(response)) => return Ok(response),
            Ok(Err(source)) => return Err(TransportError::from_io(peer, Step::Receive, source)),
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

/// Receives the first datagram with the request's id. Others are late or forged; they are ignored.
async fn receive(socket: &UdpSocket, request: &[u8]) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; DATAGRAM_OCTETS_MAX];
    loop {
        let octets = socket.recv(&mut buffer).await?;
        let response = &buffer[..octets];
        if octets > ID_OCTETS && response.get(..ID_OCTETS) == request.get(..ID_OCTETS) {
            return Ok(response.to_vec());
        }
    }
}
