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
//!
//! Of a range of ports, a process takes one that is free: at first a random one, then never one at
//! which a fetch failed while another is left.

mod answerer;
mod connections;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

use self::answerer::{Answerer, Offer, lock};
use self::connections::Sockets;
use super::error::{RndcError, Seen};
use super::listen::Listen;
use crate::model::InitialZone;
use crate::wire::Key;

/// Time after which a process accepts no new zone, so that other processes get the fixed address.
const HOLD_TIME_MAX: Duration = Duration::from_secs(2);
/// Pause between two attempts to listen on the fixed address.
const LISTEN_POLL: Duration = Duration::from_millis(20);
/// Time for which a process leaves the fixed address to others.
const RELEASE_TIME: Duration = Duration::from_millis(100);
/// Most attempts to find a port that is free for both UDP and TCP.
const FREE_PORT_TRIES: u32 = 32;
/// Serves first contents.
#[derive(Debug)]
pub(super) struct Responder {
    listen: Option<Listen>,
    /// The host names and addresses of the server.
    hosts: Vec<String>,
    keys: Vec<Key>,
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
    /// The ports at which a fetch failed, the latest last.
    failed: Vec<u16>,
    /// Rotates the range of ports, so that each process begins with another one.
    rotation: usize,
}

/// Open sockets with the task that serves them. Dropping this ends the task.
#[derive(Debug)]
struct Service {
    address: SocketAddr,
    answerer: Arc<Answerer>,
    _task: JoinSet<()>,
}

impl Responder {
    /// Returns a responder for the server at these hosts. Opens no socket.
    pub(super) fn new(
        listen: Option<Listen>,
        hosts: Vec<String>,
        keys: Vec<Key>,
        clock: fn() -> u64,
    ) -> Self {
        Self {
            listen,
            hosts,
            keys,
            clock,
            fixed_address: Mutex::default(),
        }
    }

    /// Serves a zone, as soon as this process holds an address. `local` is an address of this host
    /// that the server can reach, in case that none is configured.
    ///
    /// # Errors
    /// [`RndcError::Listen`], [`RndcError::ListenBusy`] and [`RndcError::Randomness`].
    pub(super) async fn serve(
        &self,
        zone: &InitialZone,
        local: IpAddr,
        deadline: Instant,
    ) -> Result<ServedZone<'_>, RndcError> {
        let offer = Arc::new(Offer::of(zone.clone()));
        let any_port = || SocketAddr::new(local, 0).into();
        let listen = self.listen.unwrap_or_else(any_port);
        let peers = self.peers(deadline).await;
        loop {
            let service = match listen.any_port() {
                Some(address) => Some(self.open_at_free_port(address)?),
                None => self.shared_service(listen)?,
            };
            if let Some(service) = service {
                for peer in peers {
                    service.answerer.admit(peer);
                }
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

    /// Returns the addresses of the server. A name without an address is left to the signed queries.
    async fn peers(&self, deadline: Instant) -> Vec<IpAddr> {
        let mut peers = Vec::new();
        for host in &self.hosts {
            let found = timeout_at(deadline, lookup_host((host.as_str(), 0))).await;
            if let Ok(Ok(addresses)) = found {
                peers.extend(addresses.map(|address| address.ip()));
            }
        }
        peers
    }

    /// Returns the service at a fixed address; `None` while this process must leave the address
    /// to others.
    fn shared_service(&self, listen: Listen) -> Result<Option<Arc<Service>>, RndcError> {
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
        if listen.is_range() && fixed.rotation == 0 {
            let random = getrandom::u32().map_err(RndcError::Randomness)?;
            fixed.rotation = usize::try_from(random).unwrap_or_default().max(1);
        }
        for address in fixed.in_order(listen) {
            match self.open(address) {
                Ok(service) => {
                    let service = Arc::new(service);
                    fixed.service = Some(Arc::clone(&service));
                    fixed.held_since.get_or_insert_with(Instant::now);
                    return Ok(Some(service));
                }
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(source) => return Err(RndcError::Listen { address, source }),
            }
        }
        Ok(None)
    }

    fn open_at_free_port(&self, address: SocketAddr) -> Result<Arc<Service>, RndcError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.open(address) {
                Ok(service) => return Ok(Arc::new(service)),
                // A port that is free for UDP may be in use for TCP.
                Err(error)
                    if error.kind() == io::ErrorKind::AddrInUse && tries < FREE_PORT_TRIES => {}
                Err(source) => return Err(RndcError::Listen { address, source }),
            }
        }
    }

    fn open(&self, listen: SocketAddr) -> io::Result<Service> {
        // UDP first: two sockets cannot share its address, so it decides between processes.
        let udp = std::net::UdpSocket::bind(listen)?;
        let address = udp.local_addr()?;
        let tcp = std::net::TcpListener::bind(address)?;
        let sockets = Sockets::new(udp, tcp)?;
        let answerer = Arc::new(Answerer::new(self.keys.clone(), self.clock));
        let mut task = JoinSet::new();
        task.spawn(sockets.serve(Arc::clone(&answerer)));
        Ok(Service {
            address,
            answerer,
            _task: task,
        })
    }

    fn fixed_address(&self) -> MutexGuard<'_, FixedAddress> {
        lock(&self.fixed_address)
    }
}

impl FixedAddress {
    /// Returns the addresses in the order in which they are tried.
    fn in_order(&self, listen: Listen) -> Vec<SocketAddr> {
        let mut addresses: Vec<SocketAddr> = listen.addresses().collect();
        let first = self.rotation % addresses.len();
        addresses.rotate_left(first);
        // Stable: ports without a failure stay in order, before those whose failure is longest ago.
        let failure = |address: &SocketAddr| {
            let port = address.port();
            self.failed.iter().position(|failed| *failed == port)
        };
        addresses.sort_by_key(failure);
        addresses
    }

    fn holds(&self, service: &Arc<Service>) -> bool {
        let held = self.service.as_ref();
        held.is_some_and(|held| Arc::ptr_eq(held, service))
    }
}

impl ServedZone<'_> {
    /// Returns the address from which the server fetches the zone.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the time since the end of the last transfer, complete or not.
    pub(super) fn time_since_transfer(&self) -> Option<Duration> {
        let transferred_at = *self.offer.transferred_at();
        transferred_at.map(|at| at.elapsed())
    }

    /// Returns what the responder saw of the transfer.
    pub(super) fn seen(&self) -> Seen {
        if self.offer.is_answered.load(Ordering::Relaxed) {
            Seen::Answered
        } else if self.service.answerer.saw_other_key.load(Ordering::Relaxed) {
            Seen::OtherKey
        } else if let Some(peer) = *lock(&self.service.answerer.stranger) {
            Seen::Stranger(peer)
        } else {
            Seen::Nothing
        }
    }

    /// Leaves this port of a range to others, because the server did not fetch from it. Returns whether the range has
    /// a port at which no fetch failed.
    pub(super) fn avoid_port(&self) -> bool {
        let Some(listen) = self.responder.listen.filter(|listen| listen.is_range()) else {
            return false;
        };
        let mut fixed = self.responder.fixed_address();
        let port = self.address.port();
        fixed.failed.retain(|failed| *failed != port);
        fixed.failed.push(port);
        if fixed.holds(&self.service) {
            fixed.service = None;
            fixed.held_since = None;
        }
        listen.addresses().count() > fixed.failed.len()
    }
}

impl Drop for ServedZone<'_> {
    fn drop(&mut self) {
        let mut fixed = self.responder.fixed_address();
        let mut offers = self.service.answerer.offers();
        offers.retain(|offer| !Arc::ptr_eq(offer, &self.offer));
        if offers.is_empty() && fixed.holds(&self.service) {
            fixed.service = None;
            fixed.closed_at = Some(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests;
