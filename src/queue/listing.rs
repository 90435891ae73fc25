//! Zones that a folder or a configuration lists, as `sync --all` remembers them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use super::locks::ReadLock;

/// The zones of a call that a folder or a configuration lists, or has listed.
#[derive(Debug)]
pub(crate) struct Listing {
    /// The canonical path of the folder or configuration.
    pub(crate) source: Arc<[u8]>,
    /// The files of the zones that are sent, by the keys of the zones.
    pub(crate) files: HashMap<String, ListedFile>,
    /// Keeps other calls from reading their zones until those of this one are enqueued.
    pub(crate) lock: RefCell<Option<ReadLock>>,
}

impl Listing {
    /// Lets other calls read their zones.
    pub(crate) fn release(&self) {
        self.lock.take();
    }
}

/// The file of a zone that is sent.
#[derive(Clone, Debug)]
pub(crate) struct ListedFile {
    pub(crate) path: Vec<u8>,
    /// The digest of what is sent; empty if the next call must send it again.
    pub(crate) digest: Vec<u8>,
}

/// A zone that a folder or a configuration had when it was read before.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct RememberedZone {
    /// The key of its jobs: its name, in lower case.
    pub(crate) zone: String,
    /// Its file; `None` if its deletion was enqueued.
    pub(crate) file: Option<Vec<u8>>,
    /// The digest of the delivery that is in place; `None` if the last one is not known to be.
    pub(crate) digest: Option<Vec<u8>>,
    /// The canonical path of another folder or configuration that has the zone.
    pub(crate) other: Option<Vec<u8>>,
    /// Whether something of it may be on a primary.
    pub(crate) is_sent: bool,
}
