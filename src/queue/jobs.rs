//! The requests to the store thread that concern jobs.

use std::collections::BTreeMap;

use super::dispatch::Stage;
use super::handle::StoreHandle;
use super::history::{EVENTS_MAX, Event, Finding, Wanted, WantedCount};
use super::job::{
    Accepted, Job, JobCount, JobGroup, JobId, JobSummary, PrimaryContact, QueueFull, Settlement,
    TakeOutcome, UnmetPart,
};
use super::listing::{Listing, RememberedZone};
use super::store::{BatchLimit, NewJob, Origin, Store, StoreChange, ZoneSerial};
use crate::deliver::{Answer, Failure};
use crate::diagnostic::Diagnostic;
use crate::model::{Intent, Name, Serial, ZoneName};
use crate::plan::Epoch;

/// The jobs in the file. Requests fail with [`Failure::State`] after the file has failed, and
/// `StoreThread::finish` reports the cause.
#[derive(Debug)]
pub struct Jobs(pub(super) StoreHandle);

impl Jobs {
    /// Creates jobs from intents, each for the primary with that name, and replaces older jobs of
    /// the same keys. The answer comes when all are written; none is if it fails. `StateStore::durable` and the end of the
    /// thread wait until they are on the disk. `listing` lists the zones of the
    /// intents, if something does. `now` is in seconds since 1970.
    pub(crate) fn enqueue(
        &self,
        intents: &[(&Intent, &str)],
        listing: Option<&Listing>,
        origin: &Origin,
        now: u64,
    ) -> Answer<Result<Vec<Accepted>, QueueFull>> {
        let new = intents.iter().map(|(intent, primary)| {
            let new = NewJob::new(intent, primary).from(origin);
            match listing {
                Some(listing) => new.listed_by(intent, listing),
                None => new,
            }
        });
        let new: Vec<NewJob> = new.collect();
        self.0.ask(move |store| store.enqueue(&new, now))
    }

    /// Returns the zones that this folder or configuration is remembered to have, by their names.
    pub(crate) fn listed(&self, source: &[u8]) -> Answer<Vec<RememberedZone>> {
        let source = source.to_owned();
        self.0.ask(move |store| store.listed(&source))
    }

    /// Forgets that this folder or configuration has these zones, and drops the jobs that would deliver them from there.
    pub(crate) fn forget_listed(&self, source: &[u8], zones: Vec<String>) -> Answer<()> {
        let source = source.to_owned();
        self.0
            .ask(move |store| store.forget_listed(&source, &zones))
    }

    /// Lets calls ask the primaries again that were silent before this time, in seconds since 1970: their settings
    /// have changed since.
    pub(crate) fn forget_silence(&self, time: u64) -> Answer<()> {
        self.0.ask(move |store| store.forget_silence(time))
    }

    /// Returns, for each intent, the newer serial of its zone that overtook it.
    pub(crate) fn overtaken(&self, intents: &[&Intent], now: u64) -> Answer<Vec<Option<Serial>>> {
        let sent: Vec<_> = intents
            .iter()
            .map(|intent| ZoneSerial::of(intent))
            .collect();
        self.0.ask(move |store| store.overtaken(&sent, now))
    }

    /// Returns all jobs, by number.
    pub(crate) fn list(&self) -> Answer<Vec<JobSummary>> {
        self.0.ask(|store| store.list_jobs())
    }

    /// Counts the jobs that wait or are held.
    pub(crate) fn count(&self) -> Answer<BTreeMap<JobGroup, JobCount>> {
        self.0.ask(|store| store.count_jobs())
    }

    /// Returns the intent of a job, or the reason why it cannot be delivered; `None` if there is no such
    /// job.
    pub(crate) fn intent_of(&self, id: JobId) -> Answer<Option<Result<Intent, Diagnostic>>> {
        self.0.ask(move |store| store.intent_of(id))
    }

    /// Makes jobs due at once, held ones too; `is_forced` exempts the next attempt from the limit
    /// on removals.
    pub(crate) fn retry(&self, ids: Vec<JobId>, is_forced: bool, now: u64) -> Answer<()> {
        self.0.ask(move |store| store.retry(&ids, is_forced, now))
    }

    /// Deletes jobs. Returns those that a process has in hand: they are deleted when it is done with them.
    pub(crate) fn drop(&self, ids: Vec<JobId>) -> Answer<Vec<JobId>> {
        self.0.ask(move |store| store.drop_jobs(&ids))
    }

    /// Takes a job for this process.
    pub(super) fn take(&self, id: JobId, key: String) -> Answer<TakeOutcome> {
        self.0.ask(move |store| store.take(id, &key))
    }

    /// Takes due jobs of a primary for this process.
    pub(super) fn take_due(&self, primary: &str, limit: BatchLimit, now: u64) -> Answer<Vec<Job>> {
        let primary = primary.to_owned();
        self.0
            .ask(move |store| store.take_due(&primary, limit, now))
    }

    /// Returns whether a job is due that no process has in hand.
    pub(crate) fn is_any_due(&self, now: u64) -> Answer<bool> {
        self.0.ask(move |store| store.is_any_due(now))
    }

    /// Prepares the jobs for a delivery to these primaries: holds damaged ones, and removes the primary from those whose
    /// primary is not among these.
    pub(super) fn prepare(&self, primaries: Vec<String>, now: u64) -> Answer<()> {
        self.0.ask(move |store| {
            store.hold_damaged(now)?;
            store.orphan_unknown(&primaries)
        })
    }

    /// Returns whether a job of the zone of a host waits.
    pub(super) fn zone_of_host_waits(&self, host: Name) -> Answer<bool> {
        self.0.ask(move |store| store.zone_of_host_waits(&host))
    }

    /// Reports the outcome of an attempt, which is written with the next durable change, by
    /// [`Jobs::write`] or at the end.
    pub(super) fn settle(&self, settlement: Settlement) -> Result<(), Failure> {
        self.0.change(StoreChange::Settle(settlement))
    }

    /// Returns the last success and failure of each primary.
    pub(crate) fn contacts(&self) -> Answer<Vec<PrimaryContact>> {
        self.0.ask(|store| store.contacts())
    }

    /// Returns the parts of zones that are not as they were sent.
    pub(crate) fn unmet(&self) -> Answer<Vec<UnmetPart>> {
        self.0.ask(|store| store.unmet())
    }

    /// Returns the damaged PTR values of the state as they are, each as address, host name and primary.
    pub(crate) fn damaged_ptrs(&self) -> Answer<Vec<String>> {
        self.0.ask(|store| store.damaged_ptrs())
    }

    /// Forgets the damaged PTR values.
    pub(crate) fn forget_damaged_ptrs(&self) -> Answer<()> {
        self.0.ask(Store::forget_damaged_ptrs)
    }

    /// Returns at most `limit` wanted intents with keys after `after`, in the order of their keys.
    pub(crate) fn wanted(&self, after: &str, limit: usize) -> Answer<Vec<Wanted>> {
        let after = after.to_owned();
        self.0.ask(move |store| store.wanted(&after, limit))
    }

    /// Returns the wanted intents of these keys.
    pub(crate) fn wanted_of(&self, keys: Vec<String>) -> Answer<Vec<Wanted>> {
        self.0.ask(move |store| store.wanted_of(&keys))
    }

    /// Returns at most `limit` wanted intents that were not audited since `before`, in seconds since 1970.
    pub(crate) fn to_audit(&self, before: u64, limit: usize) -> Answer<Vec<Wanted>> {
        self.0.ask(move |store| store.to_audit(before, limit))
    }

    /// Notes what an audit found of each key, `None` if there was no difference.
    pub(crate) fn note_audited(
        &self,
        audited: Vec<(String, Option<String>)>,
        now: u64,
    ) -> Answer<()> {
        self.0.ask(move |store| store.note_audited(&audited, now))
    }

    /// Counts the wanted intents of each primary.
    pub(crate) fn count_wanted(&self) -> Answer<Vec<WantedCount>> {
        self.0.ask(|store| store.count_wanted())
    }

    /// Returns the primaries whose catalogs show that another machine delivers in the name of this instance, and its epoch.
    pub(crate) fn strangers(&self) -> Answer<Vec<(String, Epoch)>> {
        self.0.ask(|store| store.strangers())
    }

    /// Lets the jobs of a primary go on that came since another machine took the instance, holds those that waited before,
    /// and lets what was put in place count as old. Times are in seconds since 1970.
    pub(crate) fn take_over(&self, primary: &str, since: u64, now: u64) -> Answer<()> {
        let primary = primary.to_owned();
        self.0
            .ask(move |store| store.take_over(&primary, since, now))
    }

    /// Returns what the last audits found.
    pub(crate) fn findings(&self) -> Answer<Vec<Finding>> {
        self.0.ask(|store| store.findings())
    }

    /// Returns the intent that was last in place under a key that is gone, and when it went.
    pub(crate) fn gone(&self, key: &str) -> Answer<Option<(Intent, u64)>> {
        let key = key.to_owned();
        self.0.ask(move |store| store.gone(&key))
    }

    /// Notes that an intent was put in place without a job.
    pub(crate) fn keep_wanted(&self, intent: &Intent, primary: &str, now: u64) -> Answer<()> {
        let (intent, primary) = (intent.clone(), primary.to_owned());
        let stage = Stage::of(&intent) as u8;
        self.0
            .ask(move |store| store.keep_wanted(&intent, &primary, stage, now))
    }

    /// Returns the newest `limit` events of a zone, or of all keys, the oldest first.
    pub(crate) fn events(&self, zone: Option<&ZoneName>, limit: u64) -> Answer<Vec<Event>> {
        let zone = zone.map(ZoneName::to_string);
        self.0
            .ask(move |store| store.events(zone.as_deref(), limit))
    }

    /// Notes something that was done without a job.
    pub(crate) fn note_event(
        &self,
        key: String,
        primary: &str,
        caller: &str,
        done: String,
        now: u64,
    ) -> Answer<()> {
        let (primary, caller) = (primary.to_owned(), caller.to_owned());
        self.0
            .ask(move |store| store.note_event(&key, &primary, &caller, &done, now))
    }

    /// Forgets what went before a time, in seconds since 1970, and the events before it.
    pub(crate) fn forget_history(&self, before: u64) -> Answer<()> {
        self.0
            .ask(move |store| store.forget_history(before, EVENTS_MAX))
    }

    /// Has all changes written now.
    pub(super) fn write(&self) -> Result<(), Failure> {
        self.0.write()
    }
}
