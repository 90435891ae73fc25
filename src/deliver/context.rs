//! The context of the work on one intent: the conversation with the primary, the state and the policy.

use std::borrow::Cow;
use std::time::Duration;

use tokio::time::timeout;

use super::error::Failure;
use super::outcome::{Delivered, LeftOut, Overlay};
use super::policy::{Policy, Purpose, Reading};
use super::server::Session;
use super::server::query::{
    ask_if_served, authentic, is_denied_to_all, refused, served_soa, soa_of, takes_updates,
    unanswered,
};
use super::server::transfer::Found;
use super::state::{Lesson, Refusal, StateStore, ZoneState};
use super::transaction::learn::learn_software;
use crate::diagnostic::{Diagnose as _, Software};
use crate::model::{
    CurrentZone, DesiredZone, Intent, Name, Rdata, Record, RecordType, RrSet, RrSets, Serial, Soa,
    ZoneName, ZoneSource, reverse_name,
};
use crate::plan::{Habit, Serials, Surroundings, WantedDigest, digest_wanted};
use crate::wire::Rcode;

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

    /// Returns the digest by which the zone is recognized as settled; `None` if it may not be: a zone that a call of a panel
    /// wants, on a primary whose serials move on with each change and that itself answers for what it serves.
    pub(crate) fn digest(&self, desired: &DesiredZone) -> Option<WantedDigest> {
        let (primary, abilities) = (self.session.primary, &self.session.abilities);
        let may_settle = desired.source == ZoneSource::Call
            && self.policy.purpose == Purpose::Change
            && self.serials() != Serials::Loose
            && abilities.shows_zones()
            && primary.query_endpoint.is_none()
            && primary.transfer_endpoint.is_none();
        // Another version of nsbridge may plan otherwise.
        let version = env!("CARGO_PKG_VERSION");
        let (endpoint, key) = (&primary.endpoint, self.session.keys.update.name());
        let place = || format!("{version} {endpoint} {key}");
        let managed = RrSets::default();
        let scope = self.policy.scope(&managed);
        may_settle.then(|| digest_wanted(desired, &scope, abilities, &place()))
    }

    /// Returns whether the zone has the SOA with which the same delivery left it, by a signed answer: then it has the records
    /// as well.
    ///
    /// # Errors
    /// [`Failure`] if the primary is unreachable, or the state fails. Any other one is found by the way that is longer.
    pub(crate) async fn is_settled(
        &mut self,
        zone: &ZoneName,
        wanted: &WantedDigest,
    ) -> Result<bool, Failure> {
        let may_ask = matches!(self.serials(), Serials::Joined | Serials::Strict);
        if !may_ask || self.policy.reading == Reading::Whole {
            return Ok(false);
        }
        let key = self.session.zone_key(zone);
        let now = (self.session.clock)();
        let settled = self.store.settled(&key).await?;
        let Some(settled) = settled.filter(|it| it.counts(wanted, now)) else {
            return Ok(false);
        };
        // BIND: its queue has room for 10 new connections. A zone that is read needs the permit next.
        self.session.take_transfer_permit().await?;
        match served_soa(&mut self.session, zone).await {
            Ok(soa) => Ok(soa.is_some_and(|soa| settled.has_soa(&soa))),
            Err(failure) if failure.is_unreachable() => Err(failure),
            Err(_) => Ok(false),
        }
    }

    /// Asks for what can be asked for of a zone: the SOA and the apex NS records.
    pub(crate) async fn ask_for_zone(&mut self, zone: &ZoneName) -> Result<Found, Failure> {
        let session = &mut self.session;
        let answer = session.query(zone.apex(), RecordType::SOA).await?;
        let key = session.keys.update.name();
        if is_denied_to_all(session, &answer, zone.apex(), RecordType::SOA).await? {
            let (rcode, key) = (Rcode::REFUSED, key.clone());
            return Ok(Found::NotShown(Failure::Unsigned { rcode, key }));
        }
        let answer = authentic(answer, key)?;
        let Some(record) = soa_of(&answer, zone)? else {
            return match answer.rcode {
                rcode @ Rcode::SERVFAIL => Ok(Found::NotLoaded(rcode)),
                rcode @ (Rcode::REFUSED | Rcode::NOTAUTH)
                    if takes_updates(session, zone).await? =>
                {
                    Err(refused(zone.apex(), rcode))
                }
                Rcode::NOERROR | Rcode::NXDOMAIN | Rcode::REFUSED | Rcode::NOTAUTH => {
                    Ok(Found::Absent)
                }
                _ => Err(unanswered(answer)),
            };
        };
        let soa = Soa::from_rdata(&record.rdata).map_err(Failure::Soa)?;
        let soa_ttl = record.ttl;
        let answer = session.query(zone.apex(), RecordType::NS).await?;
        let answer = authentic(answer, session.keys.update.name())?;
        let is_ns = |it: &Record| it.rtype == RecordType::NS && it.owner == *zone.apex();
        let ns = answer.answers.into_iter().filter(is_ns);
        Ok(Found::Zone(Box::new(CurrentZone {
            name: zone.clone(),
            soa,
            soa_ttl,
            records: RrSets::from_records(ns),
        })))
    }

    /// Returns what to remember of what the primary does not take; `None` if that is stored already.
    pub(crate) fn refusals(
        &self,
        desired: &DesiredZone,
        (current, state): (&CurrentZone, &ZoneState),
        counting: &[Refusal],
        left_out: &[LeftOut],
    ) -> Option<Vec<Refusal>> {
        let is_any = left_out.iter().any(|it| !it.refused().is_empty());
        if !is_any && counting == state.refusals {
            return None;
        }
        let scope = self.policy.scope(&state.managed);
        let surroundings = Surroundings::new(desired, current, &scope);
        let now = (self.session.clock)();
        // What others do at a name, which decides what is ignored there, is seen only if the zone is read.
        let primary = self.session.primary;
        let is_read = primary.abilities.shows_zones();
        let is_remembered = |it: &&LeftOut| is_read || !matches!(it, LeftOut::Ignored { .. });
        let found = left_out.iter().filter(is_remembered);
        let found = found.flat_map(|it| {
            let report = it.diagnostic().at(primary.software());
            let parts = it.refused().into_iter();
            parts.map(move |part| (part, report.clone()))
        });
        state.refusals_with(counting, found, &surroundings, now)
    }

    /// Returns how the serials of the primary move on, by its software.
    fn serials(&self) -> Serials {
        let primary = self.session.primary;
        let is_known = primary.provisioning.is_some() || primary.server_version().is_some();
        match primary.software() {
            Software::Bind => Serials::Strict,
            Software::Knot => Serials::Joined,
            Software::Unknown if !is_known => self.session.abilities.serials,
            Software::PowerDns | Software::Unknown => Serials::Loose,
        }
    }

    /// Returns how the serials of the primary move on. Asks it for its software, at most once a day.
    pub(crate) async fn learn_serials(&mut self, zone: &ZoneName) -> Serials {
        if self.serials() == Serials::Unknown {
            learn_software(&mut self.session).await;
            let learnt = (zone.clone(), self.serials().learnt());
            self.session.lessons.push(learnt);
        }
        self.serials()
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
        let depends = |it: &Lesson| it.learnt.habit != Habit::Serials && !it.server.is_empty();
        if lessons.iter().any(depends) {
            learn_software(session).await;
        }
        let server = primary.server_version();
        let key = session.keys.update.name();
        let endpoint = primary.endpoint.to_string();
        lessons.retain(|it| {
            let is_of_key = it.zone.as_ref().is_none_or(|(_, of)| of == key);
            let is_of_server = if it.learnt.habit == Habit::Serials {
                it.server == endpoint
            } else {
                server.is_none_or(|server| it.server == server)
            };
            is_of_key && is_of_server
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
            let server = if learnt.habit == Habit::Serials {
                primary.endpoint.to_string()
            } else {
                primary.server_version().unwrap_or_default().into()
            };
            self.store.learn(Lesson {
                primary: primary.name.clone(),
                zone: is_of_zone.then(|| (zone, key.clone())),
                learnt,
                server,
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
