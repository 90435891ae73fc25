//! What is written to the file, as data: changes, new jobs, and what a file that failed has not been told.

use std::sync::Arc;

use crate::deliver::{Lesson, PtrValue, Purpose, StateChange, ZoneKey};
use crate::model::{Intent, Name, Rdata, Serial, ZoneName, ZoneSource};
use crate::plan::{Epoch, SeenEntry};
use crate::queue::dispatch::Stage;
use crate::queue::job::{JobId, Settlement};
use crate::queue::listing::{ListedFile, Listing};
use crate::queue::stored::to_text;

/// A change of the file that may share a transaction with others.
#[derive(Clone, Debug)]
pub(crate) enum StoreChange {
    Change(StateChange),
    /// Deletes the state of a zone if this generation is still current.
    Forget(ZoneKey, i64),
    AddPtr(PtrValue),
    DropPtr(PtrValue),
    AddChallenge(Challenge),
    DropChallenge(Challenge),
    /// Notes a serial that a catalog has had, unless a later one is known.
    CatalogSerial(ZoneKey, Serial),
    /// Notes the entries of a catalog that were seen, and the zones that have none any more.
    Entries(ZoneKey, Vec<SeenEntry>, Vec<ZoneName>),
    /// Adds an epoch that is about to be written to a catalog.
    Epoch(ZoneKey, Epoch),
    /// Notes the epoch of another machine that a catalog has, or that it has none.
    Stranger(ZoneKey, Option<Epoch>),
    /// Notes what was learnt of a primary.
    Learn(Lesson),
    /// Forgets what was learnt of a primary in these zones.
    Unlearn(String, Vec<String>),
    /// Writes the outcome of a job that this process has taken.
    Settle(Settlement),
}

impl StoreChange {
    /// Returns the zone whose state changes.
    pub(crate) fn zone(&self) -> Option<&ZoneKey> {
        match self {
            Self::Change(change) => Some(&change.key),
            Self::Forget(key, _)
            | Self::CatalogSerial(key, _)
            | Self::Epoch(key, _)
            | Self::Stranger(key, _) => Some(key),
            Self::AddPtr(_)
            | Self::DropPtr(_)
            | Self::AddChallenge(_)
            | Self::DropChallenge(_)
            | Self::Entries(..)
            | Self::Learn(_)
            | Self::Unlearn(..)
            | Self::Settle(_) => None,
        }
    }
}

/// A value of an ACME challenge on a primary.
#[derive(Clone, Debug)]
pub(crate) struct Challenge {
    pub(super) primary: String,
    pub(super) owner: String,
    pub(super) value: Vec<u8>,
}

impl Challenge {
    /// Names a value at its owner name, after CNAMEs.
    pub(crate) fn new(primary: &str, owner: &Name, value: &Rdata) -> Self {
        Self {
            primary: primary.to_owned(),
            owner: owner.to_lowercase().to_string(),
            value: value.as_wire().to_vec(),
        }
    }
}

/// An intent to make a job from.
#[derive(Clone, Debug)]
pub(crate) struct NewJob {
    pub(super) key: String,
    pub(super) primary: String,
    pub(super) stage: u8,
    pub(super) intent: String,
    pub(crate) serial: Option<ZoneSerial>,
    pub(super) listed: Option<Listed>,
    pub(super) origin: Origin,
}

/// Where a job comes from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    /// The command that brings the intent, with its process.
    pub(crate) caller: Arc<str>,
    /// What the intent is delivered for. One that was in place before replaces no job that waits.
    pub(crate) purpose: Purpose,
    /// Any number of records may be removed for it, and a signed zone created anew: an operator asks for it.
    pub(crate) is_forced: bool,
}

/// The folder or configuration that lists the zone of a job.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub(super) source: Arc<[u8]>,
    /// `None` if the zone is to be deleted.
    pub(super) file: Option<ListedFile>,
}

/// A zone, and the serial of a payload for it, which tells its time.
#[derive(Clone, Debug)]
pub(crate) struct ZoneSerial {
    pub(super) zone: String,
    pub(super) serial: Serial,
}

impl ZoneSerial {
    /// Returns the serial of an intent; `None` if it has none, or one that does not tell the time.
    pub(crate) fn of(intent: &Intent) -> Option<Self> {
        let serial = match intent {
            Intent::Zone(zone) if zone.source == ZoneSource::Call => zone.soa.serial,
            Intent::Zone(_) | Intent::ZoneAbsent(_) | Intent::Ptr(_) | Intent::Record(_) => None,
        };
        serial.map(|serial| Self {
            zone: intent.name().to_string(),
            serial,
        })
    }
}

impl NewJob {
    /// Prepares a job for the primary with that name.
    pub(crate) fn new(intent: &Intent, primary: &str) -> Self {
        Self {
            key: intent.key().to_string(),
            primary: primary.into(),
            stage: Stage::of(intent) as u8,
            intent: to_text(intent),
            serial: ZoneSerial::of(intent),
            listed: None,
            origin: Origin::default(),
        }
    }

    /// Names where the job comes from.
    pub(crate) fn from(self, origin: &Origin) -> Self {
        Self {
            origin: origin.clone(),
            ..self
        }
    }

    /// Names the folder or configuration that lists the zone of the intent, or has listed it.
    pub(crate) fn listed_by(mut self, intent: &Intent, listing: &Listing) -> Self {
        let file = match intent {
            Intent::ZoneAbsent(_) => None,
            Intent::Zone(_) | Intent::Ptr(_) | Intent::Record(_) => {
                listing.files.get(&self.key).cloned()
            }
        };
        let source = Arc::clone(&listing.source);
        self.listed = Some(Listed { source, file });
        self
    }

    /// Returns the size of its intent.
    pub(crate) fn octets(&self) -> usize {
        self.intent.len()
    }
}

/// What the file has not been told yet.
#[derive(Debug, Default)]
pub(super) struct Untold {
    /// Intents whose older jobs could not be removed, and the time of the call.
    pub(super) replacing: Option<(Vec<NewJob>, u64)>,
    pub(super) changes: Vec<StoreChange>,
    pub(super) lacking: Lacking,
}

/// What could not be told to a file that failed.
#[derive(Debug, Default)]
pub struct Lacking {
    /// Jobs that are older than what was delivered without the file, and may be delivered after it, with their keys.
    pub older: Vec<(JobId, String)>,
    /// Whether the file lacks changes of the state.
    pub is_state_lost: bool,
}
