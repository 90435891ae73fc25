//! Primaries with quirks: they close the connection after each answer, refuse questions, ignore prerequisites, or take
//! a change and drop it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use pretty_assertions::assert_eq;

use crate::support::bridge::{Bridge, Run};
use crate::support::dig;
use crate::support::jobs::{assert_empty, jobs};
use crate::support::keys::Key;
use crate::support::message::{
    self, answer, is_query, is_transfer, is_update, replaced, sign, without_prerequisites,
    without_tsig,
};
use crate::support::named::{Named, Zone};
use crate::support::nsupdate::nsupdate;
use crate::support::payload::{self, delete_ptr};
use crate::support::pdns::Pdns;
use crate::support::scripted::{Scripted, Upstream};
use crate::support::server::{Kind, Server, scenario};
use crate::support::sync;
use crate::support::wanted::zone;

const REVERSE: &str = "2.0.192.in-addr.arpa";
const WANTED: &str = "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1 | www A 192.0.2.7";

fn run(bridge: &Bridge, arguments: &str) -> Run {
    bridge.run(&arguments.split(' ').collect::<Vec<_>>(), "")
}

// Connections that end after each answer.

/// What must work on a primary that closes each connection after one answer, with zones that are read and not.
#[track_caller]
fn assert_works(server: &dyn Server, port: u16) {
    let bridge = || Bridge::at(port, server.key_file()).ptr_networks(&["192.0.2.0/24"]);
    let read = bridge();
    let said = |run: &Run, what: &str| {
        run.assert_status(0).assert_stderr("").assert_prints(what);
    };
    said(
        &read.plesk(zone("example.com", WANTED).call()),
        "updated, 1 record added",
    );
    said(
        &run(&read, "acme add example.com one"),
        "added in example.com.",
    );
    said(
        &run(&read, "acme delete example.com one"),
        "removed in example.com.",
    );
    said(
        &run(&read, "ptr add 192.0.2.7 www.example.com"),
        "added at 7.",
    );
    said(
        &run(&read, "ptr delete 192.0.2.7 www.example.com"),
        "removed at 7.",
    );
    run(&read, "check example.com").assert_status(0);
    let unread = bridge().set_text("primaries.main", "read", "memory");
    sync::write(&unread, "www A 192.0.2.8\nnew A 192.0.2.9\n");
    said(&sync::sync(&unread, &[]), "updated, ");
    assert_eq!(dig::short(server, "new.example.com", "A"), ["192.0.2.9"]);
    assert_empty(&read);
    assert_empty(&unread);
}

#[test]
fn powerdns_that_takes_one_request_for_each_connection_gets_all_changes() {
    let pdns = Pdns::builder()
        .setting("max-tcp-transactions-per-conn", "1")
        .zone("example.com", "")
        .zone(REVERSE, "")
        .start();
    assert_works(&pdns, pdns.port());
}

scenario!(a_primary_that_closes_after_each_answer_gets_all_changes);
fn a_primary_that_closes_after_each_answer_gets_all_changes(kind: Kind) {
    let server = kind.start(&[("example.com", ""), (REVERSE, "")]);
    let port = server.port();
    let relay = Scripted::start(move |conversation| {
        let mut upstream = Upstream::connect(port);
        let Some(request) = conversation.read() else {
            return;
        };
        conversation.write(&upstream.exchange(&request));
        while is_transfer(&request)
            && let Some(more) = upstream.receive(std::time::Duration::from_millis(200))
        {
            conversation.write(&more);
        }
    });
    assert_works(&server, relay.port());
}

// Questions that are refused.

/// A BIND that refuses every question about its zones.
fn mute() -> Named {
    let records = "7 PTR www.example.com.";
    let closed = |zone: Zone| zone.option("allow-query { none; };");
    Named::builder()
        .zone(closed(Zone::dynamic(REVERSE, records)))
        .zone(closed(Zone::dynamic(
            "example.com",
            "_acme-challenge TXT one",
        )))
        .start()
}

#[test]
fn a_question_that_bind_refuses_is_no_absence() {
    let named = mute();
    let bridge = Bridge::of(&named).ptr_networks(&["192.0.2.0/24"]);
    let delete = payload::call(&[delete_ptr("192.0.2.7", "www.example.com")]);
    for run in [
        run(&bridge, "ptr delete 192.0.2.7 www.example.com"),
        bridge.plesk(delete),
        run(&bridge, "ptr add 192.0.2.7 new.example.com"),
        run(&bridge, "acme delete example.com one"),
        run(&bridge, "acme add example.com two"),
    ] {
        run.assert_status(75)
            .assert_codes(&["NB-QUESTION-REFUSED"])
            .assert_stdout("");
    }
    let waiting = jobs(&bridge);
    assert_eq!(waiting.len(), 4, "{waiting:?}");
    assert!(waiting.iter().all(|job| job["state"] == "waiting"));
    // Without transfers, what such a zone holds is not known, either.
    let unread = Bridge::of(&named).set_text("primaries.main", "read", "memory");
    for call in [
        zone("example.com", WANTED).call(),
        payload::call(&[payload::delete("example.com")]),
    ] {
        let run = unread.plesk(call);
        run.assert_status(75).assert_codes(&["NB-QUESTION-REFUSED"]);
    }
    run(&bridge, "zone adopt example.com")
        .assert_status(75)
        .assert_codes(&["NB-QUESTION-REFUSED"]);
    run(&bridge, "ptr sync example.com")
        .assert_status(75)
        .assert_code("NB-PTR-ZONE-UNREAD")
        .assert_code("NB-QUESTION-REFUSED");
    // A name that is in no zone is told from that.
    run(&bridge, "acme delete example.org one")
        .assert_status(75)
        .assert_codes(&["NB-ZONE-OF-NAME-ABSENT"]);
}

/// A relay that answers questions like this one with REFUSED, signed, once it is told to.
fn refusing(
    server: &dyn Server,
    key: Key,
    refuses: impl Fn(&[u8]) -> bool + Send + Sync + 'static,
) -> Scripted {
    Scripted::proxy(server.port(), move |question, real| {
        Some(if is_query(question) && refuses(question) {
            sign(answer(question, 5, &[]), question, &key)
        } else {
            real
        })
    })
}

/// The question after so many is refused, as by a limit on their rate, whichever that is.
#[test]
fn a_rate_limit_makes_a_deletion_wait_whichever_question_it_meets() {
    let records = "7 PTR www.example.com.\n7 PTR other.example.com.";
    let named = Named::builder()
        .zone(Zone::dynamic(REVERSE, records))
        .zone(Zone::dynamic("example.com", "_acme-challenge TXT one"))
        .start();
    for (command, owner, rtype, left) in [
        (
            "ptr delete 192.0.2.7 www.example.com",
            "7.2.0.192.in-addr.arpa",
            "PTR",
            1,
        ),
        (
            "acme delete example.com one",
            "_acme-challenge.example.com",
            "TXT",
            0,
        ),
    ] {
        let mut refused = 0;
        loop {
            let seen = AtomicUsize::new(0);
            let relay = refusing(&named, named.key().clone(), move |question| {
                !message::is_version_query(question)
                    && seen.fetch_add(1, Ordering::SeqCst) == refused
            });
            let bridge = Bridge::at(relay.port(), named.key_file()).ptr_networks(&["192.0.2.0/24"]);
            if command.starts_with("acme") {
                // A deletion takes only what was added here.
                nsupdate(&named, &format!("update delete {owner} {rtype}"));
                let queue = bridge.file("state/queue.db");
                let direct = Bridge::of(&named).set_text("queue", "path", &queue.to_string_lossy());
                direct
                    .run(&["acme", "add", "example.com", "one"], "")
                    .assert_status(0);
            }
            let there = dig::short(&named, owner, rtype);
            let run = run(&bridge, command);
            let after = dig::short(&named, owner, rtype);
            if run.status == Some(0) {
                assert_eq!(after.len(), left, "{command}: {run:?}");
                break;
            }
            run.assert_status(75).assert_codes(&["NB-QUESTION-REFUSED"]);
            assert_eq!(jobs(&bridge).len(), 1, "{command}");
            if after != there {
                // The deletion was done, and only the look at it afterwards was refused.
                assert_eq!(after.len(), left, "{command}: {run:?}");
                break;
            }
            refused += 1;
        }
        assert!(refused > 0, "{command}: no question was refused");
    }
}

// Prerequisites that are ignored.

/// A zone that takes an UPDATE from everybody, for relays that change what was signed.
fn open(name: &str) -> Zone {
    Zone::fixed(name, "").option("allow-update { any; };")
}

/// A relay that takes the prerequisites out of each UPDATE before BIND sees it.
fn ignoring_prerequisites(named: &Named, updates: Arc<AtomicUsize>) -> Scripted {
    let (port, key) = (named.port(), named.key().clone());
    Scripted::start(move |conversation| {
        let mut upstream = Upstream::connect(port);
        while let Some(request) = conversation.read() {
            if is_update(&request) {
                updates.fetch_add(1, Ordering::SeqCst);
                let bare = without_prerequisites(&without_tsig(&request));
                let rcode = upstream.exchange(&bare)[3] & 0xf;
                conversation.write(&sign(answer(&request, rcode, &[]), &request, &key));
                continue;
            }
            conversation.write(&upstream.exchange(&request));
            while is_transfer(&request)
                && let Some(more) = upstream.receive(std::time::Duration::from_millis(200))
            {
                conversation.write(&more);
            }
        }
    })
}

#[test]
fn a_check_leaves_nothing_where_prerequisites_are_ignored() {
    let named = Named::builder()
        .zone(open("example.com"))
        .zone(open(REVERSE))
        .start();
    let updates = Arc::new(AtomicUsize::new(0));
    let relay = ignoring_prerequisites(&named, Arc::clone(&updates));
    let bridge = Bridge::at(relay.port(), named.key_file());
    for name in ["example.com", REVERSE] {
        let before = dig::content(&named, name);
        run(&bridge, &format!("check {name}")).assert_status(0);
        assert_eq!(dig::content(&named, name), before);
    }
    assert!(updates.load(Ordering::SeqCst) >= 2);
}

/// BIND checks the right to each type that is tried, one by one.
#[test]
fn a_check_names_each_type_that_the_policy_of_bind_refuses() {
    for (name, types, refused) in [
        ("example.com", "SOA NS A AAAA CNAME MX TXT CAA", "SRV"),
        ("example.com", "SOA NS A AAAA CNAME MX TXT SRV", "CAA"),
        (REVERSE, "SOA NS", "PTR"),
    ] {
        let policy = format!("grant {{key}} zonesub {types};");
        let named = Named::builder()
            .zone(Zone::with_policy(name, "", &policy))
            .start();
        let before = dig::axfr(&named, name);
        let checked = run(&Bridge::of(&named), &format!("check {name}"));
        checked
            .assert_status(69)
            .assert_code_with("NB-TYPES-REFUSED", refused);
        assert_eq!(dig::axfr(&named, name), before);
        let policy = format!("grant {{key}} zonesub {types} {refused};");
        let named = Named::builder()
            .zone(Zone::with_policy(name, "", &policy))
            .start();
        run(&Bridge::of(&named), &format!("check {name}")).assert_status(0);
    }
}

// Changes that are taken and dropped.

#[track_caller]
fn assert_is_named(run: &Run, code: &str, record: &str) {
    run.assert_status(69)
        .assert_codes(&[code])
        .assert_code_with(code, record);
    assert!(!run.stdout.contains("added"), "{}", run.stdout);
    assert!(!run.stdout.contains("removed"), "{}", run.stdout);
}

#[test]
fn single_records_that_powerdns_passes_over_are_named() {
    let script = "function updatepolicy(input)\n  return input:getQType() ~= pdns.TXT and \
                  input:getQType() ~= pdns.PTR\nend\n";
    let pdns = Pdns::builder()
        .zone("example.com", "_acme-challenge 60 TXT \"there\"")
        .zone(REVERSE, "8 3600 PTR there.example.com.")
        .policy(script)
        .start();
    let bridge = Bridge::of(&pdns)
        .ptr_networks(&["192.0.2.0/24"])
        .without_dry_run("only a run tells what the script denies");
    let (added, left) = ("NB-ADDITION-IGNORED", "NB-REMOVAL-IGNORED");
    let owner = "_acme-challenge.example.com. TXT";
    assert_is_named(
        &run(&bridge, "acme add example.com one"),
        added,
        &format!("{owner} \"one\""),
    );
    // A deletion takes only what was added here.
    let queue = rusqlite::Connection::open(bridge.file("state/queue.db")).expect("a queue");
    let note = "INSERT INTO challenge (primary_, owner, value)
                VALUES ('main', '_acme-challenge.example.com.', ?)";
    queue.execute(note, [b"\x05there"]).expect("a table");
    assert_is_named(
        &run(&bridge, "acme delete example.com there"),
        left,
        &format!("{owner} \"there\""),
    );
    let value = "7.2.0.192.in-addr.arpa. PTR www.example.com.";
    assert_is_named(
        &run(&bridge, "ptr add 192.0.2.7 www.example.com"),
        added,
        value,
    );
    assert_is_named(
        &bridge.plesk(payload::call(&[payload::create_ptr(
            "192.0.2.9",
            "www.example.com",
        )])),
        added,
        "9.2.0.192.in-addr.arpa. PTR",
    );
    let value = "8.2.0.192.in-addr.arpa. PTR there.example.com.";
    assert_is_named(
        &run(&bridge, "ptr delete 192.0.2.8 there.example.com"),
        left,
        value,
    );
}

/// A primary that answers NOERROR to each UPDATE, and does nothing or something else.
#[test]
fn a_record_that_is_dropped_or_altered_is_not_called_added() {
    let named = Named::builder()
        .zone(open("example.com"))
        .zone(open(REVERSE))
        .start();
    let (port, key) = (named.port(), named.key().clone());
    let alters = Arc::new(AtomicBool::new(false));
    let altering = Arc::clone(&alters);
    let relay = Scripted::start(move |conversation| {
        let mut upstream = Upstream::connect(port);
        while let Some(request) = conversation.read() {
            if !is_update(&request) {
                conversation.write(&upstream.exchange(&request));
                continue;
            }
            if altering.load(Ordering::SeqCst) {
                upstream.exchange(&replaced(without_tsig(&request), *b"UPPER", *b"lower"));
            }
            conversation.write(&sign(answer(&request, 0, &[]), &request, &key));
        }
    });
    let bridge = Bridge::at(relay.port(), named.key_file()).ptr_networks(&["192.0.2.0/24"]);
    let added = "NB-ADDITION-IGNORED";
    assert_is_named(&run(&bridge, "acme add example.com one"), added, "\"one\"");
    assert_is_named(
        &run(&bridge, "ptr add 192.0.2.7 a.example.com"),
        added,
        "a.example.com.",
    );
    alters.store(true, Ordering::SeqCst);
    assert_is_named(
        &run(&bridge, "acme add example.com UPPER"),
        added,
        "\"UPPER\"",
    );
    assert_eq!(
        dig::short(&named, "_acme-challenge.example.com", "TXT"),
        ["\"lower\""]
    );
}

// Refusals that nobody has signed.

#[test]
fn a_job_waits_after_a_refusal_that_is_not_signed_and_is_delivered_then() {
    // REFUSED and NOTAUTH without a TSIG record; BADSIG, BADKEY and BADTIME in one without a MAC.
    for (rcode, error) in [
        (5, None),
        (9, None),
        (9, Some(16)),
        (9, Some(17)),
        (9, Some(18)),
    ] {
        let named = Named::builder()
            .zone(Zone::dynamic("example.com", ""))
            .start();
        let peer = Scripted::start(move |conversation| {
            while let Some(request) = conversation.read() {
                let plain = answer(&request, rcode, &[]);
                conversation.write(&match error {
                    Some(error) if !message::is_version_query(&request) => {
                        message::with_tsig_error(plain, &request, error)
                    }
                    _ => plain,
                });
            }
        });
        let bridge = Bridge::at(peer.port(), named.key_file());
        let wanted = zone("example.com", WANTED);
        let run = bridge.plesk(wanted.call());
        run.assert_status(75);
        assert_eq!(run.jobs, ["kept 1"], "{rcode} {error:?}: {}", run.stderr);
        assert_eq!(jobs(&bridge)[0]["state"], "waiting", "{rcode} {error:?}");
        // The job alone, without another call about the zone.
        let bridge = bridge.primary("main", named.port(), "plesk", named.key_file());
        bridge
            .run(&["queue", "retry", "--all"], "")
            .assert_status(0);
        wanted.assert_on(&named);
        assert_empty(&bridge);
    }
}

// What a change costs.

/// For an unchanged zone, nsbridge asks for its SOA. For one changed record, it reads the zone, sends the UPDATE and looks
/// at the type that this process has not seen in place yet. For a single record it asks first, sends the UPDATE and looks.
#[test]
fn a_change_of_one_record_costs_no_exchange_more_than_its_verification() {
    let named = Named::builder()
        .zone(Zone::dynamic("example.com", ""))
        .zone(Zone::dynamic(REVERSE, ""))
        .start();
    let kinds = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&kinds);
    let relay = Scripted::proxy(named.port(), move |question, real| {
        if !message::is_version_query(question) {
            noted.lock().unwrap().push(match question {
                it if is_update(it) => "update",
                it if is_transfer(it) => "transfer",
                _ => "question",
            });
        }
        Some(real)
    });
    let bridge = Bridge::at(relay.port(), named.key_file())
        .seed(&named)
        .adopting()
        .ptr_networks(&["192.0.2.0/24"]);
    let wanted = zone("example.com", WANTED);
    bridge.plesk(wanted.call()).assert_status(0);
    let cost = |run: &dyn Fn() -> Run| {
        kinds.lock().unwrap().clear();
        run().assert_status(0).assert_stderr("");
        kinds.lock().unwrap().clone()
    };
    let unchanged = || bridge.plesk(wanted.clone().sent(1).call());
    assert_eq!(cost(&unchanged), ["question"]);
    let more = wanted.clone().with("new A 192.0.2.8").sent(2);
    let changed = || bridge.plesk(more.call());
    assert_eq!(cost(&changed), ["transfer", "update", "question"]);
    let challenge = || run(&bridge, "acme add example.com one");
    let expected = ["question", "question", "question", "update", "question"];
    assert_eq!(cost(&challenge), expected);
    assert_eq!(cost(&challenge), expected[..3]);
    let ptr = || run(&bridge, "ptr add 192.0.2.7 www.example.com");
    let expected = ["question", "question", "update", "question"];
    assert_eq!(cost(&ptr), expected);
    assert_eq!(cost(&ptr), expected[..2]);
}
