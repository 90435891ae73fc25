//! Records that BIND refuses, and the whole message with them.

use pretty_assertions::assert_eq;

use crate::bridge::Bridge;
use crate::dig;
use crate::named::{Named, Zone};
use crate::queue::assert_empty;
use crate::server::Server as _;
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
fn a_record_that_the_primary_refuses_is_left_out_alone() {
    for (owner, line) in [
        ("under_score", "under_score A 192.0.2.9"),
        ("m", "m MX 10 nowhere.example.com."),
    ] {
        let (named, bridge) = by_hand("old A 192.0.2.100");
        let good = "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1 | a A 192.0.2.7 | b A 192.0.2.8 \
                    | c MX 10 z.example.com. | z A 192.0.2.26";
        let wanted = zone("example.com", &format!("{good} | {line}"));
        let run = bridge.plesk(wanted.call());
        run.assert_status(69)
            .assert_stdout("example.com.: updated, 4 records added, 0 records removed, SOA changed on main (127.0.0.1:PORT)\n");
        let refused = format!(
            "error: example.com. on main (127.0.0.1:PORT): {owner}.example.com. left out: the primary refuses \
             the update (REFUSED); hint: "
        );
        assert!(run.stderr.starts_with(&refused), "{}", run.stderr);
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
        assert!(run.stderr.contains("check-names ignore;"), "{}", run.stderr);
        assert_eq!(run.jobs, ["held 1"]);
        let rest = zone("example.com", &format!("{good} | old 3600 A 192.0.2.100"));
        rest.assert_on(&named);
        // Nothing changes as long as the record stays, and without it nothing is held any more.
        let again = bridge.plesk(wanted.call());
        again.assert_status(69);
        rest.assert_on(&named);
        let wanted = zone("example.com", good).sent(1);
        let run = bridge.plesk(wanted.call());
        run.assert_status(0)
            .assert_stdout("example.com.: unchanged on main (127.0.0.1:PORT)\n");
        assert_empty(&bridge);
    }
}

#[test]
fn types_that_the_key_may_not_change_are_left_out() {
    let policy = "grant {key} zonesub A NS SOA;";
    let named = Named::builder()
        .zone(Zone::with_policy(
            "example.com",
            "gone 3600 TXT old",
            policy,
        ))
        .start();
    let bridge = Bridge::of(&named);
    let lines = "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1 | a A 192.0.2.7 | t TXT text";
    let run = bridge.plesk(zone("example.com", lines).call());
    run.assert_status(69)
        .assert_says(": t.example.com. left out: the primary refuses the update (REFUSED); hint: ");
    assert_eq!(dig::short(&named, "a.example.com", "A"), ["192.0.2.7"]);
    assert_eq!(dig::status(&named, "t.example.com", "TXT"), "NXDOMAIN");
}

#[test]
fn a_zone_that_refuses_everything_is_said_to_do_so_once() {
    let named = Named::builder()
        .zone(Zone::with_policy(
            "example.com",
            "",
            "grant nobody zonesub ANY;",
        ))
        .start();
    let bridge = Bridge::of(&named);
    let many: Vec<String> = (1..=40).map(|n| format!("h{n} A 192.0.2.{n}")).collect();
    let before = named.updates_received();
    let run = bridge.plesk(zone("example.com", &many.join(" | ")).call());
    run.assert_status(69).assert_stdout("");
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    assert!(named.updates_received() - before < 16);
    assert_eq!(run.jobs, ["held 1"]);
}
