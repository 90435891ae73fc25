//! Adopts a zone: makes it this instance's, whoever has it, or only if a given party has it.
//!
//! ```text
//! with a catalog:    whose is it ──▶ manage its records ──▶ mark ──▶ claim
//! without a catalog: whose is it ──▶ mark ──▶ state, with its records
//! ```
//!
//! The records are managed only if they are to be pruned. A process that is killed before the last step leaves the zone
//! another's, or with the mark of this instance: the same command adopts it again.

use crate::deliver::context::Context;
use crate::deliver::error::Failure;
use crate::deliver::ownership::{Mark, marked, marker};
use crate::deliver::server::Session;
use crate::deliver::server::query::{refused, takes_updates};
use crate::deliver::server::serving::{Serving, serving};
use crate::deliver::server::transfer::read_zone;
use crate::deliver::state::{Provenance, ZoneState};
use crate::model::{Name, Rdata, RecordType, RrSet, RrSets, ZoneName, reverse_name};
use crate::plan::{EntryChange, Membership};
use crate::provision::Provisioner;
use crate::wire::Rcode;

/// What an adoption takes.
#[derive(Clone, Copy, Debug)]
pub struct Adoption<'a> {
    /// The party that must have the zone, unless this instance has it already.
    pub from: FormerOwner<'a>,
    /// Whether this instance manages all records of the zone from then on, so that its next delivery removes those that
    /// it does not want.
    pub prunes: bool,
    /// Whether nothing is changed.
    pub is_dry_run: bool,
}

/// The party that must have a zone that is adopted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FormerOwner<'a> {
    /// Any instance, or none.
    Any,
    /// No instance.
    Nobody,
    /// The instance with this name.
    Instance(&'a str),
}

/// The outcome of an adoption.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Adopted {
    /// The instance that had the zone.
    pub from: AdoptedFrom,
    /// The records that this instance manages from now on, and has not managed before.
    pub records: RrSets,
}

/// The instance that had a zone before it was adopted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AdoptedFrom {
    /// This instance had it already.
    Ours,
    /// No instance.
    Unclaimed,
    /// Another instance.
    Another {
        /// Its name.
        instance: String,
        /// Whether that instance can see the adoption, and so leaves the zone alone.
        learns: bool,
    },
}

impl FormerOwner<'_> {
    /// Returns whether this party, which is not this instance, has a member of a catalog.
    pub fn has(self, membership: &Membership) -> bool {
        match (self, membership) {
            (Self::Any | Self::Nobody, Membership::Unclaimed(_))
            | (Self::Any, Membership::Other { .. }) => true,
            (Self::Instance(wanted), Membership::Other { instance, .. }) => {
                wanted.as_bytes().escape_ascii().to_string() == *instance
            }
            (_, Membership::Absent | Membership::Ours(_))
            | (Self::Nobody, Membership::Other { .. })
            | (Self::Instance(_), Membership::Unclaimed(_)) => false,
        }
    }

    /// Refuses a zone that another party has.
    ///
    /// # Errors
    /// [`Failure::OthersZone`] and [`Failure::UnownedZone`].
    fn authorize(self, zone: &ZoneName, from: &AdoptedFrom) -> Result<(), Failure> {
        match (self, from) {
            (Self::Any, _) | (_, AdoptedFrom::Ours) | (Self::Nobody, AdoptedFrom::Unclaimed) => {
                Ok(())
            }
            (Self::Instance(wanted), AdoptedFrom::Another { instance, .. })
                if wanted.as_bytes().escape_ascii().to_string() == *instance =>
            {
                Ok(())
            }
            (_, AdoptedFrom::Another { instance, .. }) => Err(Failure::OthersZone {
                zone: zone.clone(),
                instance: instance.clone(),
            }),
            (Self::Instance(_), AdoptedFrom::Unclaimed) => {
                Err(Failure::UnownedZone { zone: zone.clone() })
            }
        }
    }
}

impl AdoptedFrom {
    /// Returns whose a zone is by the catalog, or by its mark if the catalog does not have it.
    fn of(membership: &Membership, mark: &Mark) -> Self {
        match (membership, mark) {
            (Membership::Ours(_), _) => Self::Ours,
            (Membership::Other { instance, .. }, _) => Self::Another {
                instance: instance.clone(),
                learns: true,
            },
            (Membership::Absent, Mark::Another(instance)) => Self::Another {
                instance: instance.clone(),
                learns: false,
            },
            (Membership::Absent | Membership::Unclaimed(_), _) => Self::Unclaimed,
        }
    }

    /// Returns whose a zone is by its mark and the state, and the provenance of the adopted zone.
    fn without_catalog(
        mark: Mark,
        state: &ZoneState,
        can_change_marks: bool,
    ) -> (Self, Provenance) {
        match (mark, state.provenance) {
            // The mark was not changed by the adoption.
            (Mark::Another(_), Provenance::Adopted) if !can_change_marks => {
                (Self::Ours, Provenance::Adopted)
            }
            (Mark::Another(instance), _) => {
                let learns = false;
                (Self::Another { instance, learns }, Provenance::Adopted)
            }
            (Mark::Ours, Provenance::Preexisting) => (Self::Ours, Provenance::Created),
            (Mark::None, Provenance::Preexisting) if state.managed.is_empty() => {
                (Self::Unclaimed, Provenance::Adopted)
            }
            (Mark::Ours | Mark::None, provenance) => (Self::Ours, provenance),
        }
    }
}

/// Claims a zone that is there: in the catalog, or in the state if the primary keeps none.
pub(crate) async fn adopt(
    cx: &mut Context<'_>,
    zone: &ZoneName,
    adoption: Adoption<'_>,
) -> Result<Adopted, Failure> {
    let (session, store) = (&mut cx.session, cx.store);
    let membership = match &session.primary.catalog {
        Some(catalog) => Some(catalog.membership(session, zone).await?),
        None => None,
    };
    if matches!(membership, None | Some(Membership::Absent)) {
        check_served(session, zone).await?;
    }
    let mark = marked(session, zone, session.deadline).await?;
    let can_change_marks = marker(session).is_some_and(Provisioner::can_change_marks);
    let key = session.zone_key(zone);
    let mut state = store.load(&key).await?;
    let has_mark = mark != Mark::None;
    let (from, provenance) = match &membership {
        Some(membership) => (AdoptedFrom::of(membership, &mark), state.provenance),
        None => AdoptedFrom::without_catalog(mark, &state, can_change_marks),
    };
    adoption.from.authorize(zone, &from)?;
    let records = if adoption.prunes {
        prunable(cx, zone, &state).await?
    } else {
        RrSets::default()
    };
    if adoption.is_dry_run {
        return Ok(Adopted { from, records });
    }
    if membership.is_none() {
        take_mark(cx, zone, has_mark).await?;
        state.provenance = provenance;
        store.reserve(&key, &mut state, records.clone()).await?;
        return Ok(Adopted { from, records });
    }
    let was_known = state.is_known();
    if !records.is_empty() {
        store.reserve(&key, &mut state, records.clone()).await?;
    }
    let claimed = claim(cx, zone, adoption.from, has_mark).await;
    if let Err(failure) = claimed {
        if was_known {
            store.commit(state.change(key, RrSets::default(), records))?;
        } else {
            store.forget(key, state.generation)?;
        }
        return Err(failure);
    }
    Ok(Adopted { from, records })
}

/// Refuses a zone that the primary does not have: an entry in the catalog could create it.
async fn check_served(session: &mut Session<'_>, zone: &ZoneName) -> Result<(), Failure> {
    if !session.abilities.answers_queries() || serving(session, zone).await? == Serving::Yes {
        return Ok(());
    }
    Err(match takes_updates(session, zone).await {
        Ok(true) => refused(zone.apex(), Rcode::REFUSED),
        Ok(false) | Err(Failure::Unsigned { .. }) => Failure::ZoneAbsent,
        Err(failure) => failure,
    })
}

/// Makes the mark of a zone that of this instance. A zone of this instance may have been created with other keys.
async fn take_mark(cx: &Context<'_>, zone: &ZoneName, has_mark: bool) -> Result<(), Failure> {
    if let (true, Some(provisioner)) = (has_mark, marker(&cx.session)) {
        provisioner.take_over(zone, cx.session.deadline).await?;
    }
    Ok(())
}

async fn claim(
    cx: &mut Context<'_>,
    zone: &ZoneName,
    from: FormerOwner<'_>,
    has_mark: bool,
) -> Result<(), Failure> {
    // First: a process that is killed after it leaves a zone with the mark of this instance.
    take_mark(cx, zone, has_mark).await?;
    let session = &mut cx.session;
    if let Some(catalog) = &session.primary.catalog {
        let authorize = |membership: &Membership| {
            if *membership == Membership::Absent {
                // Its mark was seen before.
                return Ok(());
            }
            from.authorize(zone, &AdoptedFrom::of(membership, &Mark::None))
        };
        let taken = catalog.change_if(session, zone, EntryChange::TakeOver, &authorize);
        taken.await?;
    }
    Ok(())
}

/// Returns the records of a zone that this instance does not manage and may: not those of a signer, not those at names
/// that are never touched, and not the PTR values and challenges that it added beside others. A plan keeps the name
/// servers of the zone until others are wanted.
async fn prunable(
    cx: &mut Context<'_>,
    zone: &ZoneName,
    state: &ZoneState,
) -> Result<RrSets, Failure> {
    let current = read_zone(&mut cx.session, zone).await?.into_zone(zone)?;
    let primary = &cx.session.primary.name;
    let ptrs = cx.store.ptrs().await?.into_iter();
    let ptrs = ptrs.filter(|it| it.primary == *primary);
    let mut beside: Vec<(Name, RecordType, Rdata)> = ptrs
        .map(|it| {
            let rdata = Rdata::from_name(&it.hostname);
            (reverse_name(it.address), RecordType::PTR, rdata)
        })
        .collect();
    let mut sets = Vec::new();
    for set in current.records.minus(&state.managed).into_sets() {
        if set.rtype.is_made_by_signer() || cx.policy.keeps(&set.owner) {
            continue;
        }
        if set.rtype == RecordType::TXT && set.owner.is_challenge() {
            let values = cx.store.challenges(primary, &set.owner).await?;
            let values = values.into_iter();
            beside.extend(values.map(|it| (set.owner.clone(), RecordType::TXT, it)));
        }
        let is_beside = |set: &RrSet, rdata: &Rdata| {
            let mut beside = beside.iter();
            beside.any(|(owner, rtype, value)| {
                (owner, *rtype, value) == (&set.owner, set.rtype, rdata)
            })
        };
        let set = set.part(|rdata| !is_beside(&set, rdata));
        sets.extend(Some(set).filter(|set| !set.rdatas.is_empty()));
    }
    Ok(RrSets::from_sets(sets))
}
