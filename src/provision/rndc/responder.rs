//! The built-in server of first contents: SOA over UDP and TCP, AXFR over TCP, for the zones that
//! are being made at this moment and for queries that the transfer key signed. Everything else is
//! REFUSED.
//!
//! Without a fixed port each creation has sockets of its own. A fixed address (`listen`, so that a
//! firewall can know it) is shared: all creations of a process use the same sockets, and several
//! processes take turns. The process that holds the address lets no new zone in after
//! [`TURN_MAX`], closes the sockets when the zones inside are through, and stays away for
//! [`REST`], longer than the [`BIND_POLL`] at which the others try. A zone is inside for as long
//! as the server may take to fetch it, so a turn is bounded.

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

/// After this no new zone enters, so that other processes get the address.
const TURN_MAX: Duration = Duration::from_secs(2);
/// How often a process tries to get the address.
const BIND_POLL: Duration = Duration::from_millis(20);
/// How long a process stays away after its turn.
const REST: Duration = Duration::from_millis(100);
/// Tries to find a port that is free for UDP and for TCP.
const FREE_PORT_TRIES: u32 = 32;
/// Connections at a time; BIND makes one per zone, ten at a time by default (`transfers-in`).
const CONNECTIONS_MAX: usize = 64;
/// For a request to arrive on a connection.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(5);
/// For one message of an answer to be taken by the other side.
const WRITE_TIME_MAX: Duration = Duration::from_secs(10);
/// After a failure to accept, such as no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Longest query over UDP; a signed SOA query has some 300 octets.
const DATAGRAM_OCTETS_MAX: usize = 4096;
/// A message of a transfer before it is signed: half of what a message may have, so that the TSIG
/// always fits, and enough for thousands of records to need few MACs.
const TRANSFER_OCTETS_MAX: usize = 32_768;

/// Serves the zones that are inside.
#[derive(Debug)]
pub(super) struct Responder {
    listen: Option<SocketAddr>,
    key: Key,
    clock: fn() -> u64,
    turn: Mutex<Turn>,
}

/// A zone inside: served until this is dropped.
pub(super) struct Place<'a> {
    responder: &'a Responder,
    service: Arc<Service>,
    entry: Arc<Entry>,
    address: SocketAddr,
}

/// The state of the fixed address in this process.
#[derive(Debug, Default)]
struct Turn {
    service: Option<Arc<Service>>,
    /// When the turn began; it goes on over pauses without a zone.
    started: Option<Instant>,
    /// When the sockets were closed last.
    closed: Option<Instant>,
}

/// Open sockets with the task that serves them, which ends when this is dropped.
#[derive(Debug)]
struct Service {
    address: SocketAddr,
    desk: Arc<Desk>,
    _task: JoinSet<()>,
}

/// What the serving tasks know.
#[derive(Debug)]
struct Desk {
    key: Key,
    clock: fn() -> u64,
    entries: Mutex<Vec<Arc<Entry>>>,
    /// A query arrived that the key did not sign.
    saw_other_key: AtomicBool,
}

#[derive(Debug)]
struct Entry {
    zone: InitialZone,
    answered: AtomicBool,
}

impl Responder {
    pub(super) fn new(listen: Option<SocketAddr>, key: Key, clock: fn() -> u64) -> Self {
        Self {
            listen,
            key,
            clock,
            turn: Mutex::default(),
        }
    }

    /// Lets a zone in, as soon as it is this process's turn. `local` is an address of this host
    /// that the server can reach, for where none is configured.
    ///
    /// # Errors
    /// [`RndcError::Listen`] and [`RndcError::ListenBusy`].
    pub(super) async fn enter(
        &self,
        zone: &InitialZone,
        local: IpAddr,
        deadline: Instant,
    ) -> Result<Place<'_>, RndcError> {
        let entry = Arc::new(Entry {
            zone: zone.clone(),
            answered: AtomicBool::new(false),
        });
        let listen = self.listen.unwrap_or_else(|| SocketAddr::new(local, 0));
        loop {
            let service = if listen.port() == 0 {
                Some(self.open_at_free_port(listen)?)
            } else {
                self.shared_service(listen)?
            };
            if let Some(service) = service {
                service.desk.entries().push(Arc::clone(&entry));
                let ip = Some(service.address.ip()).filter(|ip| !ip.is_unspecified());
                return Ok(Place {
                    responder: self,
                    address: SocketAddr::new(ip.unwrap_or(local), service.address.port()),
                    service,
                    entry,
                });
            }
            let now = Instant::now();
            if now >= deadline {
                return Err(RndcError::ListenBusy { address: listen });
            }
            sleep_until(deadline.min(now + BIND_POLL)).await;
        }
    }

    /// The service at the fixed address; none while it is not this process's turn.
    fn shared_service(&self, listen: SocketAddr) -> Result<Option<Arc<Service>>, RndcError> {
        let mut turn = self.turn();
        let is_over = turn.started.is_some_and(|at| at.elapsed() >= TURN_MAX);
        if let Some(service) = &turn.service {
            return Ok((!is_over).then(|| Arc::clone(service)));
        }
        if is_over {
            if turn.closed.is_some_and(|at| at.elapsed() < REST) {
                return Ok(None);
            }
            turn.started = None;
        }
        match self.open(listen) {
            Ok(service) => {
                let service = Arc::new(service);
                turn.service = Some(Arc::clone(&service));
                turn.started.get_or_insert_with(Instant::now);
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
                // The port that is free for UDP may be in use for TCP.
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
        // UDP first: its address cannot be shared, so it decides between processes.
        let udp = std::net::UdpSocket::bind(listen)?;
        let address = udp.local_addr()?;
        let tcp = std::net::TcpListener::bind(address)?;
        udp.set_nonblocking(true)?;
        tcp.set_nonblocking(true)?;
        let (udp, tcp) = (UdpSocket::from_std(udp)?, TcpListener::from_std(tcp)?);
        let desk = Arc::new(Desk {
            key: self.key.clone(),
            clock: self.clock,
            entries: Mutex::default(),
            saw_other_key: AtomicBool::new(false),
        });
        let mut task = JoinSet::new();
        task.spawn(serve(Arc::clone(&desk), udp, tcp));
        Ok(Service {
            address,
            desk,
            _task: task,
        })
    }

    fn turn(&self) -> MutexGuard<'_, Turn> {
        // Every change under the lock is one assignment: nothing is half done after a panic.
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place<'_> {
    /// Where the server fetches the zone.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What was seen of the server.
    pub(super) fn seen(&self) -> Seen {
        if self.entry.answered.load(Ordering::Relaxed) {
            Seen::Answered
        } else if self.service.desk.saw_other_key.load(Ordering::Relaxed) {
            Seen::OtherKey
        } else {
            Seen::Nothing
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut turn = self.responder.turn();
        let mut entries = self.service.desk.entries();
        entries.retain(|entry| !Arc::ptr_eq(entry, &self.entry));
        if entries.is_empty() {
            turn.service = None;
            turn.closed = Some(Instant::now());
        }
    }
}

impl Desk {
    fn entries(&self) -> MutexGuard<'_, Vec<Arc<Entry>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The messages that answer a query, signed.
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
            .entries()
            .iter()
            .rev()
            .find(|it| it.zone.name == name)
            .cloned();
        let Some(entry) = found else {
            return refuse();
        };
        let mut answers = match request.rtype {
            RecordType::SOA => vec![encode_soa_response(&entry.zone, &request)],
            // The whole zone is a right answer to IXFR too (RFC 1995 section 4).
            RecordType::AXFR | RecordType::IXFR if over_tcp => {
                encode_transfer(&entry.zone, &request, TRANSFER_OCTETS_MAX)
            }
            _ => return refuse(),
        };
        entry.answered.store(true, Ordering::Relaxed);
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

/// Serves both sockets for ever; its owner drops it.
async fn serve(desk: Arc<Desk>, udp: UdpSocket, tcp: TcpListener) {
    let mut connections = JoinSet::new();
    let mut datagram = [0; DATAGRAM_OCTETS_MAX];
    loop {
        tokio::select! {
            received = udp.recv_from(&mut datagram) => {
                // An error here is an ICMP answer to an earlier datagram: nothing to do.
                if let Ok((octets, peer)) = received {
                    for answer in desk.answer(&datagram[..octets], false) {
                        // A full socket loses the answer, as a network may; the server asks again.
                        let _ = udp.try_send_to(&answer, peer);
                    }
                }
            }
            accepted = tcp.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve_connection(Arc::clone(&desk), stream));
                }
                Err(_) => sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Answers the requests of a connection until it is closed, fails or is silent.
async fn serve_connection(desk: Arc<Desk>, mut stream: TcpStream) {
    while let Ok(Ok(query)) = timeout(REQUEST_TIME_MAX, read_frame(&mut stream)).await {
        let answers = desk.answer(&query, true);
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

/// A message after its length in two octets (RFC 1035 section 4.2.2).
async fn read_frame(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let octets = stream.read_u16().await?;
    let mut message = vec![0; usize::from(octets)];
    stream.read_exact(&mut message).await?;
    Ok(message)
}

async fn write_frame(stream: &mut TcpStream, message: &[u8]) -> io::Result<()> {
    let octets = u16::try_from(message.len())
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    // One write, so that length and message leave together.
    let mut frame = octets.to_be_bytes().to_vec();
    frame.extend_from_slice(message);
    stream.write_all(&frame).await
}

#[cfg(test)]
mod tests;
