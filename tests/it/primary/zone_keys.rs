//! Keys that a BIND takes for one zone each, and transfers at another address with another key.

use crate::support::bridge::Bridge;
use crate::support::dig::{self, Asker};
use crate::support::habits::Habits;
use crate::support::hosted::Hosted;
use crate::support::keys::Key;
use crate::support::named::{Builder, Named, Zone};
use crate::support::payload;
use crate::support::ports::Port;
use crate::support::server::Server as _;
use crate::support::wanted::{Wanted, zone};

const ZONES: [&str; 2] = ["example.com", "example.net"];

/// A BIND that lets a key of its own change each zone. The first key may transfer all, and change nothing.
fn with_a_key_for_each_zone() -> Named {
    let named = Named::builder().key(Key::new("plesk"));
    let keys = ZONES.map(|name| Key::new(&format!("hosted-{name}")));
    let named = keys.into_iter().fold(named, Builder::key);
    let zones = ZONES.map(|name| {
        let key = format!("key \"hosted-{name}\";");
        let rights = format!("allow-update {{ {key} }}; allow-transfer {{ key plesk; {key} }};");
        Zone::fixed(name, "").option(&rights)
    });
    let named = zones.into_iter().fold(named, Builder::zone);
    named.start()
}

/// nsbridge with all keys, of which the primary's is the first.
fn with_keys(named: &Named) -> Bridge {
    let keys = ZONES.map(|name| format!("hosted-{name}"));
    keys.iter().fold(Bridge::of(named), |bridge, key| {
        let file = named.key_file_of(key).to_string_lossy();
        bridge.set_text(&format!("keys.{key:?}"), "file", &file)
    })
}

fn wanted(name: &str) -> Wanted {
    let lines = format!("@ 3600 NS ns1.{name}. | ns1 3600 A 192.0.2.1 | www A 192.0.2.7");
    zone(name, &lines)
}

#[test]
fn each_zone_is_changed_with_the_key_of_its_name() {
    let named = with_a_key_for_each_zone();
    let bridge = with_keys(&named).route_key("hosted-{zone}");
    let updates = ZONES.map(|name| wanted(name).update());
    bridge
        .plesk(payload::call(&updates))
        .assert_status(0)
        .assert_stderr("");
    for name in ZONES {
        wanted(name).assert_on(&named);
        let host = format!("www.{name}");
        bridge
            .run(&["acme", "add", &host, "token"], "")
            .assert_status(0)
            .assert_stderr("");
    }
    let check = [&["check"][..], &ZONES].concat();
    bridge.run(&check, "").assert_status(0);
}

/// Also where the configuration has the key of a zone that another primary serves.
#[test]
fn nsupdate_signs_the_updates_of_each_zone_with_the_key_of_its_route() {
    let named = with_a_key_for_each_zone();
    let bridge = || with_keys(&named).route_key("hosted-{zone}");
    let other = Named::builder()
        .key(Key::new("other"))
        .zone(Zone::dynamic(ZONES[1], ""))
        .start();
    let with_other = bridge()
        .primary("other", other.port(), "other", other.key_file())
        .route("net", "other");
    let script = |text: u32| {
        let lines = ZONES.map(|name| format!("add x.{name} 60 TXT {text}\n"));
        lines.concat() + "send\n"
    };
    for (text, bridge) in (1..).zip([bridge(), with_other]) {
        let run = bridge.run(&["nsupdate", "--split-zones"], script(text));
        run.assert_status(0).assert_stderr("");
    }
    let texts = |server: &Named, name: &str| dig::short(server, &format!("x.{name}"), "TXT");
    assert_eq!(texts(&named, ZONES[0]), ["\"1\"", "\"2\""]);
    assert_eq!(texts(&named, ZONES[1]), ["\"1\""]);
    assert_eq!(texts(&other, ZONES[1]), ["\"2\""]);
}

/// Also where a wider route to the same primary has a key.
#[test]
fn a_route_without_a_key_has_the_key_of_the_primary() {
    let zone = Zone::fixed("example.com", "").option("allow-update { key plesk; };");
    let named = Named::builder()
        .key(Key::new("plesk"))
        .key(Key::new("wide"))
        .zone(zone)
        .start();
    let file = named.key_file_of("wide").to_string_lossy().into_owned();
    let bridge = Bridge::of(&named).set_text("keys.wide", "file", &file);
    bridge
        .route_key("wide")
        .route("example.com", "main")
        .plesk(wanted("example.com").call())
        .assert_status(0)
        .assert_stderr("");
    wanted("example.com").assert_on(&named);
}

#[test]
fn without_a_key_in_the_route_that_of_the_primary_is_refused() {
    let named = with_a_key_for_each_zone();
    let refused = |bridge: Bridge, name: &str, code: &str| {
        let before = dig::axfr(&named, name);
        bridge
            .without_dry_run("only a run meets the refusal")
            .plesk(wanted(name).call())
            .assert_status(69)
            .assert_code(code);
        assert_eq!(dig::axfr(&named, name), before);
    };
    refused(with_keys(&named), "example.com", "NB-UPDATE-REFUSED");
    // Nor does the key of one zone serve another.
    let bridge = with_keys(&named).route_key("hosted-example.com");
    refused(bridge, "example.net", "NB-TRANSFER-REFUSED");
}

#[test]
fn a_zone_is_transferred_from_another_address_with_another_key() {
    let port = Port::claim();
    let listen = format!("listen-on port {} {{ 127.0.0.1; }};", port.number());
    let transfers = format!(
        "allow-transfer port {} transport tcp {{ key transfers; }};",
        port.number()
    );
    let named = Named::builder()
        .key(Key::new("plesk"))
        .key(Key::new("transfers"))
        .options(&listen)
        .zone(Zone::dynamic("example.com", "").option(&transfers))
        .start();
    let file = named.key_file_of("transfers");
    let asker = Asker::at(port.number(), file);
    let bridge = || Bridge::of(&named).foretold_by(asker.clone());
    let wanted = wanted("example.com");
    bridge()
        .plesk(wanted.call())
        .assert_status(69)
        .assert_code("NB-TRANSFER-REFUSED");
    let address = format!("127.0.0.1:{}", port.number());
    let bridge = bridge()
        .set_text("keys.transfers", "file", &file.to_string_lossy())
        .set_text("primaries.main", "transfer-key", "transfers")
        .set_text("primaries.main", "transfer-address", &address);
    bridge
        .plesk(wanted.call())
        .assert_status(0)
        .assert_stderr("");
    let mut there = asker.axfr("example.com");
    there.retain(|line| line.split(' ').nth(3) != Some("SOA"));
    assert_eq!(there, wanted.content());
    bridge.run(&["check", "example.com"], "").assert_status(0);
}

/// A service that takes for each zone a key of its own alone, and nsbridge with all of them.
fn hosted_with_a_key_for_each(zones: &[&str]) -> (Hosted, Bridge) {
    let habits = Habits {
        has_key_of_zone: true,
        ..Habits::default()
    };
    let hosted = Hosted::start(zones, &[], habits);
    let mut bridge = Bridge::at(hosted.port("updates"), &hosted.key_file());
    for zone in zones {
        let key = format!("hosted-{zone}");
        let file = hosted.file_of_key(&key);
        bridge = bridge.set_text(&format!("keys.{key:?}"), "file", &file.to_string_lossy());
    }
    (hosted, bridge.route_key("hosted-{zone}"))
}

#[test]
fn a_zone_above_is_asked_about_with_its_own_key() {
    let zones = ["example.com", "sub.example.com", "deep.sub.example.com"];
    let (hosted, bridge) = hosted_with_a_key_for_each(&zones);
    for name in zones {
        bridge
            .plesk(wanted(name).call())
            .assert_status(0)
            .assert_stderr("");
        let there = hosted.witness().short(&format!("www.{name}"), "A");
        assert_eq!(there, ["192.0.2.7"]);
    }
}

#[test]
fn a_reverse_zone_is_checked_with_its_own_key() {
    let zones = ["example.com", "2.0.192.in-addr.arpa"];
    let (_hosted, bridge) = hosted_with_a_key_for_each(&zones);
    let bridge = bridge.ptr_networks(&["192.0.2.0/24"]);
    let run = bridge.run(&["check", zones[0]], "");
    run.assert_status(0).assert_stderr("");
}
