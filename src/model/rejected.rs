//! Records that were sent for a zone and are left out, since nsbridge itself finds them wrong.

use super::name::Name;
use super::record_type::RecordType;

/// A rejected record: as much of its owner name and type as can be read.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Rejected {
    /// The owner name; `None` if it cannot be read.
    pub owner: Option<Name>,
    /// The type; `None` if it cannot be read.
    pub rtype: Option<RecordType>,
}

/// The rejected records of a desired zone. They protect what is in place: a record that cannot be read must not
/// remove the one that it was meant to be.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RejectedRecords(Vec<Rejected>);

impl FromIterator<Rejected> for RejectedRecords {
    fn from_iter<T: IntoIterator<Item = Rejected>>(all: T) -> Self {
        let mut all: Vec<Rejected> = all.into_iter().collect();
        all.sort();
        all.dedup();
        Self(all)
    }
}

impl RejectedRecords {
    /// Returns whether no record was rejected.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the rejected records in ascending order, without duplicates.
    pub fn as_slice(&self) -> &[Rejected] {
        &self.0
    }

    /// Returns whether nothing of an owner name and type may be removed. A rejected record of just these protects them
    /// if no valid one of them is desired; one whose owner name or type cannot be read protects all that it could mean.
    pub fn protect(&self, owner: &Name, rtype: RecordType, is_desired: bool) -> bool {
        let has = |owner: Option<&Name>, rtype: Option<RecordType>| {
            let order = |it: &Rejected| (it.owner.as_ref(), it.rtype).cmp(&(owner, rtype));
            self.0.binary_search_by(order).is_ok()
        };
        !self.is_empty()
            && (!is_desired && has(Some(owner), Some(rtype))
                || has(Some(owner), None)
                || has(None, Some(rtype))
                || has(None, None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejected_record_protects_all_that_it_could_mean() {
        let name = |text: &str| text.parse::<Name>().unwrap();
        let rejected = |owner: Option<&str>, rtype| {
            let owner = owner.map(name);
            RejectedRecords::from_iter([Rejected { owner, rtype }])
        };
        let (a, mx) = (RecordType::A, RecordType::MX);
        let cases = [("w.", a), ("w.", mx), ("x.", a), ("x.", mx)];
        let protected = |rejected: &RejectedRecords, is_desired| {
            cases.map(|(owner, rtype)| rejected.protect(&name(owner), rtype, is_desired))
        };
        for (owner, rtype, undesired, desired) in [
            (Some("W."), Some(a), [true, false, false, false], [false; 4]),
            (
                Some("W."),
                None,
                [true, true, false, false],
                [true, true, false, false],
            ),
            (
                None,
                Some(a),
                [true, false, true, false],
                [true, false, true, false],
            ),
            (None, None, [true; 4], [true; 4]),
        ] {
            let rejected = rejected(owner, rtype);
            assert_eq!(protected(&rejected, false), undesired, "{rejected:?}");
            assert_eq!(protected(&rejected, true), desired, "{rejected:?}");
        }
        assert_eq!(protected(&RejectedRecords::default(), false), [false; 4]);
    }
}
