//! The context of the work on one intent: the conversation with the primary, the state and the policy.

use std::time::Duration;

use tokio::time::timeout;

use super::error::Failure;
use super::outcome::Overlay;
use super::policy::Policy;
use super::server::query::{ask_if_served, records};
use super::server::{Session, random_id};
use super::state::{StateStore, ZoneState};
use crate::diagnostic::Software;
use crate::model::{
    Intent, Name, Rdata, Record, RecordType, RrSet, RrSets, Serial, ZoneName, reverse_name,
};
use crate::transport::RequestKind;
use crate::wire;

/// The longest time to ask for the software of a primary.
const SOFTWARE_TIME_MAX: Duration = Duration::from_millis(500);

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

    /// Returns the key tags of a zone that is about to be deleted, as its primary answers them, or else as it was last read.
    pub(crate) async fn key_tags(&mut self, zone: &ZoneName, state: &ZoneState) -> Vec<u16> {
        let (session, apex) = (&mut self.session, zone.apex());
        let asked = timeout(
            KEYS_TIME_MAX,
            ask_if_served(session, apex, RecordType::DNSKEY),
        );
        match asked.await {
            Ok(Ok(Some(response))) => {
                let keys = records(&response, apex, RecordType::DNSKEY).cloned();
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
        }
        Ok(catalog.last_serial.get())
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

/// Asks the primary once for its software, if nothing else tells, so that hints name that alone.
pub(crate) async fn learn_software(session: &mut Session<'_>) {
    let primary = session.primary;
    if primary.provisioning.is_none() && primary.abilities.answers_queries() {
        let ask = Box::pin(ask_software(session));
        let ask = async { ask.await.unwrap_or_default() };
        primary.pool.software.get_or_init(|| ask).await;
    }
}

async fn ask_software(session: &mut Session<'_>) -> Result<Software, Failure> {
    let message = wire::encode_version_query(random_id()?);
    let exchange = session.exchange(&message, None, RequestKind::Query);
    if let Ok(answer) = timeout(SOFTWARE_TIME_MAX, exchange).await {
        return Ok(wire::software_of(&answer?.0));
    }
    session.connection = None;
    Ok(Software::Unknown)
}
