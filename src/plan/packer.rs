//! Packs a plan into messages.
//!
//! All changes at an owner name go into one message, so that no message leaves a name half changed.
//! Each message has prerequisites on the records from which the plan was computed. If the changes
//! at one owner name do not fit into a message, no message is built: half a plan is worse than
//! none.

use super::batch::{Batch, Prerequisite, Update, header_and_zone_octets};
use super::change::{Action, Change, Plan};
use crate::model::{CurrentZone, Name, Rdata, RecordType, Soa, ZoneName};

/// Most messages of one plan. At 64 KiB each this is 256 MiB of changes, far beyond any zone of a
/// panel; and so many serials stay far from half of the serial number space (RFC 1982).
pub const PLAN_MESSAGES_MAX: usize = 4_096;

/// The kind of prerequisites by which a message notices a change by another client.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Prerequisites {
    /// The SOA record, which notices any change of the zone. Each of several messages sets the SOA
    /// that the next one requires.
    #[default]
    Soa,
    /// The SOA record, which a single message sets as well. For primaries that raise the serial
    /// only once for several waiting messages (Knot): two messages could require one serial there.
    SoaMovedOn,
    /// The RRsets that the plan changes. For primaries whose prerequisites compare another SOA than
    /// the one that they transfer (BIND with inline-signing).
    RrSets,
    /// The presence or absence of the RRsets that the plan changes, whatever their values. For
    /// primaries that compare the text form of values (PowerDNS).
    Presence,
}

/// The reason why a plan cannot be packed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BatchError {
    /// The changes at one owner name do not fit into a message.
    #[error("the changes at `{owner}` take a message of {octets} octets, and {limit} is the most")]
    OwnerTooLarge {
        /// The owner name.
        owner: Name,
        /// The size of a message with only the changes at this owner name.
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
/// The caller must send them in order, each after the success of the one before. A plan that
/// changes nothing gives no message.
///
/// # Errors
/// [`BatchError`] if the changes at an owner name do not fit into a message, or if there are too
/// many messages.
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
        ignores_ttl_only_additions: prerequisites == Prerequisites::SoaMovedOn,
        current,
        octets_max,
    };
    match prerequisites {
        Prerequisites::Soa => packer.pack_with_soa(false),
        Prerequisites::SoaMovedOn => packer.pack_with_soa(true),
        Prerequisites::RrSets | Prerequisites::Presence => packer.pack_with_rrsets(prerequisites),
    }
}

struct Packer<'a> {
    plan: &'a Plan,
    /// Whether the primary is known to ignore an addition that only changes a TTL (Knot).
    ignores_ttl_only_additions: bool,
    current: &'a CurrentZone,
    octets_max: usize,
}

/// The position of an owner name among the messages of a plan. BIND: checks after each message that
/// hosts in the zone which MX and apex NS records name have addresses, and refuses it otherwise. So
/// addresses are added before the records that name their hosts, and removed after them.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum SendOrder {
    First,
    NamesHosts,
    LosesAddresses,
}

fn send_order(changes: &[Change]) -> SendOrder {
    let names_hosts =
        |change: &Change| [RecordType::NS, RecordType::MX, RecordType::SRV].contains(&change.rtype);
    let is_address = |change: &Change| [RecordType::A, RecordType::AAAA].contains(&change.rtype);
    let is_lost = |change: &Change| is_address(change) && change.action == Action::Remove;
    let is_kept = |change: &Change| is_address(change) && change.action != Action::Remove;
    if changes.iter().any(names_hosts) {
        SendOrder::NamesHosts
    } else if changes.iter().any(is_lost) && !changes.iter().any(is_kept) {
        SendOrder::LosesAddresses
    } else {
        SendOrder::First
    }
}

/// The entries of one owner name in a message.
struct OwnerEntries<'a> {
    owner: &'a Name,
    prerequisites: Vec<Prerequisite>,
    updates: Vec<Update>,
    octets: usize,
}

impl<'a> Packer<'a> {
    /// Packs messages that each require the SOA. `always_sets_soa`: a single message sets it too.
    fn pack_with_soa(&self, always_sets_soa: bool) -> Result<Vec<Batch>, BatchError> {
        let groups = self.group_by_owner(|_| Vec::new());
        let prerequisite_octets = self.soa_prerequisite(&self.current.soa).octets();
        let frame = header_and_zone_octets(&self.plan.zone) + prerequisite_octets;
        // A single message need not set the SOA. The last of several messages may set a longer SOA
        // than those before it, so each leaves room for the longest.
        let unchanged = self.set_soa(&self.current.soa, 0).octets();
        let alone = match self.soa_octets() {
            0 if always_sets_soa => unchanged,
            octets => octets,
        };
        let whole = frame + alone + groups.iter().map(|group| group.octets).sum::<usize>();
        let is_one = whole <= self.octets_max || groups.len() == 1;
        let start = frame + if is_one { alone } else { alone.max(unchanged) };
        let mut batches = self.pack(groups, start, start)?;

        let last = batches.len() - 1;
        let mut expected = self.current.soa.clone();
        for (at, batch) in batches.iter_mut().enumerate() {
            batch.prerequisites.push(self.soa_prerequisite(&expected));
            let (mut soa, ttl) = match &self.plan.soa {
                Some((soa, ttl)) if at == last => (soa.clone(), *ttl),
                None if last == 0 && !always_sets_soa => break,
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

    /// Packs messages that require RRsets. The first message sets the SOA: the server raises the
    /// serial with each message, and would silently ignore an SOA whose serial is no longer ahead.
    fn pack_with_rrsets(&self, prerequisites: Prerequisites) -> Result<Vec<Batch>, BatchError> {
        let groups =
            self.group_by_owner(|changes| self.rrset_prerequisites(changes, prerequisites));
        let frame = header_and_zone_octets(&self.plan.zone);
        let mut batches = self.pack(groups, frame + self.soa_octets(), frame)?;
        if let (Some((soa, ttl)), Some(first)) = (&self.plan.soa, batches.first_mut()) {
            first.updates.insert(0, self.set_soa(soa, *ttl));
        }
        Ok(batches)
    }

    /// Groups the entries by owner name. Returns at least one group, so that a plan that only
    /// changes the SOA has its message.
    fn group_by_owner(
        &self,
        prerequisites: impl Fn(&[Change]) -> Vec<Prerequisite>,
    ) -> Vec<OwnerEntries<'a>> {
        let owners = self.plan.changes.chunk_by(|a, b| a.owner == b.owner);
        let mut owners: Vec<&[Change]> = owners.collect();
        owners.sort_by_key(|changes| send_order(changes));
        let mut groups: Vec<OwnerEntries<'a>> = owners
            .into_iter()
            .map(|changes| {
                let prerequisites = prerequisites(changes);
                let updates = self.updates(changes);
                let octets = prerequisites
                    .iter()
                    .map(Prerequisite::octets)
                    .sum::<usize>()
                    + updates.iter().map(Update::octets).sum::<usize>();
                OwnerEntries {
                    owner: &changes[0].owner,
                    prerequisites,
                    updates,
                    octets,
                }
            })
            .collect();
        if groups.is_empty() {
            groups.push(OwnerEntries {
                owner: self.plan.zone.apex(),
                prerequisites: Vec::new(),
                updates: Vec::new(),
                octets: 0,
            });
        }
        groups
    }

    /// Returns the entries for the changes at one owner name.
    ///
    /// A record that only gets another TTL is removed and added again. Knot: ignores the addition
    /// of a record that exists, whatever its TTL.
    ///
    /// An apex NS is only added, which sets its TTL. PowerDNS: applies the removal of an apex NS
    /// after all other entries, and so for good. Knot: needs the removal here too, and a
    /// placeholder NS meanwhile, because servers silently ignore the removal of the last apex NS.
    fn updates(&self, changes: &[Change]) -> Vec<Update> {
        let needs_removal =
            |change: &Change| self.ignores_ttl_only_additions || !self.is_apex_ns(change);
        let mut updates = Vec::with_capacity(changes.len());
        let mut has_placeholder = false;
        for change in changes {
            if let Action::SetTtl { ttl } = change.action
                && needs_removal(change)
            {
                if self.is_apex_ns(change) && !has_placeholder {
                    has_placeholder = true;
                    updates.push(self.placeholder_ns(Action::Add { ttl }));
                }
                let action = Action::Remove;
                updates.push(Update::from(&Change {
                    action,
                    ..change.clone()
                }));
            }
            updates.push(Update::from(change));
        }
        if has_placeholder {
            updates.push(self.placeholder_ns(Action::Remove));
        }
        updates
    }

    /// Returns the entry that adds or removes an apex NS which is in the zone within one message
    /// only. Its name exists nowhere (RFC 6761 section 6.4).
    fn placeholder_ns(&self, action: Action) -> Update {
        let name: Name = "nsbridge.invalid."
            .parse()
            .expect("the literal is a valid name");
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

    /// Returns the prerequisites on each RRset that the changes at one owner name change.
    fn rrset_prerequisites(&self, changes: &[Change], kind: Prerequisites) -> Vec<Prerequisite> {
        let owner = &changes[0].owner;
        let mut types: Vec<RecordType> = changes.iter().map(|change| change.rtype).collect();
        types.sort_unstable();
        types.dedup();
        let mut prerequisites = Vec::new();
        for rtype in types {
            if let Some(set) = self.current.records.get(owner, rtype) {
                if kind == Prerequisites::Presence {
                    let owner = owner.clone();
                    prerequisites.push(Prerequisite::Exists { owner, rtype });
                    continue;
                }
                let equals = |rdata: &Rdata| Prerequisite::Equals {
                    owner: owner.clone(),
                    rtype,
                    rdata: rdata.clone(),
                };
                prerequisites.extend(set.rdatas.iter().map(equals));
            } else {
                let owner = owner.clone();
                prerequisites.push(Prerequisite::Absent { owner, rtype });
            }
        }
        prerequisites
    }

    /// Fills messages with groups in order. `first` and `rest` are the octets that the first and
    /// each later message has before its first group.
    fn pack(
        &self,
        groups: Vec<OwnerEntries<'_>>,
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
            let batch = batches.last_mut().expect("the list starts with one batch");
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

    fn soa_prerequisite(&self, soa: &Soa) -> Prerequisite {
        Prerequisite::Equals {
            owner: self.plan.zone.apex().clone(),
            rtype: RecordType::SOA,
            rdata: soa.to_rdata(),
        }
    }

    fn set_soa(&self, soa: &Soa, ttl: u32) -> Update {
        Update::add(soa.to_record(&self.plan.zone, ttl))
    }

    /// Returns the octets of the plan's SOA in a message; zero if the plan has none.
    fn soa_octets(&self) -> usize {
        let soa = self.plan.soa.as_ref();
        soa.map_or(0, |(soa, ttl)| self.set_soa(soa, *ttl).octets())
    }
}
