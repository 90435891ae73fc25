//! Refused, ignored and altered records beside healthy ones that depend on them, or look alike.

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::dig;
use crate::support::jobs::edit;
use crate::support::named::{Named, Zone};
use crate::support::nsupdate::nsupdate;
use crate::support::pdns::Pdns;
use crate::support::refused_zone::{NS1, WHY, assert_left_out, bind, left_out};
use crate::support::server::{Kind, Server as _, scenario};
use crate::support::wanted::zone;

/// A BIND that limits TTLs to a day (`max-zone-ttl` of `dnssec-policy default`).
fn limiting() -> (Named, Bridge) {
    bind(Zone::signed("example.com", "", false))
}

/// What counts as it is of an RRset is its TTL, not its absence.
#[test]
fn a_record_whose_ttl_is_limited_comes_back_after_another_has_removed_it() {
    let (named, bridge) = limiting();
    let wanted = zone("example.com", NS1).with("www 172800 A 192.0.2.7");
    let run = bridge.plesk(wanted.call());
    run.assert_status(0).assert_code("NB-TTL-ALTERED");
    nsupdate(&named, "update delete www.example.com. A");
    let run = bridge.plesk(wanted.clone().sent(1).call());
    run.assert_status(0);
    assert_eq!(dig::short(&named, "www.example.com", "A"), ["192.0.2.7"]);
    // Nothing is sent for the TTL alone.
    let before = named.updates_received();
    let run = bridge.plesk(wanted.sent(2).call());
    run.assert_status(0).assert_stderr("");
    assert_eq!(named.updates_received(), before);
}

/// The search goes on in an RRset whose other records got another TTL.
#[test]
fn a_refused_record_is_named_beside_one_whose_ttl_is_limited() {
    let (named, bridge) = limiting();
    let good = zone("example.com", NS1).with("mail A 192.0.2.7 | @ 172800 MX 10 mail.example.com.");
    let all = good.clone().with("@ 172800 MX 20 gone.example.com.");
    for second in 0..3 {
        let run = bridge.plesk(all.clone().sent(second).call());
        run.assert_status(69);
        let (names, _) = left_out(&run);
        assert_eq!(
            names,
            ["example.com. MX 20 gone.example.com."],
            "{}",
            run.stderr
        );
        let exchangers = dig::short(&named, "example.com", "MX");
        assert_eq!(exchangers, ["10 mail.example.com."]);
    }
}

/// What stays in place of a refused record is managed on.
#[test]
fn what_stays_in_place_of_a_refused_record_goes_once_another_is_taken() {
    let (named, bridge) = bind(Zone::dynamic("example.com", ""));
    let with = |lines: &str| zone("example.com", NS1).with(lines);
    let before = with("@ MX 10 old.example.com. | old A 192.0.2.7");
    bridge
        .plesk(before.call())
        .assert_status(0)
        .assert_stderr("");
    let refused = with("@ MX 10 gone.example.com. | old A 192.0.2.7");
    for (second, others) in [(1, ""), (2, "www A 192.0.2.9")] {
        let run = bridge.plesk(refused.clone().with(others).sent(second).call());
        assert_left_out(&run, &["example.com. MX 10 gone.example.com."]);
        before.clone().with(others).assert_on(&named);
    }
    let after = with("@ MX 10 new.example.com. | new A 192.0.2.8");
    let run = bridge.plesk(after.clone().sent(3).call());
    run.assert_status(0).assert_stderr("");
    after.assert_on(&named);
}

/// An address of the other family replaces all that a host had.
#[test]
fn a_host_keeps_its_address_if_the_one_of_the_other_family_is_refused() {
    let policy = "grant {key} zonesub A MX NS SOA;";
    let (named, bridge) = bind(Zone::with_policy("example.com", "", policy));
    let before = zone("example.com", NS1).with("@ MX 10 mail.example.com. | mail A 192.0.2.7");
    bridge
        .plesk(before.call())
        .assert_status(0)
        .assert_stderr("");
    let after = zone("example.com", NS1)
        .with("@ MX 10 mail.example.com. | mail AAAA 2001:db8::7 | www A 192.0.2.8");
    for second in 1..3 {
        let run = bridge.plesk(after.clone().sent(second).call());
        assert_left_out(&run, &["mail.example.com. AAAA 2001:db8::7"]);
        before.clone().with("www A 192.0.2.8").assert_on(&named);
    }
}

scenario!(what_is_ignored_is_named_under_prerequisites_on_rrsets: powerdns);
/// A prerequisite shows that a record is there before, not that its removal is carried out.
fn what_is_ignored_is_named_under_prerequisites_on_rrsets(kind: Kind) {
    let Kind::PowerDns(release) = kind else {
        unreachable!("no other server is asked for");
    };
    let policy = "function updatepolicy(input)\n  \
                  local name = input:getQName():toStringNoDot()\n  \
                  return name ~= 'b.example.com' and name ~= 'c.example.com'\nend\n";
    let pdns = Pdns::of(release)
        .zone("example.com", "b 86400 A 192.0.2.8")
        .policy(policy)
        .start();
    let bridge = Bridge::of(&pdns).without_dry_run(WHY);
    let good = zone("example.com", NS1).with("a A 192.0.2.7");
    let before = good.clone().with("b A 192.0.2.8");
    bridge
        .plesk(before.call())
        .assert_status(0)
        .assert_stderr("");
    let learnt = "INSERT OR REPLACE INTO learnt SELECT primary_, zone, key, 'soa-value', 1, program, server, at FROM learnt";
    assert_eq!(edit(&bridge, learnt, []), 1);
    let after = good.with("c A 192.0.2.9");
    for second in 1..3 {
        let run = bridge.plesk(after.clone().sent(second).call());
        run.assert_status(69)
            .assert_codes(&["NB-REMOVAL-IGNORED", "NB-ADDITION-IGNORED"]);
        before.assert_on(&pdns);
    }
}

/// A call about many names, of which one is refused, is divided in a time that grows with their number alone.
#[test]
fn one_refused_name_among_many_thousand_costs_no_other() {
    let (named, bridge) = bind(Zone::dynamic("example.com", ""));
    let hosts: Vec<String> = (0..20_000)
        .map(|n| format!("h{n} A 192.0.2.{}", n % 250))
        .collect();
    let good = zone("example.com", NS1).with(&hosts.join(" | "));
    let run = bridge.plesk(good.with("my_x A 192.0.2.9").call());
    assert_left_out(&run, &["my_x.example.com. A 192.0.2.9"]);
    assert_eq!(dig::content(&named, "example.com").len(), 20_002);
}
