//! What waits in the queue, and zones that deliveries of a known second can be told apart in.

use serde_json::Value;

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
