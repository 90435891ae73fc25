//! What an operator and a supervisor do meanwhile: start workers again, do what messages say, take zones over, and wait
//! until nothing is left.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use serde_json::Value;

use super::tally::What;
use super::world::{BY_HAND, World, name};
use crate::support::bridge::{Bridge, Going, Run};
use crate::support::jobs::wanted_at;
use crate::support::payload::{self, SENT_AT};
use crate::support::server::Kind;
use crate::support::{wait, worker};

/// Why a job is held for a record that the server refuses: BIND and Knot say so, PowerDNS ignores it.
pub(super) const REFUSED: [&str; 2] = ["NB-NAME-REFUSED", "NB-ADDITION-IGNORED"];

impl World {
    /// Starts a worker in the place of one that has ended. One whose file is damaged says so.
    #[track_caller]
    pub(super) fn keep_worker(&mut self, side: usize) {
        let going = self.sides[side].worker.as_mut();
        if going.is_some_and(Going::is_running) {
            return;
        }
        let ended = self.sides[side].worker.take().map(Going::end);
        let Some(run) = ended else { return };
        assert_no_panic(&run);
        self.note(&format!("worker of {side} ended"), Some(&run));
        if self.sides[side].is_suspect && names_damage(&run) {
            return self.repair(side);
        }
        let side = &mut self.sides[side];
        assert!(side.has_faults, "the worker has ended: {run:#?}");
        side.has_faults = false;
        side.worker = Some(side.bridge.start(&["serve"], ""));
    }

    /// Kills the worker and starts another one.
    #[track_caller]
    pub(super) fn replace_worker(&mut self, side: usize, start: impl FnOnce(&Bridge) -> Going) {
        let worker = self.sides[side].worker.take();
        if let Some(worker) = worker {
            worker.signal("KILL");
            let run = worker.end();
            assert_no_panic(&run);
            self.note(&format!("worker of {side} killed"), Some(&run));
            self.tally.count(What::WorkersKilled);
        }
        let side = &mut self.sides[side];
        side.has_faults = false;
        side.worker = Some(start(&side.bridge));
    }

    /// Ends a worker whose system calls fail in good order, which it must reach all the same, and starts a healthy one.
    #[track_caller]
    pub(super) fn heal_worker(&mut self, side: usize) {
        if !self.sides[side].has_faults {
            return;
        }
        if let Some(mut worker) = self.sides[side].worker.take() {
            // More than once: the fault may hit the signal.
            let ended = wait::until_some(wait::PATIENCE, || {
                worker.signal("TERM");
                std::thread::park_timeout(Duration::from_millis(300));
                (!worker.is_running()).then_some(())
            });
            assert!(
                ended.is_some(),
                "a worker goes on: {:#?}",
                self.history.iter().rev().find(|it| it.contains("within"))
            );
            let run = worker.end();
            assert_no_panic(&run);
            self.note(&format!("worker of {side} with faults ended"), Some(&run));
        }
        let side = &mut self.sides[side];
        side.has_faults = false;
        side.worker = Some(side.bridge.start(&["serve"], ""));
    }

    /// Does what the message about a damaged file says: puts the file aside and sends all zones again.
    #[track_caller]
    pub(super) fn repair(&mut self, side: usize) {
        self.tally.count(What::DamageNamed);
        self.put_queue_aside(side);
    }

    #[track_caller]
    fn put_queue_aside(&mut self, side: usize) {
        self.note(&format!("the queue of {side} is put aside"), None);
        self.in_calm(|world| {
            if let Some(worker) = world.sides[side].worker.take() {
                worker.signal("TERM");
                let run = worker.end();
                world.note("its worker", Some(&run));
            }
            let state = world.sides[side].bridge.file("state");
            wait::until("no process uses the queue", || !is_used(&state));
            for file in fs::read_dir(&state).expect("a directory").flatten() {
                if file.file_name().to_string_lossy().starts_with("queue.db") {
                    fs::remove_file(file.path()).expect("a file of the queue");
                }
            }
            // A new queue file does not know the epochs in the catalog.
            world.run_until_in_place(side, &["catalog", "take-over"], "");
            let it = &mut world.sides[side];
            (it.is_suspect, it.has_faults) = (false, false);
            it.worker = Some(worker::start(&it.bridge));
            world.send_all_again(side);
        });
    }

    #[track_caller]
    fn send_all_again(&mut self, side: usize) {
        for zone in self.zones_of(side) {
            self.send_again(zone);
        }
    }

    /// Runs nsbridge until all is in place: BIND may still wait for a process that was killed.
    #[track_caller]
    fn run_until_in_place(&mut self, side: usize, arguments: &[&str], input: &str) {
        let end = Instant::now() + 4 * wait::PATIENCE;
        loop {
            let run = self.sides[side].bridge.start(arguments, input).end();
            self.note(&format!("{arguments:?} of {side}"), Some(&run));
            if run.status == Some(75) && Instant::now() < end {
                continue;
            }
            run.assert_status(0);
            return;
        }
    }

    /// Makes a zone what the panel wants, whatever it holds.
    #[track_caller]
    pub(super) fn send_again(&mut self, zone: u32) {
        let side = self.zones[&zone].side;
        let name = name(zone);
        if self.zones[&zone].newest.is_none() {
            self.run_until_in_place(side, &["plesk"], &payload::call(&[payload::delete(&name)]));
            return self.handed_over(zone, None);
        }
        let second = self.next_second();
        let bridge = &self.sides[side].bridge;
        let mut lines = wanted_at(zone, second).content().join("\n");
        let serial = SENT_AT + second;
        let _ = writeln!(
            lines,
            "\n{name}. 86400 IN SOA ns1.{name}. hostmaster.example.net. {serial} 10800 3600 604800 10800"
        );
        fs::write(bridge.file("zone.db"), lines).expect("a file");
        let arguments = [
            "sync", &*name, "zone.db", "--prune", "--force", "--trust", "panel",
        ];
        self.run_until_in_place(side, &arguments, "");
        self.handed_over(zone, Some(second));
    }

    /// Does something while the real server runs and the network spoils nothing.
    pub(super) fn in_calm<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        self.start_server();
        self.network.break_server(false);
        let was_calm = self.network.be_calm(true);
        let done = work(self);
        self.network.be_calm(was_calm);
        done
    }

    /// Has the other instance take a zone over, by a command that may be killed at first.
    #[track_caller]
    pub(super) fn adopt(&mut self, from: usize) {
        // No message need name a bit that has harmed nothing.
        for side in 0..2 {
            if self.sides[side].is_suspect {
                self.put_queue_aside(side);
            }
        }
        // What waits would wait for the zone to be free again, for two days.
        self.in_calm(|world| world.settle(from));
        let zones = self.zones_of(from).into_iter();
        // Without a catalog nothing at the server says whose a zone made by hand is.
        let has_catalog = !matches!(self.kind, Kind::PowerDns(_));
        let zones = zones.filter(|zone| has_catalog || *zone > BY_HAND);
        let is_there =
            |zone: &u32| self.zones[zone].newest.is_some() && self.shown(*zone).is_some();
        let zones: Vec<u32> = zones.filter(is_there).collect();
        if zones.is_empty() {
            return;
        }
        let zone = zones[self.choose(zones.len())];
        let to = 1 - from;
        let arguments = ["zone", "adopt", &*name(zone)];
        let going = self.sides[to].bridge.start(&arguments, "");
        self.kill_within(&going, 60_000);
        let run = going.end();
        assert_no_panic(&run);
        self.note(&format!("{to} adopts {}", name(zone)), Some(&run));
        if run.status.is_none() {
            self.tally.count(What::AdoptionsKilled);
        }
        self.in_calm(|world| {
            world.run_until_in_place(to, &arguments, "");
            world.zones.get_mut(&zone).expect("a zone").side = to;
            world.send_again(zone);
            // The instance that had it does not change it any more.
            let second = world.next_second();
            let call = wanted_at(zone, second).call();
            let run = world.sides[from].bridge.start(&["plesk"], call).end();
            run.assert_status(75).assert_code("NB-ZONE-AWAITED");
            world.assert_zone(zone);
            let drop = ["queue", "drop", &*name(zone)];
            let run = world.sides[from].bridge.start(&drop, "").end();
            // The worker may have it in hand: then it goes after this attempt.
            assert!(matches!(run.status, Some(0 | 75)), "{run:#?}");
        });
        self.tally.count(What::Adoptions);
    }

    /// Waits up to so long, and kills a process.
    pub(super) fn kill_within(&mut self, going: &Going, microseconds: u64) {
        let microseconds = self.numbers.below(microseconds);
        std::thread::park_timeout(Duration::from_micros(microseconds));
        going.signal("KILL");
    }

    /// The jobs of an instance; `None` if its file is damaged, and says so.
    #[track_caller]
    fn list(&self, side: usize) -> Option<Vec<Value>> {
        let side = &self.sides[side];
        let arguments = ["--output", "json", "queue", "list"];
        let run = side.bridge.start(&arguments, "").end();
        if side.is_suspect && names_damage(&run) {
            return None;
        }
        run.assert_status(0);
        let document: Value = serde_json::from_str(&run.stdout).expect("a document");
        Some(document["results"].as_array().cloned().unwrap_or_default())
    }

    /// Waits until nothing waits but what the server refuses.
    #[track_caller]
    pub(super) fn settle(&mut self, side: usize) {
        let end = Instant::now() + 4 * wait::PATIENCE;
        loop {
            self.keep_worker(side);
            let retry = ["queue", "retry", "--all"];
            self.sides[side].bridge.start(&retry, "").end();
            let Some(mut left) = self.list(side) else {
                self.repair(side);
                continue;
            };
            // These are held for a record that the server refuses, or ignores.
            left.retain(|job| !REFUSED.iter().any(|code| job["code"] == *code));
            if left.is_empty() {
                break;
            }
            let of_damage = |job: &Value| {
                let code = job["code"].as_str().unwrap_or_default();
                code == "NB-JOB-DAMAGED" || code.starts_with("NB-QUEUE-FILE-")
            };
            if self.sides[side].is_suspect && left.iter().any(of_damage) {
                self.repair(side);
                continue;
            }
            assert!(Instant::now() < end, "these wait: {left:#?}");
        }
    }
}

/// Whether a run says that its queue file, or a job in it, is damaged.
pub(super) fn names_damage(run: &Run) -> bool {
    run.codes()
        .iter()
        .any(|code| code.starts_with("NB-QUEUE-FILE-") || *code == "NB-JOB-DAMAGED")
}

#[track_caller]
pub(super) fn assert_no_panic(run: &Run) {
    assert!(!run.stderr.contains("panicked"), "{run:#?}");
}

/// Whether a process has a file of a directory open.
fn is_used(directory: &Path) -> bool {
    let processes = fs::read_dir("/proc").expect("processes").flatten();
    let mut files = processes
        .filter_map(|process| fs::read_dir(process.path().join("fd")).ok())
        .flat_map(Iterator::flatten);
    files.any(|file| fs::read_link(file.path()).is_ok_and(|it| it.starts_with(directory)))
}
