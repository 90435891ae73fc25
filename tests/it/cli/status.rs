//! `nsbridge status`: one page on queue, worker and primaries.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::support::bridge::{Bridge, Run};
use crate::support::hostile::{call, server};
use crate::support::jobs::{jobs, many_zones, wanted_at};
use crate::support::keys::Key;
use crate::support::payload;
use crate::support::refused_zone::dynamic;
use crate::support::scripted::{Conversation, Scripted};
use crate::support::server::Server as _;
use crate::support::sync;
use crate::support::wanted::{by_hand, zone};
use crate::support::worker::{pretend, start, stop};

/// Asserts the page, in which each number of seconds is `N`.
#[track_caller]
fn assert_page(run: &Run, status: i32, page: &[&str]) {
    run.assert_status(status).assert_stderr("");
    let shown: Vec<String> = run.stdout.lines().map(without_seconds).collect();
    assert_eq!(shown, page);
}

fn without_seconds(line: &str) -> String {
    let words = line.split_inclusive(' ').collect::<Vec<_>>();
    let mut text = String::new();
    for (index, word) in words.iter().enumerate() {
        let is_seconds = words
            .get(index + 1)
            .is_some_and(|next| next.trim_end() == "s");
        text.push_str(if is_seconds { "N " } else { word });
    }
    text
}

/// The entries of the page in JSON.
#[track_caller]
fn entries(bridge: &Bridge) -> (Value, Vec<Value>) {
    let run = bridge.run(&["--output", "json", "status"], "");
    let document: Value = serde_json::from_str(&run.stdout).expect("a document");
    let entries = document["results"].as_array().cloned().unwrap_or_default();
    (document["status"].clone(), entries)
}

#[test]
fn all_is_well_before_the_first_call_and_after_one_that_succeeds() {
    let named = server();
    let bridge = Bridge::of(&named);
    let page = [
        "  queue: nothing to deliver",
        "  worker: not running",
        "  main (127.0.0.1:PORT): no success yet",
    ];
    assert_page(&bridge.run(&["status"], ""), 0, &page);
    bridge.plesk(call()).assert_status(0);
    let page = [
        page[0],
        page[1],
        "  main (127.0.0.1:PORT): last success N s ago",
    ];
    assert_page(&bridge.run(&["status"], ""), 0, &page);
    let worker = start(&bridge);
    let page = [page[0], "  worker: running", page[2]];
    assert_page(&bridge.run(&["status"], ""), 0, &page);
    stop(worker);
}

#[test]
fn the_status_asks_no_primary_and_creates_no_queue() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let key = Key::new("plesk").write(directory.path());
    let peer = Scripted::start(Conversation::stall);
    let bridge = Bridge::at(peer.port(), &key);
    bridge.run(&["status"], "").assert_status(0);
    let files = std::fs::read_dir(bridge.file("state")).expect("a directory");
    assert_eq!((files.count(), peer.connections()), (0, 0));
}

#[test]
fn jobs_that_no_worker_delivers_need_a_look_and_so_does_the_primary_that_failed() {
    let mut named = many_zones(2);
    let bridge = Bridge::of(&named);
    let worker = pretend(&bridge);
    named.stop();
    bridge.plesk(wanted_at(1, 1).call()).assert_status(75);
    bridge.plesk(wanted_at(2, 1).call()).assert_status(75);
    let failed = "! main (127.0.0.1:PORT): no success yet; last failure N s ago: \
        127.0.0.1:PORT refused the connection (NB-CONNECTION-REFUSED)";
    let waiting = "queue: 2 jobs to deliver, the oldest for N s";
    let page = [&format!("  {waiting}"), "  worker: running", failed];
    assert_page(&bridge.run(&["status"], ""), 1, &page);
    drop(worker);
    let page = [&format!("! {waiting}"), "  worker: not running", failed];
    assert_page(&bridge.run(&["status"], ""), 1, &page);

    let (status, entries) = entries(&bridge);
    let [queue, worker, primary] = &entries[..] else {
        panic!("{entries:?}");
    };
    assert_eq!(
        (status, &queue["waiting"], &queue["held"]),
        (json!(1), &json!(2), &json!(0))
    );
    assert!(queue["oldest-seconds"].is_u64(), "{queue}");
    assert_eq!(
        worker,
        &json!({ "subject": "worker", "running": false, "needs-look": false })
    );
    assert_eq!(
        (
            &primary["subject"],
            &primary["primary"],
            &primary["code"],
            &primary["needs-look"]
        ),
        (
            &json!("primary"),
            &json!("main"),
            &json!("NB-CONNECTION-REFUSED"),
            &json!(true)
        )
    );
    assert!(primary["last-failure-at"].is_u64(), "{primary}");
    assert!(primary.get("last-success-at").is_none(), "{primary}");

    // Once they are delivered, the failure stays to be seen, and needs no look.
    named.restart();
    let run = bridge.run(&["queue", "retry", "--all"], "");
    run.assert_status(0);
    assert_eq!(jobs(&bridge).len(), 0);
    let run = bridge.run(&["status"], "");
    run.assert_prints("main (127.0.0.1:PORT): last success ")
        .assert_prints("; last failure ")
        .assert_prints("  queue: nothing to deliver\n")
        .assert_status(0);
}

/// What a wrong record protects is named until it is corrected, whether that changes anything or not.
#[test]
fn what_stays_for_a_wrong_record_needs_a_look() {
    const NS: &str = "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1";
    let (_named, bridge) = by_hand("");
    let of = |lines: &str, second: u32| zone("example.com", NS).with(lines).sent(second);
    let page = |line: Option<&str>| {
        let rest = [
            "  worker: not running",
            "  main (127.0.0.1:PORT): last success N s ago",
        ];
        let lines: Vec<&str> = ["  queue: nothing to deliver"]
            .into_iter()
            .chain(line)
            .chain(rest)
            .collect();
        assert_page(
            &bridge.run(&["status"], ""),
            i32::from(line.is_some()),
            &lines,
        );
    };
    bridge
        .plesk(of("www A 192.0.2.7 | t TXT text", 0).call())
        .assert_status(0);
    page(None);
    let wrong = "www A 192.0.2.1000 | t 2147483648 TXT text | t DS 1 2";
    for second in [1, 2] {
        let run = bridge.plesk(of(wrong, second).call());
        run.assert_status(65);
        page(Some(
            "! not as sent in 1 zone (NB-RECORDS-PROTECTED): www.example.com. A",
        ));
    }
    let (status, entries) = entries(&bridge);
    let expected = json!({
        "subject": "zones", "code": "NB-RECORDS-PROTECTED", "zones": 1,
        "records": ["www.example.com. A"], "needs-look": true,
    });
    assert_eq!((status, &entries[1]), (json!(1), &expected));
    bridge
        .plesk(of("www A 192.0.2.8 | t TXT text", 3).call())
        .assert_status(0);
    page(None);
}

/// A held job names the zone alone.
#[test]
fn each_refused_record_is_named_beside_its_job() {
    let (_named, bridge) = dynamic();
    sync::write(&bridge, "a_0 A 192.0.2.7\nwww A 192.0.2.8\n");
    sync::sync(&bridge, &[]).assert_status(69);
    let run = bridge.run(&["status"], "");
    run.assert_status(1)
        .assert_prints("! held: 1 job (NB-NAME-REFUSED): example.com.\n")
        .assert_prints("! not as sent in 1 zone (NB-NAME-REFUSED): a_0.example.com. A\n");
    sync::write(&bridge, "www A 192.0.2.8\n");
    sync::sync(&bridge, &[]).assert_status(0);
    bridge.run(&["status"], "").assert_status(0);
}

#[test]
fn held_jobs_are_grouped_by_their_code() {
    let named = server();
    let bridge = Bridge::of(&named);
    let absent: Vec<Value> = (1..=5)
        .map(|number| wanted_at(number, 1).update())
        .collect();
    bridge.plesk(payload::call(&absent)).assert_status(69);
    bridge
        .plesk(zone("example.com", "").call())
        .assert_status(69);
    let run = bridge.run(&["status"], "");
    assert_page(
        &run,
        1,
        &[
            "  queue: nothing to deliver",
            "! held: 5 jobs (NB-ZONE-ABSENT): z1.test., z2.test., z3.test. and 2 more",
            "! held: 1 job (NB-ZONE-EMPTY): example.com.",
            "  worker: not running",
            "  main (127.0.0.1:PORT): no success yet",
        ],
    );
    let (_, entries) = entries(&bridge);
    assert_eq!(entries[0]["held"], 6);
    assert_eq!(
        entries[1],
        json!({ "subject": "held", "code": "NB-ZONE-ABSENT", "jobs": 5, "needs-look": true })
    );
}

#[test]
fn a_queue_file_that_is_none_is_reported_with_its_remedy() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let key = Key::new("plesk").write(directory.path());
    let bridge = Bridge::at(1, &key);
    std::fs::write(bridge.file("state/queue.db"), "no database\n".repeat(500)).expect("a file");
    bridge
        .run(&["status"], "")
        .assert_status(78)
        .assert_stdout("")
        .assert_code("NB-QUEUE-FILE-DAMAGED")
        .assert_says("; nothing was attempted; do: ");
}
