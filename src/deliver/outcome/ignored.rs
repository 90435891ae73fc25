//! What a primary did not do as it was told, although it took the update.

use super::done::{Counts, Delivered, Done, LeftOut};
use crate::deliver::error::Elsewhere;
use crate::model::{Presence, RecordType, RrSet, RrSets, Serial};
use crate::plan::Comparison;

/// The changes that a primary did not make as they were sent, although it took the update.
#[derive(Debug, Default)]
pub(crate) struct Ignored {
    /// Removed records that still exist.
    pub(crate) left: RrSets,
    /// Added records that are absent.
    pub(crate) missing: RrSets,
    /// RRsets with another TTL than they were given, and with the TTL that is served.
    pub(crate) altered: Vec<(RrSet, u32)>,
    /// Values that were to stay in changed RRsets, and are gone: an addition replaced them.
    pub(crate) replaced: RrSets,
    /// RRsets that are in the zone, and that the primary does not serve: it has a zone of its own for their names.
    pub(crate) hidden: Vec<RrSet>,
    /// A serial that the primary has reached, if one is known: the served one if it was seen, else the next one.
    pub(crate) serial: Option<Serial>,
    /// The TTL of the SOA that is served once its serial has moved on, if it was seen.
    pub(crate) soa_ttl: Option<u32>,
    /// The served serial is higher than the messages make it: another client may have undone their changes, or the
    /// primary chooses its own serials.
    pub(crate) may_be_undone: bool,
}

impl Counts {
    /// Subtracts the changes that are not in place.
    pub(crate) fn discount(&mut self, ignored: &Ignored) {
        let Ignored {
            left,
            missing,
            altered,
            ..
        } = ignored;
        let is_soa_missing = missing.iter().any(|set| set.rtype == RecordType::SOA);
        let missing_count = missing.record_count() - usize::from(is_soa_missing);
        self.soa_changed &= !is_soa_missing;
        self.removed -= left.record_count().min(self.removed);
        self.added -= missing_count.min(self.added);
        let altered: usize = altered.iter().map(|(set, _)| set.rdatas.len()).sum();
        self.ttl_changed -= altered.min(self.ttl_changed);
    }
}

impl Delivered {
    /// Returns the outcome of the deletion of a zone of another instance, which stays.
    pub(crate) fn of_other(instance: String) -> Self {
        Self {
            done: Done::Unchanged,
            left_out: vec![LeftOut::Elsewhere(Elsewhere::OfOther { instance })],
        }
    }
}

impl Ignored {
    pub(crate) fn is_empty(&self) -> bool {
        let sets = [&self.left, &self.missing, &self.replaced];
        sets.into_iter().all(RrSets::is_empty) && self.altered.is_empty()
    }

    /// Returns the outcome of the update of a single record, which is not done if any of it was ignored.
    pub(crate) fn delivered(self, done: Done) -> Delivered {
        let is_done = self.left.is_empty() && self.missing.is_empty();
        Delivered {
            done: if is_done { done } else { Done::Unchanged },
            left_out: self.into_left_out().collect(),
        }
    }

    /// Returns one report for each record, and for each RRset with another TTL.
    pub(crate) fn into_left_out(self) -> impl Iterator<Item = LeftOut> {
        let each = |presence, sets: RrSets| {
            let sets = sets.into_sets().into_iter();
            sets.flat_map(move |set| {
                let rdatas = set.rdatas.into_iter();
                rdatas.map(move |rdata| LeftOut::Ignored {
                    presence,
                    owner: set.owner.clone(),
                    rtype: set.rtype,
                    rdata,
                })
            })
        };
        let altered = self.altered.into_iter();
        let altered = altered.map(|(set, served)| LeftOut::TtlAltered { set, served });
        let hidden = self.hidden.into_iter().map(LeftOut::Hidden);
        let replaced = self.replaced.into_sets().into_iter().map(LeftOut::Replaced);
        each(Presence::Absent, self.left)
            .chain(each(Presence::Present, self.missing))
            .chain(altered)
            .chain(hidden)
            .chain(replaced)
    }
}

impl From<Comparison> for Ignored {
    fn from(found: Comparison) -> Self {
        Self {
            left: RrSets::from_sets(found.left),
            missing: RrSets::from_sets(found.missing),
            altered: found.altered,
            replaced: RrSets::from_sets(found.replaced),
            ..Self::default()
        }
    }
}
