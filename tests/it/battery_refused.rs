//! Records that BIND refuses, and the whole message with them.

use pretty_assertions::assert_eq;

use crate::dig;
use crate::wanted::{by_hand, fresh, zone};

#[test]
fn a_zone_made_here_takes_an_exchanger_without_an_address() {
    let (named, bridge) = fresh();
    let first = zone("example.com", "@ NS ns1.example.net.");
    bridge.plesk(first.call()).assert_status(0);
    let lines = "@ NS ns1.example.net. | @ MX 10 nowhere.example.com. | a MX 10 alias.example.com. \
                 | alias CNAME web.example.org. | under_score A 192.0.2.7";
    let wanted = zone("example.com", lines).sent(1);
    bridge
        .plesk(wanted.call())
        .assert_status(0)
        .assert_stderr("");
    wanted.assert_on(&named);
}

#[test]
fn a_record_that_the_primary_refuses_leaves_the_zone_as_it_was() {
    for line in ["under_score A 192.0.2.9", "m MX 10 nowhere.example.com."] {
        let (named, bridge) = by_hand("old A 192.0.2.100");
        let before = dig::content(&named, "example.com");
        let good = "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1 | a A 192.0.2.7";
        let wanted = zone("example.com", &format!("{good} | {line}"));
        let run = bridge.plesk(wanted.call());
        run.assert_status(69);
        assert!(run.stderr.contains("check-names ignore;"), "{}", run.stderr);
        assert_eq!(dig::content(&named, "example.com"), before);
        // None of it is taken for delivered: without that record the rest goes through.
        let wanted = zone("example.com", good).sent(1);
        bridge.plesk(wanted.call()).assert_status(0);
        let rest = format!("{good} | old 3600 A 192.0.2.100");
        zone("example.com", &rest).assert_on(&named);
    }
}
