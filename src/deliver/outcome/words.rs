//! Words what a delivery did, as the middle of a line.

use std::fmt;

use super::done::{Counts, Done};
use crate::diagnostic::count;
use crate::model::{Name, Presence, ZoneName};

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unchanged => f.write_str("unchanged"),
            Self::Updated(counts) => counts.fmt(f),
            Self::Created { records } => write!(f, "created with {}", count(*records, "record")),
            Self::Deleted => f.write_str("deleted"),
            Self::Emptied { removed } => write!(
                f,
                "{} removed; the zone is not nsbridge's alone, so it stays with its SOA and name servers",
                count(*removed, "record")
            ),
            Self::AlreadyAbsent => f.write_str("already gone"),
            Self::PtrAdded {
                owner,
                zone,
                replaced,
                zone_created,
            } => {
                write!(f, "added at {owner} in {zone}")?;
                f.write_str(&creation("was", *zone_created, zone, owner))?;
                match replaced {
                    0 => Ok(()),
                    others => write!(f, ", in place of {}", count(*others, "other")),
                }
            }
            Self::PtrRemoved { owner, zone } => write!(f, "removed at {owner} in {zone}"),
            Self::PtrKept { owner } => write!(
                f,
                "not added: {owner} has another PTR, which stays (`ptr.existing`)"
            ),
            Self::Record {
                asked,
                owner,
                zone,
                presence,
                is_changed,
            } => {
                f.write_str(match (presence, is_changed) {
                    (Presence::Present, true) => "added",
                    (Presence::Present, false) => "unchanged, there already",
                    (Presence::Absent, true) => "removed",
                    (Presence::Absent, false) => "already gone",
                })?;
                if owner != asked {
                    write!(f, " at {owner}")?;
                }
                write!(f, " in {zone}")
            }
            Self::PtrSkipped => f.write_str("skipped: `ptr.networks` is empty"),
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (added, removed) = (count(self.added, "record"), count(self.removed, "record"));
        write!(f, "updated, {added} added, {removed} removed")?;
        if self.ttl_changed > 0 {
            write!(f, ", {} changed", count(self.ttl_changed, "TTL"))?;
        }
        if self.soa_changed {
            f.write_str(", SOA changed")?;
        }
        Ok(())
    }
}

/// Returns the words for a reverse zone that is created for a PTR record. A zone at the record's own name has room
/// for no other address, which few expect.
pub fn creation(verb: &str, is_created: bool, zone: &ZoneName, owner: &Name) -> String {
    if !is_created {
        return String::new();
    }
    let alone = if zone.apex() == owner {
        " for this address alone, as a larger one would reach beyond its network in `ptr.networks`"
    } else {
        ""
    };
    format!(", which {verb} created{alone}")
}
