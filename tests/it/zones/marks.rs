//! Zones that bear the mark of the instance that made them, where no catalog tells.

use std::fs;

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::dig;
use crate::support::knot::{CATALOG, EMPTY_CATALOG};
use crate::support::named::{Named, Zone};
use crate::support::nsupdate::nsupdate;
use crate::support::payload;
use crate::support::server::{Kind, Server as _, scenario};
use crate::support::wait;
use crate::support::wanted::make_by_hand;
use crate::support::wanted::zone;

scenario!(without_a_catalog_another_instances_zone_is_left_alone_until_it_is_adopted: bind, powerdns);
fn without_a_catalog_another_instances_zone_is_left_alone_until_it_is_adopted(kind: Kind) {
    let (server, one) = kind.fresh();
    let two = server.provisioning(Bridge::of(&server)).instance("two");
    let one = one.instance("one");
    let ours = zone("example.com", "@ 3600 NS ns1.example.net.").with("www 3600 A 192.0.2.1");
    one.plesk(ours.call()).assert_status(0);
    let theirs = zone("example.com", "@ 3600 NS ns1.example.net.").with("www 3600 A 192.0.2.2");
    for call in [theirs.call(), payload::call(&[theirs.create()])] {
        let run = two.plesk(call);
        run.assert_status(75)
            .assert_error("example.com.", "NB-ZONE-AWAITED");
    }
    two.run(&["plesk", "--dry-run"], theirs.call())
        .assert_status(75)
        .assert_code("NB-ZONE-AWAITED");
    two.run(&["zone", "create", "example.com"], "")
        .assert_status(69)
        .assert_error("example.com.", "NB-ZONE-OF-OTHER");
    let delete = payload::call(&[payload::delete("example.com")]);
    two.run(&["plesk", "--dry-run"], &delete)
        .assert_status(0)
        .assert_code("NB-ZONE-OF-OTHER-STAYS");
    // Nothing of its own is there, and nothing waits for a person.
    two.plesk(&delete)
        .assert_status(0)
        .assert_codes(&["NB-ZONE-OF-OTHER-STAYS"])
        .assert_code_with("NB-ZONE-OF-OTHER-STAYS", "`one`")
        .assert_stdout("example.com.: unchanged on main (127.0.0.1:PORT)\n");
    two.run(&["queue", "list"], "")
        .assert_stdout("total: 0 jobs, 0 held\n");
    ours.assert_on(&server);

    two.run(&["zone", "adopt", "example.com"], "")
        .assert_status(0)
        .assert_codes(&["NB-ADOPTION-UNNOTICED"])
        .assert_code_with("NB-ADOPTION-UNNOTICED", "`one`")
        .assert_stdout("example.com.: adopted, it was that of `one` on main (127.0.0.1:PORT)\n");
    two.run(&["zone", "list"], "")
        .assert_stdout("example.com.: adopted, 0 records delivered, on main (127.0.0.1:PORT)\n");
    two.plesk(theirs.call()).assert_status(0);
    // The other's records are foreign here, and stay.
    theirs
        .clone()
        .with("www 3600 A 192.0.2.1")
        .assert_on(&server);
    // The earlier owner learns of it where the mark can be changed, and else may be told.
    let one = match kind {
        Kind::PowerDns(_) => one,
        Kind::Bind(_) | Kind::Knot(_) => one.set("policy", "deny-zones", r#"["example.com"]"#),
    };
    let run = one.plesk(&delete);
    match kind {
        Kind::PowerDns(_) => run.assert_status(0).assert_code("NB-ZONE-OF-OTHER-STAYS"),
        Kind::Bind(_) | Kind::Knot(_) => run.assert_status(0).assert_code("NB-ZONE-EXCLUDED"),
    };
    assert_eq!(dig::short(&server, "www.example.com", "A").len(), 2);
    // It goes as one that was made here.
    two.plesk(&delete)
        .assert_status(0)
        .assert_stdout("example.com.: deleted on main (127.0.0.1:PORT)\n");
    two.run(&["zone", "list"], "").assert_stdout("");
    two.plesk(theirs.call()).assert_status(0);
    theirs.assert_on(&server);
}

scenario!(a_zone_that_another_instance_made_anew_is_left_alone: bind, powerdns);
fn a_zone_that_another_instance_made_anew_is_left_alone(kind: Kind) {
    let (server, one) = kind.fresh();
    let bridge = |name| server.provisioning(Bridge::of(&server)).instance(name);
    let (one, admin, two) = (one.instance("one"), bridge("one"), bridge("two"));
    let delete = |zone: &str| payload::call(&[payload::delete(zone)]);
    let wanted = |name: &str, address: &str| {
        let lines = format!("@ 3600 NS ns1.example.net. | www 3600 A {address}");
        zone(name, &lines)
    };
    let theirs = |name: &str| wanted(name, "192.0.2.2");
    for name in ["changed.example", "deleted.example"] {
        one.plesk(wanted(name, "192.0.2.1").call()).assert_status(0);
    }
    let same = "same.example";
    one.plesk(theirs(same).call()).assert_status(0);
    let names = ["changed.example", "deleted.example", same];
    for name in names {
        admin.run(&["zone", "delete", name], "").assert_status(0);
        two.plesk(theirs(name).call()).assert_status(0);
    }
    one.run(
        &["plesk", "--dry-run"],
        wanted(names[0], "192.0.2.3").call(),
    )
    .assert_status(75)
    .assert_code("NB-ZONE-AWAITED");
    // What was delivered to the zone before is forgotten, so the second one is refused, too.
    for address in ["192.0.2.3", "192.0.2.2"] {
        one.plesk(wanted(names[0], address).call())
            .assert_status(75)
            .assert_code("NB-ZONE-AWAITED");
    }
    for name in &names[1..] {
        let run = one.run(&["plesk", "--dry-run"], delete(name));
        run.assert_status(0).assert_code("NB-ZONE-OF-OTHER-STAYS");
        for _ in 0..2 {
            one.plesk(delete(name))
                .assert_status(0)
                .assert_code("NB-ZONE-OF-OTHER-STAYS");
        }
    }
    for name in names {
        theirs(name).assert_on(&server);
    }
    one.run(&["zone", "list"], "").assert_stdout("");
}

// Where the mark can be changed it tells the one who had taken the zone over before, and else what became of its records.
scenario!(a_zone_that_was_taken_back_is_left_alone: bind, powerdns);
fn a_zone_that_was_taken_back_is_left_alone(kind: Kind) {
    let (server, one) = kind.fresh();
    let two = server.provisioning(Bridge::of(&server)).instance("two");
    let one = one.instance("one");
    let wanted = |address: &str| {
        let lines = format!("@ 3600 NS ns1.example.net. | www 3600 A {address}");
        zone("example.com", &lines)
    };
    let (ours, theirs) = (wanted("192.0.2.1"), wanted("192.0.2.2"));
    let delete = payload::call(&[payload::delete("example.com")]);
    let adopt = |bridge: &Bridge, of: &str| {
        let said = format!("adopted, it was that of `{of}`");
        let run = bridge.run(&["zone", "adopt", "example.com"], "");
        run.assert_status(0);
        run.assert_prints(&said);
    };
    one.plesk(ours.call()).assert_status(0);
    adopt(&two, "one");
    two.plesk(theirs.call()).assert_status(0);
    match kind {
        // To and fro: each of them is told whose it was.
        Kind::PowerDns(_) => [(&one, "two"), (&two, "one"), (&one, "two")]
            .iter()
            .for_each(|(bridge, of)| adopt(bridge, of)),
        Kind::Bind(_) | Kind::Knot(_) => {
            one.plesk(&delete).assert_status(0);
        }
    }
    one.plesk(wanted("192.0.2.3").call()).assert_status(0);
    let content = dig::content(&server, "example.com");
    if let Kind::PowerDns(_) = kind {
        nsupdate(&server, "update delete www.example.com. A 192.0.2.2");
        let run = two.plesk(wanted("192.0.2.4").call());
        run.assert_status(75).assert_code("NB-ZONE-AWAITED");
        one.plesk(wanted("192.0.2.3").call()).assert_status(0);
    }
    for _ in 0..2 {
        let run = two.plesk(&delete);
        run.assert_status(0).assert_code("NB-ZONE-OF-OTHER-STAYS");
    }
    assert!(content.iter().any(|line| line.ends_with(" A 192.0.2.3")));
    assert_eq!(dig::short(&server, "www.example.com", "A"), ["192.0.2.3"]);
}

/// Makes of a zone what a creation leaves that is killed when BIND has transferred the zone.
#[track_caller]
fn make_half(named: &Named, zone: &str) {
    let shown = named.rndc(&["showzone", zone]).stdout();
    let file = shown
        .split("file \"")
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    let file = file.unwrap_or_else(|| panic!("a file: {shown}"));
    let half = format!(
        "{{ type secondary; file \"{file}\"; masterfile-format text; notify no; primaries {{ 127.0.0.1 port 1; }}; }};"
    );
    named.rndc(&["sync", "-clean", zone]);
    named.rndc(&["delzone", zone]);
    named.rndc(&["addzone", zone, &half]);
    wait::until("it is served", || dig::has_zone(named, zone));
}

#[test]
fn a_zone_that_another_instance_left_half_made_is_not_removed() {
    let named = Named::builder().start();
    let bridge = |name| Bridge::of(&named).seed(&named).instance(name);
    let (one, two) = (bridge("one"), bridge("two"));
    let wanted = zone(
        "example.com",
        "@ 3600 NS ns1.example.net. | www 3600 A 192.0.2.1",
    );
    two.plesk(wanted.call()).assert_status(0);
    make_half(&named, "example.com");
    for command in [&["plesk", "--dry-run"][..], &["plesk"]] {
        one.run(command, wanted.call())
            .assert_status(75)
            .assert_code("NB-ZONE-AWAITED");
    }
    let status = || named.rndc(&["zonestatus", "example.com"]).stdout();
    assert!(status().contains("type: secondary"), "{}", status());
    // Its maker finishes it, also without a memory of it.
    bridge("two").plesk(wanted.call()).assert_status(0);
    assert!(status().contains("type: primary"), "{}", status());
    wanted.assert_on(&named);
}

#[test]
fn a_zone_by_hand_that_another_instance_made_anew_is_not_emptied() {
    let named = Named::builder().start();
    let bridge = |name| Bridge::of(&named).seed(&named).instance(name).adopting();
    let (one, two) = (bridge("one"), bridge("two"));
    let wanted = |more: &str| {
        zone(
            "example.com",
            &format!("@ NS ns1.example.net. | same A 192.0.2.1{more}"),
        )
    };
    make_by_hand(&named, "example.com");
    one.plesk(wanted(" | gone A 192.0.2.2").call())
        .assert_status(0);
    named.rndc(&["delzone", "-clean", "example.com"]);
    wait::until("the zone is gone", || !dig::has_zone(&named, "example.com"));
    two.plesk(wanted("").call()).assert_status(0);
    let delete = payload::call(&[payload::delete("example.com")]);
    for command in [&["plesk", "--dry-run"][..], &["plesk"]] {
        one.run(command, &delete)
            .assert_status(0)
            .assert_code("NB-ZONE-OF-OTHER-STAYS");
    }
    wanted("").assert_on(&named);
}

#[test]
fn a_zone_whose_name_cannot_bear_a_mark_is_changed_and_emptied() {
    let by_hand = Zone::dynamic("x+y.example", "theirs A 192.0.2.9").option("check-names ignore;");
    let named = Named::builder().zone(by_hand).start();
    let bridge = Bridge::of(&named).seed(&named).adopting();
    let wanted = |address: &str| {
        zone(
            "x+y.example",
            &format!("@ NS ns1.x+y.example. | www A {address}"),
        )
    };
    bridge.plesk(wanted("192.0.2.1").call()).assert_status(0);
    nsupdate(&named, "update delete www.x+y.example. A");
    bridge.plesk(wanted("192.0.2.2").call()).assert_status(0);
    assert_eq!(dig::short(&named, "www.x+y.example", "A"), ["192.0.2.2"]);
    for _ in 0..2 {
        bridge
            .plesk(payload::call(&[payload::delete("x+y.example")]))
            .assert_status(0);
    }
    assert!(dig::short(&named, "www.x+y.example", "A").is_empty());
    assert_eq!(dig::short(&named, "theirs.x+y.example", "A"), ["192.0.2.9"]);
}

scenario!(a_zone_that_bears_our_mark_is_ours_without_a_memory_of_it: bind, powerdns);
fn a_zone_that_bears_our_mark_is_ours_without_a_memory_of_it(kind: Kind) {
    let (server, bridge) = kind.fresh();
    let after = || server.provisioning(Bridge::of(&server));
    let wanted = zone(
        "example.com",
        "@ 3600 NS ns1.example.net. | www 3600 A 192.0.2.1",
    );
    bridge.plesk(wanted.call()).assert_status(0);
    let line = "example.com.: created by nsbridge, 2 records delivered, on main (127.0.0.1:PORT)\n";
    let delivered = after();
    delivered.plesk(wanted.call()).assert_status(0);
    delivered.run(&["zone", "list"], "").assert_stdout(line);
    let adopting = after();
    adopting
        .run(&["zone", "adopt", "example.com"], "")
        .assert_stdout("example.com.: unchanged, it is this instance's on main (127.0.0.1:PORT)\n");
    let line = "example.com.: created by nsbridge, 0 records delivered, on main (127.0.0.1:PORT)\n";
    adopting.run(&["zone", "list"], "").assert_stdout(line);
    after()
        .run(&["zone", "delete", "example.com"], "")
        .assert_status(0)
        .assert_stdout("example.com.: deleted on main (127.0.0.1:PORT)\n");
}

scenario!(a_zone_that_no_catalog_lists_is_whose_mark_it_bears: bind, powerdns);
fn a_zone_that_no_catalog_lists_is_whose_mark_it_bears(kind: Kind) {
    let server = kind.start(&[(CATALOG, EMPTY_CATALOG)]);
    let bridge = |name| server.provisioning(Bridge::of(&server)).instance(name);
    let one = bridge("one").ptr_networks(&["192.0.2.0/24"]);
    let two = bridge("two").catalog(CATALOG);
    let ours = zone(
        "example.com",
        "@ 3600 NS ns1.example.net. | www 3600 A 192.0.2.1",
    );
    one.plesk(ours.call()).assert_status(0);
    let theirs = zone(
        "example.com",
        "@ 3600 NS ns1.example.net. | www 3600 A 192.0.2.2",
    );
    for command in [&["plesk", "--dry-run"][..], &["plesk"]] {
        let run = two.run(command, theirs.call());
        run.assert_status(75).assert_code("NB-ZONE-AWAITED");
    }
    let run = two.run(&["acme", "add", "www.example.com", "value"], "");
    run.assert_status(69).assert_code("NB-RECORD-OF-OTHER");
    let run = two.run(&["zone", "delete", "example.com"], "");
    run.assert_status(0).assert_code("NB-ZONE-OF-OTHER-STAYS");
    ours.assert_on(&server);
    // Its owner lists it as soon as it keeps the catalog, too.
    let one = one.catalog(CATALOG);
    one.plesk(ours.call()).assert_status(0);
    let line = "example.com.: created by nsbridge, 2 records delivered, on main (127.0.0.1:PORT)\n";
    one.run(&["zone", "list"], "").assert_stdout(line);
    two.run(&["zone", "adopt", "example.com"], "")
        .assert_status(0)
        .assert_stdout("example.com.: adopted, it was that of `one` on main (127.0.0.1:PORT)\n");
    one.plesk(ours.call())
        .assert_status(75)
        .assert_code("NB-ZONE-AWAITED");
}

// The same of commands that make no claim to a zone.
scenario!(without_a_catalog_no_record_is_put_into_another_instances_zone: bind, powerdns);
fn without_a_catalog_no_record_is_put_into_another_instances_zone(kind: Kind) {
    let (server, one) = kind.fresh();
    let two = server.provisioning(Bridge::of(&server)).instance("two");
    let networks = ["192.0.2.0/24"];
    let (one, two) = (
        one.instance("one").ptr_networks(&networks),
        two.ptr_networks(&networks),
    );
    let ours = zone("example.com", "@ 3600 NS ns1.example.net.").with("www 3600 A 192.0.2.1");
    one.plesk(ours.call()).assert_status(0);
    let host = "www.example.com";
    let create = payload::call(&[payload::create_ptr("192.0.2.1", host)]);
    one.plesk(create).assert_status(0);
    let reverse = "1.2.0.192.in-addr.arpa";
    let ptr = || dig::short(&server, reverse, "PTR");
    assert_eq!(ptr(), ["www.example.com."]);

    let create = payload::call(&[payload::create_ptr("192.0.2.1", "mail.example.com")]);
    let delete = payload::call(&[payload::delete_ptr("192.0.2.1", host)]);
    for call in [&create, &delete] {
        two.plesk(call)
            .assert_status(69)
            .assert_code("NB-RECORD-OF-OTHER");
        let run = two.run(&["plesk", "--dry-run"], call);
        run.assert_status(69).assert_code("NB-RECORD-OF-OTHER");
    }
    for arguments in [
        &["ptr", "add", "192.0.2.1", "mail.example.com"][..],
        &["ptr", "delete", "192.0.2.1", host],
        &["acme", "add", host, "value"],
        &["acme", "delete", host, "value"],
    ] {
        let run = two.run(arguments, "");
        run.assert_status(69).assert_code("NB-RECORD-OF-OTHER");
    }
    let script = "add txt.example.com 60 TXT x\nsend\n";
    let durable = || two.run(&["nsupdate", "--durable"], script);
    durable().assert_status(2).assert_code("NB-RECORD-OF-OTHER");
    ours.assert_on(&server);
    assert_eq!(ptr(), ["www.example.com."]);

    // The instances may share reverse zones, and a zone can be taken over.
    two.run(&["zone", "adopt", "example.com"], "")
        .assert_status(0);
    durable().assert_status(0);
    let two = two.set_text("ptr", "zones-of-others", "change");
    two.plesk(create).assert_status(0);
    ours.with("txt 60 TXT x").assert_on(&server);
    assert_eq!(ptr(), ["mail.example.com.", "www.example.com."]);
}

#[test]
fn a_zone_made_by_hand_is_asked_for_its_mark_once_for_all_records_of_a_call() {
    let reverse = Zone::dynamic("2.0.192.in-addr.arpa", "");
    let named = Named::builder().zone(reverse).start();
    let bridge = Bridge::of(&named)
        .seed(&named)
        .ptr_networks(&["192.0.2.0/24"])
        .set("primaries.main", "zones-in-flight", "1");
    let create = |last: u8| payload::create_ptr(&format!("192.0.2.{last}"), "www.example.com");
    bridge
        .plesk(payload::call(&(1..=50).map(create).collect::<Vec<_>>()))
        .assert_status(0);
    wait::until("it is logged", || !named.control_commands().is_empty());
    let asked = named.control_commands();
    assert!(asked.len() <= 2, "{asked:?}");
    // A zone that it knows is not asked for at all.
    let ours = zone("example.com", "@ NS ns1.example.net.");
    bridge.plesk(ours.call()).assert_status(0);
    let asked = named.control_commands().len();
    bridge
        .run(&["acme", "add", "www.example.com", "value"], "")
        .assert_status(0);
    assert_eq!(named.control_commands().len(), asked);
}

scenario!(of_two_instances_that_create_a_zone_at_once_without_a_catalog_one_wins: bind, powerdns);
fn of_two_instances_that_create_a_zone_at_once_without_a_catalog_one_wins(kind: Kind) {
    let server = kind.start(&[]);
    let instances = ["one", "two"].map(|name| {
        let bridge = server.provisioning(Bridge::of(&server)).instance(name);
        let bridge = bridge.without_dry_run("another process changes the zone meanwhile");
        (name, bridge)
    });
    for round in 0..8 {
        let name = format!("z{round}.example");
        let wanted = ["192.0.2.1", "192.0.2.2"].map(|address| {
            let lines = format!("@ 3600 NS ns1.example.net. | www 3600 A {address}");
            zone(&name, &lines)
        });
        let runs = std::thread::scope(|scope| {
            let pairs = instances.iter().zip(&wanted);
            let started: Vec<_> = pairs
                .map(|((_, bridge), wanted)| scope.spawn(|| bridge.plesk(wanted.call())))
                .collect();
            let ended = started.into_iter().map(|run| run.join().unwrap());
            ended.collect::<Vec<_>>()
        });
        let winner = runs.iter().position(|run| run.status == Some(0));
        let winner = winner.unwrap_or_else(|| panic!("nobody created {name}: {runs:?}"));
        runs[1 - winner]
            .assert_status(75)
            .assert_code_with("NB-ZONE-AWAITED", &format!("`{}`", instances[winner].0));
        wanted[winner].assert_on(&server);
    }
}

/// What `docs/security.md` says of a queue file that is lost where nothing else tells whose zones are.
#[test]
fn without_marks_and_queue_file_each_zone_is_adopted_anew() {
    let named = Named::builder().start();
    let bridge = Bridge::of(&named).rndc(&named, "file");
    let names = ["a.example", "b.example"];
    let lines = "@ 3600 NS ns1.example.net. | www 3600 A 192.0.2.1";
    for name in names {
        named.put_zone_file(name, "");
        bridge.plesk(zone(name, lines).call()).assert_status(0);
    }
    let forget = || {
        for entry in fs::read_dir(bridge.file("state")).expect("a directory") {
            fs::remove_file(entry.expect("an entry").path()).expect("a file");
        }
    };
    forget();
    let changed = names.map(|name| zone(name, lines).with("new 3600 A 192.0.2.2").sent(1));
    for (name, changed) in names.iter().zip(&changed) {
        bridge
            .plesk(changed.call())
            .assert_status(69)
            .assert_code("NB-ZONE-UNOWNED");
        let below = zone(&format!("x.{name}"), lines);
        bridge
            .plesk(below.call())
            .assert_status(69)
            .assert_code_with("NB-BELOW-ZONE-UNOWNED", name);
    }
    // One by one, or with the next call.
    let adopted = bridge.run(&["zone", "adopt", names[0]], "");
    adopted.assert_status(0);
    bridge.plesk(changed[0].call()).assert_status(0);
    let adopting = bridge.set_text("policy", "unowned-zones", "adopt");
    adopting.plesk(changed[1].call()).assert_status(0);
    let bridge = adopting.set_text("policy", "unowned-zones", "refuse");
    for name in names {
        let changed = zone(name, lines)
            .with("new 3600 A 192.0.2.2")
            .with("last 3600 A 192.0.2.3");
        bridge.plesk(changed.sent(2).call()).assert_status(0);
        assert_eq!(
            dig::short(&named, &format!("last.{name}"), "A"),
            ["192.0.2.3"]
        );
    }
}
