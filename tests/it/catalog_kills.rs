//! Killed at each step: whatever a process leaves half done, the next one repairs.
//!
//! Between nsbridge and the server stands a proxy that holds an answer back. The server has done what
//! it was asked for by then, and nsbridge does not know it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use pretty_assertions::assert_eq;

use crate::bridge::Bridge;
use crate::catalog::assert_only_member;
use crate::daemon::Release;
use crate::dig::{self, Asker};
use crate::knot::{CATALOG, EMPTY_CATALOG, Knot};
use crate::named::{Named, Zone};
use crate::scripted::Scripted;
use crate::server::Server;
use crate::wanted::zone;
use crate::{payload, wait};

/// More answers than a delivery waits for.
const STEPS_MAX: usize = 60;
/// Answers without end.
const ALL: usize = usize::MAX;

/// A proxy that passes so many answers on and holds the next one back.
struct Gate {
    proxy: Scripted,
    left: Arc<AtomicUsize>,
    is_shut: Arc<AtomicBool>,
}

impl Gate {
    fn before(server: &dyn Server) -> Self {
        let left = Arc::new(AtomicUsize::new(ALL));
        let is_shut = Arc::new(AtomicBool::new(false));
        let (counter, flag) = (Arc::clone(&left), Arc::clone(&is_shut));
        let proxy = Scripted::proxy(server.port(), move |_, answer| {
            let passed = counter.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                if left == ALL {
                    Some(ALL)
                } else {
                    left.checked_sub(1)
                }
            });
            flag.fetch_or(passed.is_err(), Ordering::SeqCst);
            passed.is_ok().then_some(answer)
        });
        Self {
            proxy,
            left,
            is_shut,
        }
    }

    /// Runs a call and kills it while it waits for the answer after so many. No where it ended before.
    fn kill_after(&self, answers: usize, bridge: &Bridge, call: &str) -> bool {
        self.is_shut.store(false, Ordering::SeqCst);
        self.left.store(answers, Ordering::SeqCst);
        let mut going = bridge.start(&["plesk"], call);
        wait::until("an answer is held back, or all is over", || {
            self.is_shut.load(Ordering::SeqCst) || !going.is_running()
        });
        let is_killed = self.is_shut.load(Ordering::SeqCst);
        going.signal("KILL");
        drop(going.finish());
        self.left.store(ALL, Ordering::SeqCst);
        is_killed
    }
}

/// What of a catalog nsbridge writes, sorted.
fn members(server: &dyn Server) -> Vec<String> {
    let mut lines = Asker::of(server).axfr(CATALOG);
    lines.retain(|line| line.contains(&format!(".zones.{CATALOG}.")));
    lines
}

/// Kills creations and deletions of a zone after each answer, and runs them again.
fn assert_repaired_at_every_step(server: &dyn Server, provisioning: impl Fn(Bridge) -> Bridge) {
    let gate = Gate::before(server);
    let bridge = provisioning(Bridge::at(gate.proxy.port(), server.key_file()));
    let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
    let delete = payload::call(&[payload::delete("example.com")]);
    let mut steps = 0;
    while gate.kill_after(steps, &bridge, &wanted.call()) {
        bridge
            .plesk(wanted.call())
            .assert_status(0)
            .assert_stderr("");
        wanted.assert_on(server);
        assert_only_member("example.com", "plesk01", &members(server));
        // It is known as ours, down to the last record.
        let more = zone("example.com", "@ NS ns1.example.net. | ftp A 192.0.2.8");
        bridge.plesk(more.call()).assert_status(0).assert_stderr("");
        more.assert_on(server);
        bridge
            .plesk(&delete)
            .assert_status(0)
            .assert_stdout("example.com.: deleted on main (127.0.0.1:PORT)\n");
        assert!(
            !dig::has_zone(server, "example.com"),
            "after {steps} answers"
        );
        assert_eq!(members(server), <[&str; 0]>::default());
        steps += 1;
        assert!(steps < STEPS_MAX, "no end of it");
    }
    assert!(steps > 3, "a creation has more than {steps} answers");
    let created = steps;
    steps = 0;
    while gate.kill_after(steps, &bridge, &delete) {
        bridge.plesk(&delete).assert_status(0).assert_stderr("");
        assert!(
            !dig::has_zone(server, "example.com"),
            "after {steps} answers"
        );
        assert_eq!(members(server), <[&str; 0]>::default());
        bridge
            .plesk(wanted.call())
            .assert_status(0)
            .assert_stderr("");
        wanted.assert_on(server);
        steps += 1;
        assert!(steps < STEPS_MAX, "no end of it");
    }
    assert!(
        steps > 1,
        "a deletion has more than {steps} answers, a creation {created}"
    );
}

#[test]
fn a_process_that_is_killed_at_any_step_of_a_knot_zone_leaves_nothing_that_the_next_cannot_repair()
{
    let knot = Knot::builder().start();
    assert_repaired_at_every_step(&knot, |bridge| knot.provisioning(bridge));
}

#[test]
fn the_same_where_knot_makes_members_from_nothing() {
    if Release::Debian13.is_here() {
        let knot = Knot::of(Release::Debian13).start();
        assert_repaired_at_every_step(&knot, |bridge| knot.provisioning(bridge));
    }
}

#[test]
fn the_same_where_bind_keeps_the_catalog_beside_its_control_channel() {
    let named = Named::builder()
        .zone(Zone::with_policy(
            CATALOG,
            EMPTY_CATALOG,
            &format!("grant {{key}} subdomain zones.{CATALOG} PTR TXT;"),
        ))
        .start();
    assert_repaired_at_every_step(&named, |bridge| bridge.catalog(CATALOG).seed(&named));
}
