//! Secondaries that follow the catalog that nsbridge keeps: zones reach their answers, and leave them.

use std::time::{Duration, Instant};

use crate::support::bridge::Bridge;
use crate::support::daemon::Release;
use crate::support::dig::Asker;
use crate::support::documented::{FLEET, KNOT, documented};
use crate::support::keys::Key;
use crate::support::knot::{CATALOG, EMPTY_CATALOG, Knot};
use crate::support::members::{rights, two_instances};
use crate::support::named::{Named, Zone};
use crate::support::nsd::Nsd;
use crate::support::pdns::Pdns;
use crate::support::server::Server;
use crate::support::wanted::zone;
use crate::support::{payload, wait};

/// A BIND that keeps a catalog, which secondaries may transfer without a key.
pub(crate) fn bind_before() -> Named {
    Named::builder()
        .zone(Zone::with_policy(CATALOG, EMPTY_CATALOG, &rights()))
        .options("allow-transfer { 127.0.0.1; };")
        .start()
}

/// Lets it notify these ports of each change.
pub(crate) fn notify(named: &mut Named, ports: &[u16]) {
    let conf = named.file("named.conf");
    let text = std::fs::read_to_string(&conf).expect("the server has a configuration");
    let ports: Vec<String> = ports
        .iter()
        .map(|port| format!("127.0.0.1 port {port};"))
        .collect();
    let notify = format!(
        "notify explicit; notify-delay 0; also-notify {{ {} }};",
        ports.join(" ")
    );
    std::fs::write(&conf, text.replace("notify no;", &notify)).expect("a file of the test");
    named.restart();
}

/// A BIND that follows the catalog of the server on a port of 127.0.0.1.
pub(crate) fn bind_behind(primary: u16) -> Named {
    let from = format!("127.0.0.1 port {primary}");
    let catalog = Zone::raw(
        CATALOG,
        &format!("type secondary; primaries {{ {from}; }}; file \"catalog.db\";"),
    );
    let follows = format!(
        "catalog-zones {{ zone \"{CATALOG}\" default-primaries {{ {from}; }} zone-directory \"{{dir}}\" \
         min-update-interval 1; }};"
    );
    Named::builder().zone(catalog).options(&follows).start()
}

pub(crate) fn powerdns_behind(primary: u16) -> Pdns {
    Pdns::of(Release::Installed)
        .follow(CATALOG, primary)
        .start()
}

/// A Knot that follows the catalog of the server on a port of 127.0.0.1.
pub(crate) fn knot_behind(primary: u16) -> Knot {
    let conf = format!(
        "server:\n    listen: 127.0.0.1@{{port}}\n    rundir: {{dir}}\n\
         log:\n  - target: stderr\n    any: info\n\
         database:\n    storage: {{dir}}\n\
         remote:\n  - id: primary\n    address: 127.0.0.1@{primary}\n\
         acl:\n  - id: notify\n    address: 127.0.0.1\n    action: notify\n\
         template:\n  - id: default\n    storage: {{dir}}\n    master: primary\n    acl: notify\n\
         zone:\n  - domain: {CATALOG}\n    file: catalog.zone\n    catalog-role: interpret\n    \
         catalog-template: default\n"
    );
    Knot::builder().written(&conf, EMPTY_CATALOG, "").start()
}

/// The documented NSD, behind a Knot of the test.
fn nsd_behind(knot: &Knot) -> Nsd {
    let from = format!("request-xfr: 127.0.0.1@{}", knot.port());
    let clauses = documented(FLEET, "key:\n    name: plesk")
        .replace("request-xfr: 192.0.2.53", &from)
        .replace("allow-notify: 192.0.2.53", "allow-notify: 127.0.0.1")
        .replace("CHANGE-ME", "{secret}");
    assert_eq!(clauses.matches(&from).count(), 2, "{clauses}");
    Nsd::start(Release::Debian13, knot.key(), &clauses, &[])
}

#[test]
fn the_documented_catalog_of_bind_is_kept_and_followed() {
    let key = Key::new("plesk");
    let zone_file = documented(KNOT, "@ 0 SOA invalid.");
    let piece = documented(FLEET, "zone \"catalog.example\" {\n    type primary;");
    let body = |piece: &str| {
        let start = piece.find('{').expect("it has a body") + 1;
        let end = piece.rfind('}').expect("it has a body");
        piece[start..end].replace("file \"catalog.example.db\";", "")
    };
    let named = Named::builder()
        .key(key.clone())
        .zone(Zone::fixed(CATALOG, &zone_file).body(&body(&piece)))
        .options("notify-delay 0;")
        .start();
    let from = format!("127.0.0.1 port {} key", named.port());
    let follower =
        documented(FLEET, "options {\n    catalog-zones").replace("192.0.2.53 key", &from);
    let (options, zone) = follower
        .split_once("zone \"catalog.example\" {\n    type")
        .expect("a zone follows");
    let bind = Named::builder()
        .key(key)
        .options(&body(options))
        .zone(Zone::raw(
            CATALOG,
            &format!("type{}", zone.trim_end().trim_end_matches("};")),
        ))
        .start();
    let bridge = Bridge::of(&named).catalog(CATALOG).seed(&named);
    let wanted =
        crate::support::wanted::zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
    bridge
        .plesk(wanted.call())
        .assert_status(0)
        .assert_stderr("");
    // It is told of nothing, but asks when it starts.
    bind.rndc(&["refresh", CATALOG]);
    let asker = Asker::of(&bind);
    wait::until("BIND follows", || answer(&asker) == ["192.0.2.7"]);
}

/// What a server answers.
fn answer(asker: &Asker) -> Vec<String> {
    asker.short("www.example.com", "A")
}

/// Somebody of the world who asks a server.
pub(crate) fn world(server: &dyn Server) -> Asker {
    Asker::of(server).without_key()
}

/// Deletes zones and makes them again at once, each with a serial that is lower than before, as an installation does
/// that takes over a domain of another. Every secondary gets what is new.
fn assert_made_again(bridge: &Bridge, other: &Bridge, secondaries: &[(&str, Asker)]) {
    const ZONES: u32 = 4;
    let making = |bridge: &Bridge, number: u32, last: u8, serial: u32| {
        let lines = format!("@ NS ns1.example.net. | www A 192.0.2.{last}");
        let wanted = zone(&format!("move{number}.test"), &lines).soa("serial", serial);
        bridge
            .plesk(wanted.call())
            .assert_status(0)
            .assert_stderr("");
    };
    let mut others = ZONES;
    let mut settle = |what: &str, last: u8| {
        let mut changed = Instant::now();
        for (name, asker) in secondaries {
            wait::until(&format!("{name} has {what}"), || {
                let shows = (0..ZONES).all(|number| {
                    let answer = asker.short(&format!("www.move{number}.test"), "A");
                    answer == [format!("192.0.2.{last}")]
                });
                // PowerDNS with SQLite skips a change of the catalog while its database is locked, and makes up for it
                // with the next one.
                if !shows && changed.elapsed() > Duration::from_secs(4) {
                    making(bridge, others, 7, 7);
                    others += 1;
                    changed = Instant::now();
                }
                shows
            });
        }
    };
    for number in 0..ZONES {
        making(bridge, number, 7, 2_000_000_000);
    }
    settle("the first zones", 7);
    for number in 0..ZONES {
        let delete = payload::call(&[payload::delete(&format!("move{number}.test"))]);
        bridge.plesk(delete).assert_status(0);
        making(other, number, 8, 7);
    }
    settle("the zones that were made again", 8);
}

/// Creates, changes and deletes a zone, and waits for each of the secondaries.
#[expect(clippy::print_stdout, reason = "the times are shown with --nocapture")]
fn assert_followed(bridge: &Bridge, secondaries: &[(&str, Asker)]) {
    let lines = |last: u8| format!("@ NS ns1.example.net. | www A 192.0.2.{last}");
    let create = zone("example.com", &lines(7)).call();
    let update = zone("example.com", &lines(8)).sent(1).call();
    let delete = payload::call(&[payload::delete("example.com")]);
    for (what, call, expected) in [
        ("create", create, vec!["192.0.2.7"]),
        ("update", update, vec!["192.0.2.8"]),
        ("delete", delete, vec![]),
    ] {
        let began = Instant::now();
        bridge.plesk(call).assert_status(0).assert_stderr("");
        println!("{what}: nsbridge took {:?}", began.elapsed());
        let mut waiting: Vec<_> = secondaries.iter().collect();
        wait::until(&format!("all follow the {what}"), || {
            waiting.retain(|(name, asker)| {
                let follows = answer(asker) == expected;
                if follows {
                    let time = began.elapsed();
                    println!("{what}: {name} followed {time:?} after the call began");
                }
                !follows
            });
            waiting.is_empty()
        });
    }
}

#[test]
fn bind_and_powerdns_follow_the_catalog_of_a_bind_primary() {
    let mut named = bind_before();
    let (bind, powerdns) = (bind_behind(named.port()), powerdns_behind(named.port()));
    notify(&mut named, &[bind.port(), powerdns.port()]);
    let bridge = Bridge::of(&named).catalog(CATALOG).seed(&named);
    let other = Bridge::of(&named)
        .catalog(CATALOG)
        .seed(&named)
        .instance("plesk02");
    let secondaries = [("BIND", world(&bind)), ("PowerDNS", world(&powerdns))];
    assert_followed(&bridge, &secondaries);
    assert_made_again(&bridge, &other, &secondaries);
    let log = bind.log();
    assert!(log.contains("catz"), "BIND follows the catalog");
    assert!(!log.contains("invalid record in catalog zone"), "{log}");
}

#[test]
fn bind_powerdns_and_the_documented_nsd_follow_the_catalog_of_a_knot_primary() {
    if !Release::Debian13.is_here() {
        return;
    }
    let mut knot = Knot::of(Release::Debian13).start();
    let (bind, powerdns) = (bind_behind(knot.port()), powerdns_behind(knot.port()));
    let nsd = nsd_behind(&knot);
    knot.serve_secondaries(&[bind.port(), powerdns.port(), nsd.port()]);
    let (bridge, other) = two_instances(&knot);
    let secondaries = [
        ("BIND", world(&bind)),
        ("PowerDNS", world(&powerdns)),
        ("NSD", nsd.asker().without_key()),
    ];
    assert_followed(&bridge, &secondaries);
    assert_made_again(&bridge, &other, &secondaries);
}
