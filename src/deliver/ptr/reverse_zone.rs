//! A reverse zone that is missing: made at the cut that the networks imply, empty but for its name
//! servers, and filled where the primary chose its first contents.
//!
//! Until it is filled it is remembered as being made, so that the next PTR record in it finishes what
//! a killed process began. Nothing here touches the name servers of a zone that anybody uses.

use super::overlay::Foreseen;
use crate::deliver::create::make;
use crate::deliver::error::Failure;
use crate::deliver::policy::Settings;
use crate::deliver::server::query::{ask, enclosing_soa, records};
use crate::deliver::server::transfer::Found;
use crate::deliver::server::{Maker, Session};
use crate::deliver::state::{Memory, Origin, ZoneMemory};
use crate::deliver::update::{Sent, send};
use crate::deliver::zone::managed::is_unused;
use crate::deliver::zone::nameservers::{NS_TTL, ns_set};
use crate::deliver::zone::read::read;
use crate::model::{
    CurrentZone, DesiredSoa, DesiredZone, ForeignRecords, Name, PtrIntent, RecordType, RrSets,
    Scope, Soa, ZoneName, ZoneSource,
};
use crate::plan::{self, Guard, Plan};
use crate::provision::Created;

/// How often a zone is filled anew because it changed between read and update.
const ATTEMPTS_MAX: u32 = 10;

/// The reverse zone that an intent needs.
#[derive(Clone, Copy)]
pub(crate) struct ReverseZone<'a> {
    /// Its name, as the networks imply it.
    pub(crate) cut: &'a ZoneName,
    /// The intent, whose host name tells the name servers.
    pub(crate) intent: &'a PtrIntent,
    /// What is remembered of it.
    pub(crate) memory: &'a Memory,
    /// How intents are delivered.
    pub(crate) settings: &'a Settings,
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
        let maker = self.maker(session, owner)?;
        self.create(session, maker, true).await
    }

    /// Makes what is left to do where a killed process began to make the zone; whether that was so.
    pub(crate) async fn finish(&self, session: &mut Session<'_>) -> Result<bool, Failure> {
        let Some(maker) = &session.primary.maker else {
            return Ok(false);
        };
        let known = self.memory.load(&session.zone_key(self.cut)).await?;
        let is_unfinished = known.origin == Origin::Making;
        if is_unfinished {
            self.create(session, maker, false).await?;
        }
        Ok(is_unfinished)
    }

    /// The zone as it shall be when it is made.
    ///
    /// # Errors
    /// As [`Self::make`].
    pub(crate) async fn foresee(
        &self,
        session: &mut Session<'_>,
        owner: &Name,
        foreseen: &Foreseen,
    ) -> Result<DesiredZone, Failure> {
        self.maker(session, owner)?;
        self.desired(session, foreseen).await
    }

    /// What [`Self::finish`] would do to the zone.
    pub(crate) async fn foresee_finish(
        &self,
        session: &mut Session<'_>,
        foreseen: &Foreseen,
    ) -> Result<Option<(Box<CurrentZone>, Plan)>, Failure> {
        let known = self.memory.load(&session.zone_key(self.cut)).await?;
        if session.primary.maker.is_none() || known.origin != Origin::Making {
            return Ok(None);
        }
        match read(session, self.cut, self.memory).await?.0 {
            Found::Zone(current) if is_unused(session, &current, &known) => {
                let desired = self.desired(session, foreseen).await?;
                let plan = self.plan(&current, &desired, &placeholders(&current));
                Ok(Some((current, plan)))
            }
            Found::Zone(_) | Found::Absent | Found::NotShown(_) | Found::NotLoaded(_) => Ok(None),
        }
    }

    fn maker<'s>(&self, session: &Session<'s>, owner: &Name) -> Result<&'s Maker, Failure> {
        let maker = session.primary.maker.as_ref();
        maker
            .filter(|_| owner.is_at_or_below(self.cut.apex()))
            .ok_or_else(|| Failure::ReverseZoneAbsent {
                owner: owner.clone(),
                cut: self.cut.clone(),
            })
    }

    async fn create(
        &self,
        session: &mut Session<'_>,
        maker: &Maker,
        is_absent: bool,
    ) -> Result<(), Failure> {
        let desired = self.desired(session, &Foreseen::default()).await?;
        let first = plan::initial_zone(&desired, &self.settings.keep)?;
        let key = session.zone_key(self.cut);
        let known = self.memory.load(&key).await?;
        let created = make(
            session,
            maker,
            &first.zone,
            is_absent,
            known,
            self.memory,
            self.settings,
        )
        .await?;
        let mut known = self.memory.load(&key).await?;
        match created {
            Created::Full => return Ok(()),
            Created::Placeholder => {}
            Created::AlreadyThere(_) if known.origin != Origin::Making => return Ok(()),
            // Another process began to make it.
            Created::AlreadyThere(_) => match read(session, self.cut, self.memory).await?.0 {
                Found::Zone(current) if is_unused(session, &current, &known) => {}
                Found::Zone(_) => {
                    // Somebody uses it, and may have made it.
                    known.origin = Origin::Found;
                    let nothing = RrSets::default;
                    return self.memory.narrow(known.change(key, nothing(), nothing()));
                }
                Found::Absent | Found::NotShown(_) | Found::NotLoaded(_) => return Ok(()),
            },
        }
        self.fill(session, &desired, known).await
    }

    /// Puts the name servers and the SOA of a new zone in the place of those that the primary gave it.
    /// PTR records that others have added by now stay, and do not stand in the way.
    async fn fill(
        &self,
        session: &mut Session<'_>,
        desired: &DesiredZone,
        mut known: ZoneMemory,
    ) -> Result<(), Failure> {
        let key = session.zone_key(&desired.name);
        for attempt in 0..ATTEMPTS_MAX {
            session.pause(attempt).await?;
            let Found::Zone(current) = read(session, &desired.name, self.memory).await?.0 else {
                break;
            };
            let placeholders = placeholders(&current);
            self.memory.widen(&key, &mut known, &placeholders).await?;
            let plan = self.plan(&current, desired, &placeholders);
            if let Sent::Applied(_) = send(session, &plan, &current, Guard::RrSets).await? {
                known.origin = Origin::Made;
                let gone = placeholders.minus(&desired.records);
                return self
                    .memory
                    .narrow(known.change(key, RrSets::default(), gone));
            }
        }
        Err(Failure::ChangedMeanwhile {
            attempts: ATTEMPTS_MAX,
        })
    }

    fn plan(&self, current: &CurrentZone, desired: &DesiredZone, placeholders: &RrSets) -> Plan {
        let scope = Scope {
            foreign: ForeignRecords::Keep,
            keep: &self.settings.keep,
            delivered: placeholders,
        };
        plan::plan(current, desired, &scope)
    }

    /// The zone with the primary's name servers, or those of the host name's own zone.
    async fn desired(
        &self,
        session: &mut Session<'_>,
        foreseen: &Foreseen,
    ) -> Result<DesiredZone, Failure> {
        let (primary, host) = (&session.primary.name, &self.intent.hostname);
        let response = ask(session, host, RecordType::SOA).await?;
        let soa = response.and_then(|response| enclosing_soa(&response, host).cloned());
        let found = soa.as_ref().map(|soa| ZoneName::new(&soa.owner));
        let zone = foreseen.enclosing(primary, host, found.clone());
        let mut nameservers = session.primary.nameservers.clone();
        let mut host_soa = None;
        if let Some(zone) = zone {
            let is_there = found.as_ref() == Some(&zone);
            let soa = soa.into_iter().filter(|_| is_there).collect();
            let at = |rtype| (zone.apex(), rtype);
            let soa = foreseen.records(primary, &zone, at(RecordType::SOA), soa);
            host_soa = soa.last().and_then(|soa| Soa::from_rdata(&soa.rdata).ok());
            if nameservers.is_empty() {
                let mut ns = Vec::new();
                if is_there
                    && let Some(response) = ask(session, zone.apex(), RecordType::NS).await?
                {
                    ns.extend(records(&response, zone.apex(), RecordType::NS).cloned());
                }
                let ns = foreseen.records(primary, &zone, at(RecordType::NS), ns);
                nameservers.extend(ns.iter().filter_map(|ns| ns.rdata.to_name()));
            }
        }
        if nameservers.is_empty() {
            let zone = self.cut.clone();
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
            name: self.cut.clone(),
            soa,
            records: RrSets::from_sets([ns_set(self.cut, NS_TTL, &nameservers)]),
            source: ZoneSource::Call,
        })
    }
}

/// The name servers that a primary gave a zone.
fn placeholders(current: &CurrentZone) -> RrSets {
    RrSets::from_sets(current.apex_ns().cloned())
}
