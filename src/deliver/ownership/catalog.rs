//! The catalog that a primary keeps: a zone (RFC 9432) that lists the zones of the secondaries, and names the
//! instance of each.
//!
//! It is read once and the reading is kept for a moment, so that a payload of many zones does not transfer it
//! for each. That is safe: each change has prerequisites on what it was decided from, and if one fails the
//! catalog is read again.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::deliver::error::Failure;
use crate::deliver::policy::UnownedZones;
use crate::deliver::server::query::{Serving, authentic, is_applied, serving};
use crate::deliver::server::transfer::TRANSFER_ATTEMPTS_MAX;
use crate::deliver::server::{
    Catalog, CatalogCensus, Primary, Provisioning, Reading, Session, Transfer, open,
};
use crate::deliver::update::{self, Next, Transaction};
use crate::model::ZoneName;
use crate::plan::{Batch, CatalogView, Membership};
use crate::provision::Provisioner;
use crate::wire::{Key, Rcode};

/// How often a new entry is looked for.
const LOOKS: u32 = 12;
/// How long a reading is used. Changes by other instances are seen after that at the latest.
const READING_AGE_MAX: Duration = Duration::from_secs(2);

/// A change of the entry of a zone.
#[derive(Clone, Copy)]
pub(crate) enum EntryChange {
    /// Claims a zone that is about to be created, before it is listed.
    Reserve { unowned: UnownedZones },
    /// Claims and lists a zone.
    List {
        is_preexisting: bool,
        unowned: UnownedZones,
    },
    /// Notes that this instance created a listed zone: one that was there before was deleted at the
    /// same moment.
    NoteCreated,
    /// Removes the entry of a zone of this instance.
    Release,
    /// Gives up the reservation of a zone that was not created. One that was created meanwhile
    /// stays listed.
    GiveUp,
    /// Claims a zone, whatever its membership.
    TakeOver,
}

impl Primary {
    /// Reads the catalog, and returns each member zone with its membership; none if the primary keeps no catalog.
    /// `clock` returns seconds since 1970, for signatures.
    ///
    /// # Errors
    /// [`Failure`] if the catalog cannot be read.
    pub async fn members(
        &self,
        clock: fn() -> u64,
        deadline: Instant,
    ) -> Result<BTreeMap<ZoneName, Membership>, Failure> {
        let Some(catalog) = &self.catalog else {
            return Ok(BTreeMap::new());
        };
        let mut session = open(self, clock, deadline).await?;
        let view = catalog.read(&mut session).await;
        session.release();
        let view = view?;
        let membership = |zone: &ZoneName| (zone.clone(), view.membership(zone, &catalog.instance));
        Ok(view.zones().map(membership).collect())
    }
}

impl Catalog {
    /// Returns the name of the catalog zone.
    pub fn zone(&self) -> &ZoneName {
        self.name.zone()
    }

    /// Returns the membership of a zone.
    pub(crate) async fn membership(
        &self,
        session: &mut Session<'_>,
        zone: &ZoneName,
    ) -> Result<Membership, Failure> {
        let fresh = |reading: Option<&Reading>| {
            let reading = reading.filter(|it| it.read_at.elapsed() < READING_AGE_MAX)?;
            Some(reading.view.membership(zone, &self.instance))
        };
        if let Ok(reading) = self.reading.try_lock()
            && let Some(membership) = fresh(reading.as_ref())
        {
            return Ok(membership);
        }
        // The permit comes before the lock: a task that holds the lock must never wait for a permit of one
        // that waits for the lock.
        session.take_permit().await?;
        let reading = timeout_at(session.deadline, self.reading.lock()).await;
        let mut reading = reading.map_err(|_| Failure::DeadlinePassed)?;
        if let Some(membership) = fresh(reading.as_ref()) {
            return Ok(membership);
        }
        *reading = None;
        let read_at = Instant::now();
        session.keeps_permit = true;
        let view = self.read(session).await;
        session.keeps_permit = false;
        let view = view?;
        let membership = view.membership(zone, &self.instance);
        *reading = Some(Reading { view, read_at });
        Ok(membership)
    }

    /// Counts the member zones by instance.
    pub(crate) async fn census(&self, session: &mut Session<'_>) -> Result<CatalogCensus, Failure> {
        let view = self.read(session).await?;
        let mut census = CatalogCensus {
            problems: view.problems().to_vec(),
            ..CatalogCensus::default()
        };
        for zone in view.zones() {
            match view.membership(zone, &self.instance) {
                Membership::Ours(_) => census.ours += 1,
                Membership::Other { instance, .. } => {
                    *census.others.entry(instance).or_default() += 1;
                }
                Membership::Unclaimed(_) | Membership::Absent => census.unmarked += 1,
            }
        }
        Ok(census)
    }

    /// Changes the entry of a zone. Returns its membership before.
    ///
    /// # Errors
    /// [`Failure`]; [`Failure::OthersZone`] and [`Failure::UnownedZone`] if `unowned` forbids it.
    pub(crate) async fn change(
        &self,
        session: &mut Session<'_>,
        zone: &ZoneName,
        change: EntryChange,
    ) -> Result<Membership, Failure> {
        let mut changing = Changing {
            catalog: self,
            session,
            zone,
            change,
            lost: None,
        };
        update::run(&mut changing).await
    }

    /// Makes sure that a change shows, with the first one that adds something. Returns `false` if another
    /// program has changed it again. PowerDNS: a catalog of the kind producer takes changes, and shows the
    /// members of its own database instead.
    async fn shows(&self, session: &mut Session<'_>, batch: &Batch) -> Result<bool, Failure> {
        let others = matches!(
            session.primary.provisioning,
            Some(Provisioning::Catalog { .. } | Provisioning::Provisioner(Provisioner::Rndc(_)))
        );
        let undo = batch.undo_of_additions();
        if others || self.shows_changes.get() || undo.updates.is_empty() {
            return Ok(true);
        }
        for look in 0..LOOKS {
            // BIND: a signed copy comes a little later.
            session.pause(look).await?;
            let view = self.read(session).await?;
            if view.has_any_added(batch) {
                self.shows_changes.set(true);
                return Ok(true);
            }
        }
        let reply = session.update(&undo, &self.key).await;
        self.forget_reading().await;
        match reply.and_then(|reply| is_applied(reply, self.key.name())) {
            Ok(false) => return Ok(false),
            Ok(true) => {}
            Err(failure) => tracing::debug!(%failure, "what does not show was not taken back"),
        }
        Err(self.not_shown())
    }

    /// Returns the failure of a catalog that does not show what is written to it.
    pub(crate) fn not_shown(&self) -> Failure {
        Failure::CatalogNotShown {
            catalog: self.zone().clone(),
        }
    }

    async fn forget_reading(&self) {
        *self.reading.lock().await = None;
    }

    async fn read(&self, session: &mut Session<'_>) -> Result<CatalogView, Failure> {
        let view = self.transfer(session).await;
        view.map_err(|failure| self.in_context(failure))
    }

    async fn transfer(&self, session: &mut Session<'_>) -> Result<CatalogView, Failure> {
        for attempt in 0..TRANSFER_ATTEMPTS_MAX {
            session.pause(attempt).await?;
            let current = match session.transfer(self.zone(), &self.key).await? {
                Transfer::Zone(current) => current,
                Transfer::Denied(reply) => match authentic(reply, self.key.name())?.rcode {
                    rcode @ Rcode::SERVFAIL => {
                        if serving(session, self.zone()).await? == Serving::NotLoaded {
                            return Err(Failure::ZoneNotLoaded { rcode });
                        }
                        continue;
                    }
                    Rcode::NOTAUTH => return Err(Failure::ZoneAbsent),
                    rcode => {
                        let key = self.key.name().clone();
                        return Err(Failure::TransferRefused { rcode, key });
                    }
                },
            };
            let view = CatalogView::read(&self.name, &current);
            if let Some(problem) = view.problems().iter().find(|problem| problem.breaks()) {
                return Err(Failure::CatalogBroken {
                    catalog: self.zone().clone(),
                    problem: problem.clone(),
                });
            }
            return Ok(view);
        }
        Err(Failure::TransfersExhausted {
            attempts: TRANSFER_ATTEMPTS_MAX,
        })
    }

    /// Names the catalog in a failure of an exchange about it.
    pub(crate) fn in_context(&self, failure: Failure) -> Failure {
        let speaks_for_itself = matches!(
            failure,
            Failure::CatalogBroken { .. }
                | Failure::CatalogNotShown { .. }
                | Failure::DeadlinePassed
                | Failure::Random(_)
                | Failure::Transport(_)
                | Failure::Catalog { .. }
        );
        if speaks_for_itself {
            return failure;
        }
        Failure::Catalog {
            catalog: self.zone().clone(),
            source: Box::new(failure),
        }
    }
}

/// The transaction that changes the entry of a zone.
struct Changing<'c, 'a> {
    catalog: &'c Catalog,
    session: &'c mut Session<'a>,
    zone: &'c ZoneName,
    change: EntryChange,
    /// The membership that an UPDATE was decided from whose response was lost.
    lost: Option<Membership>,
}

impl Changing<'_, '_> {
    /// Returns the UPDATE that the change takes. `None` if nothing is left to do.
    fn update(&self, membership: &Membership) -> Result<Option<Batch>, Failure> {
        let (name, instance) = (&self.catalog.name, &*self.catalog.instance);
        let provisioning = self.session.primary.provisioning.as_ref();
        let group = provisioning.and_then(Provisioning::group);
        if let EntryChange::Reserve { unowned } | EntryChange::List { unowned, .. } = self.change {
            permit(membership, self.zone, unowned)?;
        }
        Ok(match (self.change, membership) {
            (EntryChange::Reserve { .. }, Membership::Absent) => {
                Some(name.reserve(self.zone, instance))
            }
            (EntryChange::List { is_preexisting, .. }, Membership::Absent) => {
                Some(name.claim(self.zone, instance, is_preexisting, group, None))
            }
            (EntryChange::List { .. }, Membership::Ours(member)) if !member.is_listed => {
                let is_preexisting = member.is_preexisting;
                Some(name.claim(self.zone, instance, is_preexisting, group, Some(member)))
            }
            (EntryChange::TakeOver, Membership::Absent) => {
                Some(name.claim(self.zone, instance, true, None, None))
            }
            (
                EntryChange::Reserve { .. } | EntryChange::List { .. } | EntryChange::TakeOver,
                Membership::Unclaimed(member),
            )
            | (EntryChange::TakeOver, Membership::Other { member, .. }) => {
                Some(name.adopt(member, instance))
            }
            (EntryChange::NoteCreated, Membership::Ours(member)) if member.is_preexisting => {
                Some(name.made(member))
            }
            (EntryChange::GiveUp, Membership::Ours(member)) if member.is_listed => None,
            (EntryChange::GiveUp | EntryChange::Release, Membership::Ours(member)) => {
                Some(name.release(member))
            }
            _ => None,
        })
    }
}

/// An UPDATE that is being sent, and the membership that it was decided from.
struct Sending {
    membership: Membership,
    batch: Batch,
}

impl<'a> Transaction<'a> for Changing<'_, 'a> {
    type Outcome = Membership;
    type Change = Sending;
    const ATTEMPTS_MAX: u32 = 20;

    fn session(&mut self) -> &mut Session<'a> {
        self.session
    }

    fn key(&mut self) -> Key {
        self.catalog.key.clone()
    }

    async fn decide(&mut self) -> Result<Next<Membership, Self::Change>, Failure> {
        let membership = self.catalog.membership(self.session, self.zone).await?;
        let lost = self.lost.take();
        Ok(match self.update(&membership)? {
            None => Next::Done(lost.unwrap_or(membership)),
            Some(batch) => Next::Send {
                batches: vec![batch.clone()],
                change: Sending { membership, batch },
            },
        })
    }

    async fn settle(
        &mut self,
        sent: Sending,
        _messages: usize,
    ) -> Result<Option<Membership>, Failure> {
        if let Some(reading) = &mut *self.catalog.reading.lock().await {
            reading.view.apply(&sent.batch);
        }
        let shows = self.catalog.shows(self.session, &sent.batch).await?;
        Ok(shows.then_some(sent.membership))
    }

    async fn not_applied(&mut self) {
        self.catalog.forget_reading().await;
    }

    fn response_lost(&mut self, sent: Sending) {
        self.lost = Some(sent.membership);
    }

    fn in_context(&self, failure: Failure) -> Failure {
        self.catalog.in_context(failure)
    }
}

/// Refuses a zone of another instance, and an unclaimed one that may not be adopted.
pub(crate) fn permit(
    membership: &Membership,
    zone: &ZoneName,
    unowned: UnownedZones,
) -> Result<(), Failure> {
    match membership {
        Membership::Other { instance, .. } => Err(Failure::OthersZone {
            zone: zone.clone(),
            instance: instance.clone(),
        }),
        Membership::Unclaimed(_) if unowned == UnownedZones::Refuse => {
            Err(Failure::UnownedZone { zone: zone.clone() })
        }
        Membership::Unclaimed(_) | Membership::Absent | Membership::Ours(_) => Ok(()),
    }
}
