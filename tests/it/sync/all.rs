//! `nsbridge sync --all` of a folder: what is delivered, what is left out, and what is deleted.

use std::fs;
use std::os::unix::fs::symlink;

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::dig;
use crate::support::jobs::{assert_empty, jobs, many_zones};
use crate::support::nsupdate::nsupdate;
use crate::support::refusal::{Exchanges, Proxy};
use crate::support::server::{Kind, Server, Started, scenario};
use crate::support::sync_all::{assert_sends, assert_total, contents, put, remove, sync, www};
use crate::support::wanted::zone;

scenario!(a_folder_is_delivered_and_then_what_changes_in_it);
fn a_folder_is_delivered_and_then_what_changes_in_it(kind: Kind) {
    let (server, bridge) = kind.fresh();
    put(&bridge, "a.test.db", &contents(1));
    put(&bridge, "b.test.zone", &contents(2));
    put(&bridge, "pri.c.test", &contents(3));
    put(&bridge, "db.d.test", &contents(4));
    let others = [
        "a.test.db~",
        ".e.test.db",
        "#e.test.db#",
        "pri.e.test.err",
        "e.test.db.signed",
        "db.e.test.jnl",
        "db.local",
        "README",
        "e.test.db/file",
    ];
    for other in others {
        put(&bridge, other, "no zone");
    }
    assert_sends(&bridge, 4, 0, 0);
    for (zone, address) in [("a.test", 1), ("b.test", 2), ("c.test", 3), ("d.test", 4)] {
        assert_eq!(www(&server, zone), Some(address));
    }
    assert_sends(&bridge, 0, 0, 4);

    put(&bridge, "b.test.zone", &contents(9));
    remove(&bridge, &["pri.c.test"]);
    let dry = sync(&bridge, &["--dry-run"]);
    dry.assert_status(1).assert_stderr("");
    assert!(
        dry.stdout.contains("c.test.: would be deleted"),
        "{}",
        dry.stdout
    );
    assert_sends(&bridge, 1, 1, 2);
    assert_eq!(www(&server, "b.test"), Some(9));
    assert!(!dig::has_zone(&server, "c.test"));
    assert_sends(&bridge, 0, 0, 3);
    assert_empty(&bridge);
}

#[test]
fn of_a_thousand_zones_only_what_has_changed_costs_anything() {
    const ZONES: u32 = 1_000;
    let named = many_zones(ZONES);
    let proxy = Proxy::counting(&named);
    let bridge = proxy.bridge(&named).deadline_seconds(300);
    for number in 1..=ZONES {
        put(&bridge, &format!("z{number}.test.db"), &contents(7));
    }
    assert_sends(&bridge, 1_000, 0, 0);
    let serials = || [1, 500, 999, 1_000].map(|it| dig::soa(&named, &format!("z{it}.test")).serial);
    let before = serials();

    let (run, exchanges) = proxy.count(|| sync(&bridge, &[]));
    run.assert_status(0).assert_stderr("");
    assert_total(&run, 0, 0, 1_000);
    assert_eq!(exchanges, Exchanges::default());
    assert_eq!(serials(), before);

    put(&bridge, "z500.test.db", &contents(8));
    remove(&bridge, &["z999.test.db"]);
    let (run, exchanges) = proxy.count(|| sync(&bridge, &[]));
    run.assert_status(0).assert_stderr("");
    assert_total(&run, 1, 1, 998);
    assert_eq!(exchanges.updates, 2);
    assert_eq!(www(&named, "z500.test"), Some(8));
    assert_eq!(www(&named, "z999.test"), None);
    let after = serials();
    let same = [0, 1, 2, 3].map(|it| after[it] == before[it]);
    assert_eq!(same, [true, false, false, true]);
}

scenario!(a_wrong_file_costs_its_zone_alone: law);
fn a_wrong_file_costs_its_zone_alone(kind: Kind) {
    let (server, bridge) = kind.fresh();
    let names = ["broken", "empty", "half", "link", "twice", "good"];
    for name in names {
        put(&bridge, &format!("{name}.test.db"), &contents(1));
    }
    put(&bridge, "some.zone.db", &contents(1));
    assert_sends(&bridge, 7, 0, 0);

    let whole = contents(2);
    put(
        &bridge,
        "broken.test.db",
        &(whole.clone() + "www A 192.0.2.\n"),
    );
    put(&bridge, "empty.test.db", "");
    let soa = whole.find("@ 3600 NS").expect("an NS record");
    put(&bridge, "half.test.db", &whole[..soa]);
    let link = bridge.file("zones/link.test.db");
    fs::remove_file(&link).unwrap();
    symlink("gone", &link).unwrap();
    put(&bridge, "db.twice.test", &contents(2));
    put(&bridge, "good.test.db", &whole);
    put(&bridge, "no..zone.db", &whole);
    remove(&bridge, &["some.zone.db"]);
    put(&bridge, "pri.some.zone", &whole);
    for _ in 0..2 {
        let run = sync(&bridge, &[]);
        run.assert_status(65)
            .assert_code_with("NB-MASTER-FILE-DATA", "broken.test.")
            .assert_code_with("NB-ZONE-FILE-INCOMPLETE", "empty.test.")
            .assert_code_with("NB-ZONE-FILE-INCOMPLETE", "half.test.")
            .assert_code_with("NB-SOURCE-UNREADABLE", "link.test.")
            .assert_code_with("NB-ZONE-LISTED-TWICE", "twice.test.")
            .assert_code_with("NB-ZONE-NAME-INVALID", "no..zone")
            .assert_code_with("NB-FILE-NAME-AMBIGUOUS", "pri.some.zone");
        assert_eq!(www(&server, "good.test"), Some(2));
        for name in &names[..5] {
            assert_eq!(www(&server, &format!("{name}.test")), Some(1), "{name}");
        }
        assert_eq!(www(&server, "some.zone"), Some(1));
        assert!(!dig::has_zone(&server, "pri.some"));
    }
    // A wrong file that is gone is gone.
    remove(
        &bridge,
        &[
            "broken.test.db",
            "no..zone.db",
            "pri.some.zone",
            "db.twice.test",
        ],
    );
    put(&bridge, "empty.test.db", &contents(3));
    let run = sync(&bridge, &[]);
    run.assert_status(65);
    assert_total(&run, 1, 2, 2);
    assert!(!dig::has_zone(&server, "broken.test"));
}

scenario!(a_folder_without_a_zone_deletes_nothing: law);
fn a_folder_without_a_zone_deletes_nothing(kind: Kind) {
    let (server, bridge) = kind.fresh();
    put(&bridge, "a.test.db", &contents(1));
    assert_sends(&bridge, 1, 0, 0);
    remove(&bridge, &["a.test.db"]);
    put(&bridge, "README", "not mounted");
    for options in [&[][..], &["--force"], &["--dry-run"]] {
        sync(&bridge, options)
            .assert_status(65)
            .assert_stdout("")
            .assert_codes(&["NB-SOURCE-EMPTY"]);
    }
    fs::remove_dir_all(bridge.file("zones")).unwrap();
    sync(&bridge, &["--force"])
        .assert_status(65)
        .assert_codes(&["NB-SOURCE-UNREADABLE"]);
    assert_eq!(www(&server, "a.test"), Some(1));
    // As it was before.
    put(&bridge, "a.test.db", &contents(1));
    assert_sends(&bridge, 0, 0, 1);
}

scenario!(many_zones_that_are_gone_at_once_stay: law);
fn many_zones_that_are_gone_at_once_stay(kind: Kind) {
    let (server, bridge) = kind.fresh();
    let bridge = bridge.set("policy", "deletions-max-per-hour", "2");
    let names = ["a", "b", "c", "d"];
    for name in names {
        put(&bridge, &format!("{name}.test.db"), &contents(1));
    }
    assert_sends(&bridge, 4, 0, 0);
    remove(&bridge, &["a.test.db", "b.test.db", "c.test.db"]);
    put(&bridge, "d.test.db", &contents(2));
    for last in [2, 3] {
        put(&bridge, "d.test.db", &contents(last));
        let run = sync(&bridge, &[]);
        run.assert_status(69)
            .assert_codes(&["NB-ZONES-GONE"])
            .assert_code_with("NB-ZONES-GONE", "a.test. and 2 more");
        assert_total(&run, 1, 3, 0);
        assert_eq!(www(&server, "d.test"), Some(last));
        for name in &names[..3] {
            assert_eq!(www(&server, &format!("{name}.test")), Some(1));
        }
        assert_empty(&bridge);
    }
    sync(&bridge, &["--force"])
        .assert_status(0)
        .assert_stderr("");
    for name in &names[..3] {
        assert!(!dig::has_zone(&server, &format!("{name}.test")), "{name}");
    }
    assert_sends(&bridge, 0, 0, 1);
}

/// Asserts that a zone of the folder is not deleted after its file is gone.
#[track_caller]
fn assert_stays(server: &Started, bridge: &Bridge, zone: &str, address: u8) {
    remove(bridge, &[&format!("{zone}.db")]);
    let run = sync(bridge, &[]);
    run.assert_status(0);
    assert_eq!(www(server, zone), Some(address), "{zone}: {}", run.stdout);
}

scenario!(a_zone_that_another_caller_delivers_is_not_deleted: law);
fn a_zone_that_another_caller_delivers_is_not_deleted(kind: Kind) {
    let (server, bridge) = kind.fresh();
    for name in ["file", "panel", "other", "rest"] {
        put(&bridge, &format!("{name}.test.db"), &contents(1));
    }
    assert_sends(&bridge, 4, 0, 0);
    fs::write(bridge.file("own.db"), contents(2)).unwrap();
    let run = bridge.run(&["sync", "file.test", "own.db"], "");
    run.assert_status(0);
    assert_stays(&server, &bridge, "file.test", 2);
    let lines = "@ 3600 NS ns1.panel.test. | ns1 3600 A 192.0.2.1 | www A 192.0.2.3";
    bridge
        .plesk(zone("panel.test", lines).call())
        .assert_status(0);
    assert_stays(&server, &bridge, "panel.test", 3);

    // Another folder, from which it then goes as well.
    fs::create_dir(bridge.file("second")).unwrap();
    fs::write(bridge.file("second/other.test.db"), contents(4)).unwrap();
    fs::write(bridge.file("second/rest.test.db"), contents(4)).unwrap();
    let second = || bridge.run(&["sync", "--all", "second"], "");
    second().assert_status(0);
    remove(&bridge, &["other.test.db"]);
    let run = sync(&bridge, &[]);
    run.assert_status(0)
        .assert_codes(&["NB-ZONE-LISTED-ELSEWHERE"])
        .assert_code_with("NB-ZONE-LISTED-ELSEWHERE", "other.test.");
    assert_eq!(www(&server, "other.test"), Some(4));
    // It is said once.
    assert_sends(&bridge, 0, 0, 1);
    fs::remove_file(bridge.file("second/other.test.db")).unwrap();
    let run = second();
    run.assert_status(0);
    assert_total(&run, 0, 1, 1);
    assert!(!dig::has_zone(&server, "other.test"));
}

scenario!(a_zone_that_was_deleted_by_hand_comes_back_with_its_file: law);
fn a_zone_that_was_deleted_by_hand_comes_back_with_its_file(kind: Kind) {
    let (server, bridge) = kind.fresh();
    put(&bridge, "a.test.db", &contents(1));
    assert_sends(&bridge, 1, 0, 0);
    bridge
        .run(&["zone", "delete", "a.test"], "")
        .assert_status(0);
    assert!(!dig::has_zone(&server, "a.test"));
    assert_sends(&bridge, 1, 0, 0);
    assert_eq!(www(&server, "a.test"), Some(1));
}

scenario!(a_zone_that_comes_back_before_its_deletion_is_done_stays: law);
fn a_zone_that_comes_back_before_its_deletion_is_done_stays(kind: Kind) {
    let (mut server, bridge) = kind.fresh();
    let bridge = bridge.without_dry_run("the primary is down");
    put(&bridge, "a.test.db", &contents(1));
    put(&bridge, "b.test.db", &contents(1));
    assert_sends(&bridge, 2, 0, 0);
    server.stop();
    remove(&bridge, &["a.test.db"]);
    let run = sync(&bridge, &[]);
    run.assert_status(75);
    assert_total(&run, 0, 1, 1);
    assert_eq!(jobs(&bridge).len(), 1);
    put(&bridge, "a.test.db", &contents(1));
    let run = sync(&bridge, &[]);
    run.assert_status(75);
    // What is in place by all that is known is sent again: the deletion may be.
    assert_total(&run, 1, 0, 1);
    assert_eq!(jobs(&bridge).len(), 1);
    server.restart();
    sync(&bridge, &[]).assert_status(0);
    assert_eq!(www(&server, "a.test"), Some(1));
    assert_sends(&bridge, 0, 0, 2);
}

scenario!(what_is_left_out_is_named_by_each_run: law);
fn what_is_left_out_is_named_by_each_run(kind: Kind) {
    let (server, bridge) = kind.fresh();
    put(
        &bridge,
        "a.test.db",
        &(contents(1) + "www CNAME elsewhere.test.\n"),
    );
    put(
        &bridge,
        "b.test.db",
        &(contents(1) + "mx MX 10 192.0.2.4\n"),
    );
    put(&bridge, "c.test.db", &contents(1));
    for unchanged in [0, 1] {
        let run = sync(&bridge, &[]);
        run.assert_status(69)
            .assert_code_with("NB-CNAME-BESIDE-DESIRED", "a.test.")
            .assert_code_with("NB-MASTER-FILE-TARGET", "b.test.");
        assert_total(&run, 3 - unchanged, 0, unchanged);
    }
    assert_eq!(www(&server, "a.test"), Some(1));
    put(&bridge, "a.test.db", &contents(2));
    put(&bridge, "b.test.db", &contents(2));
    assert_sends(&bridge, 2, 0, 1);
    assert_sends(&bridge, 0, 0, 3);
}

scenario!(a_zone_is_sent_again_if_asked_for_or_if_it_is_to_be_delivered_otherwise: law);
fn a_zone_is_sent_again_if_asked_for_or_if_it_is_to_be_delivered_otherwise(kind: Kind) {
    let (server, bridge) = kind.by_hand("theirs A 192.0.2.9\n");
    put(&bridge, "example.com.db", &contents(1));
    put(&bridge, "part", "part A 192.0.2.5\n");
    assert_sends(&bridge, 1, 0, 0);
    let at = |name: &str| dig::short(&server, &format!("{name}.example.com"), "A");
    let total = |options: &[&str], sent, unchanged| {
        let run = sync(&bridge, options);
        run.assert_status(0).assert_stderr("");
        assert_total(&run, sent, 0, unchanged);
    };
    nsupdate(&server, "update delete www.example.com A\n");
    total(&[], 0, 1);
    assert_eq!(www(&server, "example.com"), None);
    total(&["--unchanged"], 1, 0);
    assert_eq!(www(&server, "example.com"), Some(1));
    assert_eq!(at("theirs"), ["192.0.2.9"]);
    total(&["--prune"], 1, 0);
    total(&["--prune"], 0, 1);
    assert!(at("theirs").is_empty());
    total(&["--trust", "operator"], 1, 0);

    // What a file includes is part of it.
    let text = contents(1) + "$INCLUDE part\n";
    put(&bridge, "example.com.db", &text);
    total(&[], 1, 0);
    assert_eq!(at("part"), ["192.0.2.5"]);
    put(&bridge, "part", "part A 192.0.2.6\n");
    total(&[], 1, 0);
    assert_eq!(at("part"), ["192.0.2.6"]);
    total(&[], 0, 1);
}

scenario!(a_panel_is_held_to_its_rules_unless_an_operator_speaks: law);
fn a_panel_is_held_to_its_rules_unless_an_operator_speaks(kind: Kind) {
    let server = kind.start(&[]);
    let [lab, shop] =
        ["lab", "shop"].map(|name| server.provisioning(Bridge::of(&server)).instance(name));
    put(&lab, "victim.test.db", &contents(1));
    assert_sends(&lab, 1, 0, 0);
    put(&shop, "www.victim.test.db", &contents(2));
    put(&shop, "own.test.db", &contents(3));
    for unchanged in [0, 1] {
        let run = sync(&shop, &[]);
        run.assert_status(69)
            .assert_codes(&["NB-BELOW-ZONE-OF-OTHER"]);
        assert_total(&run, 2 - unchanged, 0, unchanged);
        assert!(!dig::has_zone(&server, "www.victim.test"));
        assert_eq!(www(&server, "own.test"), Some(3));
    }
    // A zone that it never had does not go with its file.
    put(&shop, "victim.test.db", &contents(4));
    sync(&shop, &[]).assert_status(69);
    remove(&shop, &["victim.test.db"]);
    sync(&shop, &[]).assert_status(69);
    assert_eq!(www(&server, "victim.test"), Some(1));
    sync(&shop, &["--trust", "operator"]).assert_status(0);
    assert!(dig::has_zone(&server, "www.victim.test"));
}

#[test]
fn what_does_not_go_together_is_a_wrong_command_line() {
    let bridge = Bridge::at(1, "key".as_ref());
    put(&bridge, "a.test.db", &contents(1));
    for words in [
        &["sync", "--all", "zones", "a.test", "zones/a.test.db"][..],
        &[
            "sync",
            "--all",
            "zones",
            "--server",
            "192.0.2.1",
            "--key-file",
            "key",
        ],
        &["sync", "--all", "-"],
        &["sync", "--unchanged", "a.test", "zones/a.test.db"],
        &["sync", "a.test"],
        &["sync"],
    ] {
        let run = bridge.run_bare(&[], words, "");
        run.assert_status(64).assert_code("NB-USAGE");
    }
}
