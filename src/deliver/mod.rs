//! Delivers intents to their primaries: an [`Engine`] takes one intent, and returns its outcome.
//!
//! Reading, planning and sending are joined here and nowhere else. Each attempt starts from the zone
//! as it is, so that retries, crashes and order need no special cases. [`StateStore`] loads and
//! changes what this instance manages; nothing here knows how it is stored.

pub mod check;
mod context;
mod create;
mod error;
mod outcome;
mod ownership;
mod policy;
mod ptr;
mod record;
mod route;
mod server;
mod state;
mod transaction;
mod zone;

use std::borrow::Cow;
use std::collections::HashSet;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

pub use check::{CatalogAudit, CatalogRepair, Renewal};
pub(crate) use create::FOLLOW_SECONDS;
pub use create::{Adopted, AdoptedFrom, Adoption, FormerOwner};
pub use error::{Elsewhere, Failure, Moving, Retry};
pub use outcome::{
    Counts, Delivered, Difference, DifferenceKind, Done, LeftOut, Overlay, Preview, PreviewLine,
    ZoneChange, creation,
};
pub use policy::{
    EmptyZone, ExistingPtr, Policy, PtrSettings, Purpose, Reading, UnownedZones, ZonesOfOthers,
};
pub use ptr::hosts::{host_addresses, is_host_of, reverse_entries};
pub use record::RecordLocation;
pub use record::acme::{challenge_intent, challenge_owner};
pub use record::propagation::{Propagation, ServerView};
pub use route::{Route, Routed, RoutedResult, Routes};
pub use server::{Catalog, NameServer, Pool, Primary, Provisioning, SigningKeys};
pub use state::{
    Answer, Lesson, Provenance, PtrValue, REFUSAL_SECONDS, Refusal, SETTLED_SECONDS, Settled,
    StateChange, StateStore, Stateless, ZoneKey, ZoneState, ZoneSummary,
};

use crate::model::{
    AbsentZone, CurrentZone, Intent, Name, RecordIntent, RecordType, Trust, ZoneName,
};
use crate::plan::{Abilities, Epoch};
use crate::provision::Rekeyed;
use context::Context;
use create::Wanted;
use route::cname::{Chain, Reached};
use server::open;
use transaction::learn::learn_software;

/// The longest time for the announcement of a move: the zone moves without it, too.
const ANNOUNCE_TIME_MAX: Duration = Duration::from_secs(3);

/// Delivers intents, and reads zones, each on the primary that a route leads to.
#[derive(Clone, Copy)]
pub struct Engine<'a> {
    /// Which primary serves which names.
    pub routes: &'a Routes,
    /// The records that this instance manages.
    pub store: &'a dyn StateStore,
    /// The rules of the operator.
    pub policy: &'a Policy,
    /// The changes that earlier intents of a dry run would have made.
    pub overlay: Option<&'a Overlay>,
}

impl Engine<'_> {
    /// Delivers an intent. If CNAMEs lead to another primary, a failure there is reported as one of the first
    /// primary.
    ///
    /// # Errors
    /// [`Failure`]: the cause, whether a retry helps, and what to do.
    pub async fn deliver(&self, intent: &Intent, deadline: Instant) -> RoutedResult<Delivered> {
        let deliver = async || self.deliver_in_turn(intent, deadline).await;
        self.routes.in_turn(intent, deadline, deliver).await
    }

    async fn deliver_in_turn(&self, intent: &Intent, deadline: Instant) -> RoutedResult<Delivered> {
        if let Intent::ZoneAbsent(zone) = intent
            && let Some(from) = &zone.moved_from
        {
            return self.remove_moved(zone, from, deadline).await;
        }
        let engine = Engine {
            policy: &self.policy_of(intent),
            ..*self
        };
        let elsewhere = match self.elsewhere(intent).await {
            Ok(elsewhere) => elsewhere,
            Err(failure) => return self.routes.routed(intent, Err(failure)),
        };
        if let Intent::Zone(zone) = intent {
            self.announce(&zone.name, &elsewhere, deadline).await;
        }
        let once = async |cx: &mut Context<'_>, at: &Name| {
            cx.allow(intent, at)?;
            Box::pin(check::check_epoch(&mut cx.session, cx.store)).await?;
            let delivered = match intent {
                Intent::Zone(desired) => {
                    let desired = cx.fit(desired);
                    let delivered = zone::update::deliver_zone(cx, &desired).await;
                    delivered.map_err(Failure::awaiting)
                }
                Intent::ZoneAbsent(zone) => zone::delete::delete_zone(cx, &zone.name).await,
                Intent::Ptr(_) if !cx.policy.ptr.is_managed() => {
                    Ok(Delivered::all(Done::PtrSkipped))
                }
                Intent::Ptr(ptr) => ptr::deliver_ptr(cx, ptr).await,
                Intent::Record(record) => return record::deliver_record(cx, record, at).await,
            };
            delivered.map(Reached::Here)
        };
        let here = async |cx: &mut Context<'_>, at: &Name| {
            let mut delivered = once(cx, at).await;
            if let Err(Failure::CatalogLost { .. }) = delivered {
                let repair = CatalogRepair::BringBack;
                let audit = check::audit_catalog(&mut cx.session, cx.store, repair).await?;
                delivered = once(cx, at).await;
                let is_back = audit.is_some_and(|it| it.has_found(&intent.name()));
                if let (true, Ok(Reached::Here(delivered))) = (is_back, &mut delivered) {
                    delivered.left_out.push(LeftOut::Relisted);
                }
            }
            let noted = cx.note_entries().await;
            delivered.and_then(|done| noted.map(|()| done))
        };
        let deliver = async |cx: &mut Context<'_>, at: &Name| match here(cx, at).await {
            Err(Failure::Denied { suffix }) if is_skipped_if_denied(intent) => {
                Ok(Reached::Here(Delivered {
                    done: Done::Unchanged,
                    left_out: vec![LeftOut::Excluded(suffix)],
                }))
            }
            delivered => delivered,
        };
        let chain = match intent {
            Intent::Record(record) => Chain::of(record),
            Intent::Ptr(_) => Chain::new(intent.name().into_owned(), RecordType::PTR),
            Intent::Zone(_) | Intent::ZoneAbsent(_) => {
                Chain::new(intent.name().into_owned(), RecordType::SOA)
            }
        };
        let mut delivered = engine.along_cnames(chain, deadline, deliver).await;
        if let (Intent::Record(record), Err(Failure::NoRoute)) = (intent, &delivered.result) {
            let owner = record.owner.clone();
            delivered.result = Err(Failure::NoZoneFor { owner });
        }
        if let Ok(delivered) = &mut delivered.result {
            let elsewhere = elsewhere.into_iter().map(LeftOut::Elsewhere);
            delivered.left_out.extend(elsewhere);
        }
        delivered
    }

    /// Returns what [`Self::deliver`] would change after the changes in the overlay, and adds it to them. `None`
    /// if it would do nothing because PTR records are not managed, and for records, which have no dry run.
    ///
    /// # Errors
    /// [`Failure`], as [`Self::deliver`].
    pub async fn preview(
        &self,
        intent: &Intent,
        deadline: Instant,
    ) -> RoutedResult<Option<Preview>> {
        let preview = async || self.preview_in_turn(intent, deadline).await;
        self.routes.in_turn(intent, deadline, preview).await
    }

    async fn preview_in_turn(
        &self,
        intent: &Intent,
        deadline: Instant,
    ) -> RoutedResult<Option<Preview>> {
        let engine = Engine {
            policy: &self.policy_of(intent),
            ..*self
        };
        let name = intent.name();
        let here = async |cx: &mut Context<'_>| {
            cx.allow(intent, &name)?;
            let preview = match intent {
                Intent::Zone(desired) => {
                    let desired = cx.fit(desired);
                    let preview = zone::preview::preview_zone(cx, &desired).await;
                    preview.map_err(Failure::awaiting)?
                }
                Intent::ZoneAbsent(zone) => zone::preview::preview_deletion(cx, &zone.name).await?,
                Intent::Ptr(ptr) if cx.policy.ptr.is_managed() => ptr::preview_ptr(cx, ptr).await?,
                Intent::Ptr(_) | Intent::Record(_) => return Ok(None),
            };
            if let Some(overlay) = cx.overlay {
                overlay.note(&cx.session.primary.name, &preview);
            }
            Ok(Some(preview))
        };
        let preview = async |cx: &mut Context<'_>| match here(cx).await {
            Err(Failure::Denied { suffix }) if is_skipped_if_denied(intent) => {
                let zone = ZoneName::new(&suffix);
                Ok(Some(Preview {
                    left_out: vec![LeftOut::Excluded(suffix)],
                    ..Preview::of_zone(&zone, ZoneChange::Kept)
                }))
            }
            preview => preview,
        };
        let mut preview = engine.on_primary_of(&name, deadline, preview).await;
        if let Ok(Some(shown)) = &mut preview.result {
            match self.elsewhere(intent).await {
                Ok(all) => shown
                    .left_out
                    .extend(all.into_iter().map(LeftOut::Elsewhere)),
                Err(failure) => preview.result = Err(failure),
            }
        }
        preview
    }

    /// Returns the primaries that have the zone of an intent by an earlier route, as far as this instance knows.
    async fn elsewhere(&self, intent: &Intent) -> Result<Vec<Elsewhere>, Failure> {
        let allows_signed = self.policy.creates_signed_anew;
        let wanted = match intent {
            Intent::Zone(_) => Wanted::Present { allows_signed },
            Intent::ZoneAbsent(_) => Wanted::Absent,
            Intent::Ptr(_) | Intent::Record(_) => return Ok(Vec::new()),
        };
        let Some(here) = self.routes.primary_for(intent) else {
            return Ok(Vec::new());
        };
        let zone = ZoneName::new(&intent.name());
        let named = |name: &str| self.routes.named(name).cloned();
        create::elsewhere(self.store, here, named, &zone, wanted).await
    }

    /// Announces in the catalogs of the primaries that have the zone that it is about to be listed in another one. Without
    /// that, some consumers have a gap.
    async fn announce(&self, zone: &ZoneName, elsewhere: &[Elsewhere], deadline: Instant) {
        let Some(here) = self.routes.primary_of(zone.apex()) else {
            return;
        };
        let deadline = deadline.min(Instant::now() + ANNOUNCE_TIME_MAX);
        for place in elsewhere {
            if let Elsewhere::Moved { primary, seconds } = place
                && *seconds > 0
            {
                let from = self.routes.named(primary).cloned();
                let announce = async |cx: &mut Context<'_>| create::announce(cx, zone, here).await;
                let announced = self.on_primary(from, zone.apex(), deadline, announce).await;
                if let Err(failure) = announced.result {
                    tracing::debug!(%zone, %failure, "its move is not announced");
                }
            }
        }
    }

    /// Removes a zone, or its managed records, from a primary that it has moved from.
    async fn remove_moved(
        &self,
        zone: &AbsentZone,
        from: &str,
        deadline: Instant,
    ) -> RoutedResult<Delivered> {
        let (zone, trust) = (&zone.name, zone.trust);
        let here = self.routes.primary_of(zone.apex());
        let Some(on) = self.routes.named(from) else {
            let primary = from.to_owned();
            return Routed {
                primary: None,
                result: Err(Failure::Moving(Moving::PrimaryUnknown { primary })),
            };
        };
        let policy = &Policy {
            trust,
            // It is in place elsewhere, or its deletion there was counted.
            deletions_per_hour_max: None,
            ..self.policy.clone()
        };
        let engine = Engine { policy, ..*self };
        let remove = async |cx: &mut Context<'_>| {
            cx.allow_name(zone.apex())?;
            if let Some(here) = here {
                create::check_moved(cx, zone, here).await?;
            }
            let removed = zone::delete::delete_zone(cx, zone).await;
            let noted = cx.note_entries().await;
            removed.and_then(|done| noted.map(|()| done))
        };
        let removed = engine.on_primary(Some(on.clone()), zone.apex(), deadline, remove);
        let mut removed = removed.await;
        if let (Ok(delivered), Some(here)) = (&removed.result, here)
            && create::have_two_catalogs(on, here)
        {
            let is_gone = matches!(
                delivered.done,
                Done::AlreadyAbsent | Done::Unchanged | Done::Emptied { removed: 0 }
            );
            let relabel = async |cx: &mut Context<'_>| {
                create::relabel(cx, zone).await?;
                cx.note_entries().await
            };
            let done = if is_gone {
                let here = Some(here.clone());
                self.on_primary(here, zone.apex(), deadline, relabel)
                    .await
                    .result
            } else {
                Err(Failure::Moving(Moving::SecondariesFollow))
            };
            removed.result = removed.result.and_then(|it| done.map(|()| it));
        }
        removed
    }

    /// Creates a zone with an SOA and these name servers, or those of the primary if none are given. Changes
    /// nothing in a zone that is there.
    ///
    /// # Errors
    /// [`Failure`], as [`Self::deliver`].
    pub async fn create_zone(
        &self,
        name: &ZoneName,
        nameservers: &[Name],
        trust: Trust,
        deadline: Instant,
    ) -> RoutedResult<Delivered> {
        let policy = &Policy {
            trust,
            ..self.policy.clone()
        };
        let create = async |cx: &mut Context<'_>| {
            cx.allow_name(name.apex())?;
            cx.policy.allow_zone(name.apex())?;
            check::check_epoch(&mut cx.session, cx.store).await?;
            let created = zone::nameservers::create_zone(cx, name, nameservers).await?;
            cx.note_entries().await.map(|()| created)
        };
        let engine = Engine { policy, ..*self };
        let mut created = engine.on_primary_of(name.apex(), deadline, create).await;
        let command = |zone: &ZoneName| format!("zone create --force {zone}");
        created.result = created.result.map_err(|it| it.forced_by(command));
        created
    }

    /// Claims a zone, in the catalog of its primary, or in the state if that keeps none. The primary is the given one, or
    /// that of the route.
    ///
    /// # Errors
    /// [`Failure`], as [`Self::deliver`]; [`Failure::ZoneAbsent`] for a zone that neither the catalog nor the
    /// primary has: an entry could create it. [`Failure::OthersZone`] and [`Failure::UnownedZone`] for a zone that
    /// another party has than the given one.
    pub async fn adopt(
        &self,
        zone: &ZoneName,
        adoption: Adoption<'_>,
        on: Option<&Rc<Primary>>,
        deadline: Instant,
    ) -> RoutedResult<Adopted> {
        let adopt = async |cx: &mut Context<'_>| {
            cx.allow_name(zone.apex())?;
            check::check_epoch(&mut cx.session, cx.store).await?;
            let adopted = create::adopt(cx, zone, adoption).await?;
            if !adoption.is_dry_run {
                cx.note_entries().await?;
            }
            Ok(adopted)
        };
        let primary = on.or_else(|| self.routes.primary_of(zone.apex()));
        self.on_primary(primary.cloned(), zone.apex(), deadline, adopt)
            .await
    }

    /// Lets the present key of a zone, the first one of its list, update and transfer the zone, and the others of the list no
    /// more.
    ///
    /// # Errors
    /// [`Failure`], as [`Self::deliver`]; [`Failure::KeysElsewhere`] if a person must name the key.
    pub async fn rekey(&self, zone: &ZoneName, deadline: Instant) -> RoutedResult<Rekeyed> {
        let rekey = async |cx: &mut Context<'_>| {
            cx.allow_name(zone.apex())?;
            create::rekey::rekey(cx, zone).await
        };
        self.on_primary_of(zone.apex(), deadline, rekey).await
    }

    /// Finds out the abilities of the primary of a zone, by UPDATEs of a name of its own in that zone. Forgets earlier
    /// lessons first.
    ///
    /// # Errors
    /// [`Failure`], as [`Self::deliver`].
    pub async fn learn_abilities(
        &self,
        zone: &ZoneName,
        deadline: Instant,
    ) -> RoutedResult<Abilities> {
        let learn = async |cx: &mut Context<'_>| {
            cx.allow_name(zone.apex())?;
            ownership::authorize_record(&mut cx.session, zone, cx.store).await?;
            cx.forget_lessons(zone.apex())?;
            check::write_probe::learn(&mut cx.session, zone).await
        };
        self.on_primary_of(zone.apex(), deadline, learn).await
    }

    /// Reads a zone and what this instance manages in it.
    ///
    /// # Errors
    /// [`Failure`]; [`Failure::ZoneAbsent`] if the primary does not have the zone.
    pub async fn read_zone(
        &self,
        zone: &ZoneName,
        deadline: Instant,
    ) -> RoutedResult<(CurrentZone, ZoneState)> {
        let read = async |cx: &mut Context<'_>| zone::read::read_present(cx, zone).await;
        self.on_primary_of(zone.apex(), deadline, read).await
    }

    /// Reads the zone that a name is in. `None` if the primary of the name has no such zone, or if the zone is one
    /// of those that were read before.
    ///
    /// # Errors
    /// [`Failure`], as [`Self::read_zone`].
    pub async fn read_enclosing_zone(
        &self,
        name: &Name,
        read_before: &mut HashSet<ZoneKey>,
        deadline: Instant,
    ) -> RoutedResult<Option<CurrentZone>> {
        let read = async |cx: &mut Context<'_>| {
            let zone = ptr::locate::enclosing_zone(cx, name).await?;
            let is_new = |zone: &ZoneName| read_before.insert(cx.session.zone_key(zone));
            let Some(zone) = zone.filter(is_new) else {
                return Ok(None);
            };
            let (current, _) = zone::read::read_present(cx, &zone).await?;
            Ok(Some(current))
        };
        self.on_primary_of(name, deadline, read).await
    }

    /// Locates a record: at its own name, or at the end of its CNAMEs.
    ///
    /// # Errors
    /// [`Failure`], as [`Self::deliver`].
    pub async fn locate_record(
        &self,
        record: &RecordIntent,
        deadline: Instant,
    ) -> RoutedResult<RecordLocation> {
        let locate = async |cx: &mut Context<'_>, at: &Name| record::locate(cx, at).await;
        self.along_cnames(Chain::of(record), deadline, locate).await
    }

    /// Runs a step at a name, and then at the target of each CNAME that the step returns, each on the primary
    /// that serves it.
    async fn along_cnames<T>(
        &self,
        mut chain: Chain,
        deadline: Instant,
        step: impl AsyncFn(&mut Context<'_>, &Name) -> Result<Reached<T>, Failure>,
    ) -> RoutedResult<T> {
        let first = self.routes.primary_of(&chain.at).cloned();
        loop {
            let at = &chain.at;
            let here = async |cx: &mut Context<'_>| step(cx, at).await;
            let Routed { primary, result } = self.on_primary_of(at, deadline, here).await;
            let followed = match result {
                Ok(Reached::Here(result)) => {
                    return Routed {
                        primary,
                        result: Ok(result),
                    };
                }
                Ok(Reached::Cname(target)) => chain.follow(target),
                Err(failure) => Err(match (&first, &primary) {
                    (Some(first), Some(primary)) if first.name != primary.name => {
                        failure.behind_cname(at, &primary.name)
                    }
                    _ => failure,
                }),
            };
            if let Err(failure) = followed {
                return Routed {
                    primary: first,
                    result: Err(failure),
                };
            }
        }
    }

    /// Compares the catalog of a primary with what this instance remembers of it, and brings back what is gone. `None` if
    /// the primary keeps no catalog.
    ///
    /// # Errors
    /// [`Failure`] if the catalog cannot be read or changed.
    pub async fn audit_catalog(
        &self,
        primary: &Rc<Primary>,
        repair: CatalogRepair,
        deadline: Instant,
    ) -> Result<Option<CatalogAudit>, Failure> {
        let Some(catalog) = primary.catalog_zone() else {
            return Ok(None);
        };
        let audit = async |cx: &mut Context<'_>| {
            if repair != CatalogRepair::Nothing {
                check::check_epoch(&mut cx.session, cx.store).await?;
            }
            check::audit_catalog(&mut cx.session, cx.store, repair).await
        };
        let primary = Some(Rc::clone(primary));
        self.on_primary(primary, catalog.apex(), deadline, audit)
            .await
            .result
    }

    /// Writes a new epoch of this instance to the catalog of a primary, if it keeps one. Returns the one of another machine
    /// that gave way.
    ///
    /// # Errors
    /// [`Failure::InstanceCloned`] if the catalog has the epoch of another machine, which must not give way; [`Failure`] if
    /// the catalog cannot be read or changed.
    pub async fn renew_epoch(
        &self,
        primary: &Rc<Primary>,
        renewal: Renewal,
        deadline: Instant,
    ) -> Result<Option<Epoch>, Failure> {
        let Some(catalog) = primary.catalog_zone() else {
            return Ok(None);
        };
        let renew = async |cx: &mut Context<'_>| {
            check::renew_epoch(&mut cx.session, cx.store, renewal).await
        };
        let primary = Some(Rc::clone(primary));
        self.on_primary(primary, catalog.apex(), deadline, renew)
            .await
            .result
    }

    /// Returns the name servers of a zone that do not have the serial of its primary, each with what it has.
    ///
    /// # Errors
    /// [`Failure`] if the primary cannot be asked.
    pub async fn secondaries_behind(
        &self,
        zone: &ZoneName,
        deadline: Instant,
    ) -> RoutedResult<Vec<String>> {
        let look =
            async |cx: &mut Context<'_>| check::secondaries_behind(&mut cx.session, zone).await;
        self.on_primary_of(zone.apex(), deadline, look).await
    }

    /// Returns the policy for an intent on its primary.
    fn policy_of(&self, intent: &Intent) -> Cow<'_, Policy> {
        let primary = self.routes.primary_of(&intent.name());
        let can_create = primary.is_some_and(|it| it.provisioning.is_some());
        self.policy.of_intent(intent, can_create)
    }

    /// Does work on the primary of a name.
    async fn on_primary_of<T>(
        &self,
        name: &Name,
        deadline: Instant,
        work: impl AsyncFnOnce(&mut Context<'_>) -> Result<T, Failure>,
    ) -> RoutedResult<T> {
        let primary = self.routes.primary_of(name).cloned();
        self.on_primary(primary, name, deadline, work).await
    }

    /// Does work on a primary, about a name.
    async fn on_primary<T>(
        &self,
        primary: Option<Rc<Primary>>,
        name: &Name,
        deadline: Instant,
        work: impl AsyncFnOnce(&mut Context<'_>) -> Result<T, Failure>,
    ) -> RoutedResult<T> {
        let result = async {
            let primary = primary.as_deref().ok_or(Failure::NoRoute)?;
            let mut session = open(primary, name, self.policy.clock, deadline);
            session.accepted = Some(self.store);
            let mut cx = Context {
                session,
                store: self.store,
                policy: self.policy,
                overlay: self.overlay,
            };
            cx.recall_lessons(name).await?;
            let serial = cx.recall_serial().await?;
            // The compiler bounds how deep futures may be nested without a box.
            let result = Box::pin(work(&mut cx)).await;
            let noted = ownership::note_serial(&mut cx, serial).await;
            if let Err(failure) = &result
                && !failure.is_unreachable()
            {
                learn_software(&mut cx.session).await;
            }
            let noted = noted.and(cx.note_lessons());
            cx.session.release();
            // What the work came to says more than a state that could not be stored.
            result.and_then(|done| noted.map(|()| done))
        };
        let result = result.await;
        Routed { primary, result }
    }
}

/// Returns whether an intent is skipped if the operator denies its name. Zones and PTR values come in sets, from a
/// panel; a single record is what the operator asks for.
fn is_skipped_if_denied(intent: &Intent) -> bool {
    match intent {
        Intent::Zone(_) | Intent::ZoneAbsent(_) | Intent::Ptr(_) => true,
        Intent::Record(_) => false,
    }
}
