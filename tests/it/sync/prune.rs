//! What a file lacks: it stays unless it is ours or is to be pruned, and a person says so where that is most of a
//! zone.

use std::fs;

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::daemon::Release;
use crate::support::dig;
use crate::support::named::{Named, Zone};
use crate::support::server::{Kind, Server as _, scenario};
use crate::support::sync::{
    HEAD, UNCHANGED, assert_is_settled, at, nsupdate_many, sync, sync_directly, write,
};
use crate::support::wait;

scenario!(foreign_records_stay_unless_they_are_pruned);
fn foreign_records_stay_unless_they_are_pruned(kind: Kind) {
    let (server, bridge) = kind.by_hand("theirs A 192.0.2.9\nboth 300 A 192.0.2.10\n");
    write(&bridge, "both A 192.0.2.11\n");
    sync(&bridge, &[]).assert_status(0);
    let with_theirs = [
        "both.example.com. 300 IN A 192.0.2.10",
        "both.example.com. 300 IN A 192.0.2.11",
        "theirs.example.com. 3600 IN A 192.0.2.9",
    ];
    assert_eq!(at(&server, &["both", "theirs"]), with_theirs);
    assert_is_settled(&server, &bridge);

    let run = sync(&bridge, &["--prune", "--dry-run"]);
    run.assert_status(1);
    let told = "- both.example.com. 300 IN A 192.0.2.10\n- theirs.example.com. 3600 IN A 192.0.2.9\n\
                total: 0 records to add, 2 records to remove, in 1 zone\n";
    assert!(run.stdout.ends_with(told), "{}", run.stdout);
    assert_eq!(at(&server, &["both", "theirs"]), with_theirs);
    sync(&bridge, &["--prune"]).assert_status(0).assert_stdout(
        "example.com.: updated, 0 records added, 2 records removed on main (127.0.0.1:PORT)\n",
    );
    assert_eq!(at(&server, &["both", "theirs"]), with_theirs[1..2]);
    sync(&bridge, &["--prune"])
        .assert_status(0)
        .assert_stdout(UNCHANGED);
}

scenario!(without_a_configuration_everything_that_the_file_lacks_is_foreign);
fn without_a_configuration_everything_that_the_file_lacks_is_foreign(kind: Kind) {
    let (mut server, bridge) = kind.by_hand("theirs 300 A 192.0.2.9\n");
    let direct = |options: &[&str]| sync_directly(&server, &bridge, options);
    let unchanged = "example.com.: unchanged on 127.0.0.1 (127.0.0.1:PORT)\n";
    // The TTL of the SOA stays: PowerDNS would keep it, and nobody would remember that.
    let head = HEAD.replace("@ 3600 IN SOA", "@ 1800 IN SOA");
    fs::write(bridge.file("zone.db"), head + "www A 192.0.2.7\n").unwrap();
    direct(&["--dry-run"]).assert_status(1).assert_stderr("");
    direct(&[]).assert_status(0).assert_stderr("");
    direct(&[]).assert_status(0).assert_stdout(unchanged);
    direct(&["--dry-run"]).assert_status(0);
    let soa = dig::soa(&server, "example.com");
    assert_eq!((soa.expire, soa.ttl), (604_800, 3_600));

    // What it wrote before is foreign now: nobody remembers.
    write(&bridge, "www A 192.0.2.8\n");
    direct(&[]).assert_status(0);
    assert_eq!(at(&server, &["www", "theirs"]).len(), 3);
    direct(&["--prune"]).assert_status(0).assert_stderr("");
    assert_eq!(
        at(&server, &["www", "theirs"]),
        ["www.example.com. 300 IN A 192.0.2.8"]
    );
    direct(&["--prune"])
        .assert_status(0)
        .assert_stdout(unchanged);
    assert!(!bridge.file("state/queue.db").exists());

    server.stop();
    let run = sync_directly(&server, &bridge, &[]);
    run.assert_status(75).assert_code("NB-CONNECTION-REFUSED");
    assert_eq!(run.jobs, <[&str; 0]>::default());
}

scenario!(what_waits_in_the_queue_still_prunes);
fn what_waits_in_the_queue_still_prunes(kind: Kind) {
    let (mut server, bridge) = kind.by_hand("theirs A 192.0.2.9\n");
    server.stop();
    write(&bridge, "www A 192.0.2.7\n");
    let run = sync(&bridge, &["--prune"]);
    run.assert_status(75).assert_code("NB-CONNECTION-REFUSED");
    assert_eq!(run.jobs, ["kept 1"]);
    let shown = bridge.run(&["queue", "show", "1"], "").stdout;
    let note = "; and nothing else: records of others are to be gone\n";
    assert!(shown.contains(note), "{shown}");
    server.restart();
    bridge
        .run(&["queue", "retry", "--all"], "")
        .assert_status(0);
    assert_eq!(
        at(&server, &["www", "theirs"]),
        ["www.example.com. 300 IN A 192.0.2.7"]
    );
}

scenario!(pruning_most_of_a_zone_needs_a_person);
fn pruning_most_of_a_zone_needs_a_person(kind: Kind) {
    let records: Vec<String> = (1..20).map(|n| format!("h{n} A 192.0.2.{n}\n")).collect();
    let (server, bridge) = kind.by_hand(&records.concat());
    write(&bridge, "www A 192.0.2.7\n");
    let run = sync(&bridge, &["--prune"]);
    run.assert_status(69)
        .assert_code_with("NB-MASS-REMOVAL", "19 of 21 records");
    assert_eq!(run.jobs, ["held 1"]);
    assert_eq!(at(&server, &["h1", "h19", "www"]).len(), 2);
    bridge
        .run(&["queue", "retry", "--force", "1"], "")
        .assert_status(0);
    assert_eq!(at(&server, &["h1", "h19", "www"]).len(), 1);

    // A person who asks for it at once is one, too, and without a queue nobody else can.
    nsupdate_many(&server);
    sync_directly(&server, &bridge, &["--prune"])
        .assert_status(69)
        .assert_code_with("NB-MASS-REMOVAL", "19 of 22 records");
    sync_directly(&server, &bridge, &["--prune", "--force"]).assert_status(0);
    assert_eq!(at(&server, &["h1", "h19", "www"]).len(), 1);
}

#[test]
fn a_signed_zone_is_pruned_and_stays_signed() {
    for is_inline in [true, false] {
        let records = "theirs A 192.0.2.9\nwww A 192.0.2.6\n";
        let named = Named::builder()
            .zone(Zone::signed("example.com", records, is_inline))
            .start();
        let bridge = Bridge::of(&named);
        wait::until("the zone is signed", || {
            let mut lines = dig::axfr(&named, "example.com").into_iter();
            lines.any(|line| line.contains(" RRSIG A "))
        });
        write(&bridge, "www A 192.0.2.7\n");
        sync(&bridge, &["--prune"])
            .assert_status(0)
            .assert_stderr("");
        let www = ["192.0.2.7"];
        assert_eq!(dig::short(&named, "www.example.com", "A"), www);
        assert_eq!(dig::status(&named, "theirs.example.com", "A"), "NXDOMAIN");
        assert!(!dig::short(&named, "example.com", "DNSKEY").is_empty());
        sync(&bridge, &["--prune"])
            .assert_status(0)
            .assert_stdout(UNCHANGED);
        wait::until("the new record is signed", || {
            let answer = dig::delv(&named, "example.com", "www.example.com", "A");
            answer.contains("; fully validated")
        });
    }
}

#[test]
fn what_nobody_sees_is_not_pruned_in_silence() {
    let (server, bridge) = Kind::Bind(Release::Installed).by_hand("hand A 192.0.2.100");
    let bridge = bridge.set_text("primaries.main", "read", "memory");
    write(&bridge, "www A 192.0.2.7\n");
    for options in [&["--prune"][..], &["--prune", "--dry-run"]] {
        sync(&bridge, options)
            .assert_status(64)
            .assert_stdout("")
            .assert_codes(&["NB-PRUNE-UNREAD"]);
    }
    assert!(dig::short(&server, "www.example.com", "A").is_empty());
    sync(&bridge, &[]).assert_status(0);
    let run = sync(&bridge.foreign_records("remove"), &[]);
    run.assert_status(78)
        .assert_stdout("")
        .assert_code_with("NB-CONFIG-BAD-VALUE", "`foreign-records`");
}
