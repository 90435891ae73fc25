//! The handle to the store thread, and the changes that the thread collects for one transaction.
//!
//! A request is a closure that the thread runs on the file. Writing to disk takes as long as an
//! UPDATE, so the thread collects changes: all that wait for durability share one transaction, and
//! the others are written with them, before a read that they concern, or at the end.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::TryFutureExt as _;
use tokio::sync::{mpsc, oneshot};

use super::store::{
    Challenge, Durability, LOG_OCTETS, LOG_OCTETS_MEANWHILE, Lacking, Store, StoreChange,
    StoreError,
};
use crate::deliver::{
    Answer, Failure, Lesson, PtrValue, Settled, StateChange, StateStore, ZoneKey, ZoneState,
    ZoneSummary,
};
use crate::model::{Name, Rdata, Serial, ZoneName};
use crate::plan::{Epoch, SeenEntry};

/// A request to the store thread.
pub(super) type Request = Box<dyn FnOnce(&mut GroupCommit) -> Result<(), StoreError> + Send>;

/// A handle to the store thread, which ends when the last handle is dropped.
#[derive(Debug)]
pub(super) struct StoreHandle {
    requests: mpsc::UnboundedSender<Request>,
    /// Whether jobs were accepted that may not be on the disk.
    is_behind: Arc<AtomicBool>,
}

impl StoreHandle {
    /// Returns the handle to the thread of a store, and the requests for that.
    pub(super) fn of(store: &Store) -> (Self, mpsc::UnboundedReceiver<Request>) {
        let (requests, receiver) = mpsc::unbounded_channel();
        let is_behind = Arc::clone(&store.is_behind);
        let handle = Self {
            requests,
            is_behind,
        };
        (handle, receiver)
    }

    /// Does work on the file after all changes that were requested before.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<T> {
        self.request(|group, sender| {
            // The caller may have dropped the answer at its deadline.
            sender.send(work(group.written()?)?).ok();
            Ok(())
        })
    }

    /// Adds a change to the next transaction.
    pub(super) fn change(&self, change: StoreChange) -> Result<(), Failure> {
        self.send(|group| {
            group.changes.push(change);
            Ok(())
        })
    }

    /// Has all changes written that were requested before, and what was accepted made durable.
    pub(super) fn write(&self) -> Result<(), Failure> {
        self.send(|group| {
            group.written()?.make_durable()?;
            group.store.merge_from(LOG_OCTETS_MEANWHILE);
            Ok(())
        })
    }

    /// Makes a change durable, and answers with what `answer_of` makes of the new generation.
    fn change_durably<T: Send + 'static>(
        &self,
        change: StoreChange,
        answer_of: fn(i64) -> T,
    ) -> Answer<T> {
        self.request(move |group, sender| {
            let answer = move |generation| drop(sender.send(answer_of(generation)));
            group.answers.push((group.changes.len(), Box::new(answer)));
            group.changes.push(change);
            Ok(())
        })
    }

    /// Reads a zone's state after the changes of the zone that were requested before.
    fn read<T: Send + 'static>(
        &self,
        key: &ZoneKey,
        read: fn(&Store, &ZoneKey) -> Result<T, StoreError>,
    ) -> Answer<T> {
        let key = key.clone();
        self.request(move |group, sender| {
            sender.send(read(group.written_of(&key)?, &key)?).ok();
            Ok(())
        })
    }

    /// Sends a request with the sender of its answer.
    fn request<T: Send + 'static>(
        &self,
        request: impl FnOnce(&mut GroupCommit, oneshot::Sender<T>) -> Result<(), StoreError>
        + Send
        + 'static,
    ) -> Answer<T> {
        let (sender, receiver) = oneshot::channel();
        // If the thread has ended, the sender is dropped, and the answer fails.
        self.send(|group| request(group, sender)).ok();
        receiver.map_err(|_| Failure::State)
    }

    fn send(
        &self,
        request: impl FnOnce(&mut GroupCommit) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(), Failure> {
        let sent = self.requests.send(Box::new(request));
        sent.map_err(|_| Failure::State)
    }
}

impl StateStore for StoreHandle {
    fn load(&self, key: &ZoneKey) -> Answer<ZoneState> {
        self.read(key, Store::load)
    }

    fn settled(&self, key: &ZoneKey) -> Answer<Option<Settled>> {
        self.read(key, Store::settled)
    }

    fn generation(&self, key: &ZoneKey) -> Answer<i64> {
        self.read(key, Store::generation)
    }

    fn persist(&self, change: StateChange) -> Answer<i64> {
        self.change_durably(StoreChange::Change(change), |generation| generation)
    }

    fn commit(&self, change: StateChange) -> Result<(), Failure> {
        self.change(StoreChange::Change(change))
    }

    fn forget(&self, key: ZoneKey, generation: i64) -> Result<(), Failure> {
        self.change(StoreChange::Forget(key, generation))
    }

    fn durable(&self) -> Answer<()> {
        let (sender, receiver) = oneshot::channel();
        if self.is_behind.load(Ordering::Acquire) {
            return self.ask(Store::make_durable);
        }
        sender.send(()).ok();
        receiver.map_err(|_| Failure::State)
    }

    fn knows(&self, key: &ZoneKey) -> Answer<bool> {
        self.read(key, Store::knows)
    }

    fn is_leaving(&self, key: &ZoneKey) -> Answer<bool> {
        self.read(key, Store::is_leaving)
    }

    fn elsewhere(&self, key: &ZoneKey) -> Answer<Vec<String>> {
        let key = key.clone();
        self.request(move |group, sender| {
            let is_of_zone = |it: &StoreChange| it.zone().is_some_and(|it| it.zone == key.zone);
            if group.changes.iter().any(is_of_zone) {
                group.written()?;
            }
            sender.send(group.store.elsewhere(&key)?).ok();
            Ok(())
        })
    }

    fn list(&self) -> Answer<Vec<ZoneSummary>> {
        self.ask(|store| store.list())
    }

    fn add_ptr(&self, value: PtrValue) -> Answer<()> {
        self.change_durably(StoreChange::AddPtr(value), |_| ())
    }

    fn drop_ptr(&self, value: PtrValue) -> Result<(), Failure> {
        self.change(StoreChange::DropPtr(value))
    }

    fn count_deletion(&self, key: &ZoneKey, now: u64, max: u32) -> Answer<bool> {
        let key = key.clone();
        self.ask(move |store| store.count_deletion(&key, now, max))
    }

    fn deletions(&self, key: &ZoneKey, now: u64) -> Answer<u32> {
        let key = key.clone();
        self.ask(move |store| store.deletions(&key, now))
    }

    fn add_challenge(&self, primary: &str, owner: &Name, value: &Rdata) -> Answer<()> {
        let value = Challenge::new(primary, owner, value);
        self.change_durably(StoreChange::AddChallenge(value), |_| ())
    }

    fn drop_challenge(&self, primary: &str, owner: &Name, value: &Rdata) -> Result<(), Failure> {
        self.change(StoreChange::DropChallenge(Challenge::new(
            primary, owner, value,
        )))
    }

    fn challenges(&self, primary: &str, owner: &Name) -> Answer<Vec<Rdata>> {
        let (primary, owner) = (primary.to_owned(), owner.clone());
        self.ask(move |store| store.challenges(&primary, &owner))
    }

    fn catalog_serial(&self, catalog: &ZoneKey) -> Answer<Option<Serial>> {
        self.read(catalog, Store::catalog_serial)
    }

    fn note_catalog_serial(&self, catalog: ZoneKey, serial: Serial) -> Result<(), Failure> {
        self.change(StoreChange::CatalogSerial(catalog, serial))
    }

    fn lessons(&self, of: Option<(&str, &Name)>, now: u64) -> Answer<Vec<Lesson>> {
        let of = of.map(|(primary, name)| lessons_of(primary, name));
        self.request(move |group, sender| {
            let is_learnt =
                |it: &StoreChange| matches!(it, StoreChange::Learn(_) | StoreChange::Unlearn(..));
            if group.changes.iter().any(is_learnt) {
                group.written()?;
            }
            sender.send(group.store.lessons(of.as_ref(), now)?).ok();
            Ok(())
        })
    }

    fn catalog_entries(&self, catalog: &ZoneKey) -> Answer<Vec<SeenEntry>> {
        let catalog = catalog.clone();
        self.ask(move |store| store.catalog_entries(&catalog))
    }

    fn seen_claim(&self, catalog: &ZoneKey, zone: &ZoneName) -> Answer<Option<Rdata>> {
        let (catalog, zone) = (catalog.clone(), zone.clone());
        self.ask(move |store| store.seen_claim(&catalog, &zone))
    }

    fn note_catalog_entries(
        &self,
        catalog: ZoneKey,
        seen: Vec<SeenEntry>,
        gone: Vec<ZoneName>,
    ) -> Result<(), Failure> {
        self.change(StoreChange::Entries(catalog, seen, gone))
    }

    fn epochs(&self, catalog: &ZoneKey) -> Answer<Vec<Epoch>> {
        self.read(catalog, Store::epochs)
    }

    fn add_epoch(&self, catalog: ZoneKey, epoch: Epoch) -> Answer<()> {
        self.change_durably(StoreChange::Epoch(catalog, epoch), |_| ())
    }

    fn note_stranger(&self, catalog: ZoneKey, stranger: Option<Epoch>) -> Result<(), Failure> {
        self.change(StoreChange::Stranger(catalog, stranger))
    }

    fn learn(&self, lesson: Lesson) -> Result<(), Failure> {
        self.change(StoreChange::Learn(lesson))
    }

    fn forget_lessons(&self, primary: &str, name: &Name) -> Result<(), Failure> {
        let (primary, zones) = lessons_of(primary, name);
        self.change(StoreChange::Unlearn(primary, zones))
    }

    fn ptrs(&self) -> Answer<BTreeSet<PtrValue>> {
        self.ask(|store| store.ptrs())
    }
}

/// Names what is learnt of a primary: of the zones at and above a name, and as a whole.
fn lessons_of(primary: &str, name: &Name) -> (String, Vec<String>) {
    let zones = std::iter::successors(Some(name.to_lowercase()), Name::parent);
    let zones = zones.map(|zone| zone.to_string()).chain([String::new()]);
    (primary.to_owned(), zones.collect())
}

/// Sends an answer, given the new generation.
type Answered = Box<dyn FnOnce(i64) + Send>;

/// The file, and the changes that wait for the next transaction.
pub(super) struct GroupCommit {
    store: Store,
    changes: Vec<StoreChange>,
    /// The answers that callers wait for, each with the index of its change.
    answers: Vec<(usize, Answered)>,
}

impl GroupCommit {
    /// Runs requests on the file until the last handle is dropped. Returns what a file that the store is in
    /// place of does not take, also if the store itself failed: requests were not answered then.
    pub(super) fn run(
        store: Store,
        requests: mpsc::UnboundedReceiver<Request>,
    ) -> Result<Lacking, StoreError> {
        let mut group = Self {
            store,
            changes: Vec::new(),
            answers: Vec::new(),
        };
        let done = group.serve(requests);
        match group.store.tell_file() {
            Some(lacking) => Ok(lacking),
            None => done.map(|()| Lacking::default()),
        }
    }

    fn serve(&mut self, mut requests: mpsc::UnboundedReceiver<Request>) -> Result<(), StoreError> {
        while let Some(request) = requests.blocking_recv() {
            request(self)?;
            while let Ok(request) = requests.try_recv() {
                request(self)?;
            }
            if !self.answers.is_empty() {
                self.written()?;
            }
        }
        self.written()?.make_durable()?;
        self.store.merge_from(LOG_OCTETS);
        Ok(())
    }

    /// Writes the changes, and returns the file. Only changes whose answers are waited for must be on the disk.
    fn written(&mut self) -> Result<&mut Store, StoreError> {
        if !self.changes.is_empty() {
            let durability = if self.answers.is_empty() {
                Durability::Later
            } else {
                Durability::Now
            };
            let changes = std::mem::take(&mut self.changes);
            let generations = self.store.apply_with(&changes, durability)?;
            for (index, answer) in self.answers.drain(..) {
                answer(generations[index]);
            }
        }
        Ok(&mut self.store)
    }

    /// Writes the changes if one of them is of this zone, and returns the file.
    fn written_of(&mut self, key: &ZoneKey) -> Result<&mut Store, StoreError> {
        if self.changes.iter().any(|change| change.zone() == Some(key)) {
            return self.written();
        }
        Ok(&mut self.store)
    }
}
