//! A primary that sheds load slows nsbridge down, and no command fails for it.
//!
//! What is shed is counted where it happens: in the server's log, or by a proxy.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pretty_assertions::assert_eq;

use crate::support::bridge::{Bridge, Run};
use crate::support::daemon::Release;
use crate::support::habits::Habits;
use crate::support::hosted::Hosted;
use crate::support::jobs::{assert_empty, jobs, many_zones, wanted_at};
use crate::support::knot::{CATALOG, EMPTY_CATALOG, Knot};
use crate::support::message::{is_transfer, is_update};
use crate::support::named::{self, Named};
use crate::support::pdns::Pdns;
use crate::support::scripted::{Scripted, Upstream};
use crate::support::server::Server;
use crate::support::worker;
use crate::support::{message, payload, wait, wanted};

const ZONES: u32 = 48;
const IN_FLIGHT: usize = 32;

/// The response code of a server that fails (RFC 1035 section 4.1.1).
const SERVFAIL: u8 = 2;

/// What BIND logs of each UPDATE that it drops.
const DROPPED: &str = "too many DNS UPDATEs queued";

fn all() -> String {
    payload::call(
        &(1..=ZONES)
            .map(|zone| wanted_at(zone, 1).update())
            .collect::<Vec<_>>(),
    )
}

fn hasty(bridge: Bridge) -> Bridge {
    bridge
        .set("primaries.main", "zones-in-flight", &IN_FLIGHT.to_string())
        .deadline_seconds(50)
}

#[track_caller]
fn assert_all_delivered(run: &Run, bridge: &Bridge, server: &dyn Server) {
    run.assert_status(0).assert_stderr("");
    let updated = run
        .stdout
        .lines()
        .filter(|line| line.contains(": updated, "));
    assert_eq!(updated.count(), ZONES as usize);
    for zone in 1..=ZONES {
        wanted_at(zone, 1).assert_on(server);
    }
    assert_empty(bridge);
}

#[track_caller]
fn a_named_with(release: Release, options: &str) -> Named {
    let zones = (1..=ZONES).map(|number| named::Zone::dynamic(&format!("z{number}.test"), ""));
    let builder = Named::of(release).options(options);
    zones.fold(builder, named::Builder::zone).start()
}

/// How many UPDATEs BIND dropped: those that were sent at once at first, and few after them.
#[track_caller]
fn dropped(named: &Named) -> usize {
    let dropped = named.log().matches(DROPPED).count();
    assert!(dropped >= 3, "nothing was shed");
    assert!(dropped < IN_FLIGHT + 8, "{dropped} updates were dropped");
    dropped
}

#[test]
fn a_bind_that_drops_updates_beyond_its_quota_gets_one_at_a_time() {
    for release in Release::stable() {
        let named = a_named_with(release, "update-quota 1;");
        let bridge = hasty(Bridge::of(&named));
        let run = bridge.plesk(all());
        assert_all_delivered(&run, &bridge, &named);
        println!("{release:?}: {} updates dropped", dropped(&named));
    }
}

#[test]
fn the_worker_slows_down_for_a_bind_that_drops_updates() {
    let mut named = a_named_with(Release::Installed, "update-quota 1;");
    let bridge = hasty(Bridge::of(&named));
    named.stop();
    bridge.plesk(all()).assert_status(75);
    named.restart();
    let worker = worker::start(&bridge);
    wait::until("nothing waits any more", || {
        let jobs = jobs(&bridge);
        // The call before failed once; what is shed is no failure.
        assert!(jobs.iter().all(|job| job["attempts"] == 1), "{jobs:#?}");
        jobs.is_empty()
    });
    let run = worker::stop(worker);
    assert_all_delivered(&run, &bridge, &named);
    println!("{} updates dropped", dropped(&named));
}

#[test]
fn a_bind_with_few_places_for_transfers_and_connections_gets_all_its_zones() {
    for options in ["transfers-out 1;", "tcp-clients 4;"] {
        let named = a_named_with(Release::Installed, options);
        let bridge = hasty(Bridge::of(&named));
        let run = bridge.plesk(all());
        assert_all_delivered(&run, &bridge, &named);
    }
}

#[test]
fn a_powerdns_with_few_places_for_connections_gets_all_its_zones() {
    let builder = Pdns::builder().setting("max-tcp-connections", "3");
    let names: Vec<String> = (1..=ZONES).map(|zone| format!("z{zone}.test")).collect();
    let pdns = (names.iter())
        .fold(builder, |builder, name| builder.zone(name, ""))
        .start();
    let bridge = hasty(Bridge::of(&pdns));
    let run = bridge.plesk(all());
    assert_all_delivered(&run, &bridge, &pdns);
}

#[test]
fn a_knot_under_a_burst_gets_all_its_zones() {
    let builder = Knot::builder();
    let names: Vec<String> = (1..=ZONES).map(|zone| format!("z{zone}.test")).collect();
    let knot = (names.iter())
        .fold(builder, |builder, name| builder.zone(name, ""))
        .start();
    let bridge = hasty(Bridge::of(&knot)).set("primaries.main", "zones-in-flight", "128");
    let run = bridge.plesk(all());
    assert_all_delivered(&run, &bridge, &knot);
}

/// Zones in work at once where each counts.
const FEW: usize = 4;

/// How many questions a primary gets whose names begin with a label while all zones are delivered, four at a time.
fn questions(label: &'static [u8]) -> usize {
    let named = many_zones(ZONES);
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let proxy = Scripted::proxy(named.port(), move |question, answer| {
        let is_asked = !is_update(question) && question.windows(label.len()).any(|it| it == label);
        counted.fetch_add(usize::from(is_asked), Ordering::SeqCst);
        Some(answer)
    });
    let bridge = Bridge::at(proxy.port(), named.key_file())
        .set("primaries.main", "zones-in-flight", &FEW.to_string())
        .deadline_seconds(50);
    let run = bridge.plesk(all());
    assert_all_delivered(&run, &bridge, &named);
    asked.load(Ordering::SeqCst)
}

#[test]
fn what_kind_of_server_a_primary_is_is_not_asked_for_each_zone() {
    let asked = questions(b"\x0ensbridge-check");
    assert!((1..=FEW).contains(&asked), "asked {asked} times");
}

#[test]
fn while_a_zone_waits_for_the_disk_the_next_one_is_read() {
    let named = many_zones(ZONES);
    let seen = Arc::new(Mutex::new(String::new()));
    let noted = Arc::clone(&seen);
    let proxy = Scripted::proxy(named.port(), move |question, answer| {
        let mut seen = noted.lock().unwrap_or_else(PoisonError::into_inner);
        if is_transfer(question) {
            seen.push('t');
        } else if is_update(question) {
            seen.push('u');
        }
        Some(answer)
    });
    let bridge = Bridge::at(proxy.port(), named.key_file())
        .set("primaries.main", "zones-in-flight", "1")
        .deadline_seconds(50);
    let run = bridge.plesk(all());
    assert_all_delivered(&run, &bridge, &named);
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(seen.starts_with("tt"), "{seen}");
}

/// How many UPDATEs a proxy had at once when each one came, the later ones at the end.
type Seen = Arc<Mutex<Vec<usize>>>;

/// A proxy that takes its time for each UPDATE, and answers with `shed` what comes while it has so many.
fn with_a_limit(
    port: u16,
    limit: usize,
    shed: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync + 'static,
) -> (Scripted, Seen) {
    let seen = Seen::default();
    let (at_once, noted) = (AtomicUsize::new(0), Arc::clone(&seen));
    let proxy = Scripted::start(move |conversation| {
        let mut upstream = Upstream::connect(port);
        while let Some(request) = conversation.read() {
            if !is_update(&request) {
                conversation.write(&upstream.exchange(&request));
                continue;
            }
            let count = 1 + at_once.fetch_add(1, Ordering::SeqCst);
            let mut seen = noted.lock().unwrap_or_else(PoisonError::into_inner);
            seen.push(count);
            drop(seen);
            std::thread::park_timeout(Duration::from_millis(20));
            let answer = if count <= limit {
                Some(upstream.exchange(&request))
            } else {
                shed(&request)
            };
            at_once.fetch_sub(1, Ordering::SeqCst);
            if let Some(answer) = answer {
                conversation.write(&answer);
            }
        }
    });
    (proxy, seen)
}

#[test]
fn fewer_are_in_flight_at_a_primary_that_drops_updates_or_fails_on_them() {
    const LIMIT: usize = 4;
    for rcode in [None, Some(SERVFAIL)] {
        let named = many_zones(ZONES);
        let key = named.key().clone();
        let (proxy, seen) = with_a_limit(named.port(), LIMIT, move |request| {
            let refusal = message::answer(request, rcode?, &[]);
            Some(message::sign(refusal, request, &key))
        });
        let bridge = hasty(Bridge::at(proxy.port(), named.key_file()));
        let run = bridge.plesk(all());
        assert_all_delivered(&run, &bridge, &named);
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        println!("in flight at each update, {rcode:?}: {seen:?}");
        let at_first = seen.iter().take(IN_FLIGHT).max();
        assert!(at_first > Some(&LIMIT), "nothing was shed: {seen:?}");
        // More are tried now and then.
        let (first, last) = seen.split_at(seen.len() - ZONES as usize / 4);
        let shed = |counts: &[usize]| counts.iter().filter(|count| **count > LIMIT).count();
        assert!(shed(last) <= last.len() / 3, "{first:?} {last:?}");
    }
}

#[test]
fn a_catalog_whose_reading_is_dropped_holds_nobody_up_for_long() {
    let zones = (1..=ZONES).map(|number| named::Zone::dynamic(&format!("z{number}.test"), ""));
    let catalog = named::Zone::dynamic(CATALOG, EMPTY_CATALOG);
    let named = zones
        .fold(Named::builder().zone(catalog), named::Builder::zone)
        .start();
    let (port, is_dropped) = (named.port(), AtomicBool::new(false));
    let proxy = Scripted::start(move |conversation| {
        let mut upstream = Upstream::connect(port);
        while let Some(request) = conversation.read() {
            let label = b"\x07catalog";
            let is_of_catalog = request.windows(label.len()).any(|octets| octets == label);
            let is_reading = is_transfer(&request) && is_of_catalog;
            if !is_reading || is_dropped.swap(true, Ordering::SeqCst) {
                conversation.write(&upstream.exchange(&request));
            }
        }
    });
    // Whoever reads it lets others wait, who have all the other turns.
    let bridge = Bridge::at(proxy.port(), named.key_file()).catalog(CATALOG);
    let bridge = bridge
        .set("primaries.main", "zones-in-flight", "4")
        .deadline_seconds(20);
    let run = bridge.plesk(all());
    assert_all_delivered(&run, &bridge, &named);
}

#[test]
fn transfers_that_are_dropped_while_all_others_wait_for_one_hold_nobody_up() {
    /// How many transfers nsbridge asks for at once.
    const AT_ONCE: usize = 6;
    let named = many_zones(ZONES);
    let port = named.port();
    let (transfers, goes_on) = (AtomicUsize::new(0), AtomicBool::new(false));
    let proxy = Scripted::start(move |conversation| {
        let mut upstream = Upstream::connect(port);
        let mut has_updated = false;
        while let Some(request) = conversation.read() {
            // The answer to the update before has arrived.
            goes_on.fetch_or(has_updated, Ordering::SeqCst);
            let number = if is_transfer(&request) {
                transfers.fetch_add(1, Ordering::SeqCst)
            } else {
                0
            };
            if (AT_ONCE..3 * AT_ONCE).contains(&number) {
                // Dropped all together, when others were answered; and again, over a new connection.
                wait::until("an update was answered", || goes_on.load(Ordering::SeqCst));
                return;
            }
            has_updated = is_update(&request);
            if has_updated {
                wait::until("as many transfers are asked for again", || {
                    transfers.load(Ordering::SeqCst) >= 2 * AT_ONCE
                });
            }
            conversation.write(&upstream.exchange(&request));
        }
    });
    let bridge = hasty(Bridge::at(proxy.port(), named.key_file()))
        .set("primaries.main", "zones-in-flight", "64")
        .deadline_seconds(20);
    let run = bridge.plesk(all());
    assert_all_delivered(&run, &bridge, &named);
}

#[test]
fn a_transfer_that_is_dropped_twice_at_once_while_nobody_else_waits_is_asked_for_again() {
    let named = many_zones(ZONES);
    let (port, transfers) = (named.port(), AtomicUsize::new(0));
    let proxy = Scripted::start(move |conversation| {
        let mut upstream = Upstream::connect(port);
        while let Some(request) = conversation.read() {
            // Of the second zone, over the kept connection and over a new one.
            if is_transfer(&request) && matches!(transfers.fetch_add(1, Ordering::SeqCst), 1 | 2) {
                return;
            }
            conversation.write(&upstream.exchange(&request));
        }
    });
    let bridge = hasty(Bridge::at(proxy.port(), named.key_file())).set(
        "primaries.main",
        "zones-in-flight",
        "1",
    );
    let run = bridge.plesk(all());
    assert_all_delivered(&run, &bridge, &named);
}

#[test]
fn an_address_that_closes_connections_is_not_overloaded_since_another_one_answers() {
    let hosted = Hosted::start(&["example.com"], &[], Habits::default());
    let closing = Scripted::start(|conversation| {
        conversation.read();
    });
    let query_address = format!("127.0.0.1:{}", closing.port());
    let bridge = Bridge::at(hosted.port("updates"), &hosted.key_file()).set_text(
        "primaries.main",
        "query-address",
        &query_address,
    );
    // The zone is transferred before the first question.
    let run = bridge.plesk(wanted::zone("example.com", "www A 192.0.2.7").call());
    run.assert_status(75)
        .assert_codes(&["NB-CONNECTION-CLOSED"]);
    assert_eq!((hosted.received().transfers, closing.connections()), (1, 1));
}
