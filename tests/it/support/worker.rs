//! `nsbridge serve`: started, and ended in good order.

use std::fs::File;

use crate::support::bridge::{Bridge, Going, Run};
use crate::support::wait;

/// Starts the worker, and waits until it works.
#[track_caller]
pub(crate) fn start(bridge: &Bridge) -> Going {
    let lock = bridge.file("state/queue.db.serve");
    let mut going = bridge.start(&["serve"], "");
    wait::until("the worker runs", || {
        assert!(going.is_running(), "the worker has ended");
        let lock = File::open(&lock);
        lock.is_ok_and(|lock| lock.try_lock_shared().is_err())
    });
    going
}

/// Ends the worker in good order.
#[track_caller]
pub(crate) fn stop(going: Going) -> Run {
    going.signal("TERM");
    let run = going.finish();
    run.assert_status(0);
    run
}
