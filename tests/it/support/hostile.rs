//! What the hostile scenarios share: a zone, a call about it, and the witness that nothing happened.

use pretty_assertions::assert_eq;

use crate::support::bridge::Run;
use crate::support::dig::Asker;
use crate::support::named::{Named, Zone};
use crate::support::payload;

/// The zone that the call is about.
pub(crate) const ZONE: &str = "example.com";

/// A zone with `www`, as an operator has made it.
pub(crate) fn zone() -> Zone {
    Zone::dynamic(ZONE, "www 3600 A 192.0.2.7")
}

/// A server with [`zone`].
#[track_caller]
pub(crate) fn server() -> Named {
    Named::builder().zone(zone()).start()
}

/// A call of Plesk that adds `new.example.com`.
pub(crate) fn call() -> String {
    call_with(&[("new.example.com.", "A", "", "192.0.2.99")])
}

/// A call of Plesk with these records of the zone.
pub(crate) fn call_with(records: &[payload::Record<'_>]) -> String {
    payload::call(&[payload::update(ZONE, 0, records)])
}

/// Runs something and asserts that the zone is afterwards exactly as it was before, serial included.
#[track_caller]
pub(crate) fn untouched(named: &Named, run: impl FnOnce() -> Run) -> Run {
    untouched_as_seen_by(&Asker::of(named), run)
}

/// The same, for a server that lets only `asker` transfer the zone.
#[track_caller]
pub(crate) fn untouched_as_seen_by(asker: &Asker, run: impl FnOnce() -> Run) -> Run {
    let before = asker.axfr(ZONE);
    let run = run();
    assert_eq!(asker.axfr(ZONE), before, "{}{}", run.stdout, run.stderr);
    run
}
