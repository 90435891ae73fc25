//! The built-in server of first contents. It answers SOA over UDP and TCP and AXFR over TCP, for
//! zones that are being created, to queries that the transfer key signed. It answers every other
//! query with REFUSED.
//!
//! Without a fixed port, each creation has its own sockets. All creations of a process share a
//! fixed address (`listen`, which a firewall can know), and several processes alternate on it. The
//! process that holds the address accepts no new zone after [`HOLD_TIME_MAX`], closes the sockets
//! after its last zone, and does not listen for [`RELEASE_TIME`], which is longer than the
//! [`LISTEN_POLL`] of the other processes. A zone is served for at most the time in which the
//! server must fetch it, so no process holds the address for ever.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::error::{RndcError, Seen};
use crate::model::{InitialZone, RecordType, ZoneName};
use crate::wire::{
    Key, ResponseSigner, encode_refusal, encode_soa_response, encode_transfer, read_request,
};

/// Time after which a process accepts no new zone, so that other processes get the fixed address.
const HOLD_TIME_MAX: Duration = Duration::from_secs(2);
/// Pause between two attempts to listen on the fixed address.
const LISTEN_POLL: Duration = Duration::from_millis(20);
/// Time for which a process leaves the fixed address to others.
const RELEASE_TIME: Duration = Duration::from_millis(100);
/// Most attempts to find a port that is free for both UDP and TCP.
const FREE_PORT_TRIES: u32 = 32;
/// Most connections at a time. BIND: opens one per zone, by default ten at a time (`transfers-in`).
const CONNECTIONS_MAX: usize = 64;
/// Longest wait for a request on a connection.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(5);
/// Longest wait until the server accepts one message of a response.
const WRITE_TIME_MAX: Duration = Duration::from_secs(10);
/// Pause after a failure to accept a connection, such as a lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Longest query over UDP; a signed SOA query has some 300 octets.
const DATAGRAM_OCTETS_MAX: usize = 4096;
/// Most octets of an unsigned transfer message: half of a message's limit, so that the TSIG always
/// fits, and enough that thousands of records need few MACs.
const TRANSFER_OCTETS_MAX: usize = 32_768;

/// Serves first contents.
#[derive(Debug)]
pub(super) struct Responder {
    listen: Option<SocketAddr>,
    key: Key,
    clock: fn() -> u64,
    fixed_address: Mutex<FixedAddress>,
}

/// A zone that is served until this is dropped.
pub(super) struct ServedZone<'a> {
    responder: &'a Responder,
    service: Arc<Service>,
    offer: Arc<Offer>,
    address: SocketAddr,
}

/// This process's use of the fixed address.
#[derive(Debug, Default)]
struct FixedAddress {
    service: Option<Arc<Service>>,
    /// Start of the period in which this process holds the address, with pauses without a zone.
    held_since: Option<Instant>,
    /// The last time that the sockets were closed.
    closed_at: Option<Instant>,
}

/// Open sockets with the task that serves them. Dropping this ends the task.
#[derive(Debug)]
struct Service {
    address: SocketAddr,
    answerer: Arc<Answerer>,
    _task: JoinSet<()>,
}

/// Answers queries; shared by the tasks of a service.
#[derive(Debug)]
struct Answerer {
    key: Key,
    clock: fn() -> u64,
    offers: Mutex<Vec<Arc<Offer>>>,
    /// Whether a query arrived that the key did not sign.
    saw_other_key: AtomicBool,
}

/// A zone on offer to the server.
#[derive(Debug)]
struct Offer {
    zone: InitialZone,
    is_answered: AtomicBool,
}

impl Responder {
    pub(super) fn new(listen: Option<SocketAddr>, key: Key, clock: fn() -> u64) -> Self {
        Self {
            listen,
            key,
            clock,
            fixed_address: Mutex::default(),
        }
    }

    /// Serves a zone, as soon as this process holds the address. `local` is an address of this host
    /// that the server can reach, in case that none is configured.
    ///
    /// # Errors
    /// [`RndcError::Listen`] and [`RndcError::ListenBusy`].
    pub(super) async fn serve(
        &self,
        zone: &InitialZone,
        local: IpAddr,
        deadline: Instant,
    ) -> Result<ServedZone<'_>, RndcError> {
        let offer = Arc::new(Offer {
            zone: zone.clone(),
            is_answered: AtomicBool::new(false),
        });
        let listen = self.listen.unwrap_or_else(|| SocketAddr::new(local, 0));
        loop {
            let service = if listen.port() == 0 {
                Some(self.open_at_free_port(listen)?)
            } else {
                self.shared_service(listen)?
            };
            if let Some(service) = service {
                service.answerer.offers().push(Arc::clone(&offer));
                let ip = Some(service.address.ip()).filter(|ip| !ip.is_unspecified());
                return Ok(ServedZone {
                    responder: self,
                    address: SocketAddr::new(ip.unwrap_or(local), service.address.port()),
                    service,
                    offer,
                });
            }
            let now = Instant::now();
            if now >= deadline {
                return Err(RndcError::ListenBusy { address: listen });
            }
            sleep_until(deadline.min(now + LISTEN_POLL)).await;
        }
    }

    /// Returns the service at the fixed address; `None` while this process must leave the address
    /// to others.
    fn shared_service(&self, listen: SocketAddr) -> Result<Option<Arc<Service>>, RndcError> {
        let mut fixed = self.fixed_address();
        let is_over = fixed
            .held_since
            .is_some_and(|at| at.elapsed() >= HOLD_TIME_MAX);
        if let Some(service) = &fixed.service {
            return Ok((!is_over).then(|| Arc::clone(service)));
        }
        if is_over {
            if fixed
                .closed_at
                .is_some_and(|at| at.elapsed() < RELEASE_TIME)
            {
                return Ok(None);
            }
            fixed.held_since = None;
        }
        match self.open(listen) {
            Ok(service) => {
                let service = Arc::new(service);
                fixed.service = Some(Arc::clone(&service));
                fixed.held_since.get_or_insert_with(Instant::now);
                Ok(Some(service))
            }
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => Ok(None),
            Err(source) => Err(RndcError::Listen {
                address: listen,
                source,
            }),
        }
    }

    fn open_at_free_port(&self, listen: SocketAddr) -> Result<Arc<Service>, RndcError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.open(listen) {
                Ok(service) => return Ok(Arc::new(service)),
                // A port that is free for UDP may be in use for TCP.
                Err(error)
                    if error.kind() == io::ErrorKind::AddrInUse && tries < FREE_PORT_TRIES => {}
                Err(source) => {
                    return Err(RndcError::Listen {
                        address: listen,
                        source,
                    });
                }
            }
        }
    }

    fn open(&self, listen: SocketAddr) -> io::Result<Service> {
        // UDP first: two sockets cannot share its address, so it decides between processes.
        let udp = std::net::UdpSocket::bind(listen)?;
        let address = udp.local_addr()?;
        let tcp = std::net::TcpListener::bind(address)?;
        udp.set_nonblocking(true)?;
        tcp.set_nonblocking(true)?;
        let (udp, tcp) = (UdpSocket::from_std(udp)?, TcpListener::from_std(tcp)?);
        let answerer = Arc::new(Answerer {
            key: self.key.clone(),
            clock: self.clock,
            offers: Mutex::default(),
            saw_other_key: AtomicBool::new(false),
        });
        let mut task = JoinSet::new();
        task.spawn(serve_sockets(Arc::clone(&answerer), udp, tcp));
        Ok(Service {
            address,
            answerer,
            _task: task,
        })
    }

    fn fixed_address(&self) -> MutexGuard<'_, FixedAddress> {
        // Every change under the lock is one assignment, so a panic leaves no partial change.
        self.fixed_address
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl ServedZone<'_> {
    /// Returns the address from which the server fetches the zone.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns what the responder saw of the transfer.
    pub(super) fn seen(&self) -> Seen {
        if self.offer.is_answered.load(Ordering::Relaxed) {
            Seen::Answered
        } else if self.service.answerer.saw_other_key.load(Ordering::Relaxed) {
            Seen::OtherKey
        } else {
            Seen::Nothing
        }
    }
}

impl Drop for ServedZone<'_> {
    fn drop(&mut self) {
        let mut fixed = self.responder.fixed_address();
        let mut offers = self.service.answerer.offers();
        offers.retain(|offer| !Arc::ptr_eq(offer, &self.offer));
        if offers.is_empty() {
            fixed.service = None;
            fixed.closed_at = Some(Instant::now());
        }
    }
}

impl Answerer {
    fn offers(&self) -> MutexGuard<'_, Vec<Arc<Offer>>> {
        self.offers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the signed messages that answer a query.
    fn answer(&self, query: &[u8], over_tcp: bool) -> Vec<Vec<u8>> {
        let now = (self.clock)();
        let refuse = || encode_refusal(query).into_iter().collect();
        let request = match read_request(query, &self.key, now) {
            Ok(request) => request,
            Err(error) => {
                tracing::debug!(%error, "query for first contents refused");
                self.saw_other_key.store(true, Ordering::Relaxed);
                return refuse();
            }
        };
        let name = ZoneName::new(&request.name);
        let found = self
            .offers()
            .iter()
            .rev()
            .find(|offer| offer.zone.name == name)
            .cloned();
        let Some(offer) = found else {
            return refuse();
        };
        let mut answers = match request.rtype {
            RecordType::SOA => vec![encode_soa_response(&offer.zone, &request)],
            // The whole zone is a valid response to IXFR too (RFC 1995 section 4).
            RecordType::AXFR | RecordType::IXFR if over_tcp => {
                encode_transfer(&offer.zone, &request, TRANSFER_OCTETS_MAX)
            }
            _ => return refuse(),
        };
        offer.is_answered.store(true, Ordering::Relaxed);
        let mut signer = ResponseSigner::new(&self.key, &request.mac);
        for answer in &mut answers {
            if let Err(error) = signer.sign(answer, now) {
                tracing::warn!(zone = %name, %error, "first contents cannot be sent");
                return Vec::new();
            }
        }
        answers
    }
}

/// Serves both sockets until the task is dropped.
async fn serve_sockets(answerer: Arc<Answerer>, udp: UdpSocket, tcp: TcpListener) {
    let mut connections = JoinSet::new();
    let mut datagram = [0; DATAGRAM_OCTETS_MAX];
    loop {
        tokio::select! {
            received = udp.recv_from(&mut datagram) => {
                // Ignores errors: they are ICMP messages about earlier datagrams.
                if let Ok((octets, peer)) = received {
                    for answer in answerer.answer(&datagram[..octets], false) {
                        // A full socket loses the response, as a network may; the server retries.
                        let _ = udp.try_send_to(&answer, peer);
                    }
                }
            }
            accepted = tcp.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve_connection(Arc::clone(&answerer), stream));
                }
                Err(_) => sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Answers the requests of a connection until it is closed, fails or stays silent.
async fn serve_connection(answerer: Arc<Answerer>, mut stream: TcpStream) {
    while let Ok(Ok(query)) = timeout(REQUEST_TIME_MAX, read_frame(&mut stream)).await {
        let answers = answerer.answer(&query, true);
        if answers.is_empty() {
            return;
        }
        for answer in answers {
            let written = timeout(WRITE_TIME_MAX, write_frame(&mut stream, &answer)).await;
            if !matches!(written, Ok(Ok(()))) {
                return;
            }
        }
    }
}

/// Reads a message after its length of two octets (RFC 1035 section 4.2.2).
async fn read_frame(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let octets = stream.read_u16().await?;
    let mut message = vec![0; usize::from(octets)];
    stream.read_exact(&mut message).await?;
    Ok(message)
}

async fn write_frame(stream: &mut TcpStream, message: &[u8]) -> io::Result<()> {
    let octets = u16::try_from(message.len())
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    // One write, so that length and message are sent together.
    let mut frame = octets.to_be_bytes().to_vec();
    frame.extend_from_slice(message);
    stream.write_all(&frame).await
}

#[cfg(test)]
mod tests;
