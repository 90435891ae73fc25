//! A reverse zone that is absent: created at the prefix that the networks imply, with nothing but its name
//! servers, and filled if the primary chose its first contents.
//!
//! Until it is filled the state has it as being created, so that the next PTR record in it finishes what a
//! killed process began. Nothing here touches the name servers of a zone that another program uses.

use crate::deliver::context::Context;
use crate::deliver::create::create;
use crate::deliver::error::Failure;
use crate::deliver::outcome::Preview;
use crate::deliver::ownership::{self, is_unused};
use crate::deliver::server::Session;
use crate::deliver::server::query::ask;
use crate::deliver::server::transfer::Found;
use crate::deliver::state::{Provenance, ZoneState};
use crate::deliver::transaction::{self, Next, Transaction};
use crate::deliver::zone::read::read;
use crate::model::{
    CurrentZone, DesiredSoa, DesiredZone, ForeignRecords, InitialZone, NS_TTL, Name, PtrIntent,
    RecordType, RejectedRecords, RrSets, Scope, Soa, Trust, ZoneName, ZoneSource,
};
use crate::plan::{self, Plan, Prerequisites};
use crate::provision::{Created, ZoneStatus};

/// The reverse zone that an intent needs.
pub(crate) struct ReverseZone<'a> {
    /// Its name, as the networks imply it.
    pub(crate) name: ZoneName,
    /// The intent, whose host name implies the name servers.
    pub(crate) intent: &'a PtrIntent,
    /// It was created for the intent.
    pub(crate) was_created: bool,
}

impl ReverseZone<'_> {
    /// Checks that the zone may be created for an owner name.
    ///
    /// # Errors
    /// [`Failure::ReverseZoneAbsent`] if nothing can create it or `owner` is not in it, or the failure of
    /// [`authorize_creation`](ownership::authorize_creation).
    pub(crate) async fn check_creation(
        &self,
        cx: &mut Context<'_>,
        owner: &Name,
    ) -> Result<(), Failure> {
        let is_in_zone = owner.is_at_or_below(self.name.apex());
        if is_in_zone && cx.session.primary.provisioning.is_some() {
            let state = cx.store.load(&cx.session.zone_key(&self.name)).await?;
            let authorized = ownership::authorize_creation(cx, &self.name, &state).await;
            let address = self.intent.address;
            return authorized
                .map_err(|it| it.forced_by(|_| format!("queue retry --force {address}")));
        }
        Err(Failure::ReverseZoneAbsent {
            owner: owner.clone(),
            reverse_zone: self.name.clone(),
        })
    }

    /// Returns whether a killed process left the zone half-created, and no earlier command of a dry run
    /// finishes it.
    pub(crate) async fn is_unfinished(&self, cx: &Context<'_>) -> Result<bool, Failure> {
        let is_overlaid = |rtype| {
            let records = cx.records(&self.name, self.name.apex(), rtype, Vec::new());
            !records.is_empty()
        };
        if cx.session.primary.provisioning.is_none()
            || [RecordType::SOA, RecordType::NS]
                .into_iter()
                .any(is_overlaid)
        {
            return Ok(false);
        }
        let state = cx.store.load(&cx.session.zone_key(&self.name)).await?;
        Ok(state.provenance == Provenance::Creating)
    }

    /// Creates the zone, or finishes the creation that a killed process began, and fills it.
    pub(crate) async fn create(
        &self,
        cx: &mut Context<'_>,
        is_absent: bool,
    ) -> Result<(), Failure> {
        let first = self.first_contents(cx).await?;
        let key = cx.session.zone_key(&self.name);
        let state = cx.store.load(&key).await?;
        let created = create(cx, &first, is_absent, state).await?;
        let mut state = cx.store.load(&key).await?;
        match created {
            Created::Full => {
                state.provenance = Provenance::CreatedForPtr;
                let drop = state.managed.clone();
                return cx.store.commit(state.change(key, RrSets::default(), drop));
            }
            Created::Placeholder => {}
            Created::AlreadyThere(_) if state.provenance != Provenance::Creating => return Ok(()),
            // Another process began to create it.
            Created::AlreadyThere(_) => {
                let (found, _) = read(cx, &self.name).await?;
                let Found::Zone(current) = found else {
                    return Ok(());
                };
                if !is_unused(cx.session.primary, &current, &state) {
                    // Another program uses it, and may have created it, unless its mark is this instance's.
                    let is_ours = created == Created::AlreadyThere(ZoneStatus::Ours);
                    state.provenance = if is_ours {
                        Provenance::Created
                    } else {
                        Provenance::Preexisting
                    };
                    let change = state.change(key, RrSets::default(), RrSets::default());
                    return cx.store.commit(change);
                }
            }
        }
        let desired = &filled(first);
        transaction::run(&mut Fill { cx, desired, state }).await
    }

    /// Returns what [`Self::create`] would do. `None` if another program uses the zone.
    pub(crate) async fn preview(
        &self,
        cx: &mut Context<'_>,
        is_absent: bool,
    ) -> Result<Option<Preview>, Failure> {
        let first = self.first_contents(cx).await?;
        if !is_absent && let (Found::Zone(current), state) = read(cx, &self.name).await? {
            let is_unused = is_unused(cx.session.primary, &current, &state);
            let plan = fill_plan(cx, &current, &filled(first));
            return Ok(is_unused.then(|| Preview::of_plan(&plan, &current)));
        }
        Ok(Some(Preview::of_new(&first)))
    }

    /// Returns the zone with the primary's name servers, or those of the zone of the host name.
    async fn first_contents(&self, cx: &mut Context<'_>) -> Result<InitialZone, Failure> {
        let host = &self.intent.hostname;
        let response = match ask(&mut cx.session, host, RecordType::SOA).await {
            Err(refusal) if refusal.is_refused_question() => {
                if let Failure::QuestionRefused { .. } = refusal
                    && cx.session.primary.nameservers.is_empty()
                {
                    transaction::probe::confirm_no_zone(&mut cx.session, host, refusal).await?;
                }
                None
            }
            asked => asked?,
        };
        let soa = response.and_then(|response| response.enclosing_soa(host).cloned());
        let found = soa.as_ref().map(|soa| ZoneName::new(&soa.owner));
        let zone = cx.enclosing_zone(host, found.clone());
        let mut nameservers = cx.session.primary.nameservers.clone();
        let mut host_soa = None;
        if let Some(zone) = zone {
            let is_there = found.as_ref() == Some(&zone);
            let soa = soa.into_iter().filter(|_| is_there).collect();
            let apex = zone.apex();
            let soa = cx.records(&zone, apex, RecordType::SOA, soa);
            host_soa = soa.last().and_then(|soa| Soa::from_rdata(&soa.rdata).ok());
            if nameservers.is_empty() {
                let mut ns = Vec::new();
                if is_there
                    && let Some(response) = ask(&mut cx.session, apex, RecordType::NS).await?
                {
                    ns.extend(response.records(apex, RecordType::NS).cloned());
                }
                let ns = cx.records(&zone, apex, RecordType::NS, ns);
                nameservers.extend(ns.iter().filter_map(|ns| ns.rdata.to_name()));
            }
        }
        if nameservers.is_empty() {
            let zone = self.name.clone();
            return Err(Failure::NoNameservers { zone });
        }
        let desired = DesiredZone {
            name: self.name.clone(),
            soa: host_soa.map(soa_fields).unwrap_or_default(),
            records: RrSets::from_sets([self.name.ns_set(NS_TTL, &nameservers)]),
            rejected: RejectedRecords::default(),
            source: ZoneSource::Call,
            trust: Trust::Operator,
        };
        Ok(plan::initial_zone(&desired, &cx.policy.keep)?.zone)
    }
}

/// Returns what a zone is filled with whose first contents the primary chose.
fn filled(first: InitialZone) -> DesiredZone {
    DesiredZone {
        name: first.name,
        soa: soa_fields(first.soa),
        records: first.records,
        rejected: RejectedRecords::default(),
        source: ZoneSource::Call,
        trust: Trust::Operator,
    }
}

/// Returns the fields of an SOA that hold for another zone, too: its first name server and its TTL stay those
/// that the primary chose.
fn soa_fields(soa: Soa) -> DesiredSoa {
    DesiredSoa {
        rname: Some(soa.rname),
        refresh: Some(soa.refresh),
        retry: Some(soa.retry),
        expire: Some(soa.expire),
        minimum: Some(soa.minimum),
        ..DesiredSoa::default()
    }
}

/// The transaction that puts the name servers and the SOA of a new zone in the place of those that the
/// primary gave it. PTR records that others have added by now stay, and do not stand in the way.
struct Fill<'c, 'a> {
    cx: &'c mut Context<'a>,
    desired: &'c DesiredZone,
    state: ZoneState,
}

impl<'a> Transaction<'a> for Fill<'_, 'a> {
    type Outcome = ();
    type Change = RrSets;

    fn session(&mut self) -> &mut Session<'a> {
        &mut self.cx.session
    }

    async fn decide(&mut self) -> Result<Next<(), RrSets>, Failure> {
        let zone = &self.desired.name;
        let Found::Zone(current) = read(self.cx, zone).await?.0 else {
            return Ok(Next::Again);
        };
        let placeholders = placeholders(&current);
        let (key, store) = (self.cx.session.zone_key(zone), self.cx.store);
        let add = placeholders.clone();
        store.reserve(&key, &mut self.state, add).await?;
        let plan = fill_plan(self.cx, &current, self.desired);
        let session = &mut self.cx.session;
        let batches = transaction::batches(session, &plan, &current, Prerequisites::RrSets).await?;
        Ok(Next::Send {
            batches,
            change: placeholders,
        })
    }

    async fn settle(&mut self, placeholders: RrSets, _: usize) -> Result<Option<()>, Failure> {
        self.state.provenance = Provenance::CreatedForPtr;
        let drop = placeholders.union(self.state.managed.clone());
        let key = self.cx.session.zone_key(&self.desired.name);
        let change = self.state.change(key, RrSets::default(), drop);
        self.cx.store.commit(change)?;
        Ok(Some(()))
    }
}

fn fill_plan(cx: &Context<'_>, current: &CurrentZone, desired: &DesiredZone) -> Plan {
    let scope = Scope {
        foreign: ForeignRecords::Keep,
        keep: &cx.policy.keep,
        managed: &placeholders(current),
    };
    plan::plan(current, desired, &scope)
}

/// Returns the NS records that a primary gave a zone.
fn placeholders(current: &CurrentZone) -> RrSets {
    RrSets::from_sets(current.apex_ns().cloned())
}
