//! What a call costs: how often it waits until something is written for good, how much it writes, and how often it asks its
//! primary. And what a power cut takes after it.

use std::fs;

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::gate;
use crate::support::jobs::{assert_empty, jobs, many_zones, wanted_at};
use crate::support::message::is_update;
use crate::support::named::{Named, Zone};
use crate::support::payload;
use crate::support::run::Run;
use crate::support::server::Server as _;
use crate::support::wait;
use crate::support::wanted::zone;

const GOOD: &str = "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1 | www A 192.0.2.7";

/// BIND refuses all of it by default.
const BAD: &str =
    "a_0 A 192.0.2.9 | a_1 A 192.0.2.9 | @ MX 10 gone.example.com. | m MX 10 gone.example.com.";

/// A page of SQLite's log, with its header.
const PAGE: usize = 4_096 + 24;

/// A BIND with `example.com` and a reverse zone, and nsbridge under `strace`.
struct Traced {
    _named: Named,
    bridge: Bridge,
}

/// What a call did, counted.
#[derive(Debug, Default, Eq, PartialEq)]
struct Costs {
    /// Waits for the disk.
    waits: usize,
    /// Messages to the primary.
    messages: usize,
    /// Of these, updates that were sent before all that was written to the log was on the disk.
    early_updates: usize,
    /// Pages that were written to the log.
    pages: usize,
}

impl Costs {
    /// Counts the lines of a trace.
    fn of(trace: &str) -> Self {
        let (mut costs, mut octets, mut is_written) = (Self::default(), 0, false);
        for line in trace.lines() {
            // The process, the call and its arguments; or the other half of a call that another thread interrupts.
            let call = line
                .split_once(' ')
                .map_or("", |(_, call)| call.trim_start());
            let is_of_log = call.contains("queue.db-wal>");
            if call.starts_with("pwrite64(") && is_of_log {
                is_written = true;
                let written = line.rsplit_once("= ").and_then(|(_, it)| it.parse().ok());
                octets += written.unwrap_or(0);
            } else if call.starts_with("sendto(") && call.contains("<TCP:") {
                costs.messages += 1;
                // After two octets of length and two of the number: the opcode.
                let is_update = call
                    .split_once('"')
                    .is_some_and(|(_, it)| &it[18..20] == "28");
                costs.early_updates += usize::from(is_update && is_written);
            } else if call.contains("sync") && !call.starts_with('<') {
                costs.waits += 1;
                is_written &= !is_of_log;
            }
        }
        costs.pages = octets / PAGE;
        costs
    }
}

impl Traced {
    fn start() -> Self {
        let named = Named::builder()
            .zone(Zone::dynamic("example.com", ""))
            .zone(Zone::dynamic("2.0.192.in-addr.arpa", ""))
            .start();
        let bridge = Bridge::of(&named).without_dry_run("it would be traced, too");
        let trace = bridge.file("trace").to_string_lossy().into_owned();
        let calls = "trace=fsync,fdatasync,sync_file_range,msync,syncfs,sync,pwrite64,sendto,sendmsg,writev";
        let bridge = bridge.ptr_networks(&["192.0.2.0/24"]).within(&[
            "strace", "-f", "-yy", "-x", "-s", "8", "-o", &trace, "-e", calls,
        ]);
        Self {
            _named: named,
            bridge,
        }
    }

    /// Makes a call with these lines of `example.com`, and counts what it does.
    #[track_caller]
    fn call(&self, lines: &[&str], second: u32) -> (Run, Costs) {
        let wanted = zone("example.com", &lines.join(" | ")).sent(second);
        self.run(&wanted.call())
    }

    #[track_caller]
    fn run(&self, payload: &str) -> (Run, Costs) {
        let run = self.bridge.plesk(payload);
        let trace = fs::read_to_string(self.bridge.file("trace"));
        let trace = trace.unwrap_or_else(|error| panic!("strace: {error}: {}", run.stderr));
        assert!(trace.contains("+++ exited with "), "strace: {trace}");
        (run, Costs::of(&trace))
    }
}

#[test]
fn a_call_costs_as_little_as_it_can() {
    let traced = Traced::start();
    let (run, _) = traced.call(&[GOOD], 0);
    run.assert_status(0).assert_stderr("");
    let changed = GOOD.replace("192.0.2.7", "192.0.2.8");
    let (run, one_change) = traced.call(&[&changed], 100);
    run.assert_status(0).assert_stderr("");
    let (run, unchanged) = traced.call(&[&changed], 200);
    run.assert_status(0).assert_stderr("");
    let (run, _) = traced.call(&[&changed, BAD], 300);
    run.assert_status(69);
    let (run, remembered) = traced.call(&[&changed, BAD], 400);
    run.assert_status(69);
    let waits = [&one_change, &unchanged, &remembered].map(|costs| costs.waits);
    assert_eq!(waits, [1, 1, 1]);
    // The transfer, the question whether the server is a Knot, the update, and the question whether it is in place.
    let messages = [&one_change, &unchanged, &remembered].map(|costs| costs.messages);
    assert_eq!(messages, [4, 1, 1]);
    assert!(one_change.pages <= 27, "{one_change:?}");
}

#[test]
fn what_a_call_wants_is_on_the_disk_before_each_update() {
    let traced = Traced::start();
    let ptr = |command: fn(&str, &str) -> serde_json::Value| {
        payload::call(&[command("192.0.2.7", "www.example.com")])
    };
    let wanted = zone("example.com", GOOD).sent(1).call();
    let calls = [
        wanted,
        ptr(payload::create_ptr),
        // No reservation goes before this one.
        ptr(payload::delete_ptr),
        payload::call(&[payload::delete("example.com")]),
    ];
    for call in calls {
        let (run, costs) = traced.run(&call);
        run.assert_status(0).assert_stderr("");
        assert!(costs.messages > 1, "{call}: {costs:?}");
        assert_eq!(costs.early_updates, 0, "{call}: {costs:?}");
    }
}

/// A power cut takes what did not wait for the disk. All that was written before the update waited.
#[test]
fn a_power_cut_after_a_call_costs_a_second_delivery_and_nothing_else() {
    let named = many_zones(1);
    let (proxy, gate) = gate::holding_back(named.port(), is_update);
    let bridge = Bridge::at(proxy.port(), named.key_file());
    let going = bridge.start(&["plesk"], wanted_at(1, 1).call());
    wait::until("the update was sent", || gate.is_reached());
    let [file, log, index] =
        ["", "-wal", "-shm"].map(|end| bridge.file(&format!("state/queue.db{end}")));
    let on_disk = [&file, &log].map(|it| fs::read(it).expect("a file"));
    gate.open();
    going.finish().assert_status(0).assert_stderr("");
    assert_empty(&bridge);

    // As the disk has them in the end, with the note of how far the file came at its newest.
    fs::remove_file(index).ok();
    for (file, octets) in [file, log].iter().zip(on_disk) {
        fs::write(file, octets).expect("a file");
    }
    assert_eq!(jobs(&bridge)[0]["state"], "waiting");
    let run = bridge.run(&["queue", "retry", "--all"], "");
    run.assert_status(0).assert_stderr("");
    assert_empty(&bridge);
    wanted_at(1, 1).assert_on(&named);
    // It is known as ours: a later payload takes it away again.
    bridge
        .plesk(wanted_at(1, 2).call())
        .assert_status(0)
        .assert_stderr("");
    wanted_at(1, 2).assert_on(&named);
}
