//! `nsbridge check` of a zone of BIND that is not set up as it must be: its lines are followed, and mend it.

use crate::support::bridge::Bridge;
use crate::support::checks::{ZONE, lines_below};
use crate::support::keys::Key;
use crate::support::named::{Named, Zone};
use crate::support::payload;
use crate::support::wanted::zone;

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

#[test]
fn a_zone_made_with_another_key_takes_updates_once_it_is_modified_as_documented() {
    let named = Named::builder()
        .key(Key::new("plesk"))
        .key(Key::new("second"))
        .start();
    let one = Bridge::of(&named).seed(&named).instance("one");
    let two = Bridge::of(&named).seed(&named).instance("two");
    let file = named.key_file_of("second").to_string_lossy().into_owned();
    let two = two
        .set_text("keys.second", "file", &file)
        .set_text("primaries.main", "key", "second")
        .set_text("primaries.main", "transfer-key", "plesk");
    let wanted = |address: &str| {
        let www = format!("www 3600 A {address}");
        zone("made.example", "@ 3600 NS ns1.example.net.").with(&www)
    };
    one.plesk(wanted("192.0.2.1").call()).assert_status(0);
    two.run(&["zone", "adopt", "made.example"], "")
        .assert_status(0);
    two.plesk(wanted("192.0.2.2").call()).assert_status(69);
    let shown = named.rndc(&["showzone", "made.example"]).stdout();
    let braces = shown.find('{').expect("a statement");
    let added = "update-policy { grant \"second\" zonesub ANY;";
    let modified = shown[braces..].trim().replace("update-policy {", added);
    assert!(modified.contains(added), "{shown}");
    named.rndc(&["modzone", "made.example", &modified]);
    two.plesk(wanted("192.0.2.2").call()).assert_status(0);
    two.plesk(payload::call(&[payload::delete("made.example")]))
        .assert_status(0)
        .assert_stdout("made.example.: deleted on main (127.0.0.1:PORT)\n");
}
