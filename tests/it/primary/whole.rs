//! A primary on which an addition replaces the RRset: what others have there stays, and what a wildcard gives does not
//! become a record of a name.

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::dig;
use crate::support::reverse::{NETWORKS, V4};
use crate::support::server::{Kind, Server, Started, scenario};
use crate::support::wanted::zone;

const APEX: &str = "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1";

/// A server with `example.com` that has these records of others, and a reverse zone that has those; nsbridge reads
/// none, and sends no prerequisites.
fn whole(kind: Kind, records: &str, pointers: &str) -> (Started, Bridge) {
    let server = kind.start(&[("example.com", records), (V4, pointers)]);
    let bridge = Bridge::of(&server)
        .ptr_networks(&NETWORKS)
        .set_text("primaries.main", "read", "memory")
        .set_text("primaries.main", "prerequisites", "none")
        .set_text("primaries.main", "rrsets", "whole");
    (server, bridge)
}

/// The values of an RRset as a transfer shows them: without those that a wildcard gives.
fn values(server: &dyn Server, owner: &str, rtype: &str) -> Vec<String> {
    let apex = if owner.ends_with(V4) {
        V4
    } else {
        "example.com"
    };
    let start = format!("{owner}. ");
    let lines = dig::content(server, apex).into_iter();
    let words = lines.filter(|line| line.starts_with(&start)).map(|line| {
        let words: Vec<&str> = line.splitn(5, ' ').collect();
        [words[3], words[4]].map(str::to_owned)
    });
    let of_type = words.filter(|[found, _]| found == rtype);
    of_type.map(|[_, value]| value).collect()
}

scenario!(an_answer_of_a_wildcard_becomes_no_record_of_the_name);
fn an_answer_of_a_wildcard_becomes_no_record_of_the_name(kind: Kind) {
    let records = "* A 192.0.2.80\n* TXT wild\na.b A 192.0.2.6\nshop A 192.0.2.80\n*.twin A 192.0.2.5\ntwin A 192.0.2.5\n\
                   both A 192.0.2.80\nboth A 192.0.2.81";
    let (server, bridge) = whole(kind, records, "* PTR wild.example.net.");
    let lines = "www A 192.0.2.7 | x.b A 192.0.2.7 | far.off A 192.0.2.7 | shop A 192.0.2.7 | twin A 192.0.2.7 |
        both A 192.0.2.7";
    let wanted = zone("example.com", &format!("{APEX} | {lines}"));
    bridge
        .plesk(wanted.call())
        .assert_status(0)
        .assert_stderr("");
    let addresses = |owner: &str| values(&server, &format!("{owner}.example.com"), "A");
    for owner in ["www", "x.b", "far.off"] {
        assert_eq!(addresses(owner), ["192.0.2.7"], "{owner}");
    }
    // These have it themselves.
    assert_eq!(addresses("shop"), ["192.0.2.7", "192.0.2.80"]);
    assert_eq!(addresses("twin"), ["192.0.2.5", "192.0.2.7"]);
    assert_eq!(addresses("both"), ["192.0.2.7", "192.0.2.80", "192.0.2.81"]);

    let acme = ["acme", "add", "new.example.com", "one"];
    bridge.run(&acme, "").assert_status(0).assert_stderr("");
    let challenge = "_acme-challenge.new.example.com";
    assert_eq!(values(&server, challenge, "TXT"), ["\"one\""]);
    bridge
        .run(&["ptr", "add", "192.0.2.5", "www.example.com"], "")
        .assert_status(0)
        .assert_stderr("");
    let pointers = values(&server, &format!("5.{V4}"), "PTR");
    assert_eq!(pointers, ["www.example.com."]);
}

scenario!(a_single_record_goes_beside_those_that_are_in_place: law);
fn a_single_record_goes_beside_those_that_are_in_place(kind: Kind) {
    let records =
        "_acme-challenge TXT hand\nwww TXT hand\nwww TXT more\nwild TXT hand\n*.wild TXT hand";
    let (server, bridge) = whole(kind, records, "5 PTR hand.example.net.");
    let run = |line: &str| {
        let script = line.strip_prefix("nsupdate ");
        let run = match script {
            Some(script) => bridge.run(&["nsupdate", "--durable"], format!("{script}\nsend\n")),
            None => bridge.run(&line.split(' ').collect::<Vec<_>>(), ""),
        };
        run.assert_status(0).assert_stderr("");
    };
    let texts = |owner: &str| values(&server, &format!("{owner}example.com"), "TXT");
    let pointers = || values(&server, &format!("5.{V4}"), "PTR");
    run("acme add example.com one");
    run("acme add example.com two");
    run("nsupdate add www.example.com 3600 TXT one");
    run("nsupdate add wild.example.com 3600 TXT one");
    run("ptr add 192.0.2.5 www.example.com");
    assert_eq!(
        texts("_acme-challenge."),
        ["\"hand\"", "\"one\"", "\"two\""]
    );
    assert_eq!(texts("www."), ["\"hand\"", "\"more\"", "\"one\""]);
    assert_eq!(texts("wild."), ["\"hand\"", "\"one\""]);
    assert_eq!(pointers(), ["hand.example.net.", "www.example.com."]);
    run("acme delete example.com one");
    run("nsupdate delete www.example.com TXT one");
    run("ptr delete 192.0.2.5 www.example.com");
    assert_eq!(texts("_acme-challenge."), ["\"hand\"", "\"two\""]);
    assert_eq!(texts("www."), ["\"hand\"", "\"more\""]);
    assert_eq!(pointers(), ["hand.example.net."]);
}
