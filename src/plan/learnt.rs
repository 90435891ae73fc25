//! What a primary was seen to do with UPDATEs, by signed responses alone: remembered for a day, so that no call finds it out
//! again.

use std::time::Duration;

use super::abilities::{Abilities, Apex, Prerequisites, Serials};

/// For how many seconds a habit counts: the primary, or the rights of a key there, may have changed since.
pub const LEARNT_SECONDS: u64 = 24 * 60 * 60;

/// A habit that is learnt. That UPDATEs without prerequisites alone are taken is never learnt: an operator must allow
/// them.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Habit {
    /// The key cannot change the SOA of the zone.
    SoaKept,
    /// The key cannot change the NS records at the apex of the zone.
    ApexNsKept,
    /// An UPDATE leaves the TTL of the SOA as it is.
    SoaTtlKept,
    /// In the zone no prerequisite with the SOA holds: those with other values do.
    SoaFails,
    /// In the zone no prerequisite with a value holds: those of presence do.
    ValuesFail,
    /// The most records in the prerequisites and updates of a message, once a longer one was refused for its length.
    RecordsMax,
    /// The milliseconds between two UPDATEs, once one was refused that had been taken before.
    Interval,
    /// How serials move on: 1 once for several UPDATEs, 2 with each of them, 0 in other ways.
    Serials,
}

/// A habit with its value, which is 1 where it has none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Learnt {
    /// The habit.
    pub habit: Habit,
    /// The value.
    pub value: u32,
}

impl Habit {
    /// All habits, each with its name in the state.
    pub const ALL: [(Self, &str); 8] = [
        (Self::SoaKept, "soa"),
        (Self::ApexNsKept, "apex-ns"),
        (Self::SoaTtlKept, "soa-ttl"),
        (Self::SoaFails, "soa-value"),
        (Self::ValuesFail, "values"),
        (Self::RecordsMax, "records-max"),
        (Self::Interval, "interval"),
        (Self::Serials, "serials"),
    ];

    /// Returns whether it is one of the primary as a whole, not of a zone and a key.
    pub fn is_of_primary(self) -> bool {
        matches!(self, Self::RecordsMax | Self::Interval | Self::Serials)
    }

    /// Returns whether servers have it that do all of RFC 2136 otherwise.
    pub fn is_of_any_server(self) -> bool {
        matches!(self, Self::SoaTtlKept | Self::SoaFails | Self::Serials)
    }
}

impl Serials {
    /// The value of each as a habit.
    const VALUES: [(Self, u32); 3] = [(Self::Loose, 0), (Self::Joined, 1), (Self::Strict, 2)];

    /// Returns those of a habit with this value.
    fn of(value: u32) -> Self {
        let known = Self::VALUES.into_iter().find(|(_, it)| *it == value);
        known.map_or(Self::Loose, |(serials, _)| serials)
    }

    /// Returns the habit.
    pub fn learnt(self) -> Learnt {
        let known = Self::VALUES.into_iter().find(|(it, _)| *it == self);
        Learnt {
            habit: Habit::Serials,
            value: known.map_or(0, |(_, value)| value),
        }
    }
}

impl Abilities {
    /// Returns what a primary can do by the configuration and by what was learnt of it.
    #[must_use]
    pub fn with(mut self, learnt: impl Iterator<Item = Learnt>) -> Self {
        for Learnt { habit, value } in learnt {
            match habit {
                Habit::SoaKept => self.soa = Apex::Keep,
                Habit::ApexNsKept => self.apex_ns = Apex::Keep,
                Habit::SoaTtlKept => self.soa_ttl = Apex::Keep,
                Habit::SoaFails => {
                    self.prerequisites = self.prerequisites.max(Prerequisites::RrSets);
                }
                Habit::ValuesFail => {
                    self.prerequisites = self.prerequisites.max(Prerequisites::Presence);
                }
                Habit::RecordsMax => self.records_max = Some(value as usize),
                Habit::Interval => self.interval = Duration::from_millis(value.into()),
                Habit::Serials => self.serials = Serials::of(value),
            }
        }
        self
    }

    /// Returns the habits, one of which is shown by prerequisites that were taken in place of stronger ones, the least
    /// usual first.
    pub fn habits_shown_by(&self, taken: Prerequisites) -> impl Iterator<Item = Habit> + use<> {
        let known = self.prerequisites_after(0);
        let habits = [
            (Habit::ValuesFail, Prerequisites::Presence),
            (Habit::SoaFails, Prerequisites::RrSets),
        ];
        let shown = habits
            .into_iter()
            .filter(move |(_, it)| known < *it && *it <= taken);
        shown.map(|(habit, _)| habit)
    }
}

/// The lengths of the messages of a search that a primary took and refused, in records of prerequisites and updates.
#[derive(Debug, Default)]
pub(crate) struct Lengths {
    /// The longest that was taken.
    taken: usize,
    /// The last one that was refused.
    refused: usize,
    /// Refused messages that were divided and of which no part was refused alone, each with the number of groups that
    /// waited behind it.
    divided: Vec<(usize, usize)>,
    /// The shortest refused message all parts of which were taken.
    too_long: Option<usize>,
}

impl Lengths {
    /// Notes a message that was taken.
    pub(crate) fn take(&mut self, records: usize) {
        self.taken = self.taken.max(records);
    }

    /// Notes a message that was refused.
    pub(crate) fn refuse(&mut self, records: usize) {
        self.refused = records;
    }

    /// Notes that the refused message is divided, while so many groups wait behind it.
    pub(crate) fn divide(&mut self, waiting: usize) {
        self.divided.push((self.refused, waiting));
    }

    /// Notes that a part was refused alone: no message with it was refused for its length.
    pub(crate) fn refuse_single(&mut self) {
        self.divided.clear();
    }

    /// Notes that a group was taken, and so many are left.
    pub(crate) fn pass(&mut self, left: usize) {
        while let Some((records, _)) = self.divided.pop_if(|(_, waiting)| left <= *waiting) {
            let shortest = self.too_long.map_or(records, |known| known.min(records));
            self.too_long = Some(shortest);
        }
    }

    /// Returns the longest message that the primary takes, if it refused one for its length.
    pub(crate) fn max(&self) -> Option<usize> {
        let too_long = self.too_long?;
        (self.taken > 0 && self.taken < too_long).then_some(self.taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_is_learnt_from_a_message_whose_parts_are_all_taken() {
        let mut lengths = Lengths::default();
        lengths.refuse(18);
        lengths.divide(0);
        lengths.take(9);
        lengths.pass(1);
        assert_eq!(lengths.max(), None, "the other half may hold a bad record");
        lengths.take(10);
        lengths.pass(0);
        assert_eq!(lengths.max(), Some(10));
    }

    #[test]
    fn a_refused_record_is_no_length() {
        let mut lengths = Lengths::default();
        lengths.refuse(4);
        lengths.divide(0);
        lengths.take(2);
        lengths.pass(1);
        lengths.refuse(2);
        lengths.divide(0);
        lengths.refuse(1);
        lengths.refuse_single();
        lengths.take(1);
        lengths.pass(0);
        assert_eq!(lengths.max(), None);
    }

    #[test]
    fn a_refusal_of_less_than_was_taken_is_no_length() {
        let mut lengths = Lengths::default();
        lengths.take(9);
        lengths.refuse(6);
        lengths.divide(0);
        lengths.take(3);
        lengths.pass(0);
        assert_eq!(lengths.max(), None);
    }
}
