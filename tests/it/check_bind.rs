//! `nsbridge check` of a zone of BIND that is not set up as it must be: its lines are followed, and mend it.

use crate::bridge::Bridge;
use crate::check::{ZONE, lines_below};
use crate::named::{Named, Zone};

#[test]
fn a_zone_that_takes_no_updates_takes_them_with_the_lines_that_are_told() {
    let by_hand = || Zone::fixed(ZONE, "");
    let named = Named::builder().zone(by_hand()).start();
    let run = Bridge::of(&named).seed(&named).run(&["check", ZONE], "");
    run.assert_status(69);
    let lines = lines_below(&run, "updates of ").join("\n");
    let inner = lines.strip_prefix("zone \"example.com\" {\n");
    let inner = inner.and_then(|lines| lines.strip_suffix("\n};"));
    let inner = inner.unwrap_or_else(|| panic!("no statement of the zone:\n{lines}"));
    let mended = by_hand().option(&format!("\n{inner}\n"));
    let named = Named::builder().zone(mended).start();
    let bridge = Bridge::of(&named).seed(&named);
    bridge.run(&["check", ZONE], "").assert_status(0);
}
