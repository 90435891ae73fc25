//! A primary: where it is, with which keys, how its zones are read and made, and what is kept of it between
//! intents.
//!
//! What is kept here is for speed and courtesy: a process that begins without it comes to the same end.

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

/// Most transfers from a primary at once. BIND's `transfers-out` is 10 by default, for all who ask, and a
/// place is free only a little after the last answer was sent.
const TRANSFERS_MAX: usize = 6;

/// Most zones that are begun and not finished at a primary: how many widenings can share one write to
/// disk, against the memory that zones take between read and update.
const ZONES_BEGUN_MAX: usize = 1024;

/// How long it holds that a zone bears no other instance's mark: many records of one zone come in a row.
const MARK_TIME: Duration = Duration::from_secs(30);

/// A primary: a server that takes UPDATEs, with the keys for it.
pub struct Primary {
    /// Its name in the configuration.
    pub name: String,
    /// Where it listens.
    pub endpoint: Endpoint,
    /// Signs UPDATEs and queries.
    pub key: Key,
    /// Signs transfers.
    pub transfer_key: Key,
    /// How its zones are read.
    pub read: Read,
    /// The apex NS records that its zones get whatever the payload says; empty for the payload's.
    pub nameservers: Vec<Name>,
    /// How zones are made and removed; none where they must exist.
    pub provisioning: Option<Provisioning>,
    /// The catalog that it keeps: which zones secondaries shall have, and whose they are.
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
    /// From the memory of what was delivered, where the primary allows no transfer. What others change
    /// there is not seen.
    State,
}

/// How zones are made on a primary, and removed.
pub enum Provisioning {
    /// By its own interface.
    Provisioner(Provisioner),
    /// The primary makes a zone of each member of its catalog.
    Catalog {
        /// What new members are grouped by (RFC 9432 section 4.3.2): on Knot, the template's name.
        group: Option<String>,
    },
}

impl Provisioning {
    /// What new members of the catalog are grouped by, where zones are made of them.
    pub(crate) fn group(&self) -> Option<&str> {
        match self {
            Self::Catalog { group } => group.as_deref(),
            Self::Provisioner(_) => None,
        }
    }
}

/// A catalog that a primary keeps, with what was read of it last.
pub struct Catalog {
    pub(crate) name: CatalogName,
    /// Signs transfers and UPDATEs of the catalog.
    pub(crate) key: Key,
    /// The name that this instance's zones bear.
    pub(crate) instance: String,
    pub(crate) reading: Mutex<Option<Reading>>,
    /// Whether a change was seen in a transfer.
    pub(crate) shows_changes: Cell<bool>,
}

/// Whose the members of a catalog are.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct CatalogCensus {
    /// How many are this instance's.
    pub ours: usize,
    /// How many are another instance's, by its name.
    pub others: BTreeMap<String, usize>,
    /// How many are nobody's.
    pub unmarked: usize,
    /// What is wrong with some of them.
    pub problems: Vec<CatalogProblem>,
}

/// What was read of a catalog.
pub(crate) struct Reading {
    pub(crate) view: CatalogView,
    /// When the reading began.
    pub(crate) read_at: Instant,
}

impl Catalog {
    /// The catalog of that name, as `instance` uses it.
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

/// Connections that are kept for the next exchange, and how much may go on at once.
pub struct Pool {
    pub(crate) idle: RefCell<Vec<Connection>>,
    /// Types of which records that were added have been seen in place.
    pub(crate) seen_added: RefCell<BTreeSet<RecordType>>,
    /// Whether the primary moves a serial on once for several UPDATEs, where it is known.
    pub(crate) joins_updates: Cell<Option<bool>>,
    /// Zones that bore no other instance's mark, and when that was seen.
    permitted: RefCell<BTreeMap<ZoneName, Instant>>,
    /// Turns to talk to the primary.
    pub(crate) congestion: Congestion,
    /// Zones that are begun; most of them wait for the disk or for a turn.
    pub(crate) started: Semaphore,
}

impl Pool {
    /// A pool without connections yet, for at most so many zones worked on at once.
    pub fn new(zones_in_flight: usize) -> Self {
        Self {
            idle: RefCell::new(Vec::new()),
            seen_added: RefCell::default(),
            joins_updates: Cell::default(),
            permitted: RefCell::default(),
            congestion: Congestion::new(zones_in_flight, TRANSFERS_MAX),
            started: Semaphore::new(ZONES_BEGUN_MAX),
        }
    }

    /// Whether a zone bore no other instance's mark a short while ago.
    pub(crate) fn was_permitted(&self, zone: &ZoneName) -> bool {
        let permitted = self.permitted.borrow();
        permitted
            .get(zone)
            .is_some_and(|seen| seen.elapsed() < MARK_TIME)
    }

    /// Takes down that a zone bears no other instance's mark.
    pub(crate) fn note_permitted(&self, zone: &ZoneName) {
        let mut permitted = self.permitted.borrow_mut();
        permitted.retain(|_, seen| seen.elapsed() < MARK_TIME);
        permitted.insert(zone.clone(), Instant::now());
    }

    /// Closes the connections that are kept: they do not outlive the runtime that they were made in.
    pub fn close(&self) {
        self.idle.borrow_mut().clear();
    }
}

impl Primary {
    /// Returns the name of the catalog that it keeps.
    pub(crate) fn catalog_zone(&self) -> Option<&ZoneName> {
        self.catalog.as_ref().map(|catalog| catalog.name.zone())
    }

    /// A primary that is reached over TCP without TLS, with one key for all, and makes no zones. Its host's
    /// name is its own; `zones_in_flight` is how many of its zones may be worked on at the same time.
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
