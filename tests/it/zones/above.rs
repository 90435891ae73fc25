//! Zones above a new one about which the primary refuses questions: a question that is refused is no absence.

use super::below::{two_instances, wanted};
use crate::support::bridge::Bridge;
use crate::support::dig;
use crate::support::named::{Named, Zone};
use crate::support::scripted::Scripted;
use crate::support::server::{Kind, Server as _, scenario};
use crate::support::wait;

/// A zone above that BIND does not let the key ask about is there all the same, whether the key may change it or not.
#[test]
fn a_zone_above_that_refuses_questions_is_not_absent() {
    let closed = "allow-query { none; };";
    let named = Named::builder()
        .zone(Zone::dynamic("victim.example", "").option(closed))
        .zone(Zone::fixed("fixed.example", "").option(closed))
        .start();
    let lab = Bridge::of(&named).seed(&named);
    for above in ["victim.example", "fixed.example"] {
        let name = format!("www.{above}");
        let below = wanted(&name, "192.0.2.2");
        for arguments in [&["plesk", "--dry-run"][..], &["plesk"]] {
            lab.run(arguments, below.call())
                .assert_status(75)
                .assert_code_with("NB-QUESTION-REFUSED", &format!("`{above}.`"));
        }
        assert!(!dig::has_zone(&named, &name));
        // What an operator types is not held to the zones above.
        let typed = ["zone", "create", &name, "--nameserver", "ns1.example.net"];
        lab.run(&typed, "").assert_status(0);
        assert!(dig::has_zone(&named, &name));
    }
    // The root and `example` are not there, and BIND refuses questions about them, too.
    let other = wanted("other.example", "192.0.2.3");
    lab.plesk(other.call()).assert_status(0).assert_stderr("");
    other.assert_on(&named);
}

scenario!(a_refusal_without_a_signature_is_no_absence_of_a_zone_above: bind, powerdns);
fn a_refusal_without_a_signature_is_no_absence_of_a_zone_above(kind: Kind) {
    let (server, [lab, _]) = two_instances(kind, false, &[]);
    let victim = wanted("victim.example", "192.0.2.1");
    lab.plesk(victim.call()).assert_status(0).assert_stderr("");
    // Somebody on the way refuses each question about the zone above.
    let proxy = Scripted::proxy(server.port(), |question, answer| {
        if !question[12..].starts_with(b"\x06victim\x07example\x00\x00\x06") {
            return Some(answer);
        }
        let mut refused = question[..32].to_vec();
        (refused[2], refused[3]) = (0x80, 5);
        refused[10..12].fill(0);
        Some(refused)
    });
    let shop = Bridge::at(proxy.port(), server.key_file()).instance("shop");
    let shop = server.provisioning(shop);
    let name = "www.victim.example";
    for arguments in [&["plesk", "--dry-run"][..], &["plesk"]] {
        shop.run(arguments, wanted(name, "192.0.2.2").call())
            .assert_status(75)
            .assert_code("NB-UNSIGNED-REFUSAL");
    }
    assert!(!dig::has_zone(&server, name));
}

/// BIND adds a zone before it fetches the first contents, and answers SERVFAIL until then.
#[test]
fn a_zone_above_that_is_being_loaded_is_waited_for() {
    let named = Named::builder().options("serial-query-rate 1;").start();
    let bridge = Bridge::of(&named)
        .seed(&named)
        .without_dry_run("two calls at once");
    let additions = || {
        let commands = named.control_commands();
        commands.iter().filter(|it| *it == "addzone").count()
    };
    // It fetches once a second.
    bridge
        .plesk(wanted("first.example", "192.0.2.1").call())
        .assert_status(0);
    let before = additions();
    let above = wanted("victim.example", "192.0.2.1");
    let going = bridge.start(&["plesk"], above.call());
    wait::until("the zone above is added", || additions() > before);
    assert!(
        !dig::has_zone(&named, "victim.example"),
        "it is loaded already"
    );
    let below = wanted("www.victim.example", "192.0.2.2");
    bridge
        .plesk(below.call())
        .assert_status(0)
        .assert_stderr("");
    going.finish().assert_status(0);
    above.assert_on(&named);
    below.assert_on(&named);
}
