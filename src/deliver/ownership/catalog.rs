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
use crate::deliver::server::{Catalog, CatalogCensus, Provisioning, Reading, Session, Transfer};
use crate::deliver::update::{self, Decision, Transaction};
use crate::model::ZoneName;
use crate::plan::{Batch, CatalogView, Making, Membership};
use crate::provision::Provisioner;
use crate::wire::{Key, Rcode, Reply};

/// How often a new entry is looked for.
const LOOKS: u32 = 12;
/// How often a transfer is requested while the primary has no room for it.
const TRANSFER_ATTEMPTS_MAX: u32 = 20;
/// How long a reading is used. Changes by other instances are seen after that at the latest.
const READING_AGE_MAX: Duration = Duration::from_secs(2);

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
        let membership = self.look(session, zone).await;
        membership.map_err(|failure| self.in_context(failure))
    }

    /// Returns the member zones in ascending order, each with its membership.
    pub(crate) async fn members(
        &self,
        session: &mut Session<'_>,
    ) -> Result<BTreeMap<ZoneName, Membership>, Failure> {
        let view = self.read(session).await;
        let view = view.map_err(|failure| self.in_context(failure))?;
        let membership = |zone: &ZoneName| (zone.clone(), view.membership(zone, &self.instance));
        Ok(view.zones().map(membership).collect())
    }

    /// Counts the member zones by instance.
    pub(crate) async fn census(&self, session: &mut Session<'_>) -> Result<CatalogCensus, Failure> {
        let view = self.read(session).await;
        let view = view.map_err(|failure| self.in_context(failure))?;
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

    /// Claims a zone that is about to be created, before it is listed. Returns its membership before.
    pub(crate) async fn reserve(
        &self,
        session: &mut Session<'_>,
        zone: &ZoneName,
        unowned: UnownedZones,
    ) -> Result<Membership, Failure> {
        self.settle(session, zone, unowned, |membership| match membership {
            Membership::Absent => Some(self.name.reserve(zone, &self.instance)),
            Membership::Unclaimed(member) => Some(self.name.adopt(member, &self.instance)),
            Membership::Ours(_) | Membership::Other { .. } => None,
        })
        .await
    }

    /// Claims and lists a zone. Returns its membership before.
    pub(crate) async fn list(
        &self,
        session: &mut Session<'_>,
        zone: &ZoneName,
        making: Making,
        group: Option<&str>,
        unowned: UnownedZones,
    ) -> Result<Membership, Failure> {
        let (name, instance) = (&self.name, &*self.instance);
        self.settle(session, zone, unowned, |membership| match membership {
            Membership::Absent => Some(name.claim(zone, instance, making, group, None)),
            Membership::Unclaimed(member) => Some(name.adopt(member, instance)),
            Membership::Ours(member) if member.is_listed => None,
            Membership::Ours(member) => {
                let making = if member.is_found {
                    Making::Found
                } else {
                    Making::Made
                };
                Some(name.claim(zone, instance, making, group, Some(member)))
            }
            Membership::Other { .. } => None,
        })
        .await
    }

    /// Notes that this instance created a listed zone: one that was there before was deleted at the same moment.
    pub(crate) async fn note_made(
        &self,
        session: &mut Session<'_>,
        zone: &ZoneName,
    ) -> Result<(), Failure> {
        let noted = self.change(session, zone, |membership| {
            Ok(match membership {
                Membership::Ours(member) if member.is_found => Some(self.name.made(member)),
                Membership::Ours(_)
                | Membership::Absent
                | Membership::Unclaimed(_)
                | Membership::Other { .. } => None,
            })
        });
        noted.await.map(|_| ())
    }

    /// Removes the entry of a zone of this instance. Returns the membership before.
    pub(crate) async fn release(
        &self,
        session: &mut Session<'_>,
        zone: &ZoneName,
    ) -> Result<Membership, Failure> {
        self.change(session, zone, |membership| {
            Ok(match membership {
                Membership::Ours(member) => Some(self.name.release(member)),
                Membership::Absent | Membership::Unclaimed(_) | Membership::Other { .. } => None,
            })
        })
        .await
    }

    /// Gives up the reservation of a zone that was not created. One that was created meanwhile stays listed.
    pub(crate) async fn give_up(
        &self,
        session: &mut Session<'_>,
        zone: &ZoneName,
    ) -> Result<(), Failure> {
        let given_up = self.change(session, zone, |membership| {
            Ok(match membership {
                Membership::Ours(member) if !member.is_listed => Some(self.name.release(member)),
                Membership::Ours(_)
                | Membership::Absent
                | Membership::Unclaimed(_)
                | Membership::Other { .. } => None,
            })
        });
        given_up.await.map(|_| ())
    }

    /// Claims a zone, whatever its membership. Returns the membership before.
    pub(crate) async fn take_over(
        &self,
        session: &mut Session<'_>,
        zone: &ZoneName,
    ) -> Result<Membership, Failure> {
        let (name, instance) = (&self.name, &*self.instance);
        self.change(session, zone, |membership| {
            Ok(match membership {
                Membership::Absent => Some(name.claim(zone, instance, Making::Found, None, None)),
                Membership::Unclaimed(member) | Membership::Other { member, .. } => {
                    Some(name.adopt(member, instance))
                }
                Membership::Ours(_) => None,
            })
        })
        .await
    }

    /// Changes an entry, unless another instance has the zone or it may not be adopted.
    async fn settle(
        &self,
        session: &mut Session<'_>,
        zone: &ZoneName,
        unowned: UnownedZones,
        decide: impl Fn(&Membership) -> Option<Batch>,
    ) -> Result<Membership, Failure> {
        self.change(session, zone, |membership| {
            permit(membership, zone, unowned)?;
            Ok(decide(membership))
        })
        .await
    }

    /// Decides from the membership, until the decision is applied or nothing is left to do. Returns the
    /// membership before.
    async fn change(
        &self,
        session: &mut Session<'_>,
        zone: &ZoneName,
        decide: impl Fn(&Membership) -> Result<Option<Batch>, Failure>,
    ) -> Result<Membership, Failure> {
        let mut change = CatalogChange {
            catalog: self,
            session,
            zone,
            decide,
            lost: None,
        };
        update::run(&mut change).await
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
            let view = self.read(session).await;
            let view = view.map_err(|failure| self.in_context(failure))?;
            if view.has_any_added(batch) {
                self.shows_changes.set(true);
                return Ok(true);
            }
        }
        let reply = session.update_signed(&undo, &self.key).await;
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

    async fn look(
        &self,
        session: &mut Session<'_>,
        zone: &ZoneName,
    ) -> Result<Membership, Failure> {
        if let Ok(reading) = self.reading.try_lock()
            && let Some(view) = fresh(reading.as_ref())
        {
            return Ok(view.membership(zone, &self.instance));
        }
        // The permit comes before the lock: a task that holds the lock must never wait for a permit of one
        // that waits for the lock.
        session.take_permit().await?;
        let reading = timeout_at(session.deadline, self.reading.lock()).await;
        let mut reading = reading.map_err(|_| Failure::DeadlinePassed)?;
        if let Some(view) = fresh(reading.as_ref()) {
            return Ok(view.membership(zone, &self.instance));
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

    async fn read(&self, session: &mut Session<'_>) -> Result<CatalogView, Failure> {
        for attempt in 0..TRANSFER_ATTEMPTS_MAX {
            session.pause(attempt).await?;
            let current = match session.transfer_signed(self.zone(), &self.key).await? {
                Transfer::Zone(current) => current,
                Transfer::Denied(reply) => match self.explain_denial(reply)? {
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

    fn explain_denial(&self, reply: Reply) -> Result<Rcode, Failure> {
        Ok(authentic(reply, self.key.name())?.rcode)
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
struct CatalogChange<'c, 'a, D> {
    catalog: &'c Catalog,
    session: &'c mut Session<'a>,
    zone: &'c ZoneName,
    /// Returns the UPDATE that the membership calls for.
    decide: D,
    /// The membership that an UPDATE was decided from whose response was lost.
    lost: Option<Membership>,
}

/// An UPDATE that is being sent, and the membership that it was decided from.
struct Sending {
    membership: Membership,
    batch: Batch,
}

impl<'a, D: Fn(&Membership) -> Result<Option<Batch>, Failure>> Transaction<'a>
    for CatalogChange<'_, 'a, D>
{
    type Outcome = Membership;
    type Change = Sending;
    const ATTEMPTS_MAX: u32 = 20;

    fn session(&mut self) -> &mut Session<'a> {
        self.session
    }

    fn key(&mut self) -> Key {
        self.catalog.key.clone()
    }

    async fn decide(&mut self) -> Result<Decision<Membership, Self::Change>, Failure> {
        let membership = self.catalog.membership(self.session, self.zone).await?;
        let lost = self.lost.take();
        Ok(match (self.decide)(&membership)? {
            None => Decision::Done(lost.unwrap_or(membership)),
            Some(batch) => Decision::Send {
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

fn fresh(reading: Option<&Reading>) -> Option<&CatalogView> {
    let reading = reading?;
    (reading.read_at.elapsed() < READING_AGE_MAX).then_some(&reading.view)
}
