//! Kills nsbridge while it waits for an answer, one answer later each time.
//!
//! Before every server that it talks to stands a relay of octets, whatever the protocol: DNS, BIND's
//! control channel, HTTP. After so many pieces of answers nothing more is let through. The server has
//! done what it was asked for by then, and nsbridge does not know it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::support::bridge::{Bridge, Going, Run};
use crate::support::scripted::Scripted;
use crate::support::wait;

/// More answers than a call waits for.
pub(crate) const STEPS_MAX: usize = 60;
/// Answers without end.
const ALL: usize = usize::MAX;

/// Relays that let so many answers through, counted together, and hold the next one back.
#[derive(Debug, Default)]
pub(crate) struct Barrier {
    gate: Arc<Gate>,
    relays: Vec<Scripted>,
}

#[derive(Debug)]
struct Gate {
    left: AtomicUsize,
    is_shut: AtomicBool,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            left: AtomicUsize::new(ALL),
            is_shut: AtomicBool::new(false),
        }
    }
}

impl Gate {
    fn passes(&self) -> bool {
        let less = |left| match left {
            ALL => Some(ALL),
            left => usize::checked_sub(left, 1),
        };
        let passed = self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
        self.is_shut.fetch_or(passed.is_err(), Ordering::SeqCst);
        passed.is_ok()
    }
}

impl Barrier {
    /// Stands before a port of 127.0.0.1 as well; gives the port to connect to in its place.
    pub(crate) fn before(&mut self, port: u16) -> u16 {
        let gate = Arc::clone(&self.gate);
        self.add(Scripted::relay(port, move || gate.passes()))
    }

    /// Does so, but ends the connection in place of the answer that it holds back, and each one after that.
    pub(crate) fn cutting_before(&mut self, port: u16) -> u16 {
        let gate = Arc::clone(&self.gate);
        self.add(Scripted::relay_or_cut(port, move || gate.passes()))
    }

    fn add(&mut self, relay: Scripted) -> u16 {
        let port = relay.port();
        self.relays.push(relay);
        port
    }

    /// Runs a call of Plesk and kills it while it waits for the answer after so many. No where it ended
    /// before, and well.
    #[track_caller]
    pub(crate) fn kill_after(&self, answers: usize, bridge: &Bridge, call: &str) -> bool {
        let ended = self.end_of(answers, bridge, call);
        ended.as_ref().map(|run| run.assert_status(0)).is_none()
    }

    /// Does so, and gives the run that ended before it could be killed.
    #[track_caller]
    pub(crate) fn end_of(&self, answers: usize, bridge: &Bridge, call: &str) -> Option<Run> {
        self.end_of_command(answers, bridge, &["plesk"], call)
    }

    /// The same of any command with this input.
    #[track_caller]
    pub(crate) fn end_of_command(
        &self,
        answers: usize,
        bridge: &Bridge,
        arguments: &[&str],
        input: &str,
    ) -> Option<Run> {
        self.gate.is_shut.store(false, Ordering::SeqCst);
        self.gate.left.store(answers, Ordering::SeqCst);
        let mut going = bridge.start(arguments, input);
        let is_shut = || self.gate.is_shut.load(Ordering::SeqCst);
        wait::until("an answer is held back, or all is over", || {
            is_shut() || !going.is_running()
        });
        let is_killed = is_shut();
        going.signal("KILL");
        let run = going.finish();
        self.gate.left.store(ALL, Ordering::SeqCst);
        Some(run).filter(|_| !is_killed)
    }

    /// Starts the worker and kills it while it waits for the answer after so many. No where `is_done` before; then it is
    /// killed as well.
    #[track_caller]
    pub(crate) fn kill_worker_after(
        &self,
        answers: usize,
        bridge: &Bridge,
        mut is_done: impl FnMut() -> bool,
    ) -> bool {
        self.gate.is_shut.store(false, Ordering::SeqCst);
        self.gate.left.store(answers, Ordering::SeqCst);
        let mut going = bridge.start(&["serve"], "");
        let is_shut = || self.gate.is_shut.load(Ordering::SeqCst);
        wait::until(
            "an answer is held back, or the worker has done its work",
            || {
                assert!(going.is_running(), "the worker has ended");
                is_shut() || is_done()
            },
        );
        let is_killed = is_shut();
        going.signal("KILL");
        going.finish();
        self.gate.left.store(ALL, Ordering::SeqCst);
        is_killed
    }

    /// Runs a call of Plesk, for which so many answers come. Gives whether there were more.
    #[track_caller]
    pub(crate) fn cut_after(&self, answers: usize, bridge: &Bridge, call: &str) -> bool {
        self.gate.is_shut.store(false, Ordering::SeqCst);
        self.gate.left.store(answers, Ordering::SeqCst);
        bridge.plesk(call);
        self.gate.left.store(ALL, Ordering::SeqCst);
        self.gate.is_shut.load(Ordering::SeqCst)
    }

    /// Does so with no answer, with one, with two, until a call ends before; `repair` follows each that was
    /// killed. Gives how many were.
    #[track_caller]
    pub(crate) fn kill_at_each_step<'b>(
        &self,
        bridge: impl Fn(usize) -> &'b Bridge,
        call: impl Fn(usize) -> String,
        repair: impl Fn(usize),
    ) -> usize {
        let mut step = 0;
        while self.kill_after(step, bridge(step), &call(step)) {
            repair(step);
            step += 1;
            assert!(step < STEPS_MAX, "no end of it");
        }
        step
    }

    /// Kills a call at each step, and then makes all of these calls again at once, for what they meet may
    /// have to be waited for. Each must end well. Gives how many there were.
    ///
    /// Each has an nsbridge of its own, for one does what another has left over.
    #[track_caller]
    pub(crate) fn kill_and_repeat(
        &self,
        bridges: &[Bridge],
        call: impl Fn(usize) -> String,
    ) -> usize {
        let steps = self.kill_at_each_step(|step| &bridges[step], &call, |_| {});
        let again = (0..steps).map(|step| bridges[step].start(&["plesk"], call(step)));
        for going in again.collect::<Vec<Going>>() {
            going.finish().assert_status(0).assert_stderr("");
        }
        steps
    }
}
