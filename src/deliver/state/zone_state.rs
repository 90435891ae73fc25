//! The state: what this instance manages in each zone, and the steps by which that changes.
//!
//! [`StateStore`] is implemented in `queue` by the handle to the store thread, which owns the file:
//! no SQL is known here, and the thread writes the changes of many zones in one transaction. The
//! order of the steps keeps a record managed, whenever the process dies:
//!
//! ```text
//!   read the zone ──▶ 1 load ──▶ plan ──▶ 2 reserve ──▶ 3 send ──▶ 4 commit
//!                                          (durable)    (UPDATE)    (written later)
//! ```
//!
//! 1. Load the state after the zone was read. Another process reserves its records before it sends
//!    them, so the state then includes each of its records that the read has shown. A load may
//!    begin with the read, since loading a large zone takes long: `finish_load` repeats it if the
//!    generation has changed by the end of the read.
//! 2. Reserve the records to send. The step ends when they and the records managed before are on
//!    disk together.
//! 3. Send the UPDATE messages.
//! 4. Commit what the responses show. A crash may lose this step: a state that lists too many
//!    records does no harm.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::net::IpAddr;

use futures_util::future::MapErr;
use tokio::sync::oneshot::{self, error::RecvError};

use super::settled::Settled;
use crate::deliver::error::Failure;
use crate::diagnostic::{Class, Diagnostic};
use crate::model::{CurrentZone, Name, Rdata, RrSet, RrSets, Serial, ZoneName};
use crate::plan::{Change, Epoch, Learnt, Part, Plan, SeenEntry, Surroundings};

/// For how many seconds a refusal counts if nothing changes that it may depend on: an operator may have changed the
/// server.
pub const REFUSAL_SECONDS: u64 = 6 * 60 * 60;

/// The way in which a zone came to be on its primary.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Provenance {
    /// The zone existed before, or nothing is known.
    #[default]
    Preexisting,
    /// The zone was absent, and this instance was about to create it.
    Creating,
    /// This instance created the zone.
    Created,
    /// The zone existed before, and an operator gave it to this instance.
    Adopted,
    /// This instance created the zone for PTR records. Only those that zone commands put into it are managed.
    CreatedForPtr,
}

impl Provenance {
    /// Returns whether another party created the zone, as far as this instance knows.
    pub(crate) fn is_not_ours(self) -> bool {
        matches!(self, Self::Preexisting | Self::Adopted)
    }
}

/// A part of a zone that is not as it was sent: its primary refuses it or ignores it without an error, or a record in
/// place is protected.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refusal {
    /// The part.
    pub part: Part,
    /// A digest of what the refusal may depend on. If it changes, the part is sent again.
    pub context: i64,
    /// The report on it.
    pub report: Diagnostic,
    /// The time of the last attempt, in seconds since 1970; 0 if there was none.
    pub tried_at: u64,
}

/// The state of a zone on a primary.
#[derive(Clone, Debug, Default)]
pub struct ZoneState {
    /// The way in which the zone came to be.
    pub provenance: Provenance,
    /// The records that this instance has sent, or was about to send; their TTLs have no meaning.
    pub managed: RrSets,
    /// The managed records that are known to be in the zone, with their TTLs. Kept only for a
    /// primary whose zones are not read.
    pub verified: RrSets,
    /// The records that were managed and removed, as far back as the history is kept; their TTLs have no meaning.
    pub removed: RrSets,
    /// The parts that are not as they were sent.
    pub refusals: Vec<Refusal>,
    /// The last serial that is known of it, once this instance has changed it.
    pub serial: Option<Serial>,
    /// The key tags of its DNSKEY records when it was last read; empty if it had none.
    pub key_tags: Vec<u16>,
    /// A number that differs after each change of the state, by any process; 0 without a state.
    pub generation: i64,
}

impl ZoneState {
    /// Returns a change that adds and drops records, and leaves the rest as it is.
    pub(crate) fn change(&self, key: ZoneKey, add: RrSets, drop: RrSets) -> StateChange {
        StateChange {
            key,
            generation: self.generation,
            provenance: self.provenance,
            add,
            drop,
            verify: RrSets::default(),
            refusals: None,
            serial: None,
            key_tags: self.key_tags.clone(),
            settled: None,
        }
    }

    /// Refuses to create the absent zone if it was seen signed: its DS at the parent would not fit the keys of the new one,
    /// and no resolver that validates would answer for the domain.
    pub(crate) fn allow_anew(&self, zone: &ZoneName, is_forced: bool) -> Result<(), Failure> {
        if self.key_tags.is_empty() || is_forced {
            return Ok(());
        }
        let (zone, command) = (zone.clone(), format!("queue retry --force {zone}"));
        Err(Failure::SignedZoneGone { zone, command })
    }

    /// Returns the records that the zone has by this state. One that may have arrived counts, so that it is removed if
    /// it must go.
    pub(crate) fn believed(&self) -> RrSets {
        RrSets::from_sets(self.managed.iter().map(|set| {
            let verified = self.verified.get(&set.owner, set.rtype);
            RrSet {
                ttl: verified.map_or(set.ttl, |set| set.ttl),
                ..set.clone()
            }
        }))
    }

    /// Returns whether this instance has created or adopted the zone, or manages records in it.
    pub(crate) fn is_known(&self) -> bool {
        self.provenance != Provenance::Preexisting || !self.managed.is_empty()
    }

    /// Freezes the parts of a plan whose refusal still counts, and returns those refusals. An alteration, which is a
    /// mere remark, counts for any time.
    pub(crate) fn freeze_refused(
        &self,
        plan: &mut Plan,
        current: &CurrentZone,
        surroundings: &Surroundings<'_>,
        now: u64,
    ) -> Vec<Refusal> {
        let counts = |refusal: &&Refusal| {
            let age = now.checked_sub(refusal.tried_at);
            let is_recent = age.is_some_and(|age| age < REFUSAL_SECONDS);
            let changes = plan.changes_in(&refusal.part);
            (is_recent || refusal.report.class() == Class::Remark)
                && !changes.is_empty()
                && surroundings.digest(&refusal.part, &changes) == refusal.context
        };
        let counting: Vec<Refusal> = self.refusals.iter().filter(counts).cloned().collect();
        plan.freeze(counting.iter().map(|refusal| &refusal.part), current);
        counting
    }

    /// Returns the refusals that still count and those that were just found, each with its changes and its report;
    /// `None` if those are stored already. One without changes never counts: no digest of a plan's changes is its own.
    pub(crate) fn refusals_with(
        &self,
        counting: &[Refusal],
        found: impl Iterator<Item = ((Part, Vec<Change>), Diagnostic)>,
        surroundings: &Surroundings<'_>,
        now: u64,
    ) -> Option<Vec<Refusal>> {
        let found = found.map(|((part, changes), report)| Refusal {
            context: surroundings.digest(&part, &changes),
            part,
            report,
            tried_at: if changes.is_empty() { 0 } else { now },
        });
        let refusals: Vec<Refusal> = counting.iter().cloned().chain(found).collect();
        (refusals != self.refusals).then_some(refusals)
    }

    /// Returns a serial that the primary has reached, if this instance has changed the zone, and it is not behind the
    /// remembered one.
    pub(crate) fn serial_to_remember(
        &self,
        reached: Serial,
        has_changed_it: bool,
    ) -> Option<Serial> {
        let is_behind = self.serial.is_some_and(|it| it.is_after(reached));
        ((self.serial.is_some() || has_changed_it) && !is_behind).then_some(reached)
    }

    /// Returns whether all managed records are in the zone.
    pub(crate) fn is_as_delivered(&self, current: &CurrentZone) -> bool {
        self.managed.minus(&current.records).is_empty()
    }

    /// Returns the desired records that this instance manages once they are in place: all but the apex NS records that
    /// were there before it came, which stay if it goes.
    pub(crate) fn without_ns_of_others<'a>(
        &self,
        desired: &'a RrSets,
        current: &CurrentZone,
    ) -> Cow<'a, RrSets> {
        let ns = current.apex_ns().filter(|_| self.provenance.is_not_ours());
        let of_others = RrSets::from_sets(ns.cloned()).minus(&self.managed);
        if of_others.is_empty() {
            Cow::Borrowed(desired)
        } else {
            Cow::Owned(desired.minus(&of_others))
        }
    }

    /// Returns whether another party created the zone, and this instance manages no record in it.
    pub(crate) fn manages_nothing(&self) -> bool {
        self.provenance.is_not_ours() && self.managed.is_empty()
    }
}

/// A zone on a primary.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ZoneKey {
    /// The primary's name in the configuration.
    pub primary: String,
    /// The zone.
    pub zone: ZoneName,
}

/// A change of a zone's state.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names of the fields say what they hold")]
pub struct StateChange {
    pub key: ZoneKey,
    /// The generation of the state that the change was computed from.
    pub generation: i64,
    pub provenance: Provenance,
    pub add: RrSets,
    /// The records to drop, if the generation is still current.
    pub drop: RrSets,
    /// The records to mark as verified, with their TTLs, if the generation is still current.
    /// Records of `add` lose that mark.
    pub verify: RrSets,
    /// The refusals that replace the stored ones; `None` if those stay.
    pub refusals: Option<Vec<Refusal>>,
    /// The serial to remember, if the generation is still current; `None` if the stored one stays.
    pub serial: Option<Serial>,
    /// The key tags to remember, if the generation is still current.
    pub key_tags: Vec<u16>,
    /// The zone as it is left, if the generation is still current. Each change forgets the one before.
    pub settled: Option<Settled>,
}

/// A PTR value that this instance added on a primary.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[expect(missing_docs, reason = "the names of the fields say what they hold")]
pub struct PtrValue {
    /// The primary's name in the configuration.
    pub primary: String,
    pub address: IpAddr,
    pub hostname: Name,
}

/// A habit of a primary, and when and of what it was learnt.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Lesson {
    /// The primary's name in the configuration.
    pub primary: String,
    /// The zone and the name of the key; `None` for a habit of the primary as a whole.
    pub zone: Option<(ZoneName, Name)>,
    /// The habit.
    pub learnt: Learnt,
    /// The version of the server; empty if it tells none.
    pub server: String,
    /// In seconds since 1970.
    pub at: u64,
}

/// The state of a zone, without its records.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the names of the fields say what they hold")]
pub struct ZoneSummary {
    pub key: ZoneKey,
    pub provenance: Provenance,
    /// The number of managed records.
    pub managed: u32,
}

/// The state of all zones, and the PTR values that this instance added.
///
/// A request is under way when its method returns, whether its [`Answer`] is awaited or not. A read
/// of a zone sees each change of the zone that was requested before.
pub trait StateStore {
    /// Step 1: loads the state of a zone.
    fn load(&self, key: &ZoneKey) -> Answer<ZoneState>;

    /// Step 1, at the end of the read: returns the generation of a zone's state.
    fn generation(&self, key: &ZoneKey) -> Answer<i64>;

    /// In place of step 1: returns the zone as the last delivery left it, if nothing in the state has changed since.
    fn settled(&self, key: &ZoneKey) -> Answer<Option<Settled>>;

    /// Step 2: makes a change durable, and returns the new generation.
    fn persist(&self, change: StateChange) -> Answer<i64>;

    /// Step 4: makes a change, which is written with the next durable one or at the end.
    ///
    /// # Errors
    /// [`Failure::State`].
    fn commit(&self, change: StateChange) -> Result<(), Failure>;

    /// In place of step 4, for an absent zone: deletes the state if the generation is still
    /// current.
    ///
    /// # Errors
    /// [`Failure::State`].
    fn forget(&self, key: ZoneKey, generation: i64) -> Result<(), Failure>;

    /// Before step 3: answers when all intents that were accepted are on the disk.
    fn durable(&self) -> Answer<()>;

    /// In place of step 1: returns whether a zone is known, without its records.
    fn knows(&self, key: &ZoneKey) -> Answer<bool>;

    /// Outside the steps: returns whether a deletion of a zone waits or is in hand, in any process.
    fn is_leaving(&self, key: &ZoneKey) -> Answer<bool>;

    /// Outside the steps: returns the other primaries on which the zone is known, by name.
    fn elsewhere(&self, key: &ZoneKey) -> Answer<Vec<String>>;

    /// Outside the steps: returns the known zones, in ascending order.
    fn list(&self) -> Answer<Vec<ZoneSummary>>;

    /// Step 2 of a PTR value: adds it, and answers when that is durable.
    fn add_ptr(&self, value: PtrValue) -> Answer<()>;

    /// Step 4 of a PTR value that an UPDATE has removed: drops it, written as [`commit`] is.
    ///
    /// # Errors
    /// [`Failure::State`].
    ///
    /// [`commit`]: StateStore::commit
    fn drop_ptr(&self, value: PtrValue) -> Result<(), Failure>;

    /// Step 2 of the deletion of a zone: counts it, and answers when that is durable whether no more than `max` zones were
    /// deleted in the hour before `now`, in seconds since 1970. A zone counts once.
    fn count_deletion(&self, key: &ZoneKey, now: u64, max: u32) -> Answer<bool>;

    /// Outside the steps: returns how many zones were deleted in the hour before `now`, this one apart.
    fn deletions(&self, key: &ZoneKey, now: u64) -> Answer<u32>;

    /// Step 2 of a challenge: notes the value at its owner name on a primary, and answers when that is durable.
    fn add_challenge(&self, primary: &str, owner: &Name, value: &Rdata) -> Answer<()>;

    /// Step 4 of a challenge that an UPDATE has removed: drops it, written as [`commit`] is.
    ///
    /// # Errors
    /// [`Failure::State`].
    ///
    /// [`commit`]: StateStore::commit
    fn drop_challenge(&self, primary: &str, owner: &Name, value: &Rdata) -> Result<(), Failure>;

    /// Outside the steps: returns the values of challenges that this instance added at an owner name.
    fn challenges(&self, primary: &str, owner: &Name) -> Answer<Vec<Rdata>>;

    /// Outside the steps: returns the latest serial that a catalog is known to have had.
    fn catalog_serial(&self, catalog: &ZoneKey) -> Answer<Option<Serial>>;

    /// Outside the steps: notes a serial that a catalog has had, unless a later one is known; written as [`commit`] is.
    ///
    /// # Errors
    /// [`Failure::State`].
    ///
    /// [`commit`]: StateStore::commit
    fn note_catalog_serial(&self, catalog: ZoneKey, serial: Serial) -> Result<(), Failure>;

    /// Outside the steps: returns a catalog as it was last seen.
    fn catalog_entries(&self, catalog: &ZoneKey) -> Answer<Vec<SeenEntry>>;

    /// Outside the steps: returns the claim of a zone that a catalog listed when it was last seen.
    fn seen_claim(&self, catalog: &ZoneKey, zone: &ZoneName) -> Answer<Option<Rdata>>;

    /// Outside the steps: notes the entries of a catalog that were seen, and the zones that have none any more, written as
    /// [`commit`] is.
    ///
    /// # Errors
    /// [`Failure::State`].
    ///
    /// [`commit`]: StateStore::commit
    fn note_catalog_entries(
        &self,
        catalog: ZoneKey,
        seen: Vec<SeenEntry>,
        gone: Vec<ZoneName>,
    ) -> Result<(), Failure>;

    /// Outside the steps: returns the epochs that were written to a catalog from here, or were about to be, the oldest
    /// first.
    fn epochs(&self, catalog: &ZoneKey) -> Answer<Vec<Epoch>>;

    /// Outside the steps: adds an epoch that is about to be written to a catalog, and answers when that is durable.
    fn add_epoch(&self, catalog: ZoneKey, epoch: Epoch) -> Answer<()>;

    /// Outside the steps: notes the epoch of another machine that a catalog has, or that it has none, written as [`commit`]
    /// is.
    ///
    /// # Errors
    /// [`Failure::State`].
    ///
    /// [`commit`]: StateStore::commit
    fn note_stranger(&self, catalog: ZoneKey, stranger: Option<Epoch>) -> Result<(), Failure>;

    /// Outside the steps: returns what this version learnt of primaries, not more than a day before `now`, in seconds
    /// since 1970. With a primary and a name, of that primary and the zones at and above the name alone.
    fn lessons(&self, of: Option<(&str, &Name)>, now: u64) -> Answer<Vec<Lesson>>;

    /// Outside the steps: notes what was learnt of a primary, written as [`commit`] is.
    ///
    /// # Errors
    /// [`Failure::State`].
    ///
    /// [`commit`]: StateStore::commit
    fn learn(&self, lesson: Lesson) -> Result<(), Failure>;

    /// Outside the steps: forgets what was learnt of a primary and of the zones at and above a name, written as [`commit`]
    /// is.
    ///
    /// # Errors
    /// [`Failure::State`].
    ///
    /// [`commit`]: StateStore::commit
    fn forget_lessons(&self, primary: &str, name: &Name) -> Result<(), Failure>;

    /// Outside the steps: returns the PTR values that this instance added.
    fn ptrs(&self) -> Answer<BTreeSet<PtrValue>>;
}

impl dyn StateStore + '_ {
    /// Step 1, at the end of the read: ends a load that began with the read, and loads again if the
    /// generation has changed since.
    pub(crate) async fn finish_load(
        &self,
        key: &ZoneKey,
        begun: Answer<ZoneState>,
    ) -> Result<ZoneState, Failure> {
        let state = begun.await?;
        if self.generation(key).await? == state.generation {
            Ok(state)
        } else {
            self.load(key).await
        }
    }

    /// Step 2: makes it durable that this instance manages these records, before it sends them.
    pub(crate) async fn reserve(
        &self,
        key: &ZoneKey,
        state: &mut ZoneState,
        add: RrSets,
    ) -> Result<(), Failure> {
        let change = state.change(key.clone(), add, RrSets::default());
        state.generation = self.persist(change).await?;
        Ok(())
    }

    /// Clears the key tags durably, before this instance deletes the zone: so the zone may be created again, even after
    /// a crash.
    pub(crate) async fn forget_keys(
        &self,
        key: &ZoneKey,
        state: &mut ZoneState,
    ) -> Result<(), Failure> {
        if !std::mem::take(&mut state.key_tags).is_empty() {
            self.reserve(key, state, RrSets::default()).await?;
        }
        Ok(())
    }
}

/// The answer to a request; [`Failure::State`] if the file fails before the request is done.
pub type Answer<T> = MapErr<oneshot::Receiver<T>, fn(RecvError) -> Failure>;
