//! Refusals that meet more than one call about a zone: deletions, files, several calls at once, sudden ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pretty_assertions::assert_eq;

use crate::support::bridge::{Bridge, Going};
use crate::support::kills::{Barrier, STEPS_MAX};
use crate::support::message;
use crate::support::named::{Named, Zone};
use crate::support::nsupdate::nsupdate;
use crate::support::pdns::Pdns;
use crate::support::refusal::{FORMERR, NOTIMP, Proxy, REFUSED, Refusal};
use crate::support::refused_zone::{NS1, WHY, assert_left_out, bind, dynamic};
use crate::support::server::{Kind, Server as _, scenario};
use crate::support::sync::{sync, write};
use crate::support::wanted::zone;
use crate::support::{dig, payload};

/// Refuses UPDATEs that remove an address of 198.51.100.0/24.
fn refuses_removal(update: &[u8]) -> bool {
    let mut removed = message::removals(update).into_iter();
    removed.any(|record| record.contains(" A 198.51.100."))
}

/// One record that may not be removed keeps no other one of a zone that stays.
#[test]
fn a_deletion_leaves_only_what_may_not_be_removed() {
    for (rcode, is_signed) in [(REFUSED, true), (NOTIMP, true), (FORMERR, false)] {
        let named = Named::builder()
            .zone(Zone::dynamic("example.com", "hand A 192.0.2.100"))
            .start();
        let refusal = Refusal { rcode, is_signed };
        let refuses = Arc::new(AtomicBool::new(true));
        let is_refused = Arc::clone(&refuses);
        let proxy = Proxy::refusing(&named, move |update| {
            (is_refused.load(Ordering::SeqCst) && refuses_removal(update)).then_some(refusal)
        });
        let bridge = proxy.bridge(&named);
        let hosts: Vec<String> = (1..=20).map(|n| format!("h{n} A 192.0.2.{n}")).collect();
        let good = hosts.join(" | ");
        let stays = "h7 A 198.51.100.7 | z A 198.51.100.8";
        let wanted = zone("example.com", &format!("{NS1} | {good} | {stays}"));
        bridge.plesk(wanted.call()).assert_status(0);
        let delete = payload::call(&[payload::delete("example.com")]);
        for removed in [20, 0] {
            let run = bridge.plesk(&delete);
            assert_left_out(
                &run,
                &[
                    "h7.example.com. removal of A 198.51.100.7",
                    "z.example.com. removal of A 198.51.100.8",
                ],
            );
            run.assert_prints(&format!("{removed} records removed"));
            let mut content = dig::content(&named, "example.com");
            content.retain(|line| line.contains(" IN A "));
            let expected = [
                "h7.example.com. 86400 IN A 198.51.100.7",
                "hand.example.com. 3600 IN A 192.0.2.100",
                "ns1.example.com. 3600 IN A 192.0.2.1",
                "z.example.com. 86400 IN A 198.51.100.8",
            ];
            assert_eq!(content, expected);
        }
        // What stays is still known as ours.
        refuses.store(false, Ordering::SeqCst);
        bridge.plesk(&delete).assert_status(0).assert_stderr("");
        let hand = "hand.example.com. 3600 IN A 192.0.2.100".to_owned();
        let content = dig::content(&named, "example.com");
        assert!(content.contains(&hand), "{content:?}");
        assert!(!content.iter().any(|line| line.contains("198.51.100.")));
    }
}

scenario!(a_deletion_names_what_the_primary_ignores: powerdns);
/// PowerDNS answers NOERROR to what its policy does not let through.
fn a_deletion_names_what_the_primary_ignores(kind: Kind) {
    let Kind::PowerDns(release) = kind else {
        unreachable!("no other server is asked for");
    };
    let policy = "function updatepolicy(input)\n  \
                  return input:getQName():toStringNoDot() ~= 'b.example.com'\nend\n";
    let pdns = Pdns::of(release)
        .zone("example.com", "b 86400 A 192.0.2.8")
        .policy(policy)
        .start();
    let bridge = Bridge::of(&pdns).without_dry_run(WHY);
    let wanted = zone("example.com", NS1).with("a A 192.0.2.7 | b A 192.0.2.8");
    bridge
        .plesk(wanted.call())
        .assert_status(0)
        .assert_stderr("");
    for removed in ["1 record removed", "0 records removed"] {
        let run = bridge.plesk(payload::call(&[payload::delete("example.com")]));
        run.assert_status(69);
        run.assert_codes(&["NB-REMOVAL-IGNORED"]);
        run.assert_says("b.example.com. A 192.0.2.8");
        run.assert_prints(removed);
        assert!(dig::short(&pdns, "a.example.com", "A").is_empty());
        assert_eq!(dig::short(&pdns, "b.example.com", "A"), ["192.0.2.8"]);
    }
}

/// The rights of a key to some names alone are found wherever those stand in the alphabet.
#[test]
fn a_key_for_one_name_changes_that_among_many() {
    let policy = "grant {key} name m.example.com. A; grant {key} name z.example.com. TXT;";
    // As the payload has it, so that the SOA need not change.
    let records = "@ 86400 SOA ns1 hostmaster.example.net. 1 10800 3600 604800 10800\n\
                   @ 3600 NS ns1\nns1 3600 A 192.0.2.1\n";
    let (named, bridge) = bind(Zone::with_policy("example.com", records, policy));
    let hosts: Vec<String> = (10..50).map(|n| format!("h{n} A 192.0.2.{n}")).collect();
    let names: Vec<String> = (10..50)
        .map(|n| format!("h{n}.example.com. A 192.0.2.{n}"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let healthy = ["m A 192.0.2.7", "z TXT text", "m A 192.0.2.8"];
    for (second, line) in (1..).zip(healthy) {
        let lines = format!("{} | {line}", hosts.join(" | "));
        let wanted = zone("example.com", NS1).with(&lines).sent(second);
        assert_left_out(&bridge.plesk(wanted.call()), &names);
        let healthy = zone("example.com", NS1).with(line);
        healthy.assert_on(&named);
    }
}

/// What a search has removed before its last message is no longer ours.
#[test]
fn what_goes_beside_a_refused_record_is_ours_no_more() {
    let (named, bridge) = dynamic();
    let before = zone("example.com", NS1).with("a A 192.0.2.7 | b A 192.0.2.8");
    bridge
        .plesk(before.call())
        .assert_status(0)
        .assert_stderr("");
    let after = zone("example.com", NS1).with("b A 192.0.2.8");
    let run = bridge.plesk(after.clone().with("a_0 A 192.0.2.9").sent(1).call());
    assert_left_out(&run, &["a_0.example.com. A 192.0.2.9"]);
    after.assert_on(&named);
    // Somebody else adds the same record.
    nsupdate(&named, "update add a.example.com 86400 A 192.0.2.7");
    let run = bridge.plesk(after.sent(2).call());
    run.assert_status(0).assert_stderr("");
    assert_eq!(dig::short(&named, "a.example.com", "A"), ["192.0.2.7"]);
}

scenario!(a_file_with_refused_records_prunes_what_it_lacks: bind);
fn a_file_with_refused_records_prunes_what_it_lacks(kind: Kind) {
    let (server, bridge) = kind.by_hand("theirs A 192.0.2.9\n");
    let bridge = bridge.without_dry_run(WHY);
    write(
        &bridge,
        "@ MX 10 gone\na A 192.0.2.7\nb MX 10 gone\nz A 192.0.2.9\n",
    );
    let refused = [
        "example.com. MX 10 gone.example.com.",
        "b.example.com. MX 10 gone.example.com.",
    ];
    for _ in 0..2 {
        let run = sync(&bridge, &["--prune"]);
        assert_left_out(&run, &refused);
        zone(
            "example.com",
            "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1",
        )
        .with("a 300 A 192.0.2.7 | z 300 A 192.0.2.9")
        .assert_on(&server);
    }
}

/// Each of two calls has its own refused record. The later payload wins, and nothing of the other one stays.
#[test]
fn two_calls_at_once_leave_what_is_healthy_of_the_later_one() {
    let (named, bridge) = dynamic();
    for round in 1..=8_u32 {
        let of = |letter: char, second: u32| {
            let good = zone("example.com", NS1).with(&format!(
                "www A 192.0.2.{second} | {letter}{round} A 192.0.2.1 | both TXT {letter}{round}"
            ));
            let refused = format!("{letter}_{round} A 192.0.2.9");
            let all = good.clone().with(&refused).sent(second);
            (
                good,
                all,
                format!("{letter}_{round}.example.com. A 192.0.2.9"),
            )
        };
        let (first, first_all, _) = of('a', 2 * round);
        let (second, second_all, refused) = of('b', 2 * round + 1);
        let calls = [first_all.call(), second_all.call()];
        let going: Vec<Going> = calls
            .iter()
            .map(|call| bridge.start(&["plesk"], call))
            .collect();
        for run in going.into_iter().map(Going::finish) {
            let is_refused = run.status == Some(69) && run.codes() == ["NB-NAME-REFUSED"];
            let is_overtaken = run.status == Some(0) && run.stderr.is_empty();
            let is_later = run.status == Some(75) && run.codes() == ["NB-ZONE-CHANGED-MEANWHILE"];
            assert!(is_refused || is_overtaken || is_later, "{run:#?}");
        }
        let content = dig::content(&named, "example.com");
        assert!(
            content == first.content() || content == second.content(),
            "round {round} left neither: {content:#?}"
        );
        let run = bridge.plesk(second_all.call());
        assert_left_out(&run, &[&refused]);
        second.assert_on(&named);
    }
}

/// A process that is killed in a search, after any answer, leaves nothing that a later call does not finish.
#[test]
fn a_search_that_is_killed_at_any_step_is_finished_by_the_next_call() {
    let named = Named::builder()
        .zone(Zone::dynamic("example.com", ""))
        .start();
    let mut barrier = Barrier::default();
    let port = barrier.before(named.port());
    let bridge = Bridge::at(port, named.key_file()).without_dry_run(WHY);
    let mut step = 0;
    loop {
        let good = zone("example.com", NS1).with(&format!(
            "g{step} A 192.0.2.7 | h{step} TXT text | www A 192.0.2.{}",
            step + 1
        ));
        let bad = format!("a_{step} A 192.0.2.9 | m{step} MX 10 gone.example.com.");
        let second = u32::try_from(step).expect("few steps");
        let all = good.clone().with(&bad).sent(second);
        let ended = barrier.end_of(step, &bridge, &all.call());
        let is_killed = ended.is_none();
        let run = ended.unwrap_or_else(|| bridge.plesk(all.call()));
        let names = [
            format!("a_{step}.example.com. A 192.0.2.9"),
            format!("m{step}.example.com. MX 10 gone.example.com."),
        ];
        assert_left_out(&run, &names.each_ref().map(String::as_str));
        good.assert_on(&named);
        if !is_killed {
            break;
        }
        step += 1;
        assert!(step < STEPS_MAX, "no end of it");
    }
    assert!(step >= 6, "killed only {step} times");
}
