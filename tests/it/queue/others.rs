//! A call waits neither for the jobs of other calls nor for a primary that does not respond.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::gate::holding_back;
use crate::support::jobs::{assert_empty, jobs, make_due, wanted_at};
use crate::support::keys::Key;
use crate::support::message::is_update;
use crate::support::named::{Named, Zone};
use crate::support::scripted::{Conversation, Scripted, Upstream};
use crate::support::server::Server as _;
use crate::support::wait;
use crate::support::worker::pretend;

/// A server with the zone of that number.
fn with_zone(number: u32, key: &str) -> Named {
    let zone = Zone::dynamic(&format!("z{number}.test"), "");
    Named::builder().key(Key::new(key)).zone(zone).start()
}

#[test]
fn a_call_ends_while_the_call_about_another_primary_hangs() {
    let (healthy, slow) = (with_zone(1, "plesk"), with_zone(2, "other"));
    let (proxy, gate) = holding_back(slow.port(), is_update);
    let bridge = Bridge::of(&healthy)
        .primary("other", proxy.port(), "other", slow.key_file())
        .route("z2.test", "other");
    let mut hangs = bridge.start(&["plesk"], wanted_at(2, 1).call());
    wait::until("its update is held back", || gate.is_reached());
    let run = bridge.plesk(wanted_at(1, 1).call());
    run.assert_status(0).assert_stderr("");
    assert!(hangs.is_running());
    gate.open();
    hangs.finish().assert_status(0);
    wanted_at(1, 1).assert_on(&healthy);
    wanted_at(2, 1).assert_on(&slow);
    assert_empty(&bridge);
}

#[test]
fn a_call_ends_while_the_job_that_another_call_has_left_hangs() {
    let (healthy, mut slow) = (with_zone(1, "plesk"), with_zone(2, "other"));
    let bridge = Bridge::of(&healthy)
        .primary("other", slow.port(), "other", slow.key_file())
        .route("z2.test", "other");
    let worker = pretend(&bridge);
    slow.stop();
    bridge.plesk(wanted_at(2, 1).call()).assert_status(75);
    make_due(&bridge);
    drop(worker);
    slow.restart();
    let (proxy, gate) = holding_back(slow.port(), is_update);
    let address = format!("127.0.0.1:{}", proxy.port());
    let bridge = bridge.set_text("primaries.other", "address", &address);
    let run = bridge.plesk(wanted_at(1, 1).call());
    run.assert_status(0)
        .assert_stderr("")
        .assert_prints("z1.test.: updated, ");
    assert_eq!(run.stdout.lines().count(), 1, "{}", run.stdout);
    wanted_at(1, 1).assert_on(&healthy);
    // A process that the call has started delivers the job, and still does.
    wait::until("the update of the job is held back", || gate.is_reached());
    let job = &jobs(&bridge)[0];
    assert_eq!(
        (&job["subject"], &job["state"], &job["attempts"]),
        (&"z2.test.".into(), &"in-hand".into(), &1.into())
    );
    gate.open();
    wait::until("the job is done", || jobs(&bridge).is_empty());
    wanted_at(2, 1).assert_on(&slow);
}

#[test]
fn a_primary_that_did_not_respond_is_not_asked_again_by_the_next_call() {
    let named = Named::builder()
        .zone(Zone::dynamic("z1.test", ""))
        .zone(Zone::dynamic("z2.test", ""))
        .start();
    let (port, answers) = (named.port(), Arc::new(AtomicBool::new(false)));
    let does_answer = Arc::clone(&answers);
    let peer = Scripted::start(move |conversation: &mut Conversation| {
        if !does_answer.load(Ordering::SeqCst) {
            return conversation.stall();
        }
        let mut upstream = Upstream::connect(port);
        while let Some(request) = conversation.read() {
            conversation.write(&upstream.exchange(&request));
        }
    });
    let bridge = Bridge::at(peer.port(), named.key_file()).deadline_seconds(1);
    let worker = pretend(&bridge);
    let run = bridge.plesk(wanted_at(1, 1).call());
    run.assert_status(75).assert_code("NB-ANSWER-TIMED-OUT");
    let connections = peer.connections();
    assert!(connections > 0);

    let run = bridge.plesk(wanted_at(2, 1).call());
    run.assert_status(75)
        .assert_stdout("")
        .assert_code("NB-PRIMARY-SILENT")
        .assert_says("error: z2.test. on main (127.0.0.1:PORT): no response ");
    assert_eq!(run.jobs, ["kept 2"]);
    assert_eq!(peer.connections(), connections);
    // It was not attempted, and is due at once.
    let waits = &jobs(&bridge)[1];
    assert_eq!(
        (&waits["subject"], &waits["attempts"]),
        (&"z2.test.".into(), &0.into())
    );
    assert_eq!(waits["next-attempt-at"], waits["enqueued-at"]);
    // Perhaps the operator has corrected its address meanwhile.
    let bridge = bridge.deadline_seconds(2);
    let run = bridge.plesk(wanted_at(1, 1).call());
    run.assert_status(75).assert_code("NB-ANSWER-TIMED-OUT");
    assert!(peer.connections() > connections);

    answers.store(true, Ordering::SeqCst);
    drop(worker);
    make_due(&bridge);
    let run = bridge.run(&["serve", "--once"], "");
    run.assert_status(0).assert_stderr("");
    for zone in [1, 2] {
        wanted_at(zone, 1).assert_on(&named);
    }
    assert_empty(&bridge);
    // It has answered, so the next call asks it.
    bridge.plesk(wanted_at(1, 2).call()).assert_status(0);
}
