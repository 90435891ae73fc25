//! A TSIG key is replaced by another: lists of keys, which are tried in turn.

use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::dig::Asker;
use crate::support::jobs;
use crate::support::keys::Key;
use crate::support::named::{Named, Zone};
use crate::support::payload;
use crate::support::refusal::Proxy;
use crate::support::rollover::{MAIN, NEW, Rolling};
use crate::support::server::{Kind, Server as _, scenario};
use crate::support::wanted::{Wanted, zone};
use crate::support::{wait, worker};

const BOTH: &str = "[\"plesk-2027\", \"plesk\"]";

fn wanted(name: &str, number: u32) -> Wanted {
    let [.., high, low] = number.to_be_bytes();
    let lines = format!("@ 3600 NS ns1.example.net. | www 3600 A 192.0.{high}.{low}");
    zone(name, &lines)
}

/// What the server shows of the host of a zone, without a key.
fn shown(rolling: &Rolling, name: &str) -> Vec<String> {
    let asker = Asker::of(rolling.server()).without_key();
    asker.short(&format!("www.{name}"), "A")
}

scenario!(a_key_is_replaced_while_calls_go_on_and_no_call_fails: bind, templates, powerdns, knot);
fn a_key_is_replaced_while_calls_go_on_and_no_call_fails(kind: Kind) {
    let rolling = Rolling::start(kind);
    let zones = ["one.example", "two.example"];
    let bridge = RwLock::new(Some(rolling.bridge()));
    let run = |arguments: &[&str], input: &str| {
        let bridge = bridge.read().unwrap();
        bridge.as_ref().unwrap().run(arguments, input)
    };
    for name in zones {
        run(&["plesk"], &wanted(name, 1).call()).assert_status(0);
    }
    let (is_over, calls) = (AtomicBool::new(false), AtomicU32::new(2));
    // Each kind of call changes its zone; new zones come all the time.
    let call = || {
        let number = calls.load(Ordering::Relaxed);
        let name = match number % 3 {
            0 => format!("new-{number}.example"),
            1 => zones[0].to_owned(),
            _ => zones[1].to_owned(),
        };
        run(&["plesk"], &wanted(&name, number).call())
            .assert_status(0)
            .assert_stderr("");
        assert_eq!(
            shown(&rolling, &name),
            [format!("192.0.{}.{}", number >> 8, number & 255)]
        );
        calls.fetch_add(1, Ordering::Relaxed);
    };
    std::thread::scope(|threads| {
        let caller = threads.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                call();
            }
        });
        let go_on = |what: &str| {
            let before = calls.load(Ordering::Relaxed);
            wait::until(what, || {
                caller.is_finished() || calls.load(Ordering::Relaxed) >= before + 4
            });
            assert!(!caller.is_finished(), "a call failed after: {what}");
        };
        let set_keys = |keys: &str| {
            let mut bridge = bridge.write().unwrap();
            *bridge = bridge.take().map(|it| it.set(MAIN, "key", keys));
        };
        go_on("the old key alone");
        rolling.add_new();
        go_on("both keys on the server");
        set_keys(BOTH);
        go_on("both keys on both sides");
        let rekeyed = run(&["zone", "rekey", "--all"], "");
        rekeyed.assert_status(0).assert_stderr("");
        go_on("all zones have the new key");
        set_keys("\"plesk-2027\"");
        go_on("the new key alone on this side");
        rolling.remove_old();
        go_on("the new key alone on both sides");
        is_over.store(true, Ordering::Relaxed);
    });
    let bridge = bridge.into_inner().unwrap().unwrap();
    jobs::assert_empty(&bridge);
    bridge
        .run(&["zone", "rekey", "--all"], "")
        .assert_status(0)
        .assert_stderr("");
}

scenario!(an_unknown_first_key_leads_to_the_next_one);
fn an_unknown_first_key_leads_to_the_next_one(kind: Kind) {
    let rolling = Rolling::start(kind);
    let bridge = rolling.bridge().set(MAIN, "key", BOTH);
    let bridge = bridge.ptr_networks(&["192.0.2.0/24"]);
    let name = "example.com";
    for number in [1, 2] {
        bridge
            .plesk(wanted(name, number).call())
            .assert_status(0)
            .assert_stderr("");
        assert_eq!(shown(&rolling, name), [format!("192.0.0.{number}")]);
    }
    for arguments in [
        &["acme", "add", name, "token"][..],
        &["ptr", "add", "192.0.2.7", "www.example.com"],
        &["zone", "show", name],
        &["zone", "list"],
    ] {
        bridge.run(arguments, "").assert_status(0).assert_stderr("");
    }
    bridge
        .plesk(payload::call(&[payload::delete(name)]))
        .assert_status(0)
        .assert_stderr("");
    assert!(!Asker::of(rolling.server()).has_zone(name));
}

scenario!(a_wrong_secret_waits_and_is_delivered_once_it_is_right);
fn a_wrong_secret_waits_and_is_delivered_once_it_is_right(kind: Kind) {
    let rolling = Rolling::start(kind);
    let bridge = rolling.bridge();
    let name = "example.com";
    bridge.plesk(wanted(name, 1).call()).assert_status(0);
    let right = rolling.old_key();
    let wrong = right.with_other_secret();
    rolling.set_secret(&right, &wrong);
    let working = worker::start(&bridge);
    bridge.plesk(wanted(name, 2).call()).assert_status(75);
    let waiting = jobs::jobs(&bridge);
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    assert_eq!(waiting[0]["state"], "waiting", "{waiting:?}");
    rolling.set_secret(&wrong, &right);
    wait::until("it is delivered", || shown(&rolling, name) == ["192.0.0.2"]);
    wait::until("nothing is left to do", || jobs::jobs(&bridge).is_empty());
    worker::stop(working);
}

scenario!(where_no_key_of_the_list_is_taken_the_job_waits_and_the_remedy_is_named);
fn where_no_key_of_the_list_is_taken_the_job_waits_and_the_remedy_is_named(kind: Kind) {
    let rolling = Rolling::start(kind);
    let bridge = rolling.bridge();
    let name = "example.com";
    bridge.plesk(wanted(name, 1).call()).assert_status(0);
    let other = Key::new("other");
    let file = other.write(&bridge.file("new"));
    let bridge = bridge
        .set_text("keys.other", "file", &file.to_string_lossy())
        .set(MAIN, "key", "[\"plesk-2027\", \"other\"]");
    let run = bridge.plesk(wanted(name, 2).call());
    run.assert_status(75);
    let [code] = run.codes()[..] else {
        panic!("not one message: {}", run.stderr);
    };
    // By the server: it may not say which of key and zone it does not take.
    let codes = [
        "NB-KEY-UNKNOWN",
        "NB-UNSIGNED-REFUSAL",
        "NB-CATALOG-KEY-REFUSED",
        "NB-TRANSFER-DENIED",
    ];
    assert!(codes.contains(&code), "{code}: {}", run.stderr);
    let states: Vec<_> = jobs::jobs(&bridge)
        .into_iter()
        .map(|job| job["state"].clone())
        .collect();
    assert_eq!(states, ["waiting"]);
}

/// The zone takes one key, which is not the first one that the server knows.
#[test]
fn a_signed_refusal_leads_to_the_next_key_for_updates_and_for_transfers() {
    let zone = Zone::fixed("example.com", "")
        .option("update-policy { grant plesk zonesub ANY; }; allow-transfer { key plesk; };");
    let named = Named::builder()
        .key(Key::new("plesk"))
        .key(Key::new(NEW))
        .zone(zone)
        .start();
    let proxy = Proxy::counting(&named);
    let bridge = |keys: &str| {
        let file = named.key_file_of(NEW).to_string_lossy().into_owned();
        let bridge = proxy.bridge(&named);
        let bridge = bridge.set_text(&format!("keys.{NEW}"), "file", &file);
        bridge
            .set(MAIN, "key", keys)
            .without_dry_run("calls are counted")
    };
    let with_both = bridge(BOTH);
    for number in [1, 2] {
        let call = wanted("example.com", number).call();
        with_both.plesk(call).assert_status(0).assert_stderr("");
    }
    bridge(&format!("{NEW:?}"))
        .plesk(wanted("example.com", 3).call())
        .assert_status(69)
        .assert_code("NB-TRANSFER-REFUSED");
}

/// Where the first key works, a second one costs nothing.
#[test]
fn a_list_costs_no_exchange_where_the_first_key_works() {
    let named = Named::builder()
        .key(Key::new("plesk"))
        .key(Key::new(NEW))
        .zone(Zone::dynamic("example.com", ""))
        .start();
    let file = named.key_file_of(NEW).to_string_lossy().into_owned();
    let exchanges = |keys: &str| {
        let proxy = Proxy::counting(&named);
        let bridge = proxy.bridge(&named);
        let bridge = bridge
            .set_text(&format!("keys.{NEW}"), "file", &file)
            .set(MAIN, "key", keys)
            .without_dry_run("exchanges are counted");
        let calls = [1, 1, 2].map(|number| wanted("example.com", number).call());
        let [_, unchanged, changed] = calls.map(|call| {
            let (run, exchanges) = proxy.count(|| bridge.plesk(&call));
            run.assert_status(0).assert_stderr("");
            exchanges
        });
        // The first call also asks about the zones above, which the server refuses to show to any key.
        [unchanged, changed]
    };
    // Both find the zone as this has left it.
    exchanges("\"plesk\"");
    assert_eq!(
        exchanges("[\"plesk\", \"plesk-2027\"]"),
        exchanges("\"plesk\"")
    );
}

/// A key file that cannot be read is a fault of the configuration, as without a list: nothing is attempted.
#[test]
fn a_list_with_a_key_file_that_cannot_be_read_is_refused_and_the_file_is_named() {
    let named = Named::builder()
        .zone(Zone::dynamic("example.com", ""))
        .start();
    let bridge = |file: &str| {
        let bridge = Bridge::of(&named);
        let missing = bridge.file(file).to_string_lossy().into_owned();
        bridge
            .set_text(&format!("keys.{NEW}"), "file", &missing)
            .set(MAIN, "key", BOTH)
    };
    let missing = bridge("missing.key");
    missing
        .plesk(wanted("example.com", 1).call())
        .assert_status(78)
        .assert_code_with("NB-KEY-FILE-MISSING", "missing.key");
    missing.run(&["config", "check"], "").assert_status(78);
    let open = bridge("open.key");
    std::fs::write(open.file("open.key"), Key::new(NEW).statement()).unwrap();
    open.plesk(wanted("example.com", 1).call())
        .assert_status(78);
    assert!(!named.log().contains("updating zone"));
}
