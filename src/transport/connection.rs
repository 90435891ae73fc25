//! One connection: resolve, connect, handshake; then frames of two octets of length and a message.

use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::error::{Step, TransportError};
use super::tls::TlsClient;

/// Most addresses of a host that are tried: more is a mistake in the zone of that host, and each
/// gets only its share of the time.
pub const ADDRESSES_MAX: usize = 16;
/// Octets of the length before each message.
const PREFIX_OCTETS: usize = 2;
/// Octets asked of the socket at a time: a few TLS records of a transfer.
const READ_OCTETS: usize = 32 * 1024;

/// Where a primary listens.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// IP address (IPv6 without brackets) or host name.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// What runs between TCP and the messages.
    pub security: Security,
}

/// What runs between TCP and the messages.
#[derive(Clone, Debug)]
pub enum Security {
    /// Nothing.
    Tcp,
    /// TLS (RFC 7858).
    Tls(Arc<TlsClient>),
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_host_and_port(f, &self.host, self.port)
    }
}

/// Writes a host and its port, an IPv6 address in brackets (RFC 3986 section 3.2.2).
///
/// # Errors
/// Those of the formatter.
pub fn fmt_host_and_port(f: &mut fmt::Formatter<'_>, host: &str, port: u16) -> fmt::Result {
    if host.contains(':') {
        write!(f, "[{host}]:{port}")
    } else {
        write!(f, "{host}:{port}")
    }
}

/// An open connection to a primary.
///
/// Messages may be sent ahead of their answers. A `receive` that was given up loses nothing; a
/// `send` that was given up leaves a torn frame, and the connection refuses every later one.
#[derive(Debug)]
pub struct Connection {
    stream: Stream,
    peer: SocketAddr,
    /// Octets that came in and are no whole frame yet.
    buffer: Vec<u8>,
    /// Whether a frame was begun and not finished.
    torn: bool,
    /// Whether the peer ever sent a message: a TLS alert after that is not about the handshake.
    heard: bool,
}

impl Connection {
    /// Resolves the host and connects to its addresses in turn, until one is ready for messages.
    /// Each address gets an equal share of the time that is left.
    ///
    /// # Errors
    /// The error of the only address, or [`TransportError::AllFailed`] with those of all.
    pub async fn open(endpoint: &Endpoint, deadline: Instant) -> Result<Self, TransportError> {
        let addresses = resolve_host(&endpoint.host, endpoint.port, deadline).await?;
        Self::open_any(endpoint, &addresses, deadline).await
    }

    /// Connects to the first of these addresses that is ready for messages.
    pub(super) async fn open_any(
        endpoint: &Endpoint,
        addresses: &[SocketAddr],
        deadline: Instant,
    ) -> Result<Self, TransportError> {
        let mut failures = Vec::new();
        for (index, &peer) in addresses.iter().enumerate() {
            let left = u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
            let now = Instant::now();
            let share = now + deadline.saturating_duration_since(now) / left;
            match Self::open_from(None, peer, &endpoint.security, share).await {
                Ok(connection) => return Ok(connection),
                Err(failure) => failures.push(failure),
            }
        }
        let host = endpoint.host.clone();
        if failures.len() > 1 {
            return Err(TransportError::AllFailed { host, failures });
        }
        Err(failures.pop().unwrap_or(TransportError::NoAddress { host }))
    }

    /// Sends one message. The octets have been handed to the kernel when this returns.
    ///
    /// # Errors
    /// [`TransportError`]; after any but `TooLong` the peer cannot have read the whole message,
    /// and the connection is of no more use for sending.
    pub async fn send(&mut self, message: &[u8], deadline: Instant) -> Result<(), TransportError> {
        let Ok(length) = u16::try_from(message.len()) else {
            return Err(TransportError::TooLong {
                octets: message.len(),
            });
        };
        if self.torn {
            return Err(TransportError::Torn { peer: self.peer });
        }
        // One write, so that the length does not travel in a segment of its own.
        let mut frame = Vec::with_capacity(PREFIX_OCTETS + message.len());
        frame.extend_from_slice(&length.to_be_bytes());
        frame.extend_from_slice(message);
        let started = Instant::now();
        self.torn = true;
        let written = timeout_at(deadline, async {
            self.stream.write_all(&frame).await?;
            self.stream.flush().await
        });
        match written.await {
            Err(_) => Err(self.timed_out(Step::Send, started)),
            Ok(Err(source)) => Err(self.failed(Step::Send, source)),
            Ok(Ok(())) => {
                self.torn = false;
                self.stream.acknowledge_at_once();
                Ok(())
            }
        }
    }

    /// Receives the next message, of any length that a frame can name, zero among them.
    ///
    /// # Errors
    /// [`TransportError`]: `Closed` when the peer ended the connection between two messages,
    /// `ClosedInFrame` when in the middle of one.
    pub async fn receive(&mut self, deadline: Instant) -> Result<Vec<u8>, TransportError> {
        let started = Instant::now();
        loop {
            if let Some(message) = self.take_message() {
                self.heard = true;
                return Ok(message);
            }
            self.buffer.reserve(READ_OCTETS);
            let read = self.stream.read_buf(&mut self.buffer);
            match timeout_at(deadline, read).await {
                Err(_) => return Err(self.timed_out(Step::Receive, started)),
                Ok(Err(source)) => return Err(self.failed(Step::Receive, source)),
                Ok(Ok(0)) => return Err(self.closed(Step::Receive)),
                Ok(Ok(_)) => {}
            }
        }
    }

    /// Whether the next request can be sent and its answer be told from what came before: the peer
    /// has not ended the connection, and nothing is left of earlier answers.
    pub fn is_usable(&self) -> bool {
        self.buffer.is_empty() && !self.torn && self.stream.is_open()
    }

    /// The octets themselves, for a protocol without these frames; the caller sets the deadlines.
    pub fn into_octets(self) -> impl AsyncRead + AsyncWrite + Unpin + use<> {
        self.stream
    }

    /// The address that was connected to.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Connects to one address, from `local` where that is given.
    ///
    /// # Errors
    /// [`TransportError`].
    pub async fn open_from(
        local: Option<SocketAddr>,
        peer: SocketAddr,
        security: &Security,
        deadline: Instant,
    ) -> Result<Self, TransportError> {
        let started = Instant::now();
        let timed_out = |step| TransportError::TimedOut {
            step,
            target: peer.to_string(),
            after: started.elapsed(),
        };
        let tcp = timeout_at(deadline, connect(local, peer))
            .await
            .map_err(|_| timed_out(Step::Connect))?
            .map_err(|source| TransportError::from_io(peer, Step::Connect, source))?;
        // A request is one small write that nothing else follows: Nagle's wait only costs. That it
        // could not be set costs time, not correctness.
        let _ = tcp.set_nodelay(true);
        let stream = match security {
            Security::Tcp => Stream::Tcp(tcp),
            Security::Tls(client) => {
                let connector = TlsConnector::from(Arc::clone(client.config()));
                let handshake = connector.connect(client.server_name().clone(), tcp);
                let stream = timeout_at(deadline, handshake)
                    .await
                    .map_err(|_| timed_out(Step::Handshake))?
                    .map_err(|source| TransportError::from_io(peer, Step::Handshake, source))?;
                Stream::Tls(Box::new(stream))
            }
        };
        Ok(Self {
            stream,
            peer,
            buffer: Vec::new(),
            torn: false,
            heard: false,
        })
    }

    /// Cuts the first whole message off the buffer.
    fn take_message(&mut self) -> Option<Vec<u8>> {
        let (prefix, rest) = self.buffer.split_first_chunk::<PREFIX_OCTETS>()?;
        let length = usize::from(u16::from_be_bytes(*prefix));
        let message = rest.get(..length)?.to_vec();
        self.buffer.drain(..PREFIX_OCTETS + length);
        Some(message)
    }

    fn timed_out(&self, step: Step, started: Instant) -> TransportError {
        TransportError::TimedOut {
            step,
            target: self.peer.to_string(),
            after: started.elapsed(),
        }
    }

    fn closed(&self, step: Step) -> TransportError {
        if self.buffer.is_empty() {
            TransportError::Closed {
                peer: self.peer,
                step,
            }
        } else {
            TransportError::ClosedInFrame {
                peer: self.peer,
                octets: self.buffer.len(),
            }
        }
    }

    fn failed(&self, step: Step, source: io::Error) -> TransportError {
        // What rustls says when TCP ended without `close_notify`.
        if step == Step::Receive && source.kind() == io::ErrorKind::UnexpectedEof {
            return self.closed(step);
        }
        let error = TransportError::from_io(self.peer, step, source);
        if self.heard {
            error.after_handshake()
        } else {
            error
        }
    }
}

/// Connects TCP, from an address of our own where it is given.
async fn connect(local: Option<SocketAddr>, peer: SocketAddr) -> io::Result<TcpStream> {
    let Some(local) = local else {
        return TcpStream::connect(peer).await;
    };
    let socket = match peer {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(local)?;
    socket.connect(peer).await
}

/// The addresses of a host, in the resolver's order, at most [`ADDRESSES_MAX`].
///
/// # Errors
/// [`TransportError::Resolve`] and [`TransportError::TimedOut`].
pub async fn resolve_host(
    host: &str,
    port: u16,
    deadline: Instant,
) -> Result<Vec<SocketAddr>, TransportError> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let started = Instant::now();
    let lookup = tokio::net::lookup_host((host, port));
    match timeout_at(deadline, lookup).await {
        Err(_) => Err(TransportError::TimedOut {
            step: Step::Resolve,
            target: host.to_owned(),
            after: started.elapsed(),
        }),
        Ok(Err(source)) => Err(TransportError::Resolve {
            host: host.to_owned(),
            source,
        }),
        Ok(Ok(addresses)) => Ok(addresses.take(ADDRESSES_MAX).collect()),
    }
}

/// The octet stream under the frames.
#[derive(Debug)]
enum Stream {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Whether the peer has not closed, as far as it is known here. On plain TCP octets that wait
    /// answer no request any more; on TLS they may be tickets, which mean nothing.
    fn is_open(&self) -> bool {
        let (tcp, may_wait) = match self {
            Self::Tcp(tcp) => (tcp, false),
            Self::Tls(tls) => (tls.get_ref().0, true),
        };
        // Sockets of tokio never block.
        match socket2::SockRef::from(tcp).peek(&mut [MaybeUninit::uninit()]) {
            Ok(octets) => octets > 0 && may_wait,
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        }
    }

    /// On TLS, acknowledges what comes next without delay: BIND writes its session tickets and its
    /// answer separately, and its Nagle would hold the answer for our delayed acknowledgement, some
    /// 40 ms. The kernel forgets the flag, so it is set after every write.
    fn acknowledge_at_once(&self) {
        #[cfg(target_os = "linux")]
        if let Self::Tls(stream) = self {
            // Failing costs time, not correctness.
            let _ = socket2::SockRef::from(stream.get_ref().0).set_tcp_quickack(true);
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, octets),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_write(context, octets),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(context),
        }
    }
}
