//! A plan packed into messages.
//!
//! It is packed owner by owner and an owner is never split, so that no message leaves a name half
//! changed. Each message is guarded by what the plan was computed from. Nothing is built when one
//! owner does not fit: half a plan is worse than none.

use super::batch::{Batch, Prerequisite, Update, frame_octets};
use super::change::{Action, Change, Plan};
use crate::model::{CurrentZone, Name, Rdata, RecordType, Soa, ZoneName};

/// Most messages of one plan. At 64 KiB each this is 256 MiB of changes, far beyond any zone that
/// a panel makes; and a chain of so many serials stays far from half the serial circle (RFC 1982).
pub const PLAN_MESSAGES_MAX: usize = 4_096;

/// What a change by someone else is noticed by.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Prerequisites {
    /// The SOA record: any change of the zone is noticed. Over several messages it is chained:
    /// each sets the SOA that the next one expects.
    #[default]
    Soa,
    /// The same, and a single message sets the SOA as well: for primaries that move the serial on only
    /// once for several messages that wait (Knot), where two could be guarded by one serial.
    SoaMovedOn,
    /// The RRsets that the plan touches: for primaries whose prerequisites do not see the SOA
    /// that they transfer (BIND with inline-signing).
    RrSets,
    /// That the RRsets are there or not, whatever they hold: for primaries that compare data as they are
    /// spelled, not as they are (PowerDNS).
    Presence,
}

/// Why a plan cannot be sent.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BatchError {
    /// The changes of one owner do not fit a message.
    #[error("the changes at `{owner}` take a message of {octets} octets, and {limit} is the most")]
    OwnerTooLarge {
        /// The owner.
        owner: Name,
        /// The size of a message with the changes of this owner alone.
        octets: usize,
        /// The largest size of a message.
        limit: usize,
    },
    /// The plan takes more than [`PLAN_MESSAGES_MAX`] messages.
    #[error("the changes of the zone `{zone}` take more than {limit} messages")]
    TooManyMessages {
        /// The zone.
        zone: ZoneName,
        /// The most messages of a plan.
        limit: usize,
    },
}

/// Packs a plan into messages of at most `octets_max` octets each, TSIG not counted.
///
/// They are to be sent in order, each after success of the one before. A plan that changes nothing
/// gives no message.
///
/// # Errors
/// [`BatchError`] where an owner does not fit a message, or there are too many messages.
pub fn batches(
    plan: &Plan,
    current: &CurrentZone,
    prerequisites: Prerequisites,
    octets_max: usize,
) -> Result<Vec<Batch>, BatchError> {
    if plan.is_empty() {
        return Ok(Vec::new());
    }
    let packer = Packer {
        plan,
        is_knot: prerequisites == Prerequisites::SoaMovedOn,
        current,
        octets_max,
    };
    match prerequisites {
        Prerequisites::Soa => packer.guarded_by_soa(false),
        Prerequisites::SoaMovedOn => packer.guarded_by_soa(true),
        Prerequisites::RrSets | Prerequisites::Presence => packer.guarded_by_sets(prerequisites),
    }
}

struct Packer<'a> {
    plan: &'a Plan,
    /// The primary is one that moves a serial on once for several messages.
    is_knot: bool,
    current: &'a CurrentZone,
    octets_max: usize,
}

/// When an owner has its turn, where the plan takes several messages. BIND checks after each message
/// that the hosts of MX and apex NS records in the zone have addresses, and refuses it otherwise: so
/// addresses come before what names their hosts, and go after it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Turn {
    First,
    NamesHosts,
    LosesAddresses,
}

fn turn(changes: &[Change]) -> Turn {
    let names_hosts =
        |change: &Change| [RecordType::NS, RecordType::MX, RecordType::SRV].contains(&change.rtype);
    let is_address = |change: &Change| [RecordType::A, RecordType::AAAA].contains(&change.rtype);
    let is_lost = |change: &Change| is_address(change) && change.action == Action::Remove;
    let is_kept = |change: &Change| is_address(change) && change.action != Action::Remove;
    if changes.iter().any(names_hosts) {
        Turn::NamesHosts
    } else if changes.iter().any(is_lost) && !changes.iter().any(is_kept) {
        Turn::LosesAddresses
    } else {
        Turn::First
    }
}

/// What one owner puts into a message.
struct Group<'a> {
    owner: &'a Name,
    prerequisites: Vec<Prerequisite>,
    updates: Vec<Update>,
    octets: usize,
}

impl<'a> Packer<'a> {
    fn guarded_by_soa(&self, moves_on: bool) -> Result<Vec<Batch>, BatchError> {
        let groups = self.groups(|_| Vec::new());
        let guard_octets = self.prerequisites(&self.current.soa).octets();
        let frame = frame_octets(&self.plan.zone) + guard_octets;
        // One message need not set the SOA. The last of several may set a longer one than those
        // before it; room for the longest is left in each.
        let unchanged = self.set_soa(&self.current.soa, 0).octets();
        let alone = match self.soa_octets() {
            0 if moves_on => unchanged,
            octets => octets,
        };
        let whole = frame + alone + groups.iter().map(|group| group.octets).sum::<usize>();
        let is_one = whole <= self.octets_max || groups.len() == 1;
        let start = frame + if is_one { alone } else { alone.max(unchanged) };
        let mut batches = self.pack(groups, start, start)?;

        let last = batches.len() - 1;
        let mut expected = self.current.soa.clone();
        for (at, batch) in batches.iter_mut().enumerate() {
            batch.prerequisites.push(self.prerequisites(&expected));
            let (mut soa, ttl) = match &self.plan.soa {
                Some((soa, ttl)) if at == last => (soa.clone(), *ttl),
                None if last == 0 && !moves_on => break,
                _ => (expected.clone(), self.current.soa_ttl),
            };
            if !soa.serial.is_after(expected.serial) {
                soa.serial = expected.serial.plus(1);
            }
            batch.updates.insert(0, self.set_soa(&soa, ttl));
            expected = soa;
        }
        Ok(batches)
    }

    /// The SOA goes with the first message: the server moves the serial on by itself with each
    /// message, and would ignore one that it has passed.
    fn guarded_by_sets(&self, prerequisites: Prerequisites) -> Result<Vec<Batch>, BatchError> {
        let groups = self.groups(|changes| self.set_guards(changes, prerequisites));
        let frame = frame_octets(&self.plan.zone);
        let mut batches = self.pack(groups, frame + self.soa_octets(), frame)?;
        if let (Some((soa, ttl)), Some(first)) = (&self.plan.soa, batches.first_mut()) {
            first.updates.insert(0, self.set_soa(soa, *ttl));
        }
        Ok(batches)
    }

    /// The changes by owner; never none, so that a plan of an SOA alone has its message.
    fn groups(&self, guards: impl Fn(&[Change]) -> Vec<Prerequisite>) -> Vec<Group<'a>> {
        let owners = self.plan.changes.chunk_by(|a, b| a.owner == b.owner);
        let mut owners: Vec<&[Change]> = owners.collect();
        owners.sort_by_key(|changes| turn(changes));
        let mut groups: Vec<Group<'a>> = owners
            .into_iter()
            .map(|changes| {
                let prerequisites = guards(changes);
                let updates = self.updates(changes);
                let octets = prerequisites
                    .iter()
                    .map(Prerequisite::octets)
                    .sum::<usize>()
                    + updates.iter().map(Update::octets).sum::<usize>();
                Group {
                    owner: &changes[0].owner,
                    prerequisites,
                    updates,
                    octets,
                }
            })
            .collect();
        if groups.is_empty() {
            groups.push(Group {
                owner: self.plan.zone.apex(),
                prerequisites: Vec::new(),
                updates: Vec::new(),
                octets: 0,
            });
        }
        groups
    }

    /// The steps of one owner's changes. A value that only gets another TTL goes and comes back: Knot
    /// ignores an addition of what is there, whatever its TTL. Not so an apex NS, which `PowerDNS` removes
    /// last of all and so for good: its addition sets the TTL, but on Knot, where another name server stands
    /// in meanwhile, for servers ignore the removal of the last one.
    fn updates(&self, changes: &[Change]) -> Vec<Update> {
        let needs_removal = |change: &Change| self.is_knot || !self.is_apex_ns(change);
        let mut updates = Vec::with_capacity(changes.len());
        let mut stands_in = false;
        for change in changes {
            if let Action::SetTtl { ttl } = change.action
                && needs_removal(change)
            {
                if self.is_apex_ns(change) && !stands_in {
                    stands_in = true;
                    updates.push(self.stand_in(Action::Add { ttl }));
                }
                let action = Action::Remove;
                updates.push(Update::from(&Change {
                    action,
                    ..change.clone()
                }));
            }
            updates.push(Update::from(change));
        }
        if stands_in {
            updates.push(self.stand_in(Action::Remove));
        }
        updates
    }

    /// A step of a name server that is in the zone within one message only: a name that nobody has (RFC
    /// 6761 section 6.4).
    fn stand_in(&self, action: Action) -> Update {
        let name: Name = "nsbridge.invalid."
            .parse()
            .expect("it is written as a name is");
        Update::from(&Change {
            owner: self.plan.zone.apex().clone(),
            rtype: RecordType::NS,
            rdata: Rdata::from_name(&name),
            action,
        })
    }

    fn is_apex_ns(&self, change: &Change) -> bool {
        change.rtype == RecordType::NS && change.owner == *self.plan.zone.apex()
    }

    /// Prerequisites on each set that one owner's changes touch.
    fn set_guards(&self, changes: &[Change], prerequisites: Prerequisites) -> Vec<Prerequisite> {
        let owner = &changes[0].owner;
        let mut types: Vec<RecordType> = changes.iter().map(|change| change.rtype).collect();
        types.sort_unstable();
        types.dedup();
        let mut guards = Vec::new();
        for rtype in types {
            if let Some(set) = self.current.records.get(owner, rtype) {
                if prerequisites == Prerequisites::Presence {
                    let owner = owner.clone();
                    guards.push(Prerequisite::Exists { owner, rtype });
                    continue;
                }
                guards.extend(set.rdatas.iter().map(|rdata| Prerequisite::Equals {
                    owner: owner.clone(),
                    rtype,
                    rdata: rdata.clone(),
                }));
            } else {
                let owner = owner.clone();
                guards.push(Prerequisite::Absent { owner, rtype });
            }
        }
        guards
    }

    /// Fills messages with groups in order. `first` and `rest` are the octets that a message has
    /// before its first group.
    fn pack(
        &self,
        groups: Vec<Group<'_>>,
        first: usize,
        rest: usize,
    ) -> Result<Vec<Batch>, BatchError> {
        let limit = self.octets_max;
        let mut batches = vec![self.empty_batch()];
        let (mut octets, mut is_empty) = (first, true);
        for group in groups {
            if !is_empty && octets + group.octets > limit {
                batches.push(self.empty_batch());
                (octets, is_empty) = (rest, true);
            }
            if is_empty && octets + group.octets > limit {
                return Err(BatchError::OwnerTooLarge {
                    owner: group.owner.clone(),
                    octets: octets + group.octets,
                    limit,
                });
            }
            if batches.len() > PLAN_MESSAGES_MAX {
                return Err(BatchError::TooManyMessages {
                    zone: self.plan.zone.clone(),
                    limit: PLAN_MESSAGES_MAX,
                });
            }
            octets += group.octets;
            is_empty = false;
            let batch = batches.last_mut().expect("it is never empty");
            batch.prerequisites.extend(group.prerequisites);
            batch.updates.extend(group.updates);
        }
        Ok(batches)
    }

    fn empty_batch(&self) -> Batch {
        Batch {
            zone: self.plan.zone.clone(),
            prerequisites: Vec::new(),
            updates: Vec::new(),
        }
    }

    fn prerequisites(&self, soa: &Soa) -> Prerequisite {
        Prerequisite::Equals {
            owner: self.plan.zone.apex().clone(),
            rtype: RecordType::SOA,
            rdata: soa.to_rdata(),
        }
    }

    fn set_soa(&self, soa: &Soa, ttl: u32) -> Update {
        Update::Add {
            owner: self.plan.zone.apex().clone(),
            rtype: RecordType::SOA,
            ttl,
            rdata: soa.to_rdata(),
        }
    }

    /// The octets of the plan's SOA in a message; zero without one.
    fn soa_octets(&self) -> usize {
        let soa = self.plan.soa.as_ref();
        soa.map_or(0, |(soa, ttl)| self.set_soa(soa, *ttl).octets())
    }
}
