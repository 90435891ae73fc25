//! A system that gives no more files, threads, memory or events: the call ends in time and with a message, and nothing is
//! lost.

use crate::support::bridge::{Bridge, Run};
use crate::support::jobs::{assert_empty, jobs, many_zones, wanted_at};
use crate::support::named::Named;
use crate::support::process::cannot_start;
use crate::support::server::Server as _;
use crate::support::wait;

/// nsbridge on a healthy system.
fn healthy(named: &Named) -> Bridge {
    Bridge::of(named).without_dry_run("jobs wait")
}

/// Another nsbridge with the same queue.
fn of_queue(healthy: &Bridge, named: &Named) -> Bridge {
    let queue = healthy.file("state/queue.db");
    let bridge = Bridge::of(named).without_dry_run("the system fails");
    bridge.set_text("queue", "path", &queue.to_string_lossy())
}

/// Asserts that a call under these conditions has ended with a message, and that its change is in place, kept, or not
/// attempted, as its status says.
#[track_caller]
fn assert_nothing_lost(named: &Named, healthy: &Bridge, second: u32, run: &Run, said: &str) {
    assert!(matches!(run.status, Some(0 | 70 | 75)), "{said}: {run:#?}");
    assert!(!run.stderr.contains("panicked"), "{said}: {run:#?}");
    if run.status == Some(0) {
        wanted_at(1, second).assert_on(named);
    } else {
        assert!(!run.codes().is_empty(), "{said}: {run:#?}");
    }
    // The queue is whole: what was kept is delivered, and a later call as well.
    let retried = healthy.run(&["queue", "retry", "--all"], "");
    assert_eq!(retried.status, Some(0), "{said}: {retried:#?}");
    healthy.plesk(wanted_at(1, second).call()).assert_status(0);
    wanted_at(1, second).assert_on(named);
    assert!(jobs(healthy).is_empty(), "{said}");
}

/// nsbridge in a shell with this limit.
fn limited(healthy: &Bridge, named: &Named, limit: &str) -> Bridge {
    let script = format!("ulimit {limit}; exec \"$@\"");
    let bridge = of_queue(healthy, named);
    bridge.within(&["sh", "-c", &script, "sh"])
}

/// nsbridge with this fault of system calls.
fn injected(healthy: &Bridge, named: &Named, fault: &str) -> Bridge {
    if !std::path::Path::new("/usr/bin/strace").exists() {
        cannot_start("strace", &std::io::ErrorKind::NotFound.into());
    }
    let inject = format!("inject={fault}");
    let bridge = of_queue(healthy, named).deadline_seconds(2);
    bridge.within(&[
        "strace",
        // The tracer is a process of its own: signals go to nsbridge.
        "-D",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        &inject,
    ])
}

#[test]
fn whatever_the_limit_of_open_files_a_call_ends_in_good_order() {
    let named = many_zones(1);
    let healthy = healthy(&named);
    for (second, files) in (1..).zip([4, 5, 7, 9, 10, 12, 16, 23, 24, 26, 30]) {
        let bridge = limited(&healthy, &named, &format!("-n {files}"));
        let run = bridge.plesk(wanted_at(1, second).call());
        let said = format!("{files} files");
        if files < 24 {
            run.assert_status(75).assert_codes(&["NB-LIMIT-TOO-LOW"]);
        }
        assert_nothing_lost(&named, &healthy, second, &run, &said);
    }
    // Files that the caller has left open take the place of those that nsbridge needs.
    let script = "ulimit -n 26; exec 3</dev/null 4</dev/null 5</dev/null 6</dev/null 7</dev/null 8</dev/null \
                  9</dev/null; exec bash -c 'for fd in $(seq 10 19); do eval \"exec $fd</dev/null\"; done; \
                  exec \"$@\"' bash \"$@\"";
    let bridge = of_queue(&healthy, &named).within(&["sh", "-c", script, "sh"]);
    let run = bridge.plesk(wanted_at(1, 99).call());
    run.assert_status(75);
    assert_nothing_lost(&named, &healthy, 99, &run, "files left open");
}

#[test]
fn with_too_little_memory_a_call_says_so() {
    let named = many_zones(1);
    let healthy = healthy(&named);
    for (second, kib) in (1..).zip([40_000, 100_000, 260_000, 300_000, 500_000]) {
        let bridge = limited(&healthy, &named, &format!("-v {kib}"));
        let run = bridge.plesk(wanted_at(1, second).call());
        if kib < 262_144 {
            run.assert_status(75).assert_codes(&["NB-LIMIT-TOO-LOW"]);
        }
        assert_nothing_lost(&named, &healthy, second, &run, &format!("{kib} KiB"));
    }
}

#[test]
fn a_thread_that_the_system_does_not_give_costs_no_more_than_a_call() {
    let named = many_zones(1);
    let healthy = healthy(&named);
    for (second, which) in (1..).zip(["1", "2", "3", "1+", "2+", "3+"]) {
        let fault = format!("clone,clone3:error=EAGAIN:when={which}");
        let bridge = injected(&healthy, &named, &fault);
        let address = format!("localhost:{}", named.port());
        let bridge = bridge.set_text("primaries.main", "address", &address);
        let run = bridge.start(&["plesk"], wanted_at(1, second).call()).end();
        assert_nothing_lost(&named, &healthy, second, &run, &fault);
    }
}

#[test]
fn an_event_that_the_system_loses_ends_the_call() {
    let named = many_zones(1);
    let healthy = healthy(&named);
    // An eventfd takes eight octets, and so does hardly another write.
    for (second, which) in (1..).zip(["1", "2", "3", "4", "5", "2+"]) {
        for call in ["write", "eventfd2", "epoll_wait"] {
            let fault = format!("{call}:error=EIO:when={which}");
            let bridge = injected(&healthy, &named, &fault);
            let run = bridge.start(&["plesk"], wanted_at(1, second).call()).end();
            if run.stderr.is_empty() {
                // The message itself could not be written.
                assert!(matches!(run.status, Some(0 | 70 | 75)), "{fault}: {run:#?}");
                continue;
            }
            assert_nothing_lost(&named, &healthy, second, &run, &fault);
        }
    }
}

#[test]
fn a_worker_that_loses_an_event_ends_and_loses_no_job() {
    let mut named = many_zones(1);
    let healthy = healthy(&named);
    for (second, which) in (1..).zip(["2", "3", "4", "5", "6+"]) {
        named.stop();
        let kept = healthy.plesk(wanted_at(1, second).call());
        kept.assert_status(75);
        named.restart();
        let bridge = injected(&healthy, &named, &format!("write:error=EIO:when={which}"));
        let mut worker = bridge.start(&["serve"], "");
        wait::until("it has ended, or has delivered", || {
            !worker.is_running() || jobs(&healthy).is_empty()
        });
        worker.signal("TERM");
        let run = worker.end();
        assert!(!run.stderr.contains("panicked"), "{run:#?}");
        healthy
            .run(&["queue", "retry", "--all"], "")
            .assert_status(0);
        wanted_at(1, second).assert_on(&named);
        assert_empty(&healthy);
    }
}

#[test]
fn a_worker_that_hangs_is_ended_and_loses_no_job() {
    let mut named = many_zones(1);
    let healthy = healthy(&named);
    named.stop();
    healthy.plesk(wanted_at(1, 1).call()).assert_status(75);
    named.restart();
    // systemd waits for three seconds, and each sync of the disk takes six. (strace holds the process for that long.)
    let script = "WATCHDOG_USEC=3000000 WATCHDOG_PID=$$ exec strace -D -f -qq -o /dev/null \
                  -e inject=fdatasync,fsync:delay_enter=6000000 \"$@\"";
    let bridge = of_queue(&healthy, &named).within(&["sh", "-c", script, "sh"]);
    let run = bridge.start(&["serve"], "").end();
    run.assert_status(75).assert_code("NB-RUN-STUCK");
    assert_nothing_lost(&named, &healthy, 1, &run, "a worker that hangs");
}

#[test]
fn a_call_that_does_not_end_by_itself_is_ended() {
    let named = many_zones(1);
    let healthy = healthy(&named);
    // The disk is slow: each sync takes longer than the call may. (strace holds the process for that long.)
    let bridge = injected(&healthy, &named, "fdatasync,fsync:delay_enter=16000000");
    let bridge = bridge.deadline_seconds(1);
    let run = bridge.start(&["plesk"], wanted_at(1, 1).call()).end();
    run.assert_status(75).assert_code("NB-RUN-STUCK");
    assert_nothing_lost(&named, &healthy, 1, &run, "a disk that does not answer");
}
