//! Answers the queries for first contents.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::model::{InitialZone, RecordType, ZoneName};
use crate::wire::{
    Key, ResponseSigner, encode_refusal, encode_soa_response, encode_transfer, read_request,
};

/// Most octets of an unsigned transfer message: half of a message's limit, so that the TSIG always
/// fits, and enough that thousands of records need few MACs.
const TRANSFER_OCTETS_MAX: usize = 32_768;

/// Answers queries; shared by the tasks of a service.
#[derive(Debug)]
pub(super) struct Answerer {
    /// The keys that may sign the queries.
    keys: Vec<Key>,
    clock: fn() -> u64,
    offers: Mutex<Vec<Arc<Offer>>>,
    /// The addresses that may connect.
    peers: Mutex<Vec<IpAddr>>,
    /// The last other address that connected.
    pub(super) stranger: Mutex<Option<IpAddr>>,
    /// Whether a query arrived that none of the keys signed.
    pub(super) saw_other_key: AtomicBool,
}

/// A zone on offer to the server.
#[derive(Debug)]
pub(super) struct Offer {
    pub(super) zone: InitialZone,
    pub(super) is_answered: AtomicBool,
    /// The end of the connection over which the zone was last transferred.
    transferred_at: Mutex<Option<Instant>>,
}

impl Offer {
    pub(super) fn of(zone: InitialZone) -> Self {
        Self {
            zone,
            is_answered: AtomicBool::new(false),
            transferred_at: Mutex::default(),
        }
    }

    pub(super) fn transferred_at(&self) -> MutexGuard<'_, Option<Instant>> {
        lock(&self.transferred_at)
    }
}

/// Locks a mutex. Every change under these locks leaves whole data, whatever panics.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The messages that answer a query.
#[derive(Default)]
pub(super) struct Answer {
    pub(super) messages: Vec<Vec<u8>>,
    /// Whether the transfer key signed the query.
    pub(super) is_signed: bool,
    /// The zone, if they transfer it.
    pub(super) transferred: Option<Arc<Offer>>,
}

impl Answerer {
    pub(super) fn new(keys: Vec<Key>, clock: fn() -> u64) -> Self {
        Self {
            keys,
            clock,
            offers: Mutex::default(),
            peers: Mutex::default(),
            stranger: Mutex::default(),
            saw_other_key: AtomicBool::new(false),
        }
    }

    pub(super) fn offers(&self) -> MutexGuard<'_, Vec<Arc<Offer>>> {
        lock(&self.offers)
    }

    /// Lets this address connect.
    pub(super) fn admit(&self, peer: IpAddr) {
        let (peer, mut peers) = (peer.to_canonical(), lock(&self.peers));
        if !peers.contains(&peer) {
            peers.push(peer);
        }
    }

    /// Returns whether this address may connect; remembers one that may not.
    pub(super) fn admits(&self, peer: IpAddr) -> bool {
        let admits = lock(&self.peers).contains(&peer);
        if !admits {
            *lock(&self.stranger) = Some(peer);
        }
        admits
    }

    /// Answers a query.
    pub(super) fn answer(&self, query: &[u8], over_tcp: bool) -> Answer {
        let now = (self.clock)();
        let refuse = |is_signed| Answer {
            messages: encode_refusal(query).into_iter().collect(),
            is_signed,
            transferred: None,
        };
        let read = |key| read_request(query, key, now).map(|request| (key, request));
        let tried = self.keys.iter().map(read);
        let read = tried.reduce(Result::or);
        let (key, request) = match read {
            Some(Ok(signed)) => signed,
            refused => {
                let error = refused.and_then(Result::err);
                tracing::debug!(?error, "query for first contents refused");
                self.saw_other_key.store(true, Ordering::Relaxed);
                return refuse(false);
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
            return refuse(true);
        };
        let (mut messages, transferred) = match request.rtype {
            RecordType::SOA => (vec![encode_soa_response(&offer.zone, &request)], None),
            // The whole zone is a valid response to IXFR too (RFC 1995 section 4).
            RecordType::AXFR | RecordType::IXFR if over_tcp => {
                let messages = encode_transfer(&offer.zone, &request, TRANSFER_OCTETS_MAX);
                (messages, Some(Arc::clone(&offer)))
            }
            _ => return refuse(true),
        };
        offer.is_answered.store(true, Ordering::Relaxed);
        let mut signer = ResponseSigner::new(key, &request.mac);
        for message in &mut messages {
            if let Err(error) = signer.sign(message, now) {
                tracing::warn!(zone = %name, %error, "first contents cannot be sent");
                return Answer::default();
            }
        }
        Answer {
            messages,
            is_signed: true,
            transferred,
        }
    }
}
