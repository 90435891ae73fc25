//! Zones made, marked and removed over the HTTP API of a real PowerDNS, also after a kill half way.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::support::bridge::Bridge;
use crate::support::dig;
use crate::support::nsupdate::{try_nsupdate, unsigned_nsupdate};
use crate::support::pdns::Pdns;
use crate::support::pdns_api::{PROVISION, delete, fresh, pass_request, reading_from, wanted};
use crate::support::server::Server as _;
use crate::support::wanted::zone;

const MARK: &str = "X-NSBRIDGE-INSTANCE";
const ADDITION: &str = "zone example.com\nupdate add x.example.com 60 A 192.0.2.1";

/// Sends a request to the API, as `curl` does; gives the status and the JSON of the answer.
#[track_caller]
fn api(pdns: &Pdns, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
    let body = body.map_or_else(String::new, |body| body.to_string());
    let key = std::fs::read_to_string(pdns.api_key_file()).expect("the key of the API");
    let request = format!(
        "{method} /api/v1/servers/localhost{path} HTTP/1.0\r\nX-API-Key: {key}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(("127.0.0.1", pdns.api_port())).expect("the API listens");
    stream.write_all(request.as_bytes()).expect("it is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it is answered");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
    let status = status.unwrap_or_else(|| panic!("no status: {head}"));
    (status, serde_json::from_str(body).unwrap_or_default())
}

/// Makes `example.com` as the first step of a creation by `account` leaves it.
#[track_caller]
fn half_made(pdns: &Pdns, account: &str) {
    let set = |rtype: &str, content: &str| {
        json!({ "name": "example.com.", "type": rtype, "ttl": 300,
                "records": [{ "content": content, "disabled": false }] })
    };
    let sets = [
        set(
            "SOA",
            "ns1.example.net. hostmaster.example.com. 5 10800 3600 604800 10800",
        ),
        set("NS", "ns1.example.net."),
    ];
    let new = json!({
        "name": "example.com.", "kind": "Slave", "masters": [], "account": account,
        "soa_edit_api": "", "master_tsig_key_ids": ["plesk."], "rrsets": sets,
    });
    assert_eq!(api(pdns, "POST", "/zones", Some(new)).0, 201);
}

fn metadata(pdns: &Pdns, kind: &str) -> Value {
    let path = format!("/zones/example.com./metadata/{kind}");
    api(pdns, "GET", &path, None).1["metadata"].clone()
}

fn kind(pdns: &Pdns) -> Value {
    api(pdns, "GET", "/zones/example.com.?rrsets=false", None).1["kind"].clone()
}

#[test]
fn a_zone_is_marked_and_takes_updates_of_its_key_only() {
    let (pdns, bridge) = fresh();
    bridge
        .plesk(wanted().call())
        .assert_status(0)
        .assert_stdout("example.com.: created with 3 records on main (127.0.0.1:PORT)\n")
        .assert_stderr("");
    wanted().assert_on(&pdns);
    assert_eq!(dig::soa(&pdns, "example.com").serial, 1_764_000_000);
    assert_eq!(metadata(&pdns, MARK), json!(["plesk01"]));
    assert_eq!(metadata(&pdns, "TSIG-ALLOW-DNSUPDATE"), json!(["plesk"]));
    assert_eq!(kind(&pdns), json!("Master"));
    let said = unsigned_nsupdate(&pdns, ADDITION);
    assert!(said.stderr().contains("REFUSED"), "{}", said.stderr());
}

#[test]
fn a_zone_half_made_takes_no_updates_from_anybody() {
    let (pdns, _) = fresh();
    half_made(&pdns, "nsbridge:plesk01");
    let said = try_nsupdate(&pdns, ADDITION);
    assert!(said.stderr().contains("SERVFAIL"), "{}", said.stderr());
    let said = unsigned_nsupdate(&pdns, ADDITION);
    assert!(said.stderr().contains("SERVFAIL"), "{}", said.stderr());
}

#[test]
fn a_creation_that_was_killed_at_any_step_is_finished_by_the_next_delivery() {
    let steps: [&[&str]; 3] = [&[], &[MARK], &[MARK, "TSIG-ALLOW-DNSUPDATE"]];
    for done in steps {
        let (pdns, bridge) = fresh();
        half_made(&pdns, "nsbridge:plesk01");
        for step in done {
            let value = if *step == MARK { "plesk01" } else { "plesk" };
            let path = format!("/zones/example.com./metadata/{step}");
            let body = json!({ "kind": step, "metadata": [value] });
            assert_eq!(api(&pdns, "PUT", &path, Some(body)).0, 200);
        }
        bridge
            .plesk(wanted().call())
            .assert_status(0)
            .assert_stderr("");
        wanted().assert_on(&pdns);
        assert_eq!(metadata(&pdns, MARK), json!(["plesk01"]));
        assert_eq!(metadata(&pdns, "TSIG-ALLOW-DNSUPDATE"), json!(["plesk"]));
        assert_eq!(kind(&pdns), json!("Master"));
    }
}

#[test]
fn a_zone_that_is_half_made_by_another_instance_is_left_alone() {
    let (pdns, bridge) = fresh();
    half_made(&pdns, "nsbridge:other");
    let bridge = bridge.deadline_seconds(8);
    bridge
        .plesk(wanted().call())
        .assert_status(75)
        .assert_error("example.com.", "NB-ZONE-AWAITED");
    assert_eq!(kind(&pdns), json!("Slave"));
    assert_eq!(metadata(&pdns, MARK), json!([]));
    // Whoever takes it over finishes it.
    bridge
        .run(&["zone", "adopt", "example.com"], "")
        .assert_status(0);
    assert_eq!(kind(&pdns), json!("Master"));
    assert_eq!(metadata(&pdns, MARK), json!(["plesk01"]));
    bridge.plesk(wanted().call()).assert_status(0);
    wanted().assert_on(&pdns);
}

#[test]
fn only_a_zone_that_bears_our_mark_is_deleted() {
    let gone = "example.com.: deleted on main (127.0.0.1:PORT)\n";
    for (mark, status, is_deleted) in [
        (json!(["plesk01"]), 0, true),
        (json!(["other"]), 0, false),
        (json!([]), 0, false),
    ] {
        let (pdns, bridge) = fresh();
        bridge.plesk(wanted().call()).assert_status(0);
        let path = format!("/zones/example.com./metadata/{MARK}");
        let body = json!({ "kind": MARK, "metadata": mark });
        assert_eq!(api(&pdns, "PUT", &path, Some(body)).0, 200);
        let run = bridge.plesk(delete());
        run.assert_status(status);
        let others = run.codes() == ["NB-ZONE-OF-OTHER-STAYS"];
        assert_eq!(others, mark == json!(["other"]), "{mark}: {}", run.stderr);
        assert_eq!(run.stdout == gone, is_deleted, "{mark}: {}", run.stdout);
        assert_eq!(dig::has_zone(&pdns, "example.com"), !is_deleted, "{mark}");
    }
}

#[test]
fn a_key_that_the_server_does_not_know_is_named_and_nothing_is_made() {
    let pdns = Pdns::builder().without_key().start();
    let bridge = pdns.provisioning(Bridge::of(&pdns));
    // Without the key nothing can be read either, so the zone is asked for by a server that knows it.
    let reader = Pdns::builder().start();
    let bridge = reading_from(&reader, bridge);
    let run = bridge.plesk(wanted().call());
    run.assert_status(69).assert_stdout("");
    run.assert_code("NB-POWERDNS-KEY-UNKNOWN");
    assert_eq!(api(&pdns, "GET", "/zones/example.com.", None).0, 404);
}

#[test]
fn a_creation_that_fails_half_way_is_rolled_back() {
    let (pdns, bridge) = fresh();
    let port = failing_metadata(pdns.api_port());
    let url = format!("http://127.0.0.1:{port}");
    let broken = bridge.set_text(PROVISION, "url", &url);
    let run = broken.plesk(wanted().call());
    run.assert_status(75).assert_stdout("");
    run.assert_code_with("NB-POWERDNS-FAILED", "removed again");
    assert_eq!(api(&pdns, "GET", "/zones/example.com.", None).0, 404);
    let bridge = pdns.provisioning(broken);
    bridge.plesk(wanted().call()).assert_status(0);
    wanted().assert_on(&pdns);
}

/// A way to the API on which every change of metadata fails.
fn failing_metadata(api_port: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("the port").port();
    let fails = |head: &str| head.starts_with("put ") && head.contains("/metadata/");
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            std::thread::spawn(move || pass_request(&mut client, api_port, fails));
        }
    });
    port
}

#[test]
fn a_record_that_stands_there_in_another_spelling_is_named_and_not_forgotten() {
    let pdns = Pdns::builder().zone("example.com", "").start();
    let bridge = Bridge::of(&pdns);
    let apex = "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1";
    let first = zone(
        "example.com",
        &format!("{apex} | old AAAA 2001:db8::1 | old TXT x"),
    );
    bridge.plesk(first.call()).assert_status(0);
    let respell = "UPDATE records SET content = '2001:DB8:0:0:0:0:0:1' WHERE type = 'AAAA'";
    pdns.sql(respell);
    for second in 1..=2 {
        let second = zone("example.com", apex).sent(second);
        let run = bridge.plesk(second.call());
        run.assert_status(69)
            .assert_code_with("NB-REMOVAL-IGNORED", "old.example.com. AAAA 2001:db8::1");
        assert_eq!(run.jobs.len(), 1);
    }
    assert_eq!(dig::status(&pdns, "old.example.com", "TXT"), "NOERROR");
    assert!(dig::short(&pdns, "old.example.com", "TXT").is_empty());
    pdns.sql("DELETE FROM records WHERE type = 'AAAA'");
    let third = zone("example.com", apex).sent(3);
    bridge
        .plesk(third.call())
        .assert_status(0)
        .assert_stderr("");
}
