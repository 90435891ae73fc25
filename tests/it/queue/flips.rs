//! Bits that flip in the file, and a file that is cut to nothing: nothing wrong is delivered, and what is not delivered is
//! named.

use std::fs;

use pretty_assertions::assert_eq;
use rusqlite::Connection;

use crate::support::bridge::{Bridge, Run};
use crate::support::jobs::{assert_empty, jobs, make_due, many_zones, wanted_at};
use crate::support::named::{Named, Zone};
use crate::support::nsupdate::nsupdate;
use crate::support::server::Server as _;
use crate::support::worker::pretend;
use crate::support::{dig, gate, message, wait};

/// The size of a page of SQLite.
const PAGE: usize = 4_096;
/// Every so many bits of the row one is flipped.
const STEP: usize = 41;

/// A server, and nsbridge with one job that is due; and the octets of its queue file.
fn with_due_job() -> (Named, Bridge, Vec<u8>) {
    let mut named = many_zones(1);
    let bridge = Bridge::of(&named);
    let worker = pretend(&bridge);
    named.stop();
    bridge.plesk(wanted_at(1, 1).call()).assert_status(75);
    named.restart();
    make_due(&bridge);
    drop(worker);
    merge_log(&bridge);
    let whole = fs::read(bridge.file("state/queue.db")).expect("a file");
    (named, bridge, whole)
}

/// Merges SQLite's log into the file.
fn merge_log(bridge: &Bridge) {
    let database = Connection::open(bridge.file("state/queue.db")).expect("a queue");
    let merge = database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    merge.expect("the log is merged");
}

/// The first octet of the page of a table or an index, which is a leaf, and that of its first cell.
fn leaf(bridge: &Bridge, whole: &[u8], name: &str) -> (usize, usize) {
    let database = Connection::open(bridge.file("state/queue.db")).expect("a queue");
    let find = "SELECT rootpage FROM sqlite_schema WHERE name = ?";
    let root = database.query_row(find, [name], |row| row.get(0));
    let page = (root.unwrap_or(0_usize) - 1) * PAGE;
    assert!([10, 13].contains(&whole[page]), "a leaf");
    let cell = usize::from(u16::from_be_bytes([whole[page + 5], whole[page + 6]]));
    (page, page + cell)
}

/// Writes the queue file, as one that was set up in this place: no copy that somebody has put back.
fn write_queue(bridge: &Bridge, octets: &[u8]) {
    for end in ["-wal", "-shm"] {
        fs::remove_file(bridge.file(&format!("state/queue.db{end}"))).ok();
    }
    for (end, octets) in [("", octets), (".known", b"")] {
        fs::write(bridge.file(&format!("state/queue.db{end}")), octets).expect("a file");
    }
}

/// Delivers what is due with one bit of the file flipped.
fn serve_with_flipped(bridge: &Bridge, whole: &[u8], bit: usize) -> Run {
    let mut octets = whole.to_owned();
    octets[bit / 8] ^= 1 << (bit % 8);
    write_queue(bridge, &octets);
    let run = bridge.start(&["serve", "--once"], "").end();
    if run.status != Some(0) {
        let code = run.codes().first().copied().unwrap_or_default().to_owned();
        assert!(code.starts_with("NB-QUEUE-FILE-"), "bit {bit}: {run:#?}");
    }
    run
}

#[test]
fn whichever_bit_of_the_row_of_a_job_flips_nothing_wrong_is_delivered() {
    let (named, bridge, whole) = with_due_job();
    let before = dig::content(&named, "z1.test");
    let (page, cell) = leaf(&bridge, &whole, "job");
    let (mut held, mut refused) = (0, 0);
    for bit in (8 * cell..8 * (page + PAGE)).step_by(STEP) {
        let run = serve_with_flipped(&bridge, &whole, bit);
        let now = dig::content(&named, "z1.test");
        assert_eq!(now, before, "bit {bit} was not noticed: {run:#?}");
        if run.status == Some(0) {
            let listed = jobs(&bridge);
            let codes: Vec<_> = listed
                .iter()
                .map(|job| (&job["state"], &job["code"]))
                .collect();
            assert_eq!(
                codes,
                [(&"held".into(), &"NB-JOB-DAMAGED".into())],
                "bit {bit}"
            );
            held += 1;
        } else {
            refused += 1;
        }
    }
    // Without a flipped bit it is delivered.
    write_queue(&bridge, &whole);
    let run = bridge.start(&["serve", "--once"], "").end();
    run.assert_status(0).assert_codes(&[]);
    wanted_at(1, 1).assert_on(&named);
    println!("{held} held, {refused} with a damaged file");
    assert!(held > 50, "{held} held, {refused} with a damaged file");
}

/// The value of somebody else at each address that is one bit away must stay.
#[test]
fn whichever_bit_of_the_ptr_values_flips_nothing_wrong_is_removed() {
    const REVERSE: &str = "2.0.192.in-addr.arpa";
    let others = ["1", "4", "7"];
    let foreign = others.map(|it| format!("{it} PTR www.example.com."));
    let named = Named::builder()
        .zone(Zone::dynamic(
            "example.com",
            "www A 192.0.2.5\nmail A 192.0.2.9",
        ))
        .zone(Zone::dynamic(REVERSE, &foreign.join("\n")))
        .start();
    let bridge = Bridge::of(&named).ptr_networks(&["192.0.2.0/24"]);
    let sync = || bridge.start(&["ptr", "sync", "example.com"], "").end();
    sync().assert_status(0);
    merge_log(&bridge);
    let whole = fs::read(bridge.file("state/queue.db")).expect("a file");
    let (page, cell) = leaf(&bridge, &whole, "ptr");
    nsupdate(&named, "update delete www.example.com A");
    let value_at = |address: &str| dig::short(&named, &format!("{address}.{REVERSE}"), "PTR");
    let (mut damaged, mut refused) = (0, 0);
    // First none.
    let bits = (8 * cell..8 * (page + PAGE)).step_by(STEP / 4);
    // And each bit of the end of the address.
    let row = b"192.0.2.5www";
    let mut rows = whole[page..page + PAGE].windows(row.len());
    let end = page + rows.position(|it| it == row).expect("the row") + 8;
    let bits = bits.chain(8 * end..8 * (end + 1));
    for bit in std::iter::once(None).chain(bits.map(Some)) {
        for end in ["-wal", "-shm", ".known"] {
            fs::remove_file(bridge.file(&format!("state/queue.db{end}"))).ok();
        }
        let mut octets = whole.clone();
        if let Some(bit) = bit {
            octets[bit / 8] ^= 1 << (bit % 8);
        }
        fs::write(bridge.file("state/queue.db"), octets).expect("a file");
        let managed = format!("zone {REVERSE}\nupdate add 5.{REVERSE} 60 PTR www.example.com");
        nsupdate(&named, &managed);
        let run = sync();
        for other in others {
            let is_there = value_at(other).contains(&"www.example.com.".to_owned());
            assert!(is_there, "bit {bit:?}, {other}: {run:#?}");
        }
        assert_eq!(
            value_at("9"),
            ["mail.example.com."],
            "bit {bit:?}: {run:#?}"
        );
        let codes = run.codes();
        if codes.iter().any(|code| code.starts_with("NB-QUEUE-FILE-")) {
            refused += 1;
        } else if codes.contains(&"NB-PTR-VALUE-DAMAGED") {
            run.assert_status(0);
            run.assert_code_with("NB-PTR-VALUE-DAMAGED", ": 1 PTR value, ");
            damaged += 1;
        } else {
            run.assert_status(0);
            assert!(bit.is_none(), "bit {bit:?} was not noticed: {run:#?}");
            assert!(value_at("5").is_empty(), "{run:#?}");
        }
    }
    println!("{damaged} damaged, {refused} with a damaged file");
    assert!(
        damaged > 50,
        "{damaged} damaged, {refused} with a damaged file"
    );
}

#[test]
fn whichever_bit_of_the_index_of_jobs_flips_no_job_waits_for_ever() {
    let (_named, bridge, whole) = with_due_job();
    let (page, cell) = leaf(&bridge, &whole, "job_waiting");
    let (mut delivered, mut refused) = (0, 0);
    // The head of the page with the place of the cell, and the cell.
    let bits = (8 * page..8 * (page + 10)).chain(8 * cell..8 * (page + PAGE));
    for bit in bits.step_by(3) {
        let run = serve_with_flipped(&bridge, &whole, bit);
        if run.status == Some(0) {
            assert!(
                run.stdout.starts_with("z1.test.: "),
                "octet {} of {page}: {run:#?}\n{:#?}",
                bit / 8,
                jobs(&bridge)
            );
            delivered += 1;
        } else {
            refused += 1;
        }
    }
    assert!(
        delivered > 20 && refused > 0,
        "{delivered} delivered, {refused} with a damaged file"
    );
}

#[test]
fn a_file_that_is_cut_to_nothing_is_not_taken_for_a_new_one() {
    let mut named = many_zones(2);
    let bridge = Bridge::of(&named).without_dry_run("the file is damaged");
    let worker = pretend(&bridge);
    named.stop();
    bridge.plesk(wanted_at(1, 1).call()).assert_status(75);
    named.restart();
    drop(worker);
    for name in ["state/queue.db-wal", "state/queue.db-shm"] {
        fs::remove_file(bridge.file(name)).ok();
    }
    fs::write(bridge.file("state/queue.db"), "").expect("a file");
    let run = bridge.plesk(wanted_at(2, 1).call());
    run.assert_status(75).assert_code("NB-QUEUE-FILE-DAMAGED");
    wanted_at(2, 1).assert_on(&named);
    for command in [&["serve"][..], &["queue", "list"], &["check"], &["status"]] {
        let run = bridge.run(command, "");
        run.assert_status(78).assert_code("NB-QUEUE-FILE-DAMAGED");
    }
}

#[test]
fn a_job_that_is_dropped_in_hand_is_not_delivered_over_a_later_call() {
    let named = many_zones(1);
    let (proxy, gate) = gate::holding_back(named.port(), message::is_transfer);
    let bridge = Bridge::at(proxy.port(), named.key_file()).deadline_seconds(10);
    let first = bridge.start(&["plesk"], wanted_at(1, 1).call());
    wait::until("the first call has read the zone", || gate.is_reached());
    let run = bridge.run(&["queue", "drop", "--all"], "");
    run.assert_status(75)
        .assert_stdout("")
        .assert_codes(&["NB-JOB-IN-HAND"]);
    let second = bridge.start(&["plesk"], wanted_at(1, 2).call());
    wait::until("the second call is in the queue", || {
        jobs(&bridge).iter().any(|job| job["job"] == 2)
    });
    gate.open();
    first.finish().assert_status(0);
    second.finish().assert_status(0);
    wanted_at(1, 2).assert_on(&named);
    assert_empty(&bridge);
}

#[test]
fn a_job_that_is_dropped_in_hand_is_not_tried_again() {
    let named = many_zones(2);
    let (proxy, gate) = gate::holding_back(named.port(), message::is_transfer);
    let bridge = Bridge::at(proxy.port(), named.key_file()).deadline_seconds(2);
    let worker = pretend(&bridge);
    let first = bridge.start(&["plesk"], wanted_at(1, 1).call());
    wait::until("the call has read the zone", || gate.is_reached());
    let run = bridge.run(&["queue", "drop", "z1.test"], "");
    run.assert_status(75).assert_codes(&["NB-JOB-IN-HAND"]);
    // It runs out of time.
    first.finish().assert_status(75);
    assert_empty(&bridge);
    gate.open();
    drop(worker);
    let address = format!("127.0.0.1:{}", named.port());
    let bridge = bridge.set_text("primaries.main", "address", &address);
    bridge.run(&["serve", "--once"], "").assert_status(0);
    bridge.plesk(wanted_at(2, 1).call()).assert_status(0);
    let found = dig::short(&named, "s1.z1.test", "TXT");
    assert_eq!(found, <[&str; 0]>::default());
}

/// The octets in the leaves of tables and indexes, but for those of the schema on the first page: of each page, those
/// from its first cell on.
fn octets_of_leaves(file: &[u8]) -> Vec<usize> {
    let pages = (1..file.len() / PAGE).map(|page| page * PAGE);
    let leaves = pages.filter(|page| [10, 13].contains(&file[*page]));
    let cells = |page: usize| {
        let first = u16::from_be_bytes([file[page + 5], file[page + 6]]);
        page + usize::from(first)..page + PAGE
    };
    leaves.flat_map(cells).collect()
}

/// Flips bits of a file of the queue, one after the other, each before the call after the first one. Each time the zone is
/// as that call wants it, or a message names the damage. `octets` chooses the octets.
#[track_caller]
fn assert_untold_damage_does_no_harm(
    end: &str,
    step: usize,
    prepare: impl Fn(&Bridge),
    octets: impl Fn(&[u8]) -> Vec<usize>,
) {
    let named = many_zones(1);
    let bridge = Bridge::of(&named).without_dry_run("the file is damaged");
    bridge.plesk(wanted_at(1, 1).call()).assert_status(0);
    prepare(&bridge);
    // Makes the zone what it was after the first call, without the queue.
    let cleaner = Bridge::of(&named).foreign_records("remove");
    let ends = ["", "-wal", "-shm", ".known"];
    let files = ends.map(|end| bridge.file(&format!("state/queue.db{end}")));
    let whole = files.each_ref().map(|file| fs::read(file).ok());
    let flipped = ends.iter().position(|it| *it == end).expect("one of them");
    let before = whole[flipped].clone().expect("a file");
    let places = octets(&before);
    let (mut in_place, mut told) = (0, 0);
    let bits = (0..8 * places.len()).step_by(step);
    // First none.
    let bits = std::iter::once(None).chain(bits.map(Some));
    for (second, bit) in (2..).zip(bits) {
        let mut octets = before.clone();
        let place = bit.map(|bit| places[bit / 8]);
        if let (Some(place), Some(bit)) = (place, bit) {
            octets[place] ^= 1 << (bit % 8);
        }
        for (file, whole) in files.iter().zip(&whole) {
            fs::remove_file(file).ok();
            if let Some(whole) = whole {
                fs::write(file, whole).expect("a file");
            }
        }
        // No process that lives has an index of the log.
        fs::remove_file(&files[2]).ok();
        fs::write(&files[flipped], octets).expect("a file");
        let clean = cleaner.start(&["plesk"], wanted_at(1, 1).sent(second).call());
        clean.end().assert_status(0);
        let run = bridge.start(&["plesk"], wanted_at(1, 2).call()).end();
        if run.codes().is_empty() {
            run.assert_status(0);
            let found = dig::content(&named, "z1.test");
            assert_eq!(
                found,
                wanted_at(1, 2).content(),
                "octet {place:?}: {run:#?}"
            );
            in_place += 1;
        } else {
            assert!(place.is_some(), "{run:#?}");
            run.assert_status(75);
            told += 1;
        }
    }
    assert!(
        in_place > 0 && told > 20,
        "{in_place} in place, {told} told"
    );
}

#[test]
fn whichever_bit_of_the_state_flips_no_record_stays_unless_a_message_names_the_damage() {
    assert_untold_damage_does_no_harm("", 4 * STEP, merge_log, octets_of_leaves);
}

/// SQLite takes a frame of its log whose check sum does not match for the end of the log.
#[test]
fn whichever_bit_of_the_log_flips_no_record_stays_unless_a_message_names_the_damage() {
    let all = |file: &[u8]| (0..file.len()).collect();
    assert_untold_damage_does_no_harm("-wal", 9_001, |_| {}, all);
}
