//! What waits in the queue, and zones that deliveries of a known second can be told apart in.

use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Params};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::support::bridge::Bridge;
use crate::support::named::{self, Named};
use crate::support::wanted::{Wanted, zone};

/// What is in the queue, as `queue list --output json` has it.
#[track_caller]
pub(crate) fn jobs(bridge: &Bridge) -> Vec<Value> {
    let run = bridge
        .start(&["--output", "json", "queue", "list"], "")
        .end();
    run.assert_status(0).assert_stderr("");
    let document: Value = serde_json::from_str(&run.stdout).expect("a document");
    document["results"].as_array().cloned().unwrap_or_default()
}

/// Asserts that nothing waits.
#[track_caller]
pub(crate) fn assert_empty(bridge: &Bridge) {
    let run = bridge.run(&["queue", "list"], "");
    run.assert_status(0)
        .assert_stdout("total: 0 jobs, 0 held\n")
        .assert_stderr("");
}

/// A server with so many zones `z1.test`, `z2.test` …, each as a person has made it.
#[track_caller]
pub(crate) fn many_zones(count: u32) -> Named {
    let zones = (1..=count).map(|number| named::Zone::dynamic(&format!("z{number}.test"), ""));
    zones.fold(Named::builder(), named::Builder::zone).start()
}

/// What a zone of [`many_zones`] shall be, by a payload that was sent at that second.
pub(crate) fn wanted_at(number: u32, second: u32) -> Wanted {
    let lines = format!(
        "@ 3600 NS ns1.z{number}.test. | ns1 3600 A 192.0.2.1 | www A 192.0.2.{} | s{second} TXT t",
        second % 250
    );
    zone(&format!("z{number}.test"), &lines).sent(second)
}

/// Lets each job that waits be due now.
#[track_caller]
pub(crate) fn make_due(bridge: &Bridge) {
    let changed = edit(bridge, "UPDATE job SET next_at = 0 WHERE state = 0", []);
    assert!(changed > 0, "no job waits");
}

/// Changes jobs, zones, listed zones or PTR values by a statement, and gives them the check sums that nsbridge would have written. Returns how many
/// rows the statement has changed.
#[track_caller]
pub(crate) fn edit(bridge: &Bridge, sql: &str, params: impl Params) -> usize {
    let queue = Connection::open(bridge.file("state/queue.db")).expect("a queue");
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    let defined = queue.create_scalar_function("check_sum", -1, flags, |context| {
        // The first octets of SHA-256, of each value with a letter for its type and its length.
        let mut octets: Vec<u8> = Vec::new();
        let mut add = |kind: u8, value: &[u8]| {
            octets.push(kind);
            octets.extend(value.len().to_le_bytes());
            octets.extend(value);
        };
        for index in 0..context.len() {
            match context.get_raw(index) {
                ValueRef::Null => add(b'n', &[]),
                ValueRef::Integer(number) => add(b'i', &number.to_le_bytes()),
                ValueRef::Text(text) => add(b't', text),
                ValueRef::Blob(octets) => add(b'b', octets),
                other @ ValueRef::Real(_) => {
                    panic!("a column of a type that no row has: {other:?}")
                }
            }
        }
        let digest = Sha256::digest(octets);
        Ok(i64::from_le_bytes(
            *digest.first_chunk().expect("32 octets"),
        ))
    });
    defined.expect("a function");
    let changed = queue.execute(sql, params).expect("rows can be changed");
    let seal = "UPDATE job SET intent_sum = check_sum(intent);
                UPDATE job SET own_sum = check_sum(id, key, primary_, stage, octets, intent_sum, state, forced,
                    enqueued_at, attempts, next_at, updated_at, reason, caller, repairs);
                UPDATE ptr SET own_sum = check_sum(primary_, address, hostname);
                UPDATE catalog SET own_sum = check_sum(primary_, zone, serial);
                UPDATE wanted SET own_sum = check_sum(key, primary_, stage, intent, gone_at);
                UPDATE member SET own_sum = check_sum(primary_, catalog, zone, claim, listed);
                UPDATE removed SET own_sum = check_sum(zone, owner, type, rdata);
                UPDATE listed SET own_sum = check_sum(source, zone, file, digest, job);
                UPDATE zone SET own_sum = check_sum(id, primary_, name, origin, generation, serial, key_tags,
                    records_sum, records);";
    queue.execute_batch(seal).expect("check sums");
    changed
}
