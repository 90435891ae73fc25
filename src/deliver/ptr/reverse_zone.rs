//! A reverse zone that is missing: made at the cut that the networks imply, empty but for its name
//! servers, and filled where the primary chose its first contents.
//!
//! Until it is filled it is remembered as being made, so that the next PTR record in it finishes what
//! a killed process began. Nothing here touches the name servers of a zone that anybody uses.

use super::overlay::Overlay;
use crate::deliver::create::make;
use crate::deliver::error::Failure;
use crate::deliver::policy::Policy;
use crate::deliver::server::query::{ask, enclosing_soa, records};
use crate::deliver::server::transfer::Found;
use crate::deliver::server::{Provisioning, Session};
use crate::deliver::state::{Provenance, StateStore, ZoneState};
use crate::deliver::update::{Sent, send};
use crate::deliver::zone::managed::is_unused;
use crate::deliver::zone::nameservers::{NS_TTL, ns_set};
use crate::deliver::zone::read::read;
use crate::model::{
    CurrentZone, DesiredSoa, DesiredZone, ForeignRecords, Name, PtrIntent, RecordType, RrSets,
    Scope, Soa, ZoneName, ZoneSource,
};
use crate::plan::{self, Plan, Prerequisites};
use crate::provision::Created;

/// How often a zone is filled anew because it changed between read and update.
const ATTEMPTS_MAX: u32 = 10;

/// The reverse zone that an intent needs.
#[derive(Clone, Copy)]
pub(crate) struct ReverseZone<'a> {
    /// Its name, as the networks imply it.
    pub(crate) name: &'a ZoneName,
    /// The intent, whose host name tells the name servers.
    pub(crate) intent: &'a PtrIntent,
    /// What is remembered of it.
    pub(crate) store: &'a dyn StateStore,
    /// How intents are delivered.
    pub(crate) policy: &'a Policy,
}

impl ReverseZone<'_> {
    /// Makes the zone.
    ///
    /// # Errors
    /// [`Failure`]; [`Failure::ReverseZoneAbsent`] where nothing may make it or `owner` is not in it.
    pub(crate) async fn make(
        &self,
        session: &mut Session<'_>,
        owner: &Name,
    ) -> Result<(), Failure> {
        let provisioning = self.provisioning(session, owner)?;
        self.create(session, provisioning, true).await
    }

    /// Makes what is left to do where a killed process began to make the zone; whether that was so.
    pub(crate) async fn finish(&self, session: &mut Session<'_>) -> Result<bool, Failure> {
        let Some(provisioning) = &session.primary.provisioning else {
            return Ok(false);
        };
        let state = self.store.load(&session.zone_key(self.name)).await?;
        let is_unfinished = state.provenance == Provenance::Creating;
        if is_unfinished {
            self.create(session, provisioning, false).await?;
        }
        Ok(is_unfinished)
    }

    /// The zone as it shall be when it is made.
    ///
    /// # Errors
    /// As [`Self::make`].
    pub(crate) async fn preview(
        &self,
        session: &mut Session<'_>,
        owner: &Name,
        overlay: &Overlay,
    ) -> Result<DesiredZone, Failure> {
        self.provisioning(session, owner)?;
        self.desired(session, overlay).await
    }

    /// What [`Self::finish`] would do to the zone.
    pub(crate) async fn preview_finish(
        &self,
        session: &mut Session<'_>,
        overlay: &Overlay,
    ) -> Result<Option<(Box<CurrentZone>, Plan)>, Failure> {
        let state = self.store.load(&session.zone_key(self.name)).await?;
        if session.primary.provisioning.is_none() || state.provenance != Provenance::Creating {
            return Ok(None);
        }
        match read(session, self.name, self.store).await?.0 {
            Found::Zone(current) if is_unused(session, &current, &state) => {
                let desired = self.desired(session, overlay).await?;
                let plan = self.plan(&current, &desired, &placeholders(&current));
                Ok(Some((current, plan)))
            }
            Found::Zone(_) | Found::Absent | Found::NotShown(_) | Found::NotLoaded(_) => Ok(None),
        }
    }

    fn provisioning<'s>(
        &self,
        session: &Session<'s>,
        owner: &Name,
    ) -> Result<&'s Provisioning, Failure> {
        let provisioning = session.primary.provisioning.as_ref();
        provisioning
            .filter(|_| owner.is_at_or_below(self.name.apex()))
            .ok_or_else(|| Failure::ReverseZoneAbsent {
                owner: owner.clone(),
                reverse_zone: self.name.clone(),
            })
    }

    async fn create(
        &self,
        session: &mut Session<'_>,
        provisioning: &Provisioning,
        is_absent: bool,
    ) -> Result<(), Failure> {
        let desired = self.desired(session, &Overlay::default()).await?;
        let first = plan::initial_zone(&desired, &self.policy.keep)?;
        let key = session.zone_key(self.name);
        let state = self.store.load(&key).await?;
        let created = make(
            session,
            provisioning,
            &first.zone,
            is_absent,
            state,
            self.store,
            self.policy,
        )
        .await?;
        let mut state = self.store.load(&key).await?;
        match created {
            Created::Full => return Ok(()),
            Created::Placeholder => {}
            Created::AlreadyThere(_) if state.provenance != Provenance::Creating => return Ok(()),
            // Another process began to make it.
            Created::AlreadyThere(_) => match read(session, self.name, self.store).await?.0 {
                Found::Zone(current) if is_unused(session, &current, &state) => {}
                Found::Zone(_) => {
                    // Somebody uses it, and may have made it.
                    state.provenance = Provenance::Preexisting;
                    let nothing = RrSets::default;
                    return self.store.commit(state.change(key, nothing(), nothing()));
                }
                Found::Absent | Found::NotShown(_) | Found::NotLoaded(_) => return Ok(()),
            },
        }
        self.fill(session, &desired, state).await
    }

    /// Puts the name servers and the SOA of a new zone in the place of those that the primary gave it.
    /// PTR records that others have added by now stay, and do not stand in the way.
    async fn fill(
        &self,
        session: &mut Session<'_>,
        desired: &DesiredZone,
        mut state: ZoneState,
    ) -> Result<(), Failure> {
        let key = session.zone_key(&desired.name);
        for attempt in 0..ATTEMPTS_MAX {
            session.pause(attempt).await?;
            let Found::Zone(current) = read(session, &desired.name, self.store).await?.0 else {
                break;
            };
            let placeholders = placeholders(&current);
            self.store.reserve(&key, &mut state, &placeholders).await?;
            let plan = self.plan(&current, desired, &placeholders);
            if let Sent::Applied(_) = send(session, &plan, &current, Prerequisites::RrSets).await? {
                state.provenance = Provenance::Created;
                let gone = placeholders.minus(&desired.records);
                return self
                    .store
                    .commit(state.change(key, RrSets::default(), gone));
            }
        }
        Err(Failure::ChangedMeanwhile {
            attempts: ATTEMPTS_MAX,
        })
    }

    fn plan(&self, current: &CurrentZone, desired: &DesiredZone, placeholders: &RrSets) -> Plan {
        let scope = Scope {
            foreign: ForeignRecords::Keep,
            keep: &self.policy.keep,
            managed: placeholders,
        };
        plan::plan(current, desired, &scope)
    }

    /// The zone with the primary's name servers, or those of the host name's own zone.
    async fn desired(
        &self,
        session: &mut Session<'_>,
        overlay: &Overlay,
    ) -> Result<DesiredZone, Failure> {
        let (primary, host) = (&session.primary.name, &self.intent.hostname);
        let response = ask(session, host, RecordType::SOA).await?;
        let soa = response.and_then(|response| enclosing_soa(&response, host).cloned());
        let found = soa.as_ref().map(|soa| ZoneName::new(&soa.owner));
        let zone = overlay.enclosing(primary, host, found.clone());
        let mut nameservers = session.primary.nameservers.clone();
        let mut host_soa = None;
        if let Some(zone) = zone {
            let is_there = found.as_ref() == Some(&zone);
            let soa = soa.into_iter().filter(|_| is_there).collect();
            let at = |rtype| (zone.apex(), rtype);
            let soa = overlay.records(primary, &zone, at(RecordType::SOA), soa);
            host_soa = soa.last().and_then(|soa| Soa::from_rdata(&soa.rdata).ok());
            if nameservers.is_empty() {
                let mut ns = Vec::new();
                if is_there
                    && let Some(response) = ask(session, zone.apex(), RecordType::NS).await?
                {
                    ns.extend(records(&response, zone.apex(), RecordType::NS).cloned());
                }
                let ns = overlay.records(primary, &zone, at(RecordType::NS), ns);
                nameservers.extend(ns.iter().filter_map(|ns| ns.rdata.to_name()));
            }
        }
        if nameservers.is_empty() {
            let zone = self.name.clone();
            return Err(Failure::NoNameservers { zone });
        }
        let soa = host_soa.map_or_else(DesiredSoa::default, |soa| DesiredSoa {
            rname: Some(soa.rname),
            refresh: Some(soa.refresh),
            retry: Some(soa.retry),
            expire: Some(soa.expire),
            minimum: Some(soa.minimum),
            ..DesiredSoa::default()
        });
        Ok(DesiredZone {
            name: self.name.clone(),
            soa,
            records: RrSets::from_sets([ns_set(self.name, NS_TTL, &nameservers)]),
            source: ZoneSource::Call,
        })
    }
}

/// The name servers that a primary gave a zone.
fn placeholders(current: &CurrentZone) -> RrSets {
    RrSets::from_sets(current.apex_ns().cloned())
}
