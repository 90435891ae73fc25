//! The context of the work on one intent: the conversation with the primary, the state and the policy.

use std::borrow::Cow;
use std::time::Duration;

use tokio::time::timeout;

use super::error::Failure;
use super::outcome::{Delivered, Overlay};
use super::policy::Policy;
use super::server::Session;
use super::server::query::ask_if_served;
use super::state::{Lesson, StateStore, ZoneState};
use super::transaction::learn::learn_software;
use crate::model::{
    DesiredZone, Intent, Name, Rdata, Record, RecordType, RrSet, RrSets, Serial, ZoneName,
    reverse_name,
};
use crate::plan::Habit;

/// The longest time to ask for the keys of a zone that is about to be deleted.
const KEYS_TIME_MAX: Duration = Duration::from_secs(2);

/// The work on one intent at one primary.
pub(crate) struct Context<'a> {
    /// The conversation with the primary; it also holds the deadline and the clock.
    pub(crate) session: Session<'a>,
    /// The records that this instance manages.
    pub(crate) store: &'a dyn StateStore,
    /// The rules of the operator.
    pub(crate) policy: &'a Policy,
    /// The changes that earlier commands of a dry run would have made.
    pub(crate) overlay: Option<&'a Overlay>,
}

impl Context<'_> {
    /// Refuses a name that the operator denies, and names of the catalog.
    pub(crate) fn allow_name(&self, name: &Name) -> Result<(), Failure> {
        let catalog = self.session.primary.catalog_zone();
        self.policy.allow_name(name, catalog)
    }

    /// Refuses what the operator denies about an intent that is delivered at a name.
    pub(crate) fn allow(&self, intent: &Intent, at: &Name) -> Result<(), Failure> {
        self.allow_name(at)?;
        match intent {
            Intent::Zone(zone) => {
                self.policy.allow_zone(at)?;
                self.policy.allow_contents(zone)
            }
            Intent::ZoneAbsent(_) | Intent::Ptr(_) | Intent::Record(_) => Ok(()),
        }
    }

    /// Counts the deletion of a zone, or of most of its records, and refuses it if there were too many within an hour.
    pub(crate) async fn allow_deletion(&self, zone: &ZoneName) -> Result<(), Failure> {
        let Some(max) = self.policy.deletions_per_hour_max else {
            return Ok(());
        };
        let (key, now) = (self.session.zone_key(zone), (self.session.clock)());
        if self.store.count_deletion(&key, now, max).await? {
            return Ok(());
        }
        let zone = zone.clone();
        Err(Failure::MassDeletion { zone, max })
    }

    /// Ends the deletion of a zone. One of another instance is forgotten, and nothing in it is to be removed.
    pub(crate) async fn end_deletion(
        &self,
        zone: &ZoneName,
        deleted: Result<Delivered, Failure>,
    ) -> Result<Delivered, Failure> {
        let Err(Failure::OthersZone { instance, .. }) = deleted else {
            return deleted;
        };
        let key = self.session.zone_key(zone);
        let generation = self.store.generation(&key).await?;
        self.store.forget(key, generation)?;
        Ok(Delivered::of_other(instance))
    }

    /// Returns the key tags of a zone that is about to be deleted, as its primary answers them, or else as it was last read.
    pub(crate) async fn key_tags(&mut self, zone: &ZoneName, state: &ZoneState) -> Vec<u16> {
        let (session, apex) = (&mut self.session, zone.apex());
        let asked = timeout(
            KEYS_TIME_MAX,
            ask_if_served(session, apex, RecordType::DNSKEY),
        );
        match asked.await {
            Ok(Ok(Some(response))) => {
                let keys = response.records(apex, RecordType::DNSKEY).cloned();
                let keys = RrSets::from_records(keys);
                keys.iter().flat_map(RrSet::key_tags).collect()
            }
            Ok(_) => state.key_tags.clone(),
            Err(_) => {
                session.connection = None;
                state.key_tags.clone()
            }
        }
    }

    /// Returns the zone of a name at a primary that answers no queries: the closest one that this instance has delivered
    /// to, or that the configuration names.
    ///
    /// # Errors
    /// [`Failure::ZoneUnknown`].
    pub(crate) async fn zone_of(&self, name: &Name) -> Result<ZoneName, Failure> {
        let primary = self.session.primary;
        for apex in name.and_above().filter(|it| !it.is_root()) {
            let zone = ZoneName::new(&apex);
            let is_named = primary.keys_below.iter().any(|(suffix, _)| *suffix == apex);
            if is_named || self.store.knows(&self.session.zone_key(&zone)).await? {
                return Ok(zone);
            }
        }
        let owner = name.clone();
        Err(Failure::ZoneUnknown { owner })
    }

    /// Returns the records of an RRset that this instance has sent to a primary that answers no queries: those of the
    /// zone, and single ones, which have this TTL in seconds.
    pub(crate) async fn sent(
        &self,
        zone: &ZoneName,
        owner: &Name,
        rtype: RecordType,
        ttl: u32,
    ) -> Result<Vec<Record>, Failure> {
        let primary = &self.session.primary.name;
        let state = self.store.load(&self.session.zone_key(zone)).await?;
        let set = state.believed().get(owner, rtype).cloned();
        let ttl = set.as_ref().map_or(ttl, |set| set.ttl);
        let mut single = Vec::new();
        if rtype == RecordType::TXT {
            single = self.store.challenges(primary, owner).await?;
        } else if rtype == RecordType::PTR {
            let values = self.store.ptrs().await?.into_iter();
            let here =
                values.filter(|it| it.primary == *primary && reverse_name(it.address) == *owner);
            single.extend(here.map(|it| Rdata::from_name(&it.hostname)));
        }
        let single = single.into_iter().map(|rdata| Record {
            owner: owner.clone(),
            rtype,
            ttl,
            rdata,
        });
        let all = set.iter().flat_map(RrSet::records).chain(single);
        let sets = RrSets::from_records(all);
        Ok(sets.iter().flat_map(RrSet::records).collect())
    }

    /// Returns the guard that would hold the deletion of a zone, after those that this dry run has shown.
    pub(crate) async fn deletion_guard(&self, zone: &ZoneName) -> Result<Option<Failure>, Failure> {
        let Some(max) = self.policy.deletions_per_hour_max else {
            return Ok(None);
        };
        let (key, now) = (self.session.zone_key(zone), (self.session.clock)());
        let shown = self.overlay.map_or(0, Overlay::count_deletion);
        let before = self.store.deletions(&key, now).await?.saturating_add(shown);
        let zone = zone.clone();
        Ok((before >= max).then_some(Failure::MassDeletion { zone, max }))
    }

    /// Returns the latest serial that the catalog is known to have had. Loads it from the state if this process knows
    /// none yet.
    pub(crate) async fn recall_serial(&self) -> Result<Option<Serial>, Failure> {
        let Some(catalog) = &self.session.primary.catalog else {
            return Ok(None);
        };
        if catalog.last_serial.get().is_none() {
            let key = self.session.zone_key(catalog.zone());
            let recalled = self.store.catalog_serial(&key).await?;
            catalog.last_serial.set(recalled);
            catalog.certain_serial.set(recalled);
        }
        Ok(catalog.last_serial.get())
    }

    /// Notes the entries of the catalog that the work has seen or written: a catalog that is lost is brought back from them.
    /// One that is gone stays remembered as long as this instance knows its zone.
    pub(crate) async fn note_entries(&self) -> Result<(), Failure> {
        let Some(catalog) = &self.session.primary.catalog else {
            return Ok(());
        };
        let (mut seen, mut gone) = (Vec::new(), Vec::new());
        for (zone, (membership, _)) in &self.session.memberships {
            match membership.member() {
                Some(member) => seen.push(member.seen()),
                None if self.store.knows(&self.session.zone_key(zone)).await? => {}
                None => gone.push(zone.clone()),
            }
        }
        if seen.is_empty() && gone.is_empty() {
            return Ok(());
        }
        let key = self.session.zone_key(catalog.zone());
        self.store.note_catalog_entries(key, seen, gone)
    }

    /// Returns a desired zone as the primary can have it.
    pub(crate) fn fit<'z>(&self, desired: &'z DesiredZone) -> Cow<'z, DesiredZone> {
        match desired.with_nameservers(&self.session.primary.nameservers) {
            Cow::Borrowed(desired) => self.session.abilities.fit(desired),
            Cow::Owned(desired) => Cow::Owned(self.session.abilities.fit(&desired).into_owned()),
        }
    }

    /// Adds what was learnt of the primary, and of the zones at and above a name with the key, to what it can do.
    pub(crate) async fn recall_lessons(&mut self, name: &Name) -> Result<(), Failure> {
        let session = &mut self.session;
        let (primary, now) = (session.primary, (session.clock)());
        let of = Some((&primary.name[..], name));
        let mut lessons = self.store.lessons(of, now).await?;
        if lessons.iter().any(|it| !it.server.is_empty()) {
            learn_software(session).await;
        }
        let server = primary.server_version();
        let key = session.keys.update.name();
        lessons.retain(|it| {
            let is_of_key = it.zone.as_ref().is_none_or(|(_, of)| of == key);
            is_of_key && server.is_none_or(|server| it.server == server)
        });
        let learnt = lessons.iter().map(|it| it.learnt);
        session.abilities = primary.abilities.clone().with(learnt);
        primary.pool.pace.slow_to(session.abilities.interval);
        Ok(())
    }

    /// Forgets the lessons about the primary, and about the zones at and above a name.
    pub(crate) fn forget_lessons(&mut self, name: &Name) -> Result<(), Failure> {
        let primary = self.session.primary;
        self.session.abilities = primary.abilities.clone();
        self.store.forget_lessons(&primary.name, name)
    }

    /// Notes what was learnt in the session.
    pub(crate) fn note_lessons(&mut self) -> Result<(), Failure> {
        let session = &mut self.session;
        let (primary, at) = (session.primary, (session.clock)());
        let interval = primary.pool.pace.interval().as_millis();
        for (zone, mut learnt) in session.lessons.drain(..) {
            if learnt.habit == Habit::Interval {
                learnt.value = u32::try_from(interval).unwrap_or(u32::MAX);
            }
            let key = session.keys.update.name();
            let is_of_zone = !learnt.habit.is_of_primary();
            self.store.learn(Lesson {
                primary: primary.name.clone(),
                zone: is_of_zone.then(|| (zone, key.clone())),
                learnt,
                server: primary.server_version().unwrap_or_default().into(),
                at,
            })?;
        }
        Ok(())
    }

    /// Returns the zone that a name is in, or would be in by the overlay, if the primary has it in `found`.
    pub(crate) fn enclosing_zone(&self, name: &Name, found: Option<ZoneName>) -> Option<ZoneName> {
        match self.overlay {
            Some(overlay) => overlay.enclosing(&self.session.primary.name, name, found),
            None => found,
        }
    }

    /// Returns the records of an RRset, or those that would be there by the overlay.
    pub(crate) fn records(
        &self,
        zone: &ZoneName,
        owner: &Name,
        rtype: RecordType,
        found: Vec<Record>,
    ) -> Vec<Record> {
        match self.overlay {
            Some(overlay) => overlay.records(&self.session.primary.name, zone, owner, rtype, found),
            None => found,
        }
    }
}
