//! Shows what a delivery did as an entry of the document.

use serde_json::{Value, json};

use crate::deliver::Done;
use crate::model::Presence;

/// Returns what was done as an entry of the document.
pub(super) fn entry(done: &Done) -> Value {
    match done {
        Done::Unchanged => json!({ "result": "unchanged" }),
        Done::Updated(counts) => json!({
            "result": "updated", "added": counts.added, "removed": counts.removed,
            "ttl-changed": counts.ttl_changed, "soa-changed": counts.soa_changed,
            "messages": counts.messages,
        }),
        Done::Created { records } => json!({ "result": "created", "records": records }),
        Done::Deleted => json!({ "result": "deleted" }),
        Done::Emptied { removed } => json!({ "result": "emptied", "removed": removed }),
        Done::AlreadyAbsent => json!({ "result": "already-gone" }),
        Done::PtrAdded {
            owner,
            zone,
            replaced,
            zone_created,
        } => json!({
            "result": "added", "owner": owner.to_string(), "zone": zone.to_string(),
            "replaced": replaced, "zone-created": zone_created,
        }),
        Done::PtrRemoved { owner, zone } => {
            json!({ "result": "removed", "owner": owner.to_string(), "zone": zone.to_string() })
        }
        Done::PtrKept { owner } => json!({ "result": "kept", "owner": owner.to_string() }),
        Done::Record {
            owner,
            zone,
            presence,
            is_changed,
            ..
        } => {
            let result = match (presence, is_changed) {
                (Presence::Present, true) => "added",
                (Presence::Present, false) => "unchanged",
                (Presence::Absent, true) => "removed",
                (Presence::Absent, false) => "already-gone",
            };
            json!({ "result": result, "owner": owner.to_string(), "zone": zone.to_string() })
        }
        Done::PtrSkipped => json!({ "result": "skipped" }),
    }
}
