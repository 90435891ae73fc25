//! Several at once: processes of nsbridge on one zone, other clients, large zones, sudden ends.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use pretty_assertions::assert_eq;

use crate::support::bridge::{Bridge, Run};
use crate::support::daemon::Release;
use crate::support::knot::Knot;
use crate::support::message::{is_transfer, is_update};
use crate::support::named::Named;
use crate::support::nsupdate::nsupdate;
use crate::support::scripted::{Scripted, Upstream};
use crate::support::server::{Kind, Server as _, Started, scenario};
use crate::support::wanted::{by_hand, fresh, zone};
use crate::support::{dig, payload, wait};

/// Runs a process for each payload, all at the same time.
fn at_once(bridge: &Bridge, calls: &[String]) -> Vec<Run> {
    let going: Vec<_> = calls
        .iter()
        .map(|call| bridge.start(&["plesk"], call))
        .collect();
    going
        .into_iter()
        .map(crate::support::bridge::Going::finish)
        .collect()
}

/// In place, or left for later because of the other one; nothing else.
#[track_caller]
fn assert_documented(run: &Run) {
    let in_place = run.status == Some(0) && run.stderr.is_empty();
    let later = run.status == Some(75) && run.codes() == ["NB-ZONE-CHANGED-MEANWHILE"];
    assert!(in_place || later, "{run:#?}");
}

scenario!(two_processes_on_one_zone_leave_one_of_the_two_and_nothing_foreign);
fn two_processes_on_one_zone_leave_one_of_the_two_and_nothing_foreign(kind: Kind) {
    let (server, bridge) = kind.by_hand("hand A 192.0.2.100");
    let apex = "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1";
    for round in 1..=8_u32 {
        let first =
            format!("{apex} | www A 192.0.2.{round} | a{round} A 192.0.2.1 | both TXT a{round}");
        let second =
            format!("{apex} | www A 192.0.2.2{round} | b{round} A 192.0.2.2 | both TXT b{round}");
        let (first, second) = (zone("example.com", &first), zone("example.com", &second));
        let (first, second) = (first.sent(2 * round), second.sent(2 * round + 1));
        for run in at_once(&bridge, &[first.call(), second.call()]) {
            assert_documented(&run);
        }
        let mut content = dig::content(&server, "example.com");
        content.retain(|line| !line.starts_with("hand."));
        let either = content == first.content() || content == second.content();
        assert!(either, "round {round} left neither: {content:#?}");
        bridge
            .plesk(second.call())
            .assert_status(0)
            .assert_stderr("");
        let mut content = dig::content(&server, "example.com");
        content.retain(|line| !line.starts_with("hand."));
        assert_eq!(content, second.content());
    }
    // All that either delivered is still known as ours.
    bridge
        .plesk(zone("example.com", apex).sent(100).call())
        .assert_status(0);
    let rest = zone("example.com", &format!("{apex} | hand 3600 A 192.0.2.100"));
    rest.assert_on(&server);
}

scenario!(many_processes_on_one_zone_end_with_one_of_their_payloads);
fn many_processes_on_one_zone_end_with_one_of_their_payloads(kind: Kind) {
    let (server, bridge) = kind.by_hand("");
    let bridge = bridge.foreign_records("remove");
    let wanted: Vec<_> = (1..=5_u32)
        .map(|number| {
            zone(
                "example.com",
                &format!("@ NS ns1.example.net. | h{number} A 192.0.2.{number}"),
            )
            .sent(number)
        })
        .collect();
    let calls: Vec<String> = wanted
        .iter()
        .map(crate::support::wanted::Wanted::call)
        .collect();
    for run in at_once(&bridge, &calls) {
        assert_documented(&run);
    }
    let content = dig::content(&server, "example.com");
    assert!(
        wanted.iter().any(|wanted| wanted.content() == content),
        "{content:#?}"
    );
}

/// Knot moves a serial on once for all updates of a zone that wait: here for one that changes nothing, and
/// that waits for the end of a transaction of the control socket.
#[test]
fn of_two_updates_that_knot_takes_together_the_second_is_noticed() {
    for release in Release::stable() {
        let knot = Knot::of(release).zone("example.com", "").start();
        let (count, port) = (Arc::new(AtomicUsize::new(0)), knot.port());
        let sent = Arc::clone(&count);
        let proxy = Scripted::start(move |conversation| {
            let mut upstream = Upstream::connect(port);
            while let Some(request) = conversation.read() {
                sent.fetch_add(usize::from(is_update(&request)), Ordering::SeqCst);
                conversation.write(&upstream.exchange(&request));
            }
        });
        // Each with a memory of its own: in one, they would take turns.
        let bridges =
            [1, 2].map(|_| Bridge::at(proxy.port(), knot.key_file()).foreign_records("remove"));
        let wanted = |number: usize| {
            zone(
                "example.com",
                &format!("@ NS ns1.example.net. | h{number} A 192.0.2.{number}"),
            )
        };
        // The SOA is in place before, so that neither update sets it for its own sake.
        bridges[0].plesk(wanted(7).call()).assert_status(0);
        count.store(0, Ordering::SeqCst);
        knot.knotc(&["zone-begin", "example.com"]);
        let both = std::thread::scope(|scope| {
            scope.spawn(|| nsupdate(&knot, "zone example.com\nupdate delete none.example.com A"));
            wait::until("an update waits", || {
                knot.log().contains("blocked zone update")
            });
            let start = |number: usize| bridges[number].start(&["plesk"], wanted(number).call());
            let both = [start(0), start(1)];
            wait::until("both updates wait", || count.load(Ordering::SeqCst) == 2);
            knot.knotc(&["zone-abort", "example.com"]);
            both
        });
        for going in both {
            assert_documented(&going.finish());
        }
        let content = dig::content(&knot, "example.com");
        let is_one = [0, 1]
            .iter()
            .any(|&number| wanted(number).content() == content);
        assert!(is_one, "{content:#?}");
        // The other is as well if it looks at the zone only after that.
        let sent = count.load(Ordering::SeqCst);
        assert!((3..=4).contains(&sent), "one is planned again: {sent}");
    }
}

scenario!(two_processes_create_the_same_zone);
fn two_processes_create_the_same_zone(kind: Kind) {
    let (server, bridge) = kind.fresh();
    for round in 1..=3_u32 {
        let name = format!("z{round}.test");
        let first = zone(
            &name,
            "@ NS ns1.example.net. | www A 192.0.2.1 | a A 192.0.2.1",
        )
        .sent(round);
        let second = zone(
            &name,
            "@ NS ns1.example.net. | www A 192.0.2.2 | b A 192.0.2.2",
        )
        .sent(round + 1);
        for run in at_once(&bridge, &[first.call(), second.call()]) {
            assert_documented(&run);
        }
        let content = dig::content(&server, &name);
        assert!(
            content == first.content() || content == second.content(),
            "{content:#?}"
        );
        bridge
            .plesk(second.call())
            .assert_status(0)
            .assert_stderr("");
        second.assert_on(&server);
        // It is ours, so it can go.
        bridge
            .plesk(payload::call(&[payload::delete(&name)]))
            .assert_status(0)
            .assert_stdout(&format!("{name}.: deleted on main (127.0.0.1:PORT)\n"));
        assert!(!dig::has_zone(&server, &name));
    }
}

scenario!(six_processes_create_zones_over_one_address);
fn six_processes_create_zones_over_one_address(kind: Kind) {
    let (server, bridge) = kind.fresh();
    let wanted: Vec<_> = (1..=6)
        .map(|number| {
            zone(
                &format!("z{number}.test"),
                &format!("@ NS ns1.example.net. | www A 192.0.2.{number}"),
            )
        })
        .collect();
    let calls: Vec<String> = wanted
        .iter()
        .map(crate::support::wanted::Wanted::call)
        .collect();
    for run in at_once(&bridge, &calls) {
        run.assert_status(0).assert_stderr("");
    }
    for wanted in &wanted {
        wanted.assert_on(&server);
    }
}

scenario!(forty_zones_are_created_by_one_call_and_survive_a_restart);
fn forty_zones_are_created_by_one_call_and_survive_a_restart(kind: Kind) {
    let (mut server, bridge) = kind.fresh();
    let bridge = bridge.deadline_seconds(55);
    let wanted: Vec<_> = (1..=40)
        .map(|number| {
            zone(
                &format!("z{number}.test"),
                &format!("@ NS ns1.example.net. | www A 192.0.2.{number}"),
            )
        })
        .collect();
    let commands: Vec<_> = wanted
        .iter()
        .map(crate::support::wanted::Wanted::create)
        .collect();
    let run = bridge.plesk(payload::call(&commands));
    run.assert_status(0).assert_stderr("");
    assert_eq!(run.stdout.lines().count(), 40);
    server.restart();
    for wanted in &wanted {
        wanted.assert_on(&server);
    }
}

/// A zone `example.com` of so many addresses; the one at `changed` ends in .250.
fn large(records: u32, changed: Option<u32>) -> crate::support::wanted::Wanted {
    let mut lines = "@ 3600 NS ns1.example.com.\nns1 3600 A 192.0.2.1\n".to_owned();
    for number in 0..records {
        let last = if changed == Some(number) {
            250
        } else {
            number % 200
        };
        let _ = writeln!(lines, "host-{number} A 198.51.100.{last}");
    }
    zone("example.com", &lines)
}

scenario!(a_zone_of_20_000_records_is_filled_and_one_of_them_is_changed_in_one_update);
fn a_zone_of_20_000_records_is_filled_and_one_of_them_is_changed_in_one_update(kind: Kind) {
    const RECORDS: u32 = 20_000;
    let (server, bridge) = kind.by_hand("");
    let bridge = bridge.deadline_seconds(55);
    let wanted = large(RECORDS, None);
    bridge
        .plesk(wanted.call())
        .assert_status(0)
        .assert_stderr("");
    wanted.assert_on(&server);
    let filled = server.updates_received();
    // A record takes 43 octets on average, and a message holds 65,535.
    // PowerDNS sees another SOA than we do once an UPDATE has set it: the rest is guarded otherwise.
    assert!((10..=25).contains(&filled), "{filled} messages");
    let serial = dig::soa(&server, "example.com").serial;
    let wanted = large(RECORDS, Some(777)).sent(1);
    let run = bridge.plesk(wanted.call());
    run.assert_status(0).assert_stdout(
        "example.com.: updated, 1 record added, 1 record removed on main (127.0.0.1:PORT)\n",
    );
    assert_eq!(server.updates_received(), filled + 1);
    match kind {
        Kind::Bind(_) | Kind::Knot(_) => {
            assert_eq!(dig::soa(&server, "example.com").serial, serial + 1);
        }
        // By default the date and a number.
        Kind::PowerDns(_) => assert!(dig::soa(&server, "example.com").serial > serial),
    }
    wanted.assert_on(&server);
}

scenario!(hosts_of_mx_and_ns_records_have_addresses_after_each_of_several_updates);
fn hosts_of_mx_and_ns_records_have_addresses_after_each_of_several_updates(kind: Kind) {
    let (server, bridge) = kind.by_hand("");
    let bridge = bridge.deadline_seconds(55);
    let more = "zz-mail A 192.0.2.8 | @ MX 10 zz-mail.example.com. | @ 3600 NS zz-ns.example.com. \
                | zz-ns A 192.0.2.9";
    // Filled, and then taken back: in both the hosts stand at the other end of the zone.
    let (all, left) = match kind {
        Kind::Bind(_) | Kind::Knot(_) => (4_000, 1),
        // It takes seconds for a thousand removals; on a busy machine the time for a message is over
        // before one that is full of them is carried out.
        Kind::PowerDns(_) => (2_000, 1_800),
    };
    let first = large(all, None).with(more);
    bridge.plesk(first.call()).assert_status(0);
    assert!(server.updates_received() > 1);
    let second = large(left, None).sent(1);
    bridge
        .plesk(second.call())
        .assert_status(0)
        .assert_stderr("");
}

scenario!(a_large_zone_is_created_by_the_seed_way);
fn a_large_zone_is_created_by_the_seed_way(kind: Kind) {
    let (server, bridge) = kind.fresh();
    let bridge = bridge.deadline_seconds(55);
    let wanted = large(5_000, None);
    bridge
        .plesk(wanted.call())
        .assert_status(0)
        .assert_stderr("");
    wanted.assert_on(&server);
    match kind {
        Kind::Bind(_) | Kind::PowerDns(_) => assert_eq!(server.updates_received(), 0),
        // An entry in its catalog, and what fills the zone.
        Kind::Knot(_) => assert!(server.updates_received() > 1),
    }
}

/// A server behind a proxy that lets another client change the zone between each of the first
/// `times` transfers and what follows it.
fn meddled_with(kind: Kind, times: usize) -> (Arc<Started>, Scripted, Arc<AtomicUsize>) {
    let server = kind.start(&[("example.com", "")]);
    let (server, transfers) = (Arc::new(server), Arc::new(AtomicUsize::new(0)));
    let (meddler, counter) = (Arc::clone(&server), Arc::clone(&transfers));
    let seen = Mutex::new(Vec::new());
    let proxy = Scripted::proxy(server.port(), move |question, answer| {
        // A transfer has one message or several.
        let last = seen.lock().unwrap().clone();
        if is_transfer(question) && question != last {
            question.clone_into(&mut seen.lock().unwrap());
            let number = counter.fetch_add(1, Ordering::SeqCst);
            if number < times {
                nsupdate(
                    &*meddler,
                    &format!("update add other{number}.example.com 60 A 192.0.2.99"),
                );
            }
        }
        Some(answer)
    });
    (server, proxy, transfers)
}

scenario!(a_change_between_read_and_update_is_noticed_and_kept);
fn a_change_between_read_and_update_is_noticed_and_kept(kind: Kind) {
    let (server, proxy, transfers) = meddled_with(kind, 1);
    let bridge = Bridge::at(proxy.port(), server.key_file());
    let wanted = zone(
        "example.com",
        "@ 3600 NS ns1.example.com. | www A 192.0.2.7",
    );
    bridge
        .plesk(wanted.call())
        .assert_status(0)
        .assert_stderr("");
    assert_eq!(transfers.load(Ordering::SeqCst), 2);
    let all = "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1 | www A 192.0.2.7 | other0 60 A 192.0.2.99";
    zone("example.com", all).assert_on(&*server);
    // The other client's UPDATE, the one whose guard failed, and the one that was applied.
    assert_eq!(server.updates_received(), 3);
}

scenario!(a_zone_that_never_rests_is_left_for_later);
fn a_zone_that_never_rests_is_left_for_later(kind: Kind) {
    let (server, proxy, transfers) = meddled_with(kind, usize::MAX);
    let bridge = Bridge::at(proxy.port(), server.key_file());
    let wanted = zone(
        "example.com",
        "@ 3600 NS ns1.example.com. | www A 192.0.2.7",
    );
    let run = bridge.plesk(wanted.call());
    run.assert_status(75).assert_stdout("");
    run.assert_code("NB-ZONE-CHANGED-MEANWHILE");
    let tries = transfers.load(Ordering::SeqCst);
    assert!((2..=20).contains(&tries), "{tries}");
    assert_eq!(
        dig::short(&*server, "www.example.com", "A"),
        <[&str; 0]>::default()
    );
}

#[test]
fn records_of_a_process_that_was_killed_stay_ours() {
    let (named, bridge) = by_hand("");
    let lines = |number: u32| format!("@ 3600 NS ns1.example.com. | h{number} A 192.0.2.7");
    for number in 1..=4_u32 {
        let wanted = zone("example.com", &lines(number)).sent(number);
        let mut going = bridge.start(&["plesk"], wanted.call());
        let said = format!("adding an RR at 'h{number}.example.com'");
        wait::until("the update is applied, or all is over", || {
            named.log().contains(&said) || !going.is_running()
        });
        going.signal("KILL");
        drop(going.finish());
    }
    let wanted = zone("example.com", &lines(9)).sent(9);
    bridge
        .plesk(wanted.call())
        .assert_status(0)
        .assert_stderr("");
    zone(
        "example.com",
        &format!("{} | ns1 3600 A 192.0.2.1", lines(9)),
    )
    .assert_on(&named);
}

#[test]
fn a_zone_that_goes_between_read_and_update_is_made_again() {
    let named = Arc::new(Named::builder().start());
    let (server, armed) = (Arc::clone(&named), Arc::new(AtomicUsize::new(0)));
    let counter = Arc::clone(&armed);
    let proxy = Scripted::proxy(named.port(), move |question, answer| {
        if is_transfer(question) && counter.swap(0, Ordering::SeqCst) == 1 {
            server.rndc(&["delzone", "-clean", "example.com"]);
            wait::until("the zone is gone", || {
                !dig::has_zone(&*server, "example.com")
            });
        }
        Some(answer)
    });
    let bridge = Bridge::at(proxy.port(), named.key_file()).seed(&named);
    let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
    bridge.plesk(wanted.call()).assert_status(0);
    let wanted = zone("example.com", "@ NS ns1.example.net. | ftp A 192.0.2.8").sent(1);
    armed.store(1, Ordering::SeqCst);
    bridge
        .plesk(wanted.call())
        .assert_status(0)
        .assert_stderr("");
    wanted.assert_on(&*named);
}

#[test]
fn two_that_create_and_one_that_deletes_end_well() {
    let (named, bridge) = fresh();
    let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
    let delete = payload::call(&[payload::delete("example.com")]);
    for _ in 0..10 {
        let one = bridge.start(&["plesk"], wanted.call());
        let two = bridge.start(&["plesk"], wanted.call());
        let gone = bridge.start(&["plesk"], &delete);
        for going in [one, two, gone] {
            going.finish().assert_status(0);
        }
    }
    bridge.plesk(wanted.call()).assert_status(0);
    wanted.assert_on(&named);
}
