//! The log says what was done, by which call, and deleted zones come back.

use pretty_assertions::assert_eq;
use serde_json::Value;

use super::world::{bind_with_consumers, call, delete, deliver, installation};
use crate::support::bridge::Bridge;
use crate::support::dig;
use crate::support::jobs::edit;
use crate::support::wanted::zone;

/// The events of the log, each as `SUBJECT CALLER DONE CODE`, without the numbers of processes.
fn events(bridge: &Bridge, arguments: &[&str]) -> Vec<String> {
    let run = bridge.run(&[&["--output", "json", "log"], arguments].concat(), "");
    run.assert_status(0).assert_stderr("");
    let document: Value = serde_json::from_str(&run.stdout).expect("a document");
    let results = document["results"].as_array().expect("results").iter();
    results
        .map(|it| {
            let [subject, caller, done, code] =
                ["subject", "caller", "done", "code"].map(|key| it[key].as_str().unwrap_or("-"));
            let caller = caller.split('[').next().unwrap_or_default();
            format!("{subject} {caller}: {done} {code}")
        })
        .collect()
}

#[test]
fn the_log_says_what_was_done_by_which_call_and_with_what_result() {
    let (mut named, _consumers) = bind_with_consumers();
    let bridge = installation(&named, "plesk01");
    deliver(&bridge, "a.test", 7);
    // Nothing is done.
    deliver(&bridge, "a.test", 7);
    deliver(&bridge, "a.test", 8);
    deliver(&bridge, "b.test", 8);
    bridge
        .run(&["zone", "delete", "b.test"], "")
        .assert_status(0);
    crate::support::server::Server::stop(&mut named);
    bridge.plesk(call("a.test", 9)).assert_status(75);
    bridge
        .run(&["queue", "retry", "--all"], "")
        .assert_status(75);
    crate::support::server::Server::restart(&mut named);
    bridge
        .run(&["queue", "retry", "--all"], "")
        .assert_status(0);
    let all = [
        "a.test. plesk: created with 3 records -",
        "a.test. plesk: updated, 1 record added, 1 record removed -",
        "b.test. plesk: created with 3 records -",
        "b.test. zone delete: deleted -",
        "a.test. plesk: - NB-CONNECTION-REFUSED",
        "a.test. plesk: updated, 1 record added, 1 record removed -",
    ];
    assert_eq!(events(&bridge, &[]), all);
    assert_eq!(events(&bridge, &["B.test"]), all[2..4]);
    assert_eq!(events(&bridge, &["--last", "1"]), all[5..]);
    let run = bridge.run(&["log", "b.test"], "");
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{}", run.stdout);
    let (time, rest) = lines[1].split_once(' ').unwrap_or_default();
    assert!(time.ends_with('Z') && time.len() == 20, "{time}");
    assert!(
        rest.starts_with("b.test. on main: deleted (zone delete["),
        "{rest}"
    );
    // What is older than the history goes with the next call.
    let age = "UPDATE event SET at = at - 31 * 86400 WHERE id <= 4";
    assert_eq!(edit(&bridge, age, []), 4);
    deliver(&bridge, "a.test", 9);
    assert_eq!(events(&bridge, &["b.test"]), Vec::<String>::new());
    assert_eq!(events(&bridge, &[]), all[4..]);
}

#[test]
fn a_deleted_zone_comes_back_as_long_as_the_history_is_kept() {
    let (named, consumers) = bind_with_consumers();
    let bridge = installation(&named, "plesk01");
    let contents =
        "@ NS ns1.example.net. | www 300 A 192.0.2.7 | @ MX 10 mail | mail AAAA 2001:db8::1";
    bridge
        .plesk(zone("a.test", contents).call())
        .assert_status(0);
    let before = dig::content(&named, "a.test");
    let nudge = || {};
    consumers.wait_for("www.a.test", &["192.0.2.7"], nudge);
    let run = bridge.run(&["zone", "restore", "a.test"], "");
    run.assert_status(65);
    run.assert_codes(&["NB-ZONE-NOT-KEPT"]);
    delete(&bridge, "a.test");
    assert!(!dig::has_zone(&named, "a.test"));
    consumers.wait_for("www.a.test", &[], nudge);
    let run = bridge.run(&["zone", "restore", "a.test"], "");
    run.assert_status(0).assert_stderr("");
    assert_eq!(dig::content(&named, "a.test"), before);
    consumers.wait_for("www.a.test", &["192.0.2.7"], nudge);
    // Once.
    bridge
        .run(&["zone", "restore", "a.test"], "")
        .assert_status(65);
    delete(&bridge, "a.test");
    edit(
        &bridge,
        "UPDATE wanted SET gone_at = gone_at - 31 * 86400",
        [],
    );
    deliver(&bridge, "b.test", 7);
    bridge
        .run(&["zone", "restore", "a.test"], "")
        .assert_status(65);
}
