//! The catalog that a primary keeps: a zone (RFC 9432) that lists the zones of the secondaries, with the claims of
//! the instances.
//!
//! The claim of a zone is found by two questions, whatever the size of the catalog, and kept for a moment in the
//! session. That is safe: each change has prerequisites on what it was decided from, and if one fails, the questions
//! are asked again. A transfer is needed only to list the members, and of a catalog that nsbridge has never changed.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::deliver::error::Failure;
use crate::deliver::server::query::{authentic, refused, takes_updates_of};
use crate::deliver::server::serving::{Serving, serving};
use crate::deliver::server::transfer::TRANSFER_ATTEMPTS_MAX;
use crate::deliver::server::{Catalog, Primary, Session, Transfer, open};
use crate::model::{CurrentZone, Name, Rdata, RecordType, Serial, ZoneName};
use crate::plan::{CatalogView, Membership};
use crate::wire::{Rcode, Response};

/// How long a membership is used. Changes by other instances are seen after that at the latest.
const MEMBERSHIP_AGE_MAX: Duration = Duration::from_secs(2);

/// Whether a catalog can be used.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Form {
    Complete,
    /// It lists no zone, and nsbridge has not changed it yet.
    Empty,
}

impl Primary {
    /// Reads the catalog, and returns each member zone with its membership. Empty if the primary keeps no catalog.
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
        let mut session = open(self, catalog.zone().apex(), clock, deadline);
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
        if let Some((membership, asked_at)) = session.memberships.get(zone)
            && asked_at.elapsed() < MEMBERSHIP_AGE_MAX
        {
            return Ok(membership.clone());
        }
        let asked_at = Instant::now();
        let membership = self.look_up(session, zone).await;
        let membership = membership.map_err(|failure| self.in_context(failure))?;
        let kept = (membership.clone(), asked_at);
        session.memberships.insert(zone.clone(), kept);
        Ok(membership)
    }

    async fn look_up(
        &self,
        session: &mut Session<'_>,
        zone: &ZoneName,
    ) -> Result<Membership, Failure> {
        if self.form(session).await? == Form::Empty {
            return Ok(Membership::Absent);
        }
        let owner = self.name.claim_owner(zone);
        let claims = self.ask(session, &owner, RecordType::ZONEMD).await?;
        let Some(claim) = self
            .name
            .claim(&claims)
            .map_err(|_| Failure::ClaimDamaged {
                owner: owner.clone(),
                zone: zone.clone(),
            })?
        else {
            return Ok(Membership::Absent);
        };
        let node = self.name.node(&claim.label);
        let ptrs = self.ask(session, &node, RecordType::PTR).await?;
        Ok(self.name.membership(zone, claim, &ptrs, &self.instance))
    }

    /// Returns the values of an RRset of the catalog.
    pub(crate) async fn ask(
        &self,
        session: &mut Session<'_>,
        owner: &Name,
        rtype: RecordType,
    ) -> Result<Vec<Rdata>, Failure> {
        let response = self.answer(session, owner, rtype).await?;
        let records = response.records(owner, rtype);
        Ok(records.map(|record| record.rdata.clone()).collect())
    }

    /// Asks the primary about a name in the catalog.
    ///
    /// # Errors
    /// [`Failure::ZoneAbsent`] if the primary does not have the catalog, [`Failure`] if the response proves nothing.
    pub(super) async fn answer(
        &self,
        session: &mut Session<'_>,
        owner: &Name,
        rtype: RecordType,
    ) -> Result<Response, Failure> {
        let reply = session.query_with(owner, rtype, Some(&self.key)).await?;
        let response = authentic(reply, self.key.name())?;
        match response.rcode {
            Rcode::NOERROR | Rcode::NXDOMAIN if response.authoritative => {
                let has_answer = response.records(owner, rtype).next().is_some();
                // The answer of another zone, above or below, says nothing about the catalog.
                let soa = response.enclosing_soa(owner);
                let is_of_catalog = soa.is_some_and(|soa| soa.owner == *self.zone().apex());
                if has_answer || is_of_catalog {
                    Ok(response)
                } else {
                    Err(Failure::ZoneAbsent)
                }
            }
            rcode @ Rcode::SERVFAIL => Err(
                if serving(session, self.zone()).await? == Serving::NotLoaded {
                    let zone = self.zone().clone();
                    Failure::ZoneNotLoaded { rcode, zone }
                } else {
                    let extended = response.extended_error;
                    Failure::ServerFailure { rcode, extended }
                },
            ),
            rcode => {
                let is_there = takes_updates_of(session, self.zone(), &self.key).await?;
                Err(if is_there {
                    refused(owner, rcode)
                } else {
                    Failure::ZoneAbsent
                })
            }
        }
    }

    /// Finds out, once, whether the catalog can be used.
    pub(crate) async fn form(&self, session: &mut Session<'_>) -> Result<Form, Failure> {
        if self.is_complete.get() {
            return Ok(Form::Complete);
        }
        let owner = self.name.version_owner();
        let versions = self.ask(session, &owner, RecordType::TXT).await?;
        let owner = self.name.format_owner();
        let formats = self.ask(session, &owner, RecordType::ZONEMD).await?;
        if let Some(problem) = self.name.version_problem(&versions) {
            let catalog = self.zone().clone();
            if problem.is_gate() && !formats.is_empty() {
                return Err(Failure::CatalogLost { catalog });
            }
            return Err(Failure::CatalogBroken { catalog, problem });
        }
        match &formats[..] {
            [format] if self.name.is_format(format) => {
                self.is_complete.set(true);
                Ok(Form::Complete)
            }
            [] => {
                let view = self.read(session).await?;
                self.check_claims(session, &view)?;
                self.is_complete.set(view.has_format());
                Ok(if view.has_format() {
                    Form::Complete
                } else {
                    Form::Empty
                })
            }
            _ => Err(Failure::CatalogNewer {
                catalog: self.zone().clone(),
            }),
        }
    }

    /// Refuses a catalog that lists zones, and has no claims.
    pub(crate) fn check_claims(
        &self,
        session: &Session<'_>,
        view: &CatalogView,
    ) -> Result<(), Failure> {
        if view.is_empty() || view.has_format() {
            return Ok(());
        }
        Err(Failure::CatalogOld {
            catalog: self.zone().clone(),
            primary: session.primary.name.clone(),
        })
    }

    /// Returns the failure of a catalog that does not show what is written to it.
    pub(crate) fn not_shown(&self) -> Failure {
        Failure::CatalogNotShown {
            catalog: self.zone().clone(),
        }
    }

    /// Reads the whole catalog.
    ///
    /// # Errors
    /// [`Failure`] if it cannot be read, or if no consumer processes it.
    pub(crate) async fn read(&self, session: &mut Session<'_>) -> Result<CatalogView, Failure> {
        let (view, _) = view(session, self).await?;
        match view.problems().iter().find(|problem| problem.breaks()) {
            None => Ok(view),
            Some(problem) => Err(Failure::CatalogBroken {
                catalog: self.zone().clone(),
                problem: problem.clone(),
            }),
        }
    }

    async fn transfer(&self, session: &mut Session<'_>) -> Result<CurrentZone, Failure> {
        for attempt in 0..TRANSFER_ATTEMPTS_MAX {
            session.pause(attempt).await?;
            let current = match session.transfer(self.zone(), &self.key).await? {
                Transfer::Zone(current) => current,
                Transfer::Denied(reply) => match authentic(reply, self.key.name())?.rcode {
                    rcode @ Rcode::SERVFAIL => {
                        if serving(session, self.zone()).await? == Serving::NotLoaded {
                            let zone = self.zone().clone();
                            return Err(Failure::ZoneNotLoaded { rcode, zone });
                        }
                        continue;
                    }
                    Rcode::NOTAUTH => return Err(Failure::ZoneAbsent),
                    rcode => {
                        let (zone, key) = (self.zone().clone(), self.key.name().clone());
                        let is_signed = true;
                        return Err(Failure::TransferRefused {
                            rcode,
                            is_signed,
                            zone,
                            key,
                        });
                    }
                },
            };
            return Ok(*current);
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
                | Failure::CatalogLost { .. }
                | Failure::CatalogNotShown { .. }
                | Failure::CatalogOld { .. }
                | Failure::CatalogNewer { .. }
                | Failure::ClaimDamaged { .. }
                | Failure::InstanceCloned { .. }
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

/// Reads a whole catalog, broken or not, with its serial.
pub(crate) async fn view(
    session: &mut Session<'_>,
    catalog: &Catalog,
) -> Result<(CatalogView, Serial), Failure> {
    let current = catalog.transfer(session).await;
    let current = current.map_err(|failure| catalog.in_context(failure))?;
    let view = CatalogView::read(&catalog.name, &current);
    Ok((view, current.soa.serial))
}

/// Returns the catalog of a primary that creates member zones.
///
/// # Errors
/// [`Failure::ZoneAbsent`] if there is none, which the configuration does not allow.
pub(crate) fn catalog<'a>(session: &Session<'a>) -> Result<&'a Catalog, Failure> {
    session.primary.catalog.as_ref().ok_or(Failure::ZoneAbsent)
}
