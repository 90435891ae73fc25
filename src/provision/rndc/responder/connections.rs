//! The TCP connections of the responder.
//!
//! Only the server may connect: its configured addresses, and each address that sent a query which the
//! transfer key signed, as BIND does over UDP before it connects. Connections of others are closed at once.
//! If there is no place for a connection, the oldest one without a signed query loses its place: whoever
//! connects and says nothing keeps nobody away. Some file descriptors are reserved before BIND is told to
//! fetch. BIND: holds an address and port to which two connections failed for unreachable, for ten minutes.

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout};

use super::answerer::Answerer;

/// Most connections at a time. BIND: opens one per zone, by default ten at a time (`transfers-in`).
const CONNECTIONS_MAX: usize = 384;
/// Most connections of one address at a time.
const OF_ADDRESS_MAX: usize = 256;
/// File descriptors that are reserved for connections.
const RESERVE: usize = 4;
/// Longest wait for a request on a connection.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(5);
/// Longest wait until the server accepts one message of a response.
const WRITE_TIME_MAX: Duration = Duration::from_secs(10);
/// Pause after a failure to accept a connection for which no place can be made.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Longest query over UDP; a signed SOA query has some 300 octets.
const DATAGRAM_OCTETS_MAX: usize = 4096;

/// The sockets of a service, with the descriptors that are reserved for its connections.
pub(super) struct Sockets {
    udp: UdpSocket,
    tcp: TcpListener,
    reserve: Vec<OwnedFd>,
}

/// The open connections.
struct Connections {
    answerer: Arc<Answerer>,
    /// From the oldest to the newest.
    places: Vec<Place>,
    tasks: JoinSet<()>,
}

/// An open connection.
struct Place {
    peer: IpAddr,
    /// Whether a signed query has come over it.
    has_asked: Arc<AtomicBool>,
    task: AbortHandle,
}

impl Sockets {
    /// Takes both sockets over, and reserves file descriptors.
    ///
    /// # Errors
    /// The system's error, such as that of too many open files.
    pub(super) fn new(udp: std::net::UdpSocket, tcp: std::net::TcpListener) -> io::Result<Self> {
        udp.set_nonblocking(true)?;
        tcp.set_nonblocking(true)?;
        let reserved = (0..RESERVE).map(|_| udp.as_fd().try_clone_to_owned());
        let reserve = reserved.collect::<io::Result<_>>()?;
        Ok(Self {
            udp: UdpSocket::from_std(udp)?,
            tcp: TcpListener::from_std(tcp)?,
            reserve,
        })
    }

    /// Serves both sockets until the task is dropped.
    pub(super) async fn serve(mut self, answerer: Arc<Answerer>) {
        let mut connections = Connections {
            answerer: Arc::clone(&answerer),
            places: Vec::new(),
            tasks: JoinSet::new(),
        };
        let mut datagram = [0; DATAGRAM_OCTETS_MAX];
        loop {
            tokio::select! {
                received = self.udp.recv_from(&mut datagram) => {
                    // Ignores errors: they are ICMP messages about earlier datagrams.
                    if let Ok((octets, peer)) = received {
                        let answer = answerer.answer(&datagram[..octets], false);
                        if answer.is_signed {
                            answerer.admit(peer.ip());
                        }
                        for message in answer.messages {
                            // A full socket loses the response, as a network may; the server retries.
                            let _ = self.udp.try_send_to(&message, peer);
                        }
                    }
                }
                accepted = self.tcp.accept() => match accepted {
                    Ok((stream, peer)) => connections.take(stream, peer.ip().to_canonical()),
                    // Too many open files, mostly.
                    Err(_) => if self.reserve.pop().is_none() && !connections.evict(|_| true) {
                        sleep(ACCEPT_PAUSE).await;
                    },
                },
                Some(_) = connections.tasks.join_next() => self.refill(),
            }
        }
    }

    /// Reserves descriptors again.
    fn refill(&mut self) {
        while self.reserve.len() < RESERVE
            && let Ok(descriptor) = self.udp.as_fd().try_clone_to_owned()
        {
            self.reserve.push(descriptor);
        }
    }
}

impl Connections {
    /// Serves a connection if its peer may connect and a place is free or can be made; closes it otherwise.
    fn take(&mut self, stream: TcpStream, peer: IpAddr) {
        self.places.retain(|place| !place.task.is_finished());
        if !self.answerer.admits(peer) {
            return;
        }
        let of_peer = self.places.iter().filter(|place| place.peer == peer);
        let has_place = of_peer.count() < OF_ADDRESS_MAX || self.evict(|place| place.peer == peer);
        if !has_place || self.places.len() >= CONNECTIONS_MAX && !self.evict(|_| true) {
            return;
        }
        let has_asked = Arc::new(AtomicBool::new(false));
        let connection = serve_connection(Arc::clone(&self.answerer), stream, has_asked.clone());
        self.places.push(Place {
            peer,
            has_asked,
            task: self.tasks.spawn(connection),
        });
    }

    /// Closes the oldest of these connections over which no signed query has come. Returns whether there was one.
    fn evict(&mut self, is_one: impl Fn(&Place) -> bool) -> bool {
        let is_silent = |place: &Place| !place.has_asked.load(Ordering::Relaxed);
        let mut places = self.places.iter();
        let Some(index) = places.position(|place| is_one(place) && is_silent(place)) else {
            return false;
        };
        self.places.remove(index).task.abort();
        true
    }
}

/// Answers the requests of a connection until it is closed, fails or stays silent.
async fn serve_connection(
    answerer: Arc<Answerer>,
    mut stream: TcpStream,
    has_asked: Arc<AtomicBool>,
) {
    let mut transferred = None;
    while let Ok(Ok(query)) = timeout(REQUEST_TIME_MAX, read_frame(&mut stream)).await {
        let answer = answerer.answer(&query, true);
        has_asked.fetch_or(answer.is_signed, Ordering::Relaxed);
        transferred = answer.transferred.or(transferred);
        if !write_frames(&mut stream, &answer.messages).await {
            break;
        }
    }
    if let Some(offer) = transferred {
        *offer.transferred_at() = Some(Instant::now());
    }
}

/// Sends messages. Returns whether there were some, and the server took them all.
async fn write_frames(stream: &mut TcpStream, messages: &[Vec<u8>]) -> bool {
    for message in messages {
        let written = timeout(WRITE_TIME_MAX, write_frame(stream, message)).await;
        if !matches!(written, Ok(Ok(()))) {
            return false;
        }
    }
    !messages.is_empty()
}

/// Reads a message after its length of two octets (RFC 1035 section 4.2.2).
pub(super) async fn read_frame(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let octets = stream.read_u16().await?;
    let mut message = vec![0; usize::from(octets)];
    stream.read_exact(&mut message).await?;
    Ok(message)
}

pub(super) async fn write_frame(stream: &mut TcpStream, message: &[u8]) -> io::Result<()> {
    let octets = u16::try_from(message.len())
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    // One write, so that length and message are sent together.
    let mut frame = octets.to_be_bytes().to_vec();
    frame.extend_from_slice(message);
    stream.write_all(&frame).await
}
