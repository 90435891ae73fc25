//! Words the changes of a delivery.

use serde_json::{Value, json};

use super::output::count;
use crate::deliver::{Counts, Done};
use crate::model::{Name, Presence, ZoneName};

/// Returns a change as the middle of a line, and as an entry of the document.
pub(super) fn describe(done: &Done) -> (String, Value) {
    match done {
        Done::Unchanged => ("unchanged".into(), json!({ "result": "unchanged" })),
        Done::Updated(counts) => (
            describe_counts(counts),
            json!({
                "result": "updated", "added": counts.added, "removed": counts.removed,
                "ttl-changed": counts.ttl_changed, "soa-changed": counts.soa_changed,
                "messages": counts.messages,
            }),
        ),
        Done::Created { records } => (
            format!("created with {}", count(*records, "record")),
            json!({ "result": "created", "records": records }),
        ),
        Done::Deleted => ("deleted".into(), json!({ "result": "deleted" })),
        Done::Emptied { removed } => (
            format!(
                "{} removed; the zone is not nsbridge's alone, so it stays with its SOA and name \
                 servers",
                count(*removed, "record")
            ),
            json!({ "result": "emptied", "removed": removed }),
        ),
        Done::AlreadyAbsent => ("already gone".into(), json!({ "result": "already-gone" })),
        Done::PtrAdded {
            owner,
            zone,
            replaced,
            zone_created,
        } => {
            let created = creation("was", *zone_created, zone, owner);
            let others = match replaced {
                0 => String::new(),
                n => format!(", in place of {}", count(*n, "other")),
            };
            (
                format!("added at {owner} in {zone}{created}{others}"),
                json!({
                    "result": "added", "owner": owner.to_string(), "zone": zone.to_string(),
                    "replaced": replaced, "zone-created": zone_created,
                }),
            )
        }
        Done::PtrRemoved { owner, zone } => (
            format!("removed at {owner} in {zone}"),
            json!({ "result": "removed", "owner": owner.to_string(), "zone": zone.to_string() }),
        ),
        Done::PtrKept { owner } => (
            format!("not added: {owner} has another PTR, which stays (`ptr.existing`)"),
            json!({ "result": "kept", "owner": owner.to_string() }),
        ),
        Done::Record {
            asked,
            owner,
            zone,
            presence,
            is_changed,
        } => {
            let (result, text) = match (presence, is_changed) {
                (Presence::Present, true) => ("added", "added"),
                (Presence::Present, false) => ("unchanged", "unchanged, there already"),
                (Presence::Absent, true) => ("removed", "removed"),
                (Presence::Absent, false) => ("already-gone", "already gone"),
            };
            let at = if owner == asked {
                String::new()
            } else {
                format!(" at {owner}")
            };
            (
                format!("{text}{at} in {zone}"),
                json!({ "result": result, "owner": owner.to_string(), "zone": zone.to_string() }),
            )
        }
        Done::PtrSkipped => (
            "skipped: `ptr.networks` is empty".into(),
            json!({ "result": "skipped" }),
        ),
    }
}

/// Returns the words for a reverse zone that is created for a PTR record. A zone at the record's own name has room
/// for no other address, which few expect.
pub(super) fn creation(verb: &str, is_created: bool, zone: &ZoneName, owner: &Name) -> String {
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

fn describe_counts(counts: &Counts) -> String {
    let mut parts = vec![
        format!("{} added", count(counts.added, "record")),
        format!("{} removed", count(counts.removed, "record")),
    ];
    if counts.ttl_changed > 0 {
        parts.push(format!("{} changed", count(counts.ttl_changed, "TTL")));
    }
    if counts.soa_changed {
        parts.push("SOA changed".into());
    }
    format!("updated, {}", parts.join(", "))
}
