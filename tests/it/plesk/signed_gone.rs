//! Signed zones that are gone: created anew they have other keys than their DS at the parent names.
//!
//! Every way by which an absent zone comes to be created is held: by a call about the zone, by `zone create` and
//! `sync`, by a PTR record in it. Only a zone that nsbridge itself has deleted, or that an operator forces, is created.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU32, Ordering};

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::daemon::Release;
use crate::support::dig;
use crate::support::jobs::{assert_empty, jobs};
use crate::support::kills::{Barrier, STEPS_MAX};
use crate::support::knot::Knot;
use crate::support::named::{Named, Zone};
use crate::support::payload;
use crate::support::reverse::{NETWORKS, V4, V4_HOST, ptr, ptrs};
use crate::support::server::{Kind, Server, scenario};
use crate::support::signing::{Primary, configure, ds_tags, signing_knot, statement};
use crate::support::sync;
use crate::support::wait;
use crate::support::wanted::{Wanted, zone};

const ZONE: &str = "example.com";
const GONE: &str = "NB-SIGNED-ZONE-GONE";
const WAS_SIGNED: &str = "NB-ZONE-WAS-SIGNED";

/// Each is newer than the one before.
fn wanted() -> Wanted {
    static LAST: AtomicU32 = AtomicU32::new(0);
    let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
    let address = Ipv4Addr::from(0x0a00_0000 + number);
    zone(ZONE, &format!("@ NS ns1.example.net. | www A {address}")).sent(number)
}

/// Makes the zone another one, with nothing to complain of.
#[track_caller]
fn update(bridge: &Bridge) -> Wanted {
    let wanted = wanted();
    let run = bridge.plesk(wanted.call());
    run.assert_status(0).assert_stderr("");
    wanted
}

fn delete() -> String {
    payload::call(&[payload::delete(ZONE)])
}

/// Has a signed zone that nsbridge has read since, which is gone now.
#[track_caller]
fn lose(primary: &Primary, bridge: &Bridge) {
    update(bridge);
    primary.sign(ZONE);
    update(bridge);
    primary.remove(ZONE);
}

scenario!(a_signed_zone_that_is_gone_is_held_until_it_is_forced);
fn a_signed_zone_that_is_gone_is_held_until_it_is_forced(kind: Kind) {
    let primary = Primary::start(kind);
    let (server, bridge) = (primary.server(), primary.bridge());
    lose(&primary, &bridge);
    let run = bridge.plesk(wanted().call());
    run.assert_status(69).assert_error("example.com.", GONE);
    run.assert_says("`nsbridge queue retry --force example.com.`");
    assert_eq!(jobs(&bridge)[0]["state"], "held");
    // However it is asked for.
    bridge
        .run(&["queue", "retry", "--all"], "")
        .assert_status(69)
        .assert_code(GONE);
    let create = [
        "zone",
        "create",
        "example.com",
        "--nameserver",
        "ns1.example.net",
    ];
    let run = bridge.run(&create, "");
    run.assert_status(69).assert_code(GONE);
    run.assert_says("`nsbridge zone create --force example.com.`");
    // An adoption makes it no other zone.
    bridge.run(&["zone", "adopt", "example.com"], "");
    sync::write(&bridge, "www A 192.0.2.9\n");
    for options in [&[][..], &["--prune"]] {
        let run = sync::sync(&bridge, options);
        run.assert_status(69).assert_code(GONE);
    }
    let last = wanted();
    let run = bridge.plesk(last.call());
    run.assert_status(69).assert_code(GONE);
    let run = bridge.run(&["resync"], "");
    run.assert_status(69).assert_code(GONE);
    assert!(!dig::has_zone(server, ZONE));
    let run = bridge.run(&["queue", "retry", "--force", "example.com."], "");
    run.assert_status(0).assert_stderr("");
    last.assert_on(server);
    assert_empty(&bridge);
    // From now on it is a zone as others are.
    update(&bridge).assert_on(server);
}

scenario!(a_signed_zone_that_is_gone_is_created_by_the_commands_with_force);
fn a_signed_zone_that_is_gone_is_created_by_the_commands_with_force(kind: Kind) {
    let primary = Primary::start(kind);
    let (server, bridge) = (primary.server(), primary.bridge());
    lose(&primary, &bridge);
    sync::write(&bridge, "www A 192.0.2.9\n");
    let run = sync::sync(&bridge, &["--force"]);
    run.assert_status(0).assert_stderr("");
    assert_eq!(dig::short(server, "www.example.com", "A"), ["192.0.2.9"]);
    bridge.plesk(delete()).assert_status(0);
    lose(&primary, &bridge);
    let create = [
        "zone",
        "create",
        "example.com",
        "--nameserver",
        "ns1.example.net",
    ];
    bridge.run(&create, "").assert_status(69);
    let run = bridge.run(&[&create[..], &["--force"]].concat(), "");
    run.assert_status(0).assert_stderr("");
    assert!(dig::has_zone(server, ZONE));
    update(&bridge).assert_on(server);
}

scenario!(a_deletion_of_a_signed_zone_names_its_ds_and_a_creation_after_it_is_none_of_a_lost_zone);
fn a_deletion_of_a_signed_zone_names_its_ds_and_a_creation_after_it_is_none_of_a_lost_zone(
    kind: Kind,
) {
    let primary = Primary::start(kind);
    let (server, bridge) = (primary.server(), primary.bridge());
    // Whether nsbridge has read the signed zone before or not.
    for is_read in [false, true] {
        update(&bridge);
        primary.sign(ZONE);
        if is_read {
            update(&bridge);
        }
        let tags = ds_tags(server, ZONE).join(", ");
        let tags = format!("(key tags: {tags})");
        let dry = bridge.run(&["plesk", "--dry-run"], delete());
        dry.assert_status(1).assert_code_with(WAS_SIGNED, &tags);
        let run = bridge.plesk(delete());
        run.assert_status(0).assert_codes(&[WAS_SIGNED]);
        run.assert_code_with(WAS_SIGNED, &tags);
        assert!(!dig::has_zone(server, ZONE));
        // It is said once.
        bridge.plesk(delete()).assert_status(0).assert_stderr("");
        update(&bridge).assert_on(server);
        bridge.plesk(delete()).assert_status(0);
    }
    // Deleted by somebody before.
    lose(&primary, &bridge);
    bridge
        .plesk(delete())
        .assert_status(0)
        .assert_codes(&[WAS_SIGNED]);
    update(&bridge);
}

scenario!(an_unsigned_zone_that_is_gone_is_created_anew);
fn an_unsigned_zone_that_is_gone_is_created_anew(kind: Kind) {
    let primary = match kind {
        Kind::Knot(release) => Primary::Knot(Knot::of(release).start()),
        Kind::Bind(_) | Kind::PowerDns(_) => Primary::start(kind),
    };
    let bridge = primary.bridge();
    update(&bridge);
    update(&bridge);
    primary.remove(ZONE);
    update(&bridge).assert_on(primary.server());
    let run = bridge.plesk(delete());
    run.assert_status(0).assert_stderr("");
}

scenario!(a_zone_that_is_no_longer_signed_and_then_gone_is_created_anew: bind, powerdns);
fn a_zone_that_is_no_longer_signed_and_then_gone_is_created_anew(kind: Kind) {
    let primary = Primary::start(kind);
    let bridge = primary.bridge();
    update(&bridge);
    let unsigned = match &primary {
        Primary::Bind(named) => statement(named, ZONE),
        Primary::PowerDns(_) | Primary::Knot(_) => String::new(),
    };
    primary.sign(ZONE);
    update(&bridge);
    match &primary {
        Primary::Bind(named) => configure(named, ZONE, &unsigned),
        Primary::PowerDns(pdns) => {
            pdns.pdnsutil(&["disable-dnssec", ZONE]);
        }
        Primary::Knot(_) => unreachable!("it signs all"),
    }
    let run = bridge.plesk(wanted().call());
    run.assert_status(0);
    primary.remove(ZONE);
    update(&bridge);
}

scenario!(a_signed_zone_that_was_restored_takes_the_held_job: law);
fn a_signed_zone_that_was_restored_takes_the_held_job(kind: Kind) {
    let Primary::Bind(named) = Primary::start(kind) else {
        unreachable!("a law is tested on BIND");
    };
    let bridge = named.provisioning(Bridge::of(&named));
    update(&bridge);
    let primary = Primary::Bind(named);
    primary.sign(ZONE);
    update(&bridge);
    let Primary::Bind(named) = &primary else {
        unreachable!("it is BIND");
    };
    let tags = ds_tags(named, ZONE);
    let statement = statement(named, ZONE);
    // Its file and its keys stay.
    named.rndc(&["delzone", ZONE]);
    wait::until("the zone is gone", || !dig::has_zone(named, ZONE));
    let last = wanted();
    bridge.plesk(last.call()).assert_status(69);
    let said = named.rndc(&["addzone", ZONE, &statement]);
    assert_eq!(said.status, Some(0), "{}", said.stderr());
    wait::until("the zone is served", || dig::has_zone(named, ZONE));
    let run = bridge.run(&["queue", "retry", "--all"], "");
    run.assert_status(0).assert_stderr("");
    wait::until("the signed zone follows", || {
        dig::content(named, ZONE) == last.content()
    });
    assert_eq!(ds_tags(named, ZONE), tags);
    assert_empty(&bridge);
}

scenario!(a_signed_reverse_zone_that_is_gone_is_not_created_for_a_ptr_record);
fn a_signed_reverse_zone_that_is_gone_is_not_created_for_a_ptr_record(kind: Kind) {
    let primary = Primary::start(kind);
    let server = primary.server();
    let bridge = primary.bridge().ptr_networks(&NETWORKS);
    let bridge = bridge.set("primaries.main", "nameservers", "[\"ns1.example.net\"]");
    let file = "$TTL 300\n@ SOA ns1.example.net. hostmaster.example.net. 7 10800 3600 604800 300\n@ NS ns1.example.net.\n";
    std::fs::write(bridge.file("zone.db"), file).unwrap();
    let sync = || bridge.run(&["sync", V4, "zone.db"], "");
    sync().assert_status(0);
    primary.sign(V4);
    sync().assert_status(0);
    ptr(&bridge, "add 192.0.2.5 a.example.org").assert_status(0);
    primary.remove(V4);
    let run = ptr(&bridge, "add 192.0.2.5 b.example.org");
    run.assert_status(69).assert_code(GONE);
    run.assert_says("`nsbridge queue retry --force 192.0.2.5`");
    assert!(!dig::has_zone(server, V4));
    let subject = jobs(&bridge)[0]["subject"].clone();
    assert_eq!(subject, "192.0.2.5 PTR b.example.org.");
    let run = bridge.run(&["queue", "retry", "--force", "192.0.2.5"], "");
    run.assert_status(0).assert_stderr("");
    assert_eq!(ptrs(server, V4_HOST), ["b.example.org."]);
    assert_empty(&bridge);
}

/// Killed at each step of its deletion: what creates the zone after that meets no lost zone.
#[test]
fn a_creation_after_the_deletion_of_a_signed_zone_that_was_killed_is_not_held() {
    let knot = signing_knot(Release::Installed);
    let mut barrier = Barrier::default();
    let bridge = Bridge::at(barrier.before(knot.port()), knot.key_file());
    let bridge = knot.provisioning(bridge);
    let primary = Primary::Knot(knot);
    let mut steps_without_zone = 0;
    for step in 0..STEPS_MAX {
        update(&bridge);
        primary.sign(ZONE);
        update(&bridge);
        let ended = barrier.end_of(step, &bridge, &delete());
        let is_over = ended.is_some();
        steps_without_zone += u32::from(!is_over && !dig::has_zone(primary.server(), ZONE));
        update(&bridge);
        bridge.plesk(delete()).assert_status(0);
        if is_over {
            assert!(steps_without_zone > 0, "no kill left the zone deleted");
            return;
        }
    }
    panic!("no end of it");
}

/// Killed at each step of a creation that was forced: what it has begun needs no other `--force`.
#[test]
fn a_forced_creation_that_was_killed_is_finished_without_force() {
    let named = Named::builder().start();
    let mut barrier = Barrier::default();
    let bridge = Bridge::at(barrier.before(named.port()), named.key_file());
    let bridge = bridge.seed(&named);
    let bridge = bridge.control_port(barrier.before(named.control_port()));
    let primary = Primary::Bind(named);
    let begun = || {
        let queue = rusqlite::Connection::open(bridge.file("state/queue.db")).expect("a queue");
        // 1 is a zone that is being created.
        let find = "SELECT count(*) FROM zone WHERE origin = 1";
        queue
            .query_row(find, [], |row| row.get(0))
            .expect("a count")
    };
    let mut steps_begun = 0_u32;
    for step in 0..STEPS_MAX {
        lose(&primary, &bridge);
        bridge.plesk(wanted().call()).assert_status(69);
        let force = ["queue", "retry", "--all", "--force"];
        let ended = barrier.end_of_command(step, &bridge, &force, "");
        if let Some(run) = ended {
            run.assert_status(0);
            assert!(steps_begun > 0, "no kill left the creation unfinished");
            return;
        }
        let is_begun: u32 = begun();
        steps_begun += is_begun;
        let last = wanted();
        let run = bridge.plesk(last.call());
        if is_begun == 1 || dig::has_zone(primary.server(), ZONE) {
            run.assert_status(0).assert_stderr("");
            last.assert_on(primary.server());
        } else {
            run.assert_status(69).assert_code(GONE);
        }
        bridge.plesk(delete()).assert_status(0);
    }
    panic!("no end of it");
}

// A member zone that the primary does not serve is not lost: it may be about to load it.
scenario!(a_signed_member_zone_that_knot_does_not_serve_waits: knot);
fn a_signed_member_zone_that_knot_does_not_serve_waits(kind: Kind) {
    let Primary::Knot(mut knot) = Primary::start(kind) else {
        unreachable!("it is tested on Knot");
    };
    let bridge = knot.provisioning(Bridge::of(&knot));
    let primary = Primary::Knot(knot);
    update(&bridge);
    primary.sign(ZONE);
    update(&bridge);
    let tags = ds_tags(primary.server(), ZONE);
    let Primary::Knot(it) = primary else {
        unreachable!("it is Knot");
    };
    knot = it;
    let (role, none) = (
        "    catalog-role: interpret\n",
        "    catalog-role: none\n    #",
    );
    let interpret = format!("{role}    ");
    knot.amend(&interpret, none);
    wait::until("the zone is gone", || !dig::has_zone(&knot, ZONE));
    let run = bridge.plesk(wanted().call());
    run.assert_status(75).assert_code("NB-ZONE-NOT-LOADED");
    knot.amend(none, &interpret);
    wait::until("the zone is served", || dig::has_zone(&knot, ZONE));
    let run = bridge.run(&["queue", "retry", "--all"], "");
    run.assert_status(0).assert_stderr("");
    assert_eq!(ds_tags(&knot, ZONE), tags);
}

/// A member zone without contents may have lost its keys as well. Knot of Debian 12 loads a seed in their place.
#[test]
fn a_signed_member_zone_that_lost_its_contents_is_not_filled() {
    if !Release::Debian13.is_here() {
        return;
    }
    let mut knot = signing_knot(Release::Debian13);
    let bridge = knot.provisioning(Bridge::of(&knot));
    update(&bridge);
    let mut primary = Primary::Knot(knot);
    primary.sign(ZONE);
    update(&bridge);
    let Primary::Knot(it) = primary else {
        unreachable!("it is Knot");
    };
    knot = it;
    knot.knotc(&["-f", "zone-purge", ZONE, "+journal", "+kaspdb"]);
    knot.restart();
    wait::until("the zone is empty", || {
        dig::status(&knot, ZONE, "SOA") == "SERVFAIL"
    });
    let last = wanted();
    let run = bridge.plesk(last.call());
    run.assert_status(75).assert_code("NB-ZONE-NOT-LOADED");
    assert_eq!(dig::status(&knot, ZONE, "SOA"), "SERVFAIL");
    let run = bridge.run(&["queue", "retry", "--force", "--all"], "");
    run.assert_status(0).assert_stderr("");
    last.assert_on(&knot);
    primary = Primary::Knot(knot);
    primary.remove(ZONE);
}

// The zone was there before nsbridge came, so its deletion leaves it there.
scenario!(a_signed_zone_that_was_given_up_and_is_gone_is_held: law);
fn a_signed_zone_that_was_given_up_and_is_gone_is_held(kind: Kind) {
    let Kind::Bind(release) = kind else {
        unreachable!("a law is tested on BIND");
    };
    for inline in [false, true] {
        let by_hand = Zone::signed(ZONE, "hand A 192.0.2.100", inline);
        let named = Named::of(release).zone(by_hand).start();
        let bridge = Bridge::of(&named).seed(&named).adopting();
        let primary = Primary::Bind(named);
        primary.await_keys(ZONE);
        update(&bridge);
        // It keeps its keys, so nothing is said of its DS.
        let run = bridge.plesk(delete());
        run.assert_status(0).assert_stderr("");
        primary.remove(ZONE);
        let run = bridge.plesk(wanted().call());
        run.assert_status(69).assert_code(GONE);
        assert!(!dig::has_zone(primary.server(), ZONE));
    }
}

/// With nothing in the queue, and with the job that the first one leaves.
#[test]
fn a_resync_holds_a_signed_zone_that_is_gone_until_it_is_forced() {
    let primary = Primary::start(Kind::Bind(Release::Installed));
    let (server, bridge) = (primary.server(), primary.bridge());
    let last = {
        update(&bridge);
        primary.sign(ZONE);
        update(&bridge)
    };
    primary.remove(ZONE);
    for _ in 0..2 {
        let run = bridge.run(&["resync"], "");
        run.assert_status(69).assert_code(GONE);
        assert!(!dig::has_zone(server, ZONE));
    }
    bridge.run(&["resync", "--force"], "").assert_status(0);
    last.assert_on(server);
    assert_empty(&bridge);
}
