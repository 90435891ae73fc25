//! `nsbridge sync`: zones made equal to master files, on every server.

use std::fs;

use pretty_assertions::assert_eq;
use serde_json::Value;

use crate::support::bridge::Bridge;
use crate::support::daemon::Release;
use crate::support::dig;
use crate::support::jobs::assert_empty;
use crate::support::nsupdate::nsupdate;
use crate::support::payload;
use crate::support::server::{Kind, Server as _, scenario};
use crate::support::sync::{HEAD, UNCHANGED, assert_is_settled, at, sync, write};

scenario!(a_zone_is_made_filled_changed_and_then_left_as_it_is);
fn a_zone_is_made_filled_changed_and_then_left_as_it_is(kind: Kind) {
    let (server, bridge) = kind.fresh();
    write(
        &bridge,
        "www A 192.0.2.7\n@ MX 10 mail\nmail 60 AAAA 2001:db8::1\nt TXT \"a;b\" c\n",
    );
    sync(&bridge, &[])
        .assert_status(0)
        .assert_stdout("example.com.: created with 7 records on main (127.0.0.1:PORT)\n")
        .assert_stderr("");
    let lines = [
        "example.com. 300 IN MX 10 mail.example.com.",
        "example.com. 3600 IN NS ns1.example.com.",
        "mail.example.com. 60 IN AAAA 2001:db8::1",
        "ns1.example.com. 3600 IN A 192.0.2.1",
        "t.example.com. 300 IN TXT \"a;b\" \"c\"",
        "www.example.com. 300 IN A 192.0.2.7",
    ];
    assert_eq!(dig::content(&server, "example.com"), lines);
    let soa = dig::soa(&server, "example.com");
    assert_eq!(
        (&*soa.rname, soa.minimum, soa.expire),
        ("hostmaster.example.com.", 300, 604_800)
    );
    assert_is_settled(&server, &bridge);

    write(
        &bridge,
        "www A 192.0.2.8\n@ MX 10 mail\nmail 60 AAAA 2001:db8::1\n$GENERATE 1-3 h$ A 192.0.2.$\n",
    );
    let run = sync(&bridge, &["--dry-run"]);
    run.assert_status(1).assert_stderr("");
    assert!(
        run.stdout
            .ends_with("total: 4 records to add, 2 records to remove, in 1 zone\n"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains(
        "\n- www.example.com. 300 IN A 192.0.2.7\n+ www.example.com. 300 IN A 192.0.2.8\n"
    ));
    sync(&bridge, &[]).assert_status(0).assert_stdout(
        "example.com.: updated, 4 records added, 2 records removed on main (127.0.0.1:PORT)\n",
    );
    assert_eq!(
        at(&server, &["www", "t", "h3"]),
        [
            "h3.example.com. 300 IN A 192.0.2.3",
            "www.example.com. 300 IN A 192.0.2.8",
        ]
    );
    assert_is_settled(&server, &bridge);
}

#[test]
fn a_zone_of_a_hundred_thousand_records_is_kept_like_a_small_one() {
    let (server, bridge) = Kind::Bind(Release::Installed).by_hand("");
    // A debug build on a busy machine takes its time.
    let bridge = bridge.deadline_seconds(300);
    // With the three of the head.
    let line = |n| format!("h{n} A 198.18.{}.{}\n", n / 256 % 256, n % 256);
    let lines = (3..100_000).map(line).collect::<Vec<_>>().concat();
    write(&bridge, &lines);
    sync(&bridge, &[]).assert_status(0).assert_stderr("");
    assert_eq!(dig::axfr(&server, "example.com").len(), 100_000);
    sync(&bridge, &[]).assert_status(0).assert_stdout(UNCHANGED);

    // A change by hand is noticed, kept without `--prune` and undone with it.
    nsupdate(
        &*server,
        "update delete h7.example.com\nupdate add by-hand.example.com 300 A 192.0.2.9",
    );
    sync(&bridge, &[]).assert_status(0).assert_stdout(
        "example.com.: updated, 1 record added, 0 records removed on main (127.0.0.1:PORT)\n",
    );
    assert_eq!(at(&server, &["h7", "by-hand"]).len(), 2);
    sync(&bridge, &["--prune"]).assert_status(0).assert_stdout(
        "example.com.: updated, 0 records added, 1 record removed on main (127.0.0.1:PORT)\n",
    );
    assert_eq!(
        at(&server, &["h7", "by-hand"]),
        ["h7.example.com. 300 IN A 198.18.0.7"]
    );
    sync(&bridge, &["--prune"])
        .assert_status(0)
        .assert_stdout(UNCHANGED);
}

scenario!(a_file_of_an_older_version_is_applied_and_the_serial_goes_forward);
fn a_file_of_an_older_version_is_applied_and_the_serial_goes_forward(kind: Kind) {
    let (server, bridge) = kind.fresh();
    // Later than any day on which this runs: PowerDNS makes serials of the day where they are greater.
    let versions = [
        ("2099112405", "A 192.0.2.5"),
        ("2099112404", "A 192.0.2.4"),
        ("3", "A 192.0.2.3"),
    ];
    for (index, (serial, record)) in (0..).zip(versions) {
        let head = HEAD.replace(" 7 ", &format!(" {serial} "));
        fs::write(bridge.file("zone.db"), format!("{head}www {record}\n")).unwrap();
        let run = sync(&bridge, &[]);
        run.assert_status(0).assert_stderr("");
        assert!(!run.stdout.contains("overtaken"), "{}", run.stdout);
        assert_eq!(dig::short(&server, "www.example.com", "A"), [&record[2..]]);
        assert_eq!(
            dig::soa(&server, "example.com").serial,
            2_099_112_405 + index
        );
    }
}

// Sends nothing: the file is read first, and whole.
scenario!(a_file_that_is_wrong_is_not_applied_in_part: law);
fn a_file_that_is_wrong_is_not_applied_in_part(kind: Kind) {
    let (server, bridge) = kind.by_hand("");
    write(
        &bridge,
        "good A 192.0.2.7\nbad A 192.0.2.700\nelse.example.net. A 192.0.2.8\n",
    );
    let (zone, updates) = (dig::axfr(&server, "example.com"), server.updates_received());
    for options in [&[][..], &["--dry-run"], &["--prune"]] {
        sync(&bridge, options)
            .assert_status(65)
            .assert_stdout("")
            .assert_codes(&["NB-MASTER-FILE-DATA", "NB-MASTER-FILE-OUT-OF-ZONE"])
            .assert_code_with("NB-MASTER-FILE-DATA", "zone.db:6:7")
            .assert_code_with("NB-MASTER-FILE-OUT-OF-ZONE", "zone.db:7:19");
    }
    assert_eq!(server.updates_received(), updates);
    assert_eq!(dig::axfr(&server, "example.com"), zone);
}

scenario!(a_file_without_an_soa_leaves_that_of_the_zone);
fn a_file_without_an_soa_leaves_that_of_the_zone(kind: Kind) {
    let (server, bridge) = kind.by_hand("");
    let soa = dig::soa(&server, "example.com");
    let lines = "$TTL 3600\n@ NS ns1\nns1 A 192.0.2.1\nwww A 192.0.2.7\n";
    fs::write(bridge.file("zone.db"), lines).unwrap();
    sync(&bridge, &[]).assert_status(0).assert_stdout(
        "example.com.: updated, 1 record added, 0 records removed on main (127.0.0.1:PORT)\n",
    );
    let after = dig::soa(&server, "example.com");
    assert!(after.serial > soa.serial);
    let serial = soa.serial;
    assert_eq!(dig::Soa { serial, ..after }, soa);
}

scenario!(what_cannot_stand_together_is_named_and_the_rest_is_in_place);
fn what_cannot_stand_together_is_named_and_the_rest_is_in_place(kind: Kind) {
    let (server, bridge) = kind.by_hand("");
    write(
        &bridge,
        "www A 192.0.2.7\nboth A 192.0.2.8\nboth CNAME www\n",
    );
    let run = sync(&bridge, &[]);
    run.assert_status(69)
        .assert_code_with("NB-CNAME-BESIDE-DESIRED", "both.example.com. CNAME");
    assert_eq!(run.jobs, ["held 1"]);
    let lines = [
        "both.example.com. 300 IN A 192.0.2.8",
        "www.example.com. 300 IN A 192.0.2.7",
    ];
    assert_eq!(at(&server, &["both", "www"]), lines);
}

scenario!(an_address_as_a_target_is_left_out_and_what_is_in_place_stays);
fn an_address_as_a_target_is_left_out_and_what_is_in_place_stays(kind: Kind) {
    let (server, bridge) = kind.by_hand("");
    write(&bridge, "m MX 10 a\nc CNAME a\na A 192.0.2.7\n");
    sync(&bridge, &[]).assert_status(0);
    for (index, target) in ["192.0.2.9", "192.0.2.9."].into_iter().enumerate() {
        let text = format!("m MX 10 {target}\nc CNAME {target}\na A 192.0.2.{index}\n");
        write(&bridge, &text);
        let run = sync(&bridge, &[]);
        run.assert_status(65)
            .assert_code_with("NB-MASTER-FILE-TARGET", "m.example.com. MX ")
            .assert_code_with("NB-MASTER-FILE-TARGET", "c.example.com. CNAME ")
            .assert_code_with(
                "NB-RECORDS-PROTECTED",
                "m.example.com. MX 10 a.example.com. ",
            );
        assert_empty(&bridge);
        let lines = [
            format!("a.example.com. 300 IN A 192.0.2.{index}"),
            "c.example.com. 300 IN CNAME a.example.com.".to_owned(),
            "m.example.com. 300 IN MX 10 a.example.com.".to_owned(),
        ];
        assert_eq!(at(&server, &["a", "c", "m"]), lines);
    }
}

scenario!(records_of_a_signer_are_left_out_with_a_warning);
fn records_of_a_signer_are_left_out_with_a_warning(kind: Kind) {
    let (server, bridge) = kind.by_hand("");
    write(
        &bridge,
        "www A 192.0.2.7\n@ DNSKEY 257 3 13 AAAA\nwww NSEC @ A\n",
    );
    sync(&bridge, &[])
        .assert_status(0)
        .assert_codes(&["NB-MASTER-FILE-SIGNED"]);
    sync(&bridge, &[])
        .assert_status(0)
        .assert_stdout(UNCHANGED)
        .assert_codes(&["NB-MASTER-FILE-SIGNED"]);
    assert_eq!(
        dig::short(&server, "example.com", "DNSKEY"),
        <[&str; 0]>::default()
    );
}

scenario!(plesks_records_and_a_files_are_one_and_the_same_memory: bind);
fn plesks_records_and_a_files_are_one_and_the_same_memory(kind: Kind) {
    let (server, bridge) = kind.fresh();
    let records = [
        ("example.com.", "NS", "", "ns1.example.com."),
        ("plesk.example.com.", "A", "", "192.0.2.8"),
        ("ns1.example.com.", "A", "", "192.0.2.1"),
    ];
    bridge
        .plesk(payload::call(&[payload::update(
            "example.com",
            0,
            &records,
        )]))
        .assert_status(0);
    write(&bridge, "www A 192.0.2.7\n");
    nsupdate(&server, "update add hand.example.com 300 A 192.0.2.9");
    sync(&bridge, &[]).assert_status(0);
    assert_eq!(
        at(&server, &["plesk", "www", "hand"]),
        [
            "hand.example.com. 300 IN A 192.0.2.9",
            "www.example.com. 300 IN A 192.0.2.7",
        ]
    );
}

scenario!(standard_input_and_included_files_are_read: bind);
fn standard_input_and_included_files_are_read(kind: Kind) {
    let (server, bridge) = kind.by_hand("");
    fs::create_dir(bridge.file("parts")).unwrap();
    fs::write(
        bridge.file("parts/a.db"),
        "a 300 A 192.0.2.2\n$INCLUDE b.db sub\n",
    )
    .unwrap();
    fs::write(bridge.file("parts/b.db"), "b 300 A 192.0.2.3\n").unwrap();
    let input = format!("{HEAD}$INCLUDE parts/a.db\n");
    bridge
        .run(&["sync", "example.com", "-"], &input)
        .assert_status(0)
        .assert_stderr("");
    assert_eq!(at(&server, &["a", "b.sub"]).len(), 2);
    fs::write(bridge.file("parts/b.db"), "b 300 A x\n").unwrap();
    bridge
        .run(&["sync", "example.com", "-"], &input)
        .assert_status(65)
        .assert_code_with("NB-MASTER-FILE-DATA", "parts/b.db:1:9");
    let absent = bridge.run(&["sync", "example.com", "absent.db"], "");
    absent
        .assert_status(65)
        .assert_codes(&["NB-INPUT-UNREADABLE"]);
}

scenario!(a_document_has_what_the_lines_say: bind);
fn a_document_has_what_the_lines_say(kind: Kind) {
    let (_server, bridge) = kind.by_hand("");
    write(&bridge, "www A 192.0.2.7\n");
    let run = sync(&bridge, &["--dry-run", "--output", "json"]);
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(document["status"], 1);
    let result = &document["results"][0];
    assert_eq!(result["subject"], "example.com.");
    assert_eq!(result["place"], "zone.db");
    assert_eq!(
        (&result["added"], &result["removed"]),
        (&2.into(), &1.into())
    );
}

#[test]
fn a_server_of_the_command_line_needs_its_key() {
    let server = Kind::Bind(Release::Installed).start(&[]);
    let bridge = Bridge::of(&server);
    write(&bridge, "");
    let arguments = ["sync", "example.com", "zone.db", "--server", "127.0.0.1"];
    bridge.run_bare(&[], &arguments, "").assert_status(64);
    let with_key = [&arguments[..], &["--key-file", "absent.key"]].concat();
    bridge
        .run_bare(&[], &with_key, "")
        .assert_status(78)
        .assert_code("NB-KEY-FILE-MISSING");
    bridge
        .run(&["sync", "example..com", "zone.db"], "")
        .assert_status(64);
}
