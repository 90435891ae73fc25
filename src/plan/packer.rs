//! Packs a plan into messages.
//!
//! All changes at an owner name go into one message, so that no message leaves a name half changed;
//! only if they do not fit, each type has a message of its own. Each message has prerequisites on the
//! records from which the plan was computed. If the changes of an RRset do not fit into a message, no
//! message is built: half a plan is worse than none.

use super::abilities::{Abilities, Prerequisites, RrSetUpdates};
use super::batch::{Batch, Prerequisite, Update, header_and_zone_octets};
use super::change::{Action, Change, Plan};
use super::send_order::send_order;
use crate::diagnostic::{Diagnose, Diagnostic, case, displayed, zone as entries};
use crate::model::{CurrentZone, Name, Rdata, RecordType, RrSet, Soa, ZoneName};

/// Most messages of one plan. At 64 KiB each this is 256 MiB of changes, far beyond any zone of a
/// panel; and so many serials stay far from half of the serial number space (RFC 1982).
pub const PLAN_MESSAGES_MAX: usize = 4_096;

/// The reason why a plan cannot be packed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum BatchError {
    /// The changes of an RRset, or at the owner name of a CNAME or DS, do not fit into a message.
    OwnerTooLarge {
        /// The owner name.
        owner: Name,
        /// The size of a message with only the changes at this owner name.
        octets: usize,
        /// The largest size of a message.
        limit: usize,
    },
    /// The plan takes more than [`PLAN_MESSAGES_MAX`] messages.
    TooManyMessages {
        /// The zone.
        zone: ZoneName,
        /// The most messages of a plan.
        limit: usize,
    },
}

displayed!(BatchError);

impl Diagnose for BatchError {
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::OwnerTooLarge {
                owner,
                octets,
                limit,
            } => case!(entries::OWNER_TOO_LARGE, owner, octets, limit),
            Self::TooManyMessages { zone, limit } => case!(entries::ZONE_TOO_LARGE, zone, limit),
        }
    }
}

/// The octets of the messages of a plan, TSIG not counted.
#[derive(Clone, Copy, Debug)]
pub struct Octets {
    /// The size of a message that holds more than the changes of one RRset.
    pub usual: usize,
    /// The largest size.
    pub max: usize,
}

impl From<usize> for Octets {
    fn from(max: usize) -> Self {
        Self { usual: max, max }
    }
}

/// Packs a plan into messages of these sizes, as the primary takes them.
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
    abilities: &Abilities,
    octets: impl Into<Octets>,
) -> Result<Vec<Batch>, BatchError> {
    if plan.is_empty() {
        return Ok(Vec::new());
    }
    let packer = Packer {
        plan,
        ignores_ttl_only_additions: prerequisites == Prerequisites::SoaMovedOn,
        current,
        is_read: abilities.shows_zones(),
        has_prerequisites: prerequisites != Prerequisites::None,
        rrsets: abilities.rrsets,
        changes_max: changes_max(abilities),
        records_max: abilities.records_max.unwrap_or(usize::MAX),
        octets: octets.into(),
    };
    match prerequisites {
        Prerequisites::Soa => packer.pack_with_soa(false),
        Prerequisites::SoaMovedOn => packer.pack_with_soa(true),
        Prerequisites::RrSets | Prerequisites::Presence | Prerequisites::None => {
            packer.pack_with_rrsets(prerequisites)
        }
    }
}

/// The most records of a message beside those that its changes need: the prerequisite of the SOA, and the SOA.
const SOA_RECORDS_MAX: usize = 2;

/// Returns the most entries in the update section, the SOA not counted.
fn changes_max(abilities: &Abilities) -> usize {
    let least = match abilities.rrsets {
        RrSetUpdates::ByValue => 1,
        RrSetUpdates::Whole => 2,
    };
    let learnt = abilities.records_max.unwrap_or(usize::MAX);
    let learnt = learnt.saturating_sub(SOA_RECORDS_MAX).max(least);
    learnt.min(abilities.changes_max.unwrap_or(usize::MAX))
}

struct Packer<'a> {
    plan: &'a Plan,
    /// Whether the primary is known to ignore an addition that only changes a TTL (Knot).
    ignores_ttl_only_additions: bool,
    current: &'a CurrentZone,
    /// The zone was read. Otherwise it may hold records beside the managed ones, on which nothing can be required.
    is_read: bool,
    has_prerequisites: bool,
    rrsets: RrSetUpdates,
    /// The most entries in the update section, the SOA not counted.
    changes_max: usize,
    /// The most records in prerequisites and updates together.
    records_max: usize,
    octets: Octets,
}

/// Returns whether a change goes with those of all other types: a CNAME stands alone at its name, and a DS goes with its
/// NS.
fn goes_with_all_others(change: &Change) -> bool {
    [RecordType::CNAME, RecordType::DS].contains(&change.rtype)
}

/// The entries of one owner name in a message, or of one of its RRsets.
struct OwnerEntries<'a> {
    owner: &'a Name,
    prerequisites: Vec<Prerequisite>,
    updates: Vec<Update>,
    octets: usize,
}

impl OwnerEntries<'_> {
    /// Returns the number of its prerequisites.
    fn required(&self) -> usize {
        self.prerequisites.len()
    }
}

impl<'a> Packer<'a> {
    /// Packs messages that each require the SOA. `always_sets_soa`: a single message sets it too.
    fn pack_with_soa(&self, always_sets_soa: bool) -> Result<Vec<Batch>, BatchError> {
        let prerequisite_octets = self.soa_prerequisite(&self.current.soa).octets();
        let frame = header_and_zone_octets(&self.plan.zone) + prerequisite_octets;
        // A single message need not set the SOA. The last of several messages may set a longer SOA
        // than those before it, so each leaves room for the longest.
        let unchanged = self.set_soa(&self.current.soa, 0).octets();
        let alone = match self.soa_octets() {
            0 if always_sets_soa => unchanged,
            octets => octets,
        };
        let groups = self.group_by_owner(frame + alone.max(unchanged), None);
        let whole = frame + alone + groups.iter().map(|group| group.octets).sum::<usize>();
        let changes = groups
            .iter()
            .map(|group| group.updates.len())
            .sum::<usize>();
        let is_short = changes <= self.changes_max
            && changes + SOA_RECORDS_MAX + groups.iter().map(OwnerEntries::required).sum::<usize>()
                <= self.records_max;
        let is_one = groups.len() == 1 || whole <= self.octets.usual && is_short;
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
        let frame = header_and_zone_octets(&self.plan.zone);
        let groups = self.group_by_owner(frame + self.soa_octets(), Some(prerequisites));
        let mut batches = self.pack(groups, frame + self.soa_octets(), frame)?;
        if let (Some((soa, ttl)), Some(first)) = (&self.plan.soa, batches.first_mut()) {
            first.updates.insert(0, self.set_soa(soa, *ttl));
        }
        Ok(batches)
    }

    /// Groups the entries by owner name, or by owner name and type if they do not fit into a message otherwise, which
    /// has `frame` octets without them. Returns at least one group, so that a plan that only changes the SOA has its
    /// message.
    fn group_by_owner(
        &self,
        frame: usize,
        prerequisites: Option<Prerequisites>,
    ) -> Vec<OwnerEntries<'a>> {
        let [room, room_max] =
            [self.octets.usual, self.octets.max].map(|octets| octets.saturating_sub(frame));
        let owners = self.plan.changes.chunk_by(|a, b| a.owner == b.owner);
        let mut owners: Vec<&[Change]> = owners.collect();
        owners.sort_by_key(|changes| send_order(changes));
        let mut groups = Vec::with_capacity(owners.len());
        for changes in owners {
            let owner = &changes[0].owner;
            let whole = self.entries(owner, changes, prerequisites);
            let weaker = prerequisites.map(|it| it.max(Prerequisites::Presence));
            let is_too_many = whole.updates.len() > self.changes_max;
            let is_together = changes.iter().any(goes_with_all_others);
            if is_together && is_too_many && self.is_divisible(changes) {
                groups.extend(self.divided(owner, changes, weaker));
                continue;
            }
            if is_together || whole.octets <= room && !is_too_many {
                groups.push(whole);
                continue;
            }
            let mut by_type = changes.to_vec();
            by_type.sort_by_key(|change| change.rtype);
            for changes in by_type.chunk_by(|a, b| a.rtype == b.rtype) {
                let set = self.entries(owner, changes, prerequisites);
                if set.updates.len() > self.changes_max && self.is_divisible(changes) {
                    groups.extend(self.divided(owner, changes, weaker));
                } else if set.octets > room_max {
                    groups.push(self.entries(owner, changes, weaker));
                } else {
                    groups.push(set);
                }
            }
        }
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

    /// Returns whether several messages may make changes at an owner name. A DNAME is replaced at once, and a DS goes
    /// with its NS.
    fn is_divisible(&self, changes: &[Change]) -> bool {
        let is_one = |change: &Change| [RecordType::DNAME, RecordType::DS].contains(&change.rtype);
        self.rrsets == RrSetUpdates::ByValue && !changes.iter().any(is_one)
    }

    /// Divides the changes of an RRset, or at the owner name of a CNAME. Additions come first, so that an RRset is never
    /// empty between two messages; beside a CNAME they would be ignored.
    fn divided(
        &self,
        owner: &'a Name,
        changes: &[Change],
        first: Option<Prerequisites>,
    ) -> Vec<OwnerEntries<'a>> {
        let mut changes = changes.to_vec();
        let has_cname = changes.iter().any(|it| it.rtype == RecordType::CNAME);
        changes.sort_by_key(|change| (change.action == Action::Remove) != has_cname);
        let is_pair = |change: &Change| matches!(change.action, Action::SetTtl { .. });
        let entries_each = if changes.iter().any(is_pair) { 2 } else { 1 };
        let parts = changes.chunks((self.changes_max / entries_each).max(1));
        // The first message changes what the others could require.
        let prerequisites = std::iter::once(first).chain(std::iter::repeat(None));
        let parts = parts.zip(prerequisites);
        parts
            .map(|(part, kind)| self.entries(owner, part, kind))
            .collect()
    }

    /// Returns the entries for changes at one owner name, with these prerequisites on RRsets.
    fn entries(
        &self,
        owner: &'a Name,
        changes: &[Change],
        prerequisites: Option<Prerequisites>,
    ) -> OwnerEntries<'a> {
        let prerequisites = match prerequisites {
            Some(kind) if self.is_read => self.rrset_prerequisites(changes, kind),
            _ if self.is_read || !self.has_prerequisites => Vec::new(),
            _ if self.plan.may_meet_cname(changes, self.current) => {
                let (owner, rtype) = (owner.clone(), RecordType::CNAME);
                vec![Prerequisite::Absent { owner, rtype }]
            }
            _ => Vec::new(),
        };
        let updates = self.updates(changes);
        let octets = prerequisites
            .iter()
            .map(Prerequisite::octets)
            .sum::<usize>();
        OwnerEntries {
            owner,
            octets: octets + updates.iter().map(Update::octets).sum::<usize>(),
            prerequisites,
            updates,
        }
    }

    /// Returns the entries for the changes at one owner name.
    ///
    /// A record that only gets another TTL is removed and added again, if a message may hold both. Knot: ignores the
    /// addition of a record that exists, whatever its TTL.
    ///
    /// An apex NS is only added, which sets its TTL. PowerDNS: applies the removal of an apex NS
    /// after all other entries, and so for good. Knot: needs the removal here too, and a
    /// placeholder NS meanwhile, because servers silently ignore the removal of the last apex NS.
    fn updates(&self, changes: &[Change]) -> Vec<Update> {
        if self.rrsets == RrSetUpdates::Whole {
            return self.whole_sets(changes);
        }
        let has_room = self.changes_max > 1;
        let needs_removal = |change: &Change| {
            self.ignores_ttl_only_additions || has_room && !self.is_apex_ns(change)
        };
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

    /// Returns the entries that remove each RRset that the changes at one owner name change, and then add all values
    /// that each is to have.
    fn whole_sets(&self, changes: &[Change]) -> Vec<Update> {
        let (mut removed, mut added) = (Vec::new(), Vec::new());
        let mut by_type = changes.to_vec();
        by_type.sort_by_key(|change| change.rtype);
        for changes in by_type.chunk_by(|a, b| a.rtype == b.rtype) {
            let (owner, rtype) = (changes[0].owner.clone(), changes[0].rtype);
            let present = self.current.records.get(&owner, rtype);
            let is_changed = |rdata: &Rdata| changes.iter().any(|change| change.rdata == *rdata);
            let stays = present.map(|set| set.part(|rdata| !is_changed(rdata)));
            let ttl = changes.iter().find_map(Change::ttl);
            added.extend(stays.iter().flat_map(RrSet::records).map(|mut record| {
                record.ttl = ttl.unwrap_or(record.ttl);
                Update::add(record)
            }));
            let wanted = changes
                .iter()
                .filter_map(|it| Some(it.to_record(it.ttl()?)));
            added.extend(wanted.map(Update::add));
            removed.push(Update::RemoveSet { owner, rtype });
        }
        removed.extend(added);
        removed
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
        if kind == Prerequisites::None {
            return Vec::new();
        }
        let of_set = |rtype: RecordType| match self.current.records.get(owner, rtype) {
            Some(_) if kind == Prerequisites::Presence => {
                let owner = owner.clone();
                vec![Prerequisite::Exists { owner, rtype }]
            }
            set => Prerequisite::exactly(owner, rtype, set),
        };
        types.into_iter().flat_map(of_set).collect()
    }

    /// Fills messages with groups in order. `first` and `rest` are the octets that the first and
    /// each later message has before its first group.
    fn pack(
        &self,
        groups: Vec<OwnerEntries<'_>>,
        first: usize,
        rest: usize,
    ) -> Result<Vec<Batch>, BatchError> {
        let Octets { usual, max: limit } = self.octets;
        let mut batches = vec![self.empty_batch()];
        let (mut octets, mut changes, mut is_empty) = (first, 0, true);
        let mut required = SOA_RECORDS_MAX;
        for group in groups {
            let is_full = changes + group.updates.len() > self.changes_max
                || changes + required + group.updates.len() + group.required() > self.records_max;
            if !is_empty && (is_full || octets + group.octets > usual) {
                batches.push(self.empty_batch());
                (octets, changes, is_empty) = (rest, 0, true);
                required = SOA_RECORDS_MAX;
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
            changes += group.updates.len();
            required += group.required();
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
