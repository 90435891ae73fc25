//! One connection: it resolves the host, connects, and shakes hands for TLS; then it exchanges
//! frames of two length octets and a message.

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
use super::lookup::look_up;
use super::tls::TlsClient;

/// Most addresses of a host to try. More are a mistake in the zone of that host, and each address
/// gets only its share of the time.
pub const ADDRESSES_MAX: usize = 16;
/// Octets of the length before each message.
const PREFIX_OCTETS: usize = 2;
/// Octets to read from the socket at a time: a few TLS records of a transfer.
const READ_OCTETS: usize = 32 * 1024;

/// The address at which a primary listens.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names of the fields say what they hold")]
pub struct Endpoint {
    /// An IP address (IPv6 without brackets) or a host name.
    pub host: String,
    pub port: u16,
    pub security: Security,
}

/// The layer between the network and the messages.
#[derive(Clone, Debug)]
pub enum Security {
    /// None: plain TCP.
    Tcp,
    /// None: datagrams, which no [`Connection`] carries.
    Udp,
    /// TLS (RFC 7858).
    Tls(Arc<TlsClient>),
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_host_and_port(f, &self.host, self.port)
    }
}

/// Writes a host and its port, with an IPv6 address in brackets (RFC 3986 section 3.2.2).
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
/// The caller may send several messages before it receives their responses. A `receive` that times
/// out or is dropped loses nothing. A `send` that times out or is dropped leaves a torn frame, and
/// every later `send` fails.
#[derive(Debug)]
pub struct Connection {
    stream: Stream,
    peer: SocketAddr,
    /// The received octets that are no whole frame yet.
    buffer: Vec<u8>,
    /// Whether the last frame was sent only in part.
    is_torn: bool,
    /// Whether the peer has sent a message: a TLS alert after that is not about the handshake.
    has_received: bool,
}

impl Connection {
    /// Resolves the host and connects to its addresses one after another, until one is ready for
    /// messages. Each address gets an equal share of the remaining time.
    ///
    /// # Errors
    /// The error of the only address, or [`TransportError::AllFailed`] with the errors of all.
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

    /// Sends one message; the kernel has all its octets when this returns.
    ///
    /// # Errors
    /// [`TransportError`]. After any error but `TooLong` the peer cannot have read the whole
    /// message, and the connection can send no more messages.
    pub async fn send(&mut self, message: &[u8], deadline: Instant) -> Result<(), TransportError> {
        let Ok(length) = u16::try_from(message.len()) else {
            return Err(TransportError::TooLong {
                octets: message.len(),
            });
        };
        if self.is_torn {
            return Err(TransportError::Torn { peer: self.peer });
        }
        // One write, so that the length does not get a TCP segment of its own.
        let mut frame = Vec::with_capacity(PREFIX_OCTETS + message.len());
        frame.extend_from_slice(&length.to_be_bytes());
        frame.extend_from_slice(message);
        let started = Instant::now();
        self.is_torn = true;
        let written = timeout_at(deadline, async {
            self.stream.write_all(&frame).await?;
            self.stream.flush().await
        });
        match written.await {
            Err(_) => Err(self.timed_out(Step::Send, started)),
            Ok(Err(source)) => Err(self.failed(Step::Send, source)),
            Ok(Ok(())) => {
                self.is_torn = false;
                self.stream.acknowledge_at_once();
                Ok(())
            }
        }
    }

    /// Receives the next message; it may have any length that a frame can have, zero included.
    ///
    /// # Errors
    /// [`TransportError`]: `Closed` if the peer ended the connection between two messages,
    /// `ClosedInFrame` if it did so within a message.
    pub async fn receive(&mut self, deadline: Instant) -> Result<Vec<u8>, TransportError> {
        let started = Instant::now();
        loop {
            if let Some(message) = self.take_message() {
                self.has_received = true;
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

    /// Returns whether the connection can carry another request: the peer has not ended it, and no
    /// octets of earlier responses are left that could be mistaken for the next response.
    pub fn is_usable(&self) -> bool {
        self.buffer.is_empty() && !self.is_torn && self.stream.is_open()
    }

    /// Returns the stream below the frames, for another protocol; the caller must set deadlines.
    pub fn into_stream(self) -> impl AsyncRead + AsyncWrite + Unpin + use<> {
        self.stream
    }

    /// Returns the address of the peer.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Connects to one address, from `local` if it is given.
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
        // A request is one small write with none after it, so Nagle's algorithm would only delay
        // it. A failure to disable it costs time, not correctness.
        let _ = tcp.set_nodelay(true);
        let stream = match security {
            Security::Tcp | Security::Udp => Stream::Tcp(tcp),
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
            is_torn: false,
            has_received: false,
        })
    }

    /// Removes the first whole message from the buffer.
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
        // rustls reports a TCP stream that ended without `close_notify` in this way.
        if step == Step::Receive && source.kind() == io::ErrorKind::UnexpectedEof {
            return self.closed(step);
        }
        let error = TransportError::from_io(self.peer, step, source);
        if self.has_received {
            error.after_handshake()
        } else {
            error
        }
    }
}

/// Opens a TCP connection, from `local` if it is given.
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

/// Looks up the addresses of a host, in the order of the resolver, at most [`ADDRESSES_MAX`].
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
    match timeout_at(deadline, look_up(host, port)).await {
        Err(_) => Err(TransportError::TimedOut {
            step: Step::Resolve,
            target: host.to_owned(),
            after: started.elapsed(),
        }),
        Ok(Err(source)) => Err(TransportError::Resolve {
            host: host.to_owned(),
            source,
        }),
        Ok(Ok(addresses)) => Ok(addresses.into_iter().take(ADDRESSES_MAX).collect()),
    }
}

/// The stream of octets below the frames.
#[derive(Debug)]
enum Stream {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Returns whether the kernel knows of no end of the connection. On plain TCP no octets may
    /// wait, because no request is open that they could answer. On TLS octets may wait: they can be
    /// session tickets, which are harmless.
    fn is_open(&self) -> bool {
        let (tcp, octets_may_wait) = match self {
            Self::Tcp(tcp) => (tcp, false),
            Self::Tls(tls) => (tls.get_ref().0, true),
        };
        // `peek` cannot block: the sockets of tokio are non-blocking.
        match socket2::SockRef::from(tcp).peek(&mut [MaybeUninit::uninit()]) {
            Ok(octets) => octets > 0 && octets_may_wait,
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        }
    }

    /// Makes the kernel acknowledge the next segments of a TLS connection without delay. BIND:
    /// writes its session tickets and its response separately, and with Nagle's algorithm holds the
    /// response back until the delayed acknowledgement arrives, some 40 ms. The kernel resets the
    /// flag by itself, so every `send` sets it.
    fn acknowledge_at_once(&self) {
        #[cfg(target_os = "linux")]
        if let Self::Tls(stream) = self {
            // A failure costs time, not correctness.
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
