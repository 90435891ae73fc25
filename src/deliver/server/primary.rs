//! A primary: its settings, and what is kept of it between intents.
//!
//! The observations serve speed and congestion control: a process that begins without them comes to the same end.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::{Mutex, OnceCell, Semaphore};
use tokio::time::Instant;

use crate::diagnostic::Software;
use crate::model::{Name, Serial, Soa, ZoneName};
use crate::plan::{Abilities, CatalogName, Octets};
use crate::provision::Provisioner;
use crate::transport::{
    Congestion, Connection, DATAGRAM_OCTETS_MAX, DATAGRAM_OCTETS_USUAL, Endpoint, Pace,
    RequestKind, Security,
};
use crate::wire::{KeyList, MESSAGE_OCTETS_MAX};

/// Most transfers from a primary at once. BIND: `transfers-out` is 10 by default, for all clients,
/// and a transfer counts until a little after its last message.
const TRANSFERS_MAX: usize = 6;

/// Most intents at a primary in work at once: the number of reservations that can share one write to disk, against
/// the memory that zones take between read and UPDATE.
const TURNS_MAX: usize = 256;

/// How long a zone is known to bear no mark of another instance: many records of one zone come in a row.
pub(crate) const MARK_TIME: Duration = Duration::from_secs(30);

/// A primary: a server that accepts UPDATEs, with the keys for it.
pub struct Primary {
    /// Its name in the configuration.
    pub name: String,
    /// Its address and transport.
    pub endpoint: Endpoint,
    /// The server that answers queries if this one does not.
    pub query_endpoint: Option<Endpoint>,
    /// The server that its zones are transferred from if this one transfers none.
    pub transfer_endpoint: Option<Endpoint>,
    /// The keys of all zones that no suffix has keys of its own for.
    pub keys: SigningKeys,
    /// The keys of the zones at and below suffixes: those of its routes, and of the keys for single zones.
    pub keys_below: Vec<(Name, SigningKeys)>,
    /// What it shows, and what it takes in UPDATEs.
    pub abilities: Abilities,
    /// The apex NS records of its zones; those of the payload if empty.
    pub nameservers: Vec<Name>,
    /// How its zones are created and deleted; `None` if they must exist.
    pub provisioning: Option<Provisioning>,
    /// The catalog of its zones, from which secondaries learn of them.
    pub catalog: Option<Catalog>,
    /// Its connections.
    pub pool: Pool,
}

/// The keys that sign the requests about a zone, each a list that is tried in turn.
#[derive(Clone)]
pub struct SigningKeys {
    /// Signs UPDATEs and queries.
    pub update: KeyList,
    /// Signs transfers.
    pub transfer: KeyList,
}

/// How the zones of a primary are created and deleted.
pub enum Provisioning {
    /// By an interface of its own.
    Provisioner(Provisioner),
    /// The primary creates a zone for each member of its catalog.
    Catalog {
        /// The group of new members (RFC 9432 section 4.3.2). Knot: the name of a template.
        group: Option<String>,
    },
}

impl Provisioning {
    /// Returns the group of new members of the catalog.
    pub(crate) fn group(&self) -> Option<&str> {
        match self {
            Self::Catalog { group } => group.as_deref(),
            Self::Provisioner(_) => None,
        }
    }
}

/// A catalog that a primary keeps, and what was seen of it.
pub struct Catalog {
    pub(crate) name: CatalogName,
    /// Signs transfers and UPDATEs of the catalog.
    pub(crate) key: KeyList,
    /// The name of this instance.
    pub(crate) instance: String,
    /// It was seen to have claims.
    pub(crate) is_complete: Cell<bool>,
    /// The key may change its SOA, as far as is known.
    pub(crate) takes_soa: Cell<bool>,
    /// Its SOA, with a serial that it has reached, once it was asked for.
    pub(crate) soa: RefCell<Option<CatalogSoa>>,
    /// The latest serial that it is known to have had.
    pub(crate) last_serial: Cell<Option<Serial>>,
    /// The latest one that the primary reported or accepted. `last_serial` also counts the changes since.
    pub(crate) certain_serial: Cell<Option<Serial>>,
    /// When its epoch was last found to be this instance's.
    pub(crate) own_epoch_at: Cell<Option<Instant>>,
}

/// The SOA of a catalog with its TTL, and when it was asked for.
pub(crate) type CatalogSoa = (Soa, u32, Instant);

impl Catalog {
    /// Describes a catalog, as `instance` uses it.
    pub fn new(name: CatalogName, key: KeyList, instance: String) -> Self {
        Self {
            name,
            key,
            instance,
            is_complete: Cell::new(false),
            takes_soa: Cell::new(true),
            soa: RefCell::default(),
            last_serial: Cell::default(),
            certain_serial: Cell::default(),
            own_epoch_at: Cell::default(),
        }
    }
}

/// The idle connections to a primary, its permits, and what was observed of it.
pub struct Pool {
    pub(crate) idle: RefCell<Vec<(RequestKind, Connection)>>,
    /// Whether the primary increments a serial once for several UPDATEs, if known.
    pub(crate) joins_updates: Cell<Option<bool>>,
    /// Zones without a mark of another instance, and when that was seen.
    authorized: RefCell<BTreeMap<ZoneName, Instant>>,
    /// Zones that the primary does not have, of those about which it refuses questions, and when that was seen.
    pub(crate) absent: Mutex<BTreeMap<ZoneName, Instant>>,
    /// The software that the primary says it is, with its version, unsigned: words, and what is learnt, may depend on it.
    pub(crate) software: OnceCell<(Software, String)>,
    pub(crate) pace: Pace,
    pub(crate) congestion: Congestion,
    /// Intents in work; most of them wait for the disk or for a permit.
    pub(crate) turns: Semaphore,
}

impl Pool {
    /// Creates an empty pool, for at most so many exchanges at once.
    pub fn new(zones_in_flight: usize) -> Self {
        Self {
            idle: RefCell::new(Vec::new()),
            joins_updates: Cell::default(),
            authorized: RefCell::default(),
            absent: Mutex::default(),
            software: OnceCell::new(),
            pace: Pace::default(),
            congestion: Congestion::new(zones_in_flight, TRANSFERS_MAX),
            turns: Semaphore::new(TURNS_MAX),
        }
    }

    /// Returns whether a zone lately bore no mark of another instance.
    pub(crate) fn was_authorized(&self, zone: &ZoneName) -> bool {
        let authorized = self.authorized.borrow();
        authorized
            .get(zone)
            .is_some_and(|seen| seen.elapsed() < MARK_TIME)
    }

    /// Notes that a zone bears no mark of another instance.
    pub(crate) fn note_authorized(&self, zone: &ZoneName) {
        let mut authorized = self.authorized.borrow_mut();
        authorized.retain(|_, seen| seen.elapsed() < MARK_TIME);
        authorized.insert(zone.clone(), Instant::now());
    }

    /// Closes the idle connections: they do not outlive the runtime that opened them.
    pub fn close(&self) {
        self.idle.borrow_mut().clear();
    }
}

impl Primary {
    /// Returns the keys for the zone at or above a name: those of the longest suffix.
    pub fn keys_of(&self, name: &Name) -> &SigningKeys {
        let covering = self.keys_below.iter();
        let covering = covering.filter(|(suffix, _)| name.is_at_or_below(suffix));
        let longest = covering.max_by_key(|(suffix, _)| suffix.label_count());
        longest.map_or(&self.keys, |(_, keys)| keys)
    }

    /// Returns the endpoint for requests of a kind, and the kind of requests that it is named for.
    pub(crate) fn endpoint_of(&self, kind: RequestKind) -> (RequestKind, &Endpoint) {
        let own = match kind {
            RequestKind::Query => &self.query_endpoint,
            RequestKind::Transfer => &self.transfer_endpoint,
            RequestKind::Update => &None,
        };
        match own {
            Some(endpoint) => (kind, endpoint),
            None => (RequestKind::Update, &self.endpoint),
        }
    }

    /// Returns whether it takes requests of a kind by UDP.
    pub(crate) fn is_by_udp(&self, kind: RequestKind) -> bool {
        matches!(self.endpoint_of(kind).1.security, Security::Udp)
    }

    /// Returns the octets that an UPDATE may have beside the TSIG of any of these keys.
    pub(crate) fn update_octets(&self, key: &KeyList) -> Octets {
        let (usual, max) = if self.is_by_udp(RequestKind::Update) {
            (DATAGRAM_OCTETS_USUAL, DATAGRAM_OCTETS_MAX)
        } else {
            (MESSAGE_OCTETS_MAX, MESSAGE_OCTETS_MAX)
        };
        let [usual, max] = [usual, max].map(|octets| octets.saturating_sub(key.tsig_octets()));
        Octets { usual, max }
    }

    /// Returns the name of the catalog that it keeps.
    pub(crate) fn catalog_zone(&self) -> Option<&ZoneName> {
        self.catalog.as_ref().map(|catalog| catalog.name.zone())
    }

    /// Returns its software, which its way to create zones shows.
    pub(crate) fn software(&self) -> Software {
        let told = self.pool.software.get();
        match &self.provisioning {
            Some(Provisioning::Provisioner(provisioner)) => provisioner.software(),
            // Knot is the one server that creates primary zones for a catalog's members.
            Some(Provisioning::Catalog { .. }) => Software::Knot,
            None => told.map_or(Software::Unknown, |it| it.0),
        }
    }

    /// Returns the version that it tells, empty if it tells none; `None` if it was not asked.
    pub(crate) fn server_version(&self) -> Option<&str> {
        self.pool.software.get().map(|it| &it.1[..])
    }

    /// Returns the view of BIND that its zones are created in.
    pub(crate) fn view(&self) -> Option<&str> {
        match &self.provisioning {
            Some(Provisioning::Provisioner(Provisioner::Rndc(rndc))) => rndc.view(),
            Some(_) | None => None,
        }
    }

    /// Describes a primary over TCP without TLS, with one key for all, that creates no zones. It is
    /// named by its host; `zones_in_flight` is the number of its zones in work at once.
    pub fn plain(host: String, port: u16, key: impl Into<KeyList>, zones_in_flight: usize) -> Self {
        let update = key.into();
        Self {
            name: host.clone(),
            endpoint: Endpoint {
                host,
                port,
                security: Security::Tcp,
            },
            query_endpoint: None,
            transfer_endpoint: None,
            keys: SigningKeys {
                transfer: update.clone(),
                update,
            },
            keys_below: Vec::new(),
            abilities: Abilities::default(),
            nameservers: Vec::new(),
            provisioning: None,
            catalog: None,
            pool: Pool::new(zones_in_flight),
        }
    }
}
