//! What a call costs the disk: how often it waits until something is written for good.

use std::fs;

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::named::{Named, Zone};
use crate::support::run::Run;
use crate::support::wanted::zone;

const GOOD: &str = "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1 | www A 192.0.2.7";

/// BIND refuses all of it by default.
const BAD: &str =
    "a_0 A 192.0.2.9 | a_1 A 192.0.2.9 | @ MX 10 gone.example.com. | m MX 10 gone.example.com.";

/// A BIND with `example.com`, and nsbridge under `strace`.
struct Traced {
    _named: Named,
    bridge: Bridge,
}

impl Traced {
    fn start() -> Self {
        let named = Named::builder()
            .zone(Zone::dynamic("example.com", ""))
            .start();
        let bridge = Bridge::of(&named).without_dry_run("it would be traced, too");
        let trace = bridge.file("trace").to_string_lossy().into_owned();
        let calls = "trace=fsync,fdatasync,sync_file_range,msync,syncfs,sync";
        let bridge = bridge.within(&["strace", "-f", "-o", &trace, "-e", calls]);
        Self {
            _named: named,
            bridge,
        }
    }

    /// Makes a call with these lines of `example.com`, and counts how often it waits for the disk.
    #[track_caller]
    fn call(&self, lines: &[&str], second: u32) -> (Run, usize) {
        let wanted = zone("example.com", &lines.join(" | ")).sent(second);
        let run = self.bridge.plesk(wanted.call());
        let trace = fs::read_to_string(self.bridge.file("trace"));
        let trace = trace.unwrap_or_else(|error| panic!("strace: {error}: {}", run.stderr));
        assert!(trace.contains("+++ exited with "), "strace: {trace}");
        let waits = trace.lines().filter(|line| line.contains("sync"));
        // The other half of a call that another thread interrupts.
        let waits = waits.filter(|line| !line.contains(" resumed>"));
        (run, waits.count())
    }
}

#[test]
fn a_call_waits_for_the_disk_as_seldom_as_it_can() {
    let traced = Traced::start();
    let (run, _) = traced.call(&[GOOD], 0);
    run.assert_status(0).assert_stderr("");
    let changed = GOOD.replace("192.0.2.7", "192.0.2.8");
    let (run, one_change) = traced.call(&[&changed], 1);
    run.assert_status(0).assert_stderr("");
    let (run, unchanged) = traced.call(&[&changed], 2);
    run.assert_status(0).assert_stderr("");
    let (run, _) = traced.call(&[&changed, BAD], 3);
    run.assert_status(69);
    let (run, remembered) = traced.call(&[&changed, BAD], 4);
    run.assert_status(69);
    assert_eq!((one_change, unchanged, remembered), (4, 3, 3));
}
