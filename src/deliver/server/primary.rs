//! A primary: its settings, and what is kept of it between intents.
//!
//! The observations serve speed and congestion control: a process that begins without them comes to
//! the same end.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::sync::{Mutex, Semaphore};
use tokio::time::Instant;

use super::congestion::Congestion;
use crate::model::{Name, RecordType, ZoneName};
use crate::plan::{CatalogName, CatalogProblem, CatalogView};
use crate::provision::Provisioner;
use crate::transport::{Connection, Endpoint, Security};
use crate::wire::Key;

/// Most transfers from a primary at once. BIND: `transfers-out` is 10 by default, for all clients,
/// and a transfer counts until a little after its last message.
const TRANSFERS_MAX: usize = 6;

/// Most sessions at a primary: the number of reservations that can share one write to disk, against
/// the memory that zones take between read and UPDATE.
const SESSIONS_MAX: usize = 1024;

/// How long a zone is known to bear no mark of another instance: many records of one zone come in a
/// row.
const MARK_TIME: Duration = Duration::from_secs(30);

/// A primary: a server that accepts UPDATEs, with the keys for it.
pub struct Primary {
    /// Its name in the configuration.
    pub name: String,
    /// Its address and transport.
    pub endpoint: Endpoint,
    /// Signs UPDATEs and queries.
    pub key: Key,
    /// Signs transfers.
    pub transfer_key: Key,
    /// How its zones are read.
    pub read: Read,
    /// The apex NS records of its zones; those of the payload if empty.
    pub nameservers: Vec<Name>,
    /// How its zones are created and deleted; `None` if they must exist.
    pub provisioning: Option<Provisioning>,
    /// The catalog of its zones, from which secondaries learn of them.
    pub catalog: Option<Catalog>,
    /// Its connections.
    pub pool: Pool,
}

/// How the zones of a primary are read.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Read {
    /// By transfer.
    #[default]
    Transfer,
    /// From the state of this instance, if the primary allows no transfer. Changes of others are
    /// not seen.
    State,
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

/// A catalog that a primary keeps, with its last reading.
pub struct Catalog {
    pub(crate) name: CatalogName,
    /// Signs transfers and UPDATEs of the catalog.
    pub(crate) key: Key,
    /// The name of this instance.
    pub(crate) instance: String,
    pub(crate) reading: Mutex<Option<Reading>>,
    /// A change was seen in a transfer.
    pub(crate) shows_changes: Cell<bool>,
}

/// The instances that the members of a catalog belong to.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct CatalogCensus {
    /// Members of this instance.
    pub ours: usize,
    /// Members of each other instance, by its name.
    pub others: BTreeMap<String, usize>,
    /// Members of no instance.
    pub unmarked: usize,
    /// Problems of single members.
    pub problems: Vec<CatalogProblem>,
}

/// A reading of a catalog.
pub(crate) struct Reading {
    pub(crate) view: CatalogView,
    /// When the reading began.
    pub(crate) read_at: Instant,
}

impl Catalog {
    /// Describes a catalog, as `instance` uses it.
    pub fn new(name: CatalogName, key: Key, instance: String) -> Self {
        Self {
            name,
            key,
            instance,
            reading: Mutex::new(None),
            shows_changes: Cell::new(false),
        }
    }
}

/// The idle connections to a primary, its permits, and what was observed of it.
pub struct Pool {
    pub(crate) idle: RefCell<Vec<Connection>>,
    /// Types of which added records were seen in place.
    pub(crate) seen_added: RefCell<BTreeSet<RecordType>>,
    /// Whether the primary increments a serial once for several UPDATEs, if known.
    pub(crate) joins_updates: Cell<Option<bool>>,
    /// Zones without a mark of another instance, and when that was seen.
    permitted: RefCell<BTreeMap<ZoneName, Instant>>,
    pub(crate) congestion: Congestion,
    /// Sessions; most of them wait for the disk or for a permit.
    pub(crate) started: Semaphore,
}

impl Pool {
    /// Creates an empty pool, for at most so many exchanges at once.
    pub fn new(zones_in_flight: usize) -> Self {
        Self {
            idle: RefCell::new(Vec::new()),
            seen_added: RefCell::default(),
            joins_updates: Cell::default(),
            permitted: RefCell::default(),
            congestion: Congestion::new(zones_in_flight, TRANSFERS_MAX),
            started: Semaphore::new(SESSIONS_MAX),
        }
    }

    /// Returns whether a zone lately bore no mark of another instance.
    pub(crate) fn was_permitted(&self, zone: &ZoneName) -> bool {
        let permitted = self.permitted.borrow();
        permitted
            .get(zone)
            .is_some_and(|seen| seen.elapsed() < MARK_TIME)
    }

    /// Notes that a zone bears no mark of another instance.
    pub(crate) fn note_permitted(&self, zone: &ZoneName) {
        let mut permitted = self.permitted.borrow_mut();
        permitted.retain(|_, seen| seen.elapsed() < MARK_TIME);
        permitted.insert(zone.clone(), Instant::now());
    }

    /// Closes the idle connections: they do not outlive the runtime that opened them.
    pub fn close(&self) {
        self.idle.borrow_mut().clear();
    }
}

impl Primary {
    /// Returns the name of the catalog that it keeps.
    pub(crate) fn catalog_zone(&self) -> Option<&ZoneName> {
        self.catalog.as_ref().map(|catalog| catalog.name.zone())
    }

    /// Describes a primary over TCP without TLS, with one key for all, that creates no zones. It is
    /// named by its host; `zones_in_flight` is the number of its zones in work at once.
    pub fn plain(host: String, port: u16, key: Key, zones_in_flight: usize) -> Self {
        Self {
            name: host.clone(),
            endpoint: Endpoint {
                host,
                port,
                security: Security::Tcp,
            },
            transfer_key: key.clone(),
            key,
            read: Read::Transfer,
            nameservers: Vec::new(),
            provisioning: None,
            catalog: None,
            pool: Pool::new(zones_in_flight),
        }
    }
}
