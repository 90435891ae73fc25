//! One request and its answer in datagrams (RFC 1035 section 4.2.1), for what nsupdate sends: small
//! messages, sent again where no answer comes.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

use super::error::{Step, TransportError};

/// Room for any datagram.
const DATAGRAM_OCTETS_MAX: usize = 65_535;
/// Octets of a message's id.
const ID_OCTETS: usize = 2;

/// How long to wait and how often to send.
#[derive(Clone, Copy, Debug)]
pub struct UdpPatience {
    /// How long each sending is waited for.
    pub wait: Duration,
    /// How often the request is sent at most; at least once.
    pub sendings: u32,
}

/// Sends a request until a datagram with its id comes back from the same address.
///
/// # Errors
/// [`TransportError::TimedOut`] after the last wait, [`TransportError::Refused`] where nothing listens,
/// and [`TransportError::Io`].
pub async fn exchange_datagrams(
    peer: SocketAddr,
    local: Option<SocketAddr>,
    request: &[u8],
    patience: UdpPatience,
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
    // A connected socket takes datagrams from that address only, and hears that nothing listens.
    socket.connect(peer).await.map_err(connect)?;
    for _ in 0..patience.sendings.max(1) {
        let failed = |source| TransportError::from_io(peer, Step::Send, source);
        socket.send(request).await.map_err(failed)?;
        let until = deadline.min(Instant::now() + patience.wait);
        match timeout_at(until, receive(&socket, request)).await {
            Ok(Ok(answer)) => return Ok(answer),
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

/// The first datagram with the request's id; others are old or made up, and mean nothing.
async fn receive(socket: &UdpSocket, request: &[u8]) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; DATAGRAM_OCTETS_MAX];
    loop {
        let octets = socket.recv(&mut buffer).await?;
        let answer = &buffer[..octets];
        if octets > ID_OCTETS && answer.get(..ID_OCTETS) == request.get(..ID_OCTETS) {
            return Ok(answer.to_vec());
        }
    }
}
