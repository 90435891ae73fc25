//! Peers that are hostile, broken or slow: whatever they answer, it is believed only with a right
//! signature, it takes a bounded time, and a zone that was not read whole is never changed.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;

use crate::support::bridge::{Bridge, Run};
use crate::support::dig;
use crate::support::hostile::{ZONE, call, call_with, server, untouched};
use crate::support::keys::Key;
use crate::support::message::{self, is_transfer, is_update, is_version_query};
use crate::support::named::{Named, Zone};
use crate::support::scripted::{Conversation, Scripted, Upstream};
use crate::support::server::Server as _;
use crate::support::wait;

/// What the alteration of a proxy is.
type Alteration = fn(Vec<u8>) -> Vec<u8>;

/// What a peer does with each connection.
type Script = fn(&mut Conversation);

/// Runs the call against a server whose answers to requests of one kind a proxy alters; the zone must
/// stay as it is.
#[track_caller]
fn with_altered_transfer(alter: Alteration) -> Run {
    let named = server();
    let proxy = Scripted::proxy(named.port(), move |question, answer| {
        Some(if is_transfer(question) {
            alter(answer)
        } else {
            answer
        })
    });
    untouched(&named, || {
        Bridge::at(proxy.port(), named.key_file()).plesk(call())
    })
}

#[test]
fn a_transfer_with_a_forged_signature_is_not_believed() {
    let run = with_altered_transfer(message::with_other_mac);
    run.assert_status(75)
        .assert_error("example.com.", "NB-RESPONSE-FORGED");
}

#[test]
fn a_transfer_with_a_forged_record_is_not_believed() {
    let run = with_altered_transfer(|answer| {
        message::replaced(answer, [192, 0, 2, 7], [198, 51, 100, 66])
    });
    run.assert_status(75).assert_code("NB-RESPONSE-FORGED");
}

#[test]
fn a_transfer_without_its_signature_is_not_believed() {
    let run = with_altered_transfer(|answer| message::without_tsig(&answer));
    run.assert_status(75).assert_code("NB-UNSIGNED-ERROR");
}

#[test]
fn a_transfer_with_another_id_is_not_believed() {
    let run = with_altered_transfer(|mut answer| {
        answer[0] ^= 0x80;
        answer
    });
    run.assert_status(75)
        .assert_code_with("NB-RESPONSE-MALFORMED", "the answer has id ");
}

#[test]
fn garbage_in_place_of_a_message_is_called_so() {
    let run = with_altered_transfer(|_| vec![0xff; 40]);
    run.assert_status(75).assert_code("NB-RESPONSE-MALFORMED");
    let run = with_altered_transfer(|_| vec![0x00]);
    run.assert_status(75)
        .assert_code_with("NB-RESPONSE-MALFORMED", "the message ends early");
}

#[test]
fn a_refusal_that_anybody_could_have_sent_changes_nothing() {
    // REFUSED, SERVFAIL and NOTAUTH in place of every answer, unsigned.
    for (rcode, code) in [
        (5, "NB-UNSIGNED-REFUSAL"),
        (2, "NB-UNSIGNED-ERROR"),
        (9, "NB-UNSIGNED-REFUSAL"),
    ] {
        let named = server();
        let peer = Scripted::start(move |conversation| {
            while let Some(request) = conversation.read() {
                conversation.write(&message::answer(&request, rcode, &[]));
            }
        });
        let bridge = Bridge::at(peer.port(), named.key_file()).seed(&named);
        let run = untouched(&named, || bridge.plesk(call()));
        run.assert_status(75).assert_code_with(code, "example.com.");
    }
}

#[test]
fn a_primary_that_never_answers_is_left_at_the_deadline() {
    let named = server();
    let peer = Scripted::start(Conversation::stall);
    let bridge = Bridge::at(peer.port(), named.key_file()).deadline_seconds(1);
    let began = Instant::now();
    let run = bridge.plesk(call());
    let took = began.elapsed();
    let allowed = Duration::from_secs(1)..Duration::from_secs(10);
    assert!(allowed.contains(&took), "{took:?}");
    run.assert_status(75).assert_code("NB-ANSWER-TIMED-OUT");
}

#[test]
fn a_primary_that_resets_or_closes_is_tried_again_later() {
    let key = Key::new("plesk");
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = key.write(directory.path());
    let scripts: [(Script, &str); 4] = [
        (Conversation::reset, "NB-CONNECTION-CLOSED"),
        (Conversation::close_writing, "NB-CONNECTION-CLOSED"),
        (
            |conversation| {
                conversation.read();
                conversation.reset();
            },
            "NB-CONNECTION-CLOSED",
        ),
        (
            |conversation| {
                conversation.read();
                conversation.write_raw(&[0, 200, 1, 2, 3]);
            },
            "NB-CONNECTION-CUT",
        ),
    ];
    for (script, code) in scripts {
        let peer = Scripted::start(script);
        let run = Bridge::at(peer.port(), &file).plesk(call());
        run.assert_status(75).assert_error("example.com.", code);
    }
}

#[test]
fn one_zone_that_stalls_holds_up_no_other() {
    let named = server();
    let peer = Scripted::start(Conversation::stall);
    let call = crate::support::payload::call(&[
        crate::support::payload::update("slow.test", 0, &[("a.slow.test.", "A", "", "192.0.2.1")]),
        crate::support::payload::update(ZONE, 0, &[("new.example.com.", "A", "", "192.0.2.99")]),
    ]);
    let run = Bridge::of(&named)
        .primary("slow", peer.port(), "plesk", named.key_file())
        .route("slow.test", "slow")
        .deadline_seconds(1)
        .plesk(call);
    run.assert_status(75).assert_code_with(
        "NB-ANSWER-TIMED-OUT",
        "slow.test. on slow (127.0.0.1:PORT-slow): ",
    );
    assert_eq!(dig::short(&named, "new.example.com", "A"), ["192.0.2.99"]);
}

/// A server with a zone that takes several messages to transfer.
fn server_with_large_zone() -> Named {
    Named::builder()
        .zone(Zone::dynamic(
            ZONE,
            "$GENERATE 1-4000 host-with-a-long-name-$ A 192.0.2.7",
        ))
        .start()
}

/// Passes on the first `count` messages of each transfer, and then does something else.
fn cut_after(count: usize, port: u16, then: fn(&mut Conversation)) -> Scripted {
    Scripted::start(move |conversation| {
        let mut upstream = Upstream::connect(port);
        while let Some(request) = conversation.read() {
            upstream.send(&request);
            let passed = if is_transfer(&request) { count } else { 1 };
            for _ in 0..passed {
                let message = upstream
                    .receive(wait::PATIENCE)
                    .expect("a message of the transfer");
                conversation.write(&message);
            }
            if is_transfer(&request) {
                return then(conversation);
            }
        }
    })
}

#[test]
fn a_transfer_that_is_closed_in_the_middle_is_no_zone() {
    let named = server_with_large_zone();
    let peer = cut_after(2, named.port(), Conversation::close_writing);
    let bridge = Bridge::at(peer.port(), named.key_file()).foreign_records("remove");
    untouched(&named, || bridge.plesk(call()))
        .assert_status(75)
        .assert_error("example.com.", "NB-TRANSFER-CUT")
        .assert_code_with("NB-TRANSFER-CUT", "closed the connection");
}

#[test]
fn a_transfer_that_stalls_in_the_middle_is_no_zone() {
    let named = server_with_large_zone();
    let peer = cut_after(2, named.port(), Conversation::stall);
    let bridge = Bridge::at(peer.port(), named.key_file()).deadline_seconds(2);
    let bridge = bridge.foreign_records("remove");
    untouched(&named, || bridge.plesk(call()))
        .assert_status(75)
        .assert_code_with("NB-TRANSFER-CUT", "timed out");
}

#[test]
fn a_transfer_with_a_message_left_out_is_no_zone() {
    let named = server_with_large_zone();
    let seen = AtomicUsize::new(0);
    let peer = Scripted::proxy(named.port(), move |_, answer| {
        (seen.fetch_add(1, Ordering::SeqCst) != 1).then_some(answer)
    });
    let bridge = Bridge::at(peer.port(), named.key_file()).foreign_records("remove");
    untouched(&named, || bridge.plesk(call()))
        .assert_status(75)
        .assert_code_with("NB-TRANSFER-UNSIGNED", "the message's MAC is wrong");
}

/// A peer that has the right key and answers each transfer with these records, signed.
fn liar(key: &Key, records: Vec<Vec<u8>>) -> Scripted {
    let key = key.clone();
    Scripted::start(move |conversation| {
        while let Some(request) = conversation.read() {
            if is_version_query(&request) {
                continue;
            }
            assert!(
                is_transfer(&request),
                "after a transfer that is no zone, no more is asked for"
            );
            let answer = message::answer(&request, 0, &records);
            conversation.write(&message::sign(answer, &request, &key));
        }
    })
}

#[track_caller]
fn assert_is_no_zone(records: Vec<Vec<u8>>, code: &str, cause: &str) {
    let key = Key::new("plesk");
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = key.write(directory.path());
    let peer = liar(&key, records);
    Bridge::at(peer.port(), &file)
        .plesk(call())
        .assert_status(75)
        .assert_error("example.com.", code)
        .assert_code_with(code, cause);
}

#[test]
fn a_transfer_that_ends_with_another_soa_is_no_zone() {
    assert_is_no_zone(
        vec![message::soa(ZONE, 7), message::soa(ZONE, 8)],
        "NB-TRANSFER-OUTRUN",
        "the transfer started with serial 7 and ended with another SOA of serial 8",
    );
}

#[test]
fn a_transfer_without_any_record_is_no_zone() {
    assert_is_no_zone(
        Vec::new(),
        "NB-TRANSFER-INVALID",
        "the transfer has no records",
    );
}

#[test]
fn a_transfer_of_another_zone_is_no_zone() {
    assert_is_no_zone(
        vec![
            message::soa("example.net", 7),
            message::soa("example.net", 7),
        ],
        "NB-TRANSFER-INVALID",
        "the transfer starts with type 6 at `example.net.`, not with the zone's SOA",
    );
}

#[test]
fn a_transfer_with_a_record_of_another_zone_is_no_zone() {
    let stranger = message::record("www.example.net", 1, &[192, 0, 2, 7]);
    assert_is_no_zone(
        vec![message::soa(ZONE, 7), stranger, message::soa(ZONE, 7)],
        "NB-TRANSFER-RECORD",
        "the transfer has a record at `www.example.net.`, outside the zone",
    );
}

#[test]
fn a_transfer_that_goes_on_after_its_end_is_no_zone() {
    let late = message::record("www.example.com", 1, &[192, 0, 2, 7]);
    assert_is_no_zone(
        vec![message::soa(ZONE, 7), message::soa(ZONE, 7), late],
        "NB-TRANSFER-INVALID",
        "the transfer goes on after its last SOA",
    );
}

#[test]
fn an_answer_to_an_update_with_a_forged_signature_is_no_success() {
    assert_no_success(message::with_other_mac, "NB-RESPONSE-FORGED");
}

#[test]
fn an_answer_to_an_update_without_a_signature_is_no_success() {
    let alter: Alteration = |answer| message::without_tsig(&answer);
    assert_no_success(alter, "NB-UNSIGNED-ERROR");
}

/// Runs the call against a server whose answers to UPDATEs a proxy alters.
#[track_caller]
fn assert_no_success(alter: Alteration, code: &str) {
    let named = server();
    let proxy = Scripted::proxy(named.port(), move |question, answer| {
        Some(if is_update(question) {
            alter(answer)
        } else {
            answer
        })
    });
    let bridge = Bridge::at(proxy.port(), named.key_file());
    let run = bridge.plesk(call());
    run.assert_status(75).assert_stdout("").assert_code(code);
}

#[test]
fn an_update_whose_answer_is_lost_is_repeated_once_and_found_in_place() {
    let named = server();
    let port = named.port();
    let lost = AtomicBool::new(false);
    let peer = Scripted::start(move |conversation| {
        let mut upstream = Upstream::connect(port);
        while let Some(request) = conversation.read() {
            let answer = upstream.exchange(&request);
            if is_update(&request) && !lost.swap(true, Ordering::SeqCst) {
                return; // closes; the server has applied it
            }
            conversation.write(&answer);
        }
    });
    let bridge = Bridge::at(peer.port(), named.key_file());
    let before = named.updates_received();
    bridge
        .plesk(call())
        .assert_status(0)
        .assert_stderr("")
        .assert_stdout("example.com.: updated, 1 record added, 0 records removed, SOA changed on main (127.0.0.1:PORT)\n");
    assert_eq!(named.updates_received() - before, 2);
    assert_eq!(dig::short(&named, "new.example.com", "A"), ["192.0.2.99"]);
    // It is known as ours all the same, so that it goes when Plesk says so.
    bridge
        .plesk(call_with(&[("www.example.com.", "A", "", "192.0.2.7")]))
        .assert_status(0);
    assert_eq!(dig::status(&named, "new.example.com", "A"), "NXDOMAIN");
}

#[test]
fn an_rrset_that_no_message_can_hold_is_named_and_costs_nothing_else() {
    let named = server();
    let texts: Vec<String> = (0..300).map(|n| format!("{n:0250}")).collect();
    let mut records = vec![("new.example.com.", "A", "", "192.0.2.99")];
    records.extend(
        texts
            .iter()
            .map(|text| ("big.example.com.", "TXT", "", text.as_str())),
    );
    let run = Bridge::of(&named).plesk(call_with(&records));
    run.assert_status(65)
        .assert_code_with("NB-PAYLOAD-TOO-LARGE-TO-SEND", "big.example.com.");
    assert_eq!(dig::short(&named, "new.example.com", "A"), ["192.0.2.99"]);
    assert_eq!(dig::status(&named, "big.example.com", "TXT"), "NXDOMAIN");
}

#[test]
fn a_primary_that_closes_after_each_transfer_gets_the_update_over_a_new_connection() {
    let named = server();
    let port = named.port();
    let peer = Scripted::start(move |conversation| {
        let mut upstream = Upstream::connect(port);
        while let Some(question) = conversation.read() {
            let answer = upstream.exchange(&question);
            conversation.write(&answer);
            if is_transfer(&question) {
                return;
            }
        }
    });
    Bridge::at(peer.port(), named.key_file())
        .plesk(call())
        .assert_status(0)
        .assert_stderr("");
}
