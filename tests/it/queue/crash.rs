//! Nothing is lost, whenever a process is killed: calls and workers are killed at any time and at each step,
//! and the primary goes down and comes back.
//!
//! What must be in the end is kept by a model that knows nothing of nsbridge: a call that ended by itself has
//! handed its payload over; one that was killed may have.

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::crashes::{Model, Numbers};
use crate::support::gate;
use crate::support::jobs::{assert_empty, jobs, many_zones, wanted_at};
use crate::support::message::{is_transfer, is_update};
use crate::support::server::Server as _;
use crate::support::worker;
use crate::support::{payload, wait};

const ZONES: u32 = 8;
/// How many calls are made; each is killed, or runs beside a worker that is.
const CALLS: u32 = 300;

#[test]
fn whatever_is_killed_whenever_the_newest_payloads_arrive_and_nothing_waits() {
    let mut named = many_zones(ZONES);
    let bridge = Bridge::of(&named).deadline_seconds(2);
    let mut numbers = Numbers(1);
    let mut model = Model::default();
    let (mut calls_killed, mut workers_killed, mut outages) = (0, 0, 0);
    let mut worker = Some(worker::start(&bridge));
    let mut is_up = true;
    for second in 1..=CALLS {
        match numbers.below(25) {
            0 => {
                worker.take().inspect(|worker| worker.signal("KILL"));
                workers_killed += 1;
                worker = Some(bridge.start(&["serve"], ""));
            }
            1 if is_up => {
                named.kill();
                is_up = false;
                outages += 1;
            }
            2 | 3 if !is_up => {
                named.restart();
                is_up = true;
            }
            _ => {}
        }
        let first = 1 + u32::try_from(numbers.below(ZONES.into())).expect("a small number");
        let zones = [first, 1 + first % ZONES];
        let commands = zones.map(|zone| wanted_at(zone, second).update());
        let call = bridge.start(&["plesk"], payload::call(&commands));
        if numbers.below(3) > 0 {
            // A call takes some ten milliseconds.
            let microseconds = numbers.below(15_000);
            std::thread::park_timeout(std::time::Duration::from_micros(microseconds));
            call.signal("KILL");
        }
        let run = call.end();
        for zone in zones {
            match run.status {
                None => model.killed(zone, second),
                Some(0 | 75) => model.handed_over(zone, second),
                Some(status) => panic!("status {status}: {run:#?}"),
            }
        }
        calls_killed += u32::from(run.status.is_none());
    }
    if !is_up {
        named.restart();
    }
    wait::until("nothing waits any more", || jobs(&bridge).is_empty());
    worker::stop(worker.expect("one runs"));
    model.assert_on(&named);
    assert_empty(&bridge);
    assert!(calls_killed > CALLS / 4 && workers_killed > 4 && outages > 2);
    println!(
        "{CALLS} calls, {calls_killed} of them killed, {workers_killed} workers killed, {outages} outages"
    );
}

/// Kills `nsbridge` with these arguments when its first request of that kind was answered, unheard.
#[track_caller]
fn killed_at(matches: fn(&[u8]) -> bool, arguments: &[&str]) {
    let named = many_zones(1);
    let (proxy, gate) = gate::holding_back(named.port(), matches);
    let bridge = Bridge::at(proxy.port(), named.key_file());
    let queue = bridge.file("state/queue.db").to_string_lossy().into_owned();
    if arguments[0] == "serve" {
        // What the worker delivers was left by a call that met nobody.
        let unreachable = Bridge::at(named.spare_port(), named.key_file());
        let unreachable = unreachable.set_text("queue", "path", &queue);
        unreachable.plesk(wanted_at(1, 1).call()).assert_status(75);
    }
    let going = bridge.start(arguments, wanted_at(1, 1).call());
    wait::until("the step is reached", || gate.is_reached());
    assert_eq!(jobs(&bridge)[0]["state"], "in-hand");
    going.signal("KILL");
    assert_eq!(going.finish().status, None);
    gate.open();
    assert_eq!(jobs(&bridge)[0]["state"], "waiting");
    let direct = Bridge::of(&named).set_text("queue", "path", &queue);
    let run = direct.run(&["queue", "retry", "--all"], "");
    run.assert_status(0).assert_stderr("");
    wanted_at(1, 1).assert_on(&named);
    assert_empty(&direct);
    // It is known as ours: a later payload takes it away again.
    direct.plesk(wanted_at(1, 2).call()).assert_status(0);
    wanted_at(1, 2).assert_on(&named);
}

#[test]
fn a_call_that_is_killed_at_its_transfer_or_its_update_is_made_good() {
    killed_at(is_transfer, &["plesk"]);
    killed_at(is_update, &["plesk"]);
}

#[test]
fn a_worker_that_is_killed_at_its_transfer_or_its_update_is_made_good() {
    killed_at(is_transfer, &["serve"]);
    killed_at(is_update, &["serve"]);
}
