//! Everything at once, for as long as wished: calls, workers and commands that are killed at any moment, servers that
//! stop or are killed, a network that alters, drops and cuts messages, broken servers, system calls that fail, records
//! that the server refuses, zones that move from one instance to another, bits that flip in the queue file.
//!
//! In the end each zone is as one of its last payloads wanted it, and so it is after each call that ends with status 0.
//! Where a bit has flipped, that holds until a message names the damage; then the test does what the message says.

mod network;
mod repair;
mod tally;
mod world;

use std::fs;
use std::time::{Duration, Instant};

use crate::support::jobs::wanted_at;
use crate::support::payload;
use crate::support::server::{Kind, scenario};
use crate::support::worker;
use repair::{REFUSED, assert_no_panic, names_damage};
use tally::What;
use world::{BY_HAND, World};

/// The environment variables for how long it takes, in seconds, and where its numbers begin.
const SECONDS_VARIABLE: &str = "NSBRIDGE_TEST_SOAK_SECONDS";
const SEED_VARIABLE: &str = "NSBRIDGE_TEST_SOAK_SEED";
const SECONDS: u64 = 8;
/// System calls that fail, one of them each time.
const FAULTS: [(&str, &str); 6] = [
    ("pwrite64", "ENOSPC"),
    ("fdatasync", "EIO"),
    ("connect", "ECONNREFUSED"),
    ("sendto", "EPIPE"),
    ("openat", "EMFILE"),
    ("write", "EIO"),
];

/// What happens beside calls.
#[derive(Debug, Clone, Copy)]
enum Event {
    KillWorker,
    StopServer,
    KillServer,
    StartServer,
    KillRetry,
    Adopt,
    FlipBit,
    BreakServer,
    FaultyWorker,
}

/// Their order, after each of which some calls are made.
const EVENTS: [Event; 12] = [
    Event::KillWorker,
    Event::KillServer,
    Event::StartServer,
    Event::KillRetry,
    Event::FaultyWorker,
    Event::BreakServer,
    Event::StopServer,
    Event::StartServer,
    Event::Adopt,
    Event::FlipBit,
    Event::KillWorker,
    Event::BreakServer,
];
/// The most calls after an event, and while the server is down or broken.
const CALLS_MAX: usize = 8;
const CALLS_IN_VAIN_MAX: usize = 2;

#[expect(
    clippy::disallowed_methods,
    reason = "the environment of the test, not of nsbridge, says how long it may take"
)]
fn number_in(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).map_or(usual, |text| {
        text.parse().expect("a number in the variable")
    })
}

scenario!(whatever_happens_each_zone_ends_as_a_last_payload_wants_it: bind, powerdns, knot);
#[expect(clippy::print_stdout, reason = "the counts are shown with --nocapture")]
fn whatever_happens_each_zone_ends_as_a_last_payload_wants_it(kind: Kind) {
    let duration = Duration::from_secs(number_in(SECONDS_VARIABLE, SECONDS));
    let seed = number_in(SEED_VARIABLE, 1);
    println!("a soak on {kind:?} begins from {seed}");
    let mut world = World::start(kind, seed);
    let began = Instant::now();
    let mut events = EVENTS.iter().cycle().skip(world.choose(EVENTS.len()));
    // Each kind of event at least once.
    let mut left = EVENTS.len();
    while began.elapsed() < duration || left > 0 {
        left = left.saturating_sub(1);
        let event = *events.next().expect("a cycle");
        cause(&mut world, event);
        let is_vain = !world.is_up || matches!(event, Event::BreakServer);
        let most = if is_vain {
            CALLS_IN_VAIN_MAX
        } else {
            CALLS_MAX
        };
        for _ in 0..=world.choose(most) {
            call(&mut world);
            for side in 0..2 {
                world.keep_worker(side);
            }
        }
        world.network.break_server(false);
    }
    world.start_server();
    world.network.be_calm(true);
    for side in 0..2 {
        world.heal_worker(side);
        world.settle(side);
    }
    world.assert_all();
    for side in &mut world.sides {
        worker::stop(side.worker.take().expect("one runs"));
    }
    world.network.count(&mut world.tally);
    println!("soak on {kind:?}, from {seed}: {}, 0 differ", world.tally);
}

/// Has something happen.
fn cause(world: &mut World, event: Event) {
    let side = world.choose(2);
    match event {
        Event::KillWorker => world.replace_worker(side, |bridge| bridge.start(&["serve"], "")),
        Event::FaultyWorker => {
            let (wrapper, _) = fault(world, side, "7+11");
            let wrapper: Vec<&str> = wrapper.iter().map(String::as_str).collect();
            world.replace_worker(side, |bridge| bridge.start_within(&wrapper, &["serve"], ""));
            world.sides[side].has_faults = true;
            world.note(&format!("worker of {side} within {wrapper:?}"), None);
            world.tally.count(What::WorkersWithFault);
        }
        Event::StopServer | Event::KillServer if world.is_up => {
            world.stop_server(matches!(event, Event::KillServer));
        }
        Event::StopServer | Event::KillServer => {}
        Event::StartServer => world.start_server(),
        Event::KillRetry => {
            let retry = ["queue", "retry", "--all"];
            let going = world.sides[side].bridge.start(&retry, "");
            world.kill_within(&going, 40_000);
            let run = going.end();
            assert_no_panic(&run);
            world.note(&format!("retry of {side}"), Some(&run));
            if run.status.is_none() {
                world.tally.count(What::RetriesKilled);
            }
        }
        Event::Adopt => world.adopt(side),
        Event::FlipBit => world.flip_bit(side),
        Event::BreakServer => world.network.break_server(true),
    }
}

/// What lets a system call fail: the program before nsbridge, and the file that tells whether one did.
fn fault(world: &mut World, side: usize, when: &str) -> (Vec<String>, std::path::PathBuf) {
    let (name, error) = FAULTS[world.choose(FAULTS.len())];
    let log = world.sides[side].bridge.file("strace");
    let words = [
        // The tracer is a process of its own: signals go to nsbridge.
        "strace",
        "-D",
        "-f",
        "-qq",
        "-o",
        &log.to_string_lossy(),
        "-e",
        &format!("trace={name}"),
        "-e",
        &format!("inject={name}:error={error}:when={when}"),
    ];
    (words.map(str::to_owned).into(), log)
}

/// A zone and the second of the payload for it; `None`: it is deleted.
type Change = (u32, Option<u32>);

/// Chooses changes of two zones of an instance, and writes the payload. `None` if it has no zone.
fn changes(world: &mut World, side: usize) -> Option<(Vec<Change>, String)> {
    let zones = world.zones_of(side);
    if zones.is_empty() {
        return None;
    }
    let first = world.choose(zones.len());
    let mut zones: Vec<u32> = [0, 1]
        .map(|next| zones[(first + next) % zones.len()])
        .into();
    zones.dedup();
    let second = world.next_second();
    let (mut changes, mut commands) = (Vec::new(), Vec::new());
    for zone in zones {
        if zone > BY_HAND && world.choose(4) == 0 {
            changes.push((zone, None));
            commands.push(payload::delete(&format!("z{zone}.test")));
            continue;
        }
        let mut wanted = wanted_at(zone, second);
        if zone <= BY_HAND && world.choose(3) == 0 {
            wanted = wanted.with(world.refused());
        }
        changes.push((zone, Some(second)));
        commands.push(wanted.update());
    }
    Some((changes, payload::call(&commands)))
}

/// Makes a call about two zones of an instance, which may be killed, or meet a system call that fails.
fn call(world: &mut World) {
    let side = world.choose(2);
    let Some((changes, payload)) = changes(world, side) else {
        return;
    };
    world.tally.count(What::Calls);
    let how = world.choose(6);
    let is_faulty = how == 0;
    let run = if is_faulty {
        let when = (1 + world.choose(30)).to_string();
        let (wrapper, log) = fault(world, side, &when);
        let wrapper: Vec<&str> = wrapper.iter().map(String::as_str).collect();
        let bridge = &world.sides[side].bridge;
        let run = bridge.start_within(&wrapper, &["plesk"], &payload).end();
        let traced = fs::read_to_string(log).unwrap_or_default();
        if traced.contains("(INJECTED)") {
            world.tally.count(What::CallsWithFault);
        }
        run
    } else {
        let going = world.sides[side].bridge.start(&["plesk"], &payload);
        if how < 3 {
            world.kill_within(&going, 40_000);
        }
        going.end()
    };
    assert_no_panic(&run);
    world.note(&format!("call of {side}: {changes:?}"), Some(&run));
    if run.codes().iter().any(|code| REFUSED.contains(code)) {
        world.tally.count(What::CallsRefused);
    }
    let is_damage = world.sides[side].is_suspect && names_damage(&run);
    let is_sure = match run.status {
        None => {
            world.tally.count(What::CallsKilled);
            false
        }
        Some(0 | 69 | 75) if !is_faulty && !is_damage => true,
        // It could not hand its payload over, says so, and may have delivered it. 127: its libraries were not found.
        Some(0 | 69 | 70 | 75 | 78 | 127) if is_faulty => run.status == Some(0),
        Some(69 | 75 | 78) if is_damage => false,
        Some(status) => panic!("status {status}: {run:#?}"),
    };
    for (zone, change) in &changes {
        if is_sure {
            world.handed_over(*zone, *change);
        } else {
            world.may_be_handed_over(*zone, *change);
        }
    }
    if run.status == Some(0) {
        for (zone, _) in &changes {
            world.assert_zone(*zone);
        }
        world.tally.count(What::CallsCompared);
    }
    if is_damage {
        world.repair(side);
    } else if run.status != Some(0) && names_damage(&run) {
        // It was not kept, and neither is an older job that it replaces; the message says to send it again.
        world.in_calm(|world| {
            for (zone, _) in &changes {
                world.send_again(*zone);
            }
        });
    }
}
