//! Plesk's JSON, as Plesk sends it, in a line or two.

use serde_json::{Map, Value, json};

/// A record of a zone: owner (absolute), type, `opt`, value.
pub(crate) type Record<'a> = (&'a str, &'a str, &'a str, &'a str);

/// The time in the serial of the first payload; later ones count on from it.
pub(crate) const SENT_AT: u32 = 1_764_000_000;

/// The TTL in the SOA of a payload, and so that of records which say no other.
pub(crate) const TTL: u32 = 86_400;

/// `create` of a zone with these records.
pub(crate) fn create(zone: &str, records: &[Record<'_>]) -> Value {
    with_zone("create", zone, SENT_AT, records)
}

/// `update` of a zone to these records, sent `seconds` after the first payload.
pub(crate) fn update(zone: &str, seconds: u32, records: &[Record<'_>]) -> Value {
    with_zone("update", zone, SENT_AT + seconds, records)
}

/// `delete` of a zone.
pub(crate) fn delete(zone: &str) -> Value {
    json!({ "command": "delete", "zone": { "name": absolute(zone), "displayName": absolute(zone) } })
}

/// `createPTRs` of an address.
pub(crate) fn create_ptr(address: &str, host: &str) -> Value {
    json!({ "command": "createPTRs", "ptr": { "ip_address": address, "hostname": host } })
}

/// `deletePTRs` of an address.
pub(crate) fn delete_ptr(address: &str, host: &str) -> Value {
    json!({ "command": "deletePTRs", "ptr": { "ip_address": address, "hostname": host } })
}

/// One call of Plesk: an array of commands.
pub(crate) fn call(commands: &[Value]) -> String {
    Value::from(commands.to_vec()).to_string()
}

/// The SOA of a payload that was sent at that time.
pub(crate) fn soa(sent_at: u32) -> Map<String, Value> {
    let soa = json!({
        "email": "hostmaster@example.net", "status": 0, "type": "master",
        "ttl": TTL, "refresh": 10_800, "retry": 3_600, "expire": 604_800, "minimum": 10_800,
        "serial": sent_at, "serial_format": "UNIXTIMESTAMP",
    });
    soa.as_object().cloned().unwrap_or_default()
}

/// A record as it stands in `rr`.
pub(crate) fn record((host, kind, opt, value): Record<'_>) -> Value {
    json!({
        "host": host, "displayHost": host, "type": kind,
        "displayValue": value, "opt": opt, "value": value,
    })
}

/// A command about a zone, whose name ends in a dot, with all its parts.
pub(crate) fn zone_command(
    command: &str,
    name: &str,
    soa: &Map<String, Value>,
    rr: &[Value],
) -> Value {
    json!({
        "command": command,
        "zone": { "name": name, "displayName": name, "soa": soa, "rr": rr },
    })
}

fn with_zone(command: &str, zone: &str, sent_at: u32, records: &[Record<'_>]) -> Value {
    let rr: Vec<Value> = records.iter().copied().map(record).collect();
    zone_command(command, &absolute(zone), &soa(sent_at), &rr)
}

fn absolute(zone: &str) -> String {
    format!("{}.", zone.trim_end_matches('.'))
}
