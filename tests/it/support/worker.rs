//! `nsbridge serve`: started, and ended in good order.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Flock, FlockType, fcntl_getlk};

use crate::support::bridge::{Bridge, Going, Run};
use crate::support::process::cannot_start;
use crate::support::wait;

/// Starts the worker, and waits until it works.
#[track_caller]
pub(crate) fn start(bridge: &Bridge) -> Going {
    let mut going = bridge.start(&["serve"], "");
    wait::until("the worker runs", || {
        assert!(going.is_running(), "the worker has ended");
        is_locked(bridge)
    });
    going
}

/// Whether a process has the lock of the worker.
pub(crate) fn is_locked(bridge: &Bridge) -> bool {
    is_locked_at(&bridge.file("state/queue.db.serve"))
}

/// The same, of the lock file at this path.
pub(crate) fn is_locked_at(file: &Path) -> bool {
    let lock = File::open(file);
    lock.is_ok_and(|lock| {
        let found = fcntl_getlk(&lock, &Flock::from(FlockType::ReadLock));
        matches!(found, Ok(Some(_)))
    })
}

/// A process that has the lock of the worker until it is dropped.
#[derive(Debug)]
pub(crate) struct Pretender(Child);

impl Drop for Pretender {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Takes the lock of the worker until the result is dropped. Meanwhile calls take it that a worker runs, and start
/// no process that delivers the jobs that they leave.
///
/// Another process takes it: a lock of this one would end as soon as a test reads the file.
#[track_caller]
pub(crate) fn pretend(bridge: &Bridge) -> Pretender {
    pretend_by(bridge, "serve")
}

/// Does so with the lock of this name.
#[track_caller]
pub(crate) fn pretend_by(bridge: &Bridge, name: &str) -> Pretender {
    let script = "import fcntl, sys\nlock = open(sys.argv[1], 'a')\nfcntl.lockf(lock, fcntl.LOCK_EX)\n\
                  print('locked', flush=True)\nsys.stdin.read()";
    let started = Command::new("python3")
        .args(["-c", script])
        .arg(bridge.file(&format!("state/queue.db.{name}")))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = started.unwrap_or_else(|error| cannot_start("python3", &error));
    let mut line = String::new();
    let output = child.stdout.take().expect("its output is a pipe");
    let read = BufReader::new(output).read_line(&mut line);
    assert!(read.is_ok() && line == "locked\n", "no lock: {line}");
    Pretender(child)
}

/// Ends the worker in good order.
#[track_caller]
pub(crate) fn stop(going: Going) -> Run {
    going.signal("TERM");
    let run = going.finish();
    run.assert_status(0);
    run
}
