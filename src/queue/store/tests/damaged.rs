//! Jobs and PTR values whose columns are not as they were written.

use std::collections::BTreeSet;

use rusqlite::params;

use super::jobs::{ALL, NOW, enqueue, number, sent, settle};
use super::*;
use crate::deliver::PtrValue;
use crate::plan::Habit;
use crate::queue::job::{JobOutcome, State, TakeOutcome, unreadable};

/// The columns of a table but the claim and the check sums, and whether each is text.
fn columns(table: &str) -> Vec<(String, bool)> {
    let (_directory, store) = store();
    let find = "SELECT name, type = 'TEXT' FROM pragma_table_info(?)
                WHERE name <> 'claim' AND name NOT LIKE '%sum'";
    let mut found = store.connection.prepare(find).unwrap();
    let found = found.query_map([table], |row| Ok((row.get(0)?, row.get(1)?)));
    found.unwrap().map(Result::unwrap).collect()
}

/// A job that waits after a failure, beside another one.
fn with_two_jobs() -> (tempfile::TempDir, Store) {
    let (directory, mut store) = store();
    for zone in ["a.", "b."] {
        let mut job = sent(zone, 1);
        job.origin.caller = "plesk, process 7".into();
        let id = number(&enqueue(&mut store, job));
        let again = JobOutcome::Again {
            reason: unreadable("no"),
            counts: true,
            at: NOW,
        };
        settle(&mut store, id, zone, again);
    }
    (directory, store)
}

/// Flips a bit of a column of the row for which `is_it` holds; false if the column has no such bit.
fn flip(store: &Store, table: &str, is_it: &str, column: &str, is_text: bool, bit: usize) -> bool {
    let connection = &store.connection;
    if !is_text {
        let flip = format!(
            "UPDATE {table} SET {column} = ({column} | ?1) - ({column} & ?1) WHERE {is_it}"
        );
        let mask = 1_u64.rotate_left(u32::try_from(bit).unwrap()).cast_signed();
        return bit < 64 && connection.execute(&flip, [mask]).is_ok();
    }
    let read = format!("SELECT CAST({column} AS BLOB) FROM {table} WHERE {is_it}");
    let mut octets: Vec<u8> = connection.query_row(&read, [], |row| row.get(0)).unwrap();
    let Some(octet) = octets.get_mut(bit / 8) else {
        return false;
    };
    *octet ^= 1 << (bit % 8);
    let write = format!("UPDATE {table} SET {column} = CAST(? AS TEXT) WHERE {is_it}");
    connection.execute(&write, params![octets]).unwrap() == 1
}

#[test]
fn whichever_bit_of_a_job_flips_it_is_held_and_costs_no_other_one() {
    let mut flipped = 0;
    for (column, is_text) in columns("job") {
        let before = flipped;
        for bit in (0..).step_by(if is_text { 29 } else { 3 }) {
            let (_directory, mut store) = with_two_jobs();
            if column == "id" && bit < 2 {
                continue; // The numbers of the two jobs.
            }
            if !flip(&store, "job", "id = 1", &column, is_text, bit) {
                break;
            }
            flipped += 1;
            let said = format!("bit {bit} of {column}");
            let later = NOW + 1;
            if column != "intent" {
                let listed = store.list_jobs().unwrap();
                let damaged = listed.iter().filter(|job| {
                    let reason = job.reason.as_ref();
                    reason.is_some_and(|it| it.code() == "NB-JOB-DAMAGED")
                });
                assert_eq!(damaged.count(), 1, "{said}");
            }
            store.hold_damaged(later).unwrap();
            store.orphan_unknown(&["main".to_owned()]).unwrap();
            let due = store.take_due("main", ALL, later).unwrap();
            let due: Vec<String> = due.iter().map(|job| job.intent.key().to_string()).collect();
            assert_eq!(due, ["b."], "{said}");
            assert!(store.take_due("", ALL, later).unwrap().is_empty(), "{said}");
            let listed = store.list_jobs().unwrap();
            let held: Vec<_> = listed
                .iter()
                .filter(|job| job.state == State::Held)
                .collect();
            let [held] = &held[..] else {
                panic!("{said}: {listed:?}");
            };
            let reason = held.reason.as_ref().unwrap();
            assert_eq!(reason.code(), "NB-JOB-DAMAGED", "{said}");
            if column != "intent" {
                assert_eq!(held.key, "a.", "the intent tells the name; {said}");
            }
            // Neither a retry nor its turn delivers it.
            store.retry(&[held.id], true, later).unwrap();
            let taken = store.take(held.id, &held.key).unwrap();
            assert!(matches!(taken, TakeOutcome::Held(_)), "{said}");
            assert!(store.intent_of(held.id).unwrap().unwrap().is_err());
            // A newer intent takes its place.
            number(&enqueue(&mut store, sent("a.", 2)));
            let listed = store.list_jobs().unwrap();
            let is_left = listed.iter().any(|job| job.id == held.id);
            assert_eq!(is_left, held.key != "a.", "{said}");
        }
        assert!(flipped > before, "{column}");
    }
    assert!(flipped > 200, "{flipped}");
}

#[test]
fn whichever_bit_of_a_ptr_value_flips_it_counts_as_none_of_ours_and_costs_no_other_one() {
    let value = |address: &str| PtrValue {
        primary: "main".to_owned(),
        address: address.parse().unwrap(),
        hostname: "www.example.com.".parse().unwrap(),
    };
    let (first, other) = (value("192.0.2.5"), value("2001:db8::5"));
    let mut flipped = 0;
    let own_sum = ("own_sum".to_owned(), false);
    for (column, is_text) in columns("ptr").into_iter().chain([own_sum]) {
        for bit in 0.. {
            let (_directory, mut store) = store();
            let add = [first.clone(), other.clone()].map(StoreChange::AddPtr);
            store.apply(&add).unwrap();
            assert_eq!(store.ptrs().unwrap(), add_all(&[&first, &other]));
            assert!(store.damaged_ptrs().unwrap().is_empty());
            let is_first = "address = '192.0.2.5'";
            if !flip(&store, "ptr", is_first, &column, is_text, bit) {
                break;
            }
            flipped += 1;
            let said = format!("bit {bit} of {column}");
            assert_eq!(store.ptrs().unwrap(), add_all(&[&other]), "{said}");
            let damaged = store.damaged_ptrs().unwrap();
            assert_eq!(damaged.len(), 1, "{said}: {damaged:?}");
            // The value is managed again once it is added again.
            store.apply(&[StoreChange::AddPtr(first.clone())]).unwrap();
            assert_eq!(store.ptrs().unwrap(), add_all(&[&first, &other]), "{said}");
            store.forget_damaged_ptrs().unwrap();
            assert_eq!(store.ptrs().unwrap(), add_all(&[&first, &other]), "{said}");
            assert!(store.damaged_ptrs().unwrap().is_empty(), "{said}");
        }
    }
    assert!(flipped > 200, "{flipped}");
}

/// The texts that no check sum covers.
const UNCHECKED: [(&str, &[&str]); 6] = [
    ("contact", &["primary_", "reason"]),
    ("epoch", &["primary_", "catalog"]),
    ("event", &["key", "primary_", "caller", "done", "reason"]),
    ("learnt", &["primary_", "zone", "key", "habit", "server"]),
    ("refused", &["report"]),
    ("wanted", &["finding"]),
];

#[test]
fn a_text_that_is_none_fails_no_list_and_no_other_change() {
    for (table, columns) in UNCHECKED {
        for column in columns {
            let (_directory, mut store) = store();
            let id = number(&enqueue(&mut store, sent("a.", 1)));
            store
                .note_event("a.", "main", "plesk", "created", NOW)
                .unwrap();
            let connection = &store.connection;
            let rows = "INSERT INTO contact VALUES ('main', NULL, 7, 'no', 1);
                INSERT INTO epoch (primary_, catalog, value, is_ours) VALUES ('main', 'c.', x'00', 0);
                INSERT INTO wanted (key, primary_, stage, intent, at, finding) VALUES ('b.', 'main', 0, '', 7, 'no');
                INSERT INTO zone (id, primary_, name, origin, generation) VALUES (7, 'main', 'c.', 0, 0);
                INSERT INTO refused VALUES (7, x'00', NULL, NULL, 0, 'no', 7);
                INSERT INTO event (at, key, primary_, caller, done, reason) VALUES (7, 'a.', '', '', '', 'no')";
            connection.execute_batch(rows).unwrap();
            let lesson = "INSERT INTO learnt VALUES ('main', '', '', ?1, 1, ?2, '', ?3)";
            let (_, habit) = Habit::ALL
                .iter()
                .find(|(it, _)| it.is_of_primary())
                .unwrap();
            connection
                .execute(lesson, params![habit, env!("CARGO_PKG_VERSION"), NOW])
                .unwrap();
            let damage = format!("UPDATE {table} SET {column} = CAST(x'ff61' AS TEXT)");
            assert!(connection.execute(&damage, []).unwrap() > 0);
            let said = format!("{column} of {table}");
            assert_eq!(store.contacts().expect(&said).len(), 1);
            assert_eq!(store.strangers().expect(&said).len(), 1);
            assert_eq!(store.events(None, 9).expect(&said).len(), 2);
            assert_eq!(store.findings().expect(&said).len(), 1);
            assert_eq!(store.unmet().expect(&said).len(), 1);
            store.lessons(None, NOW).expect(&said);
            settle(
                &mut store,
                id,
                "a.",
                JobOutcome::Again {
                    reason: unreadable("no"),
                    counts: true,
                    at: NOW,
                },
            );
        }
    }
}

fn add_all(values: &[&PtrValue]) -> BTreeSet<PtrValue> {
    values.iter().copied().cloned().collect()
}

#[test]
fn a_damaged_claim_holds_nothing_up() {
    for claim in ["'/../x'", "''", "CAST(x'ff00fe' AS TEXT)"] {
        let (_directory, mut store) = with_two_jobs();
        let plant = format!("UPDATE job SET claim = {claim}");
        store.connection.execute(&plant, []).unwrap();
        assert_eq!(store.list_jobs().unwrap().len(), 2);
        assert_eq!(
            store.take_due("main", ALL, NOW).unwrap().len(),
            2,
            "{claim}"
        );
    }
}

#[test]
fn a_file_that_is_cut_to_nothing_is_damaged_and_a_new_one_is_not() {
    let (directory, store) = with_two_jobs();
    let path = store.path.clone();
    drop(store);
    for end in ["-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        std::fs::remove_file(name).ok();
    }
    for is_there in [true, false] {
        std::fs::write(&path, "").unwrap();
        if !is_there {
            std::fs::remove_file(&path).unwrap();
        }
        let errors = [
            Store::open(&path, BUSY_TIME_MAX).err(),
            Store::open_read_only(&path, BUSY_TIME_MAX).err(),
            examine(&path).err(),
        ];
        for error in errors {
            let code = error.expect("it is damaged").diagnostic().code();
            assert_eq!(code, "NB-QUEUE-FILE-DAMAGED");
        }
    }
    let known = directory.path().join("new/queue.db.known");
    std::fs::remove_file(known).unwrap();
    assert!(Store::open(&path, BUSY_TIME_MAX).is_ok());
}

#[test]
fn a_file_of_version_6_is_brought_to_the_newest_with_its_jobs() {
    let (_directory, store) = with_two_jobs();
    let intents: Vec<String> = {
        let mut find = store.connection.prepare("SELECT intent FROM job").unwrap();
        let rows = find.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.db");
    let released = rusqlite::Connection::open(&path).unwrap();
    for step in &schema::MIGRATIONS[..6] {
        released.execute_batch(step).unwrap();
    }
    released.pragma_update(None, "user_version", 6).unwrap();
    for (key, intent) in ["a.", "b."].iter().zip(&intents) {
        let row = params![key, intent, intent.len(), NOW];
        let insert =
            "INSERT INTO job (key, primary_, stage, intent, octets, state, forced, enqueued_at,
                        attempts, next_at, updated_at)
                      VALUES (?1, 'main', 0, ?2, ?3, 0, 0, ?4, 1, ?4, ?4)";
        released.execute(insert, row).unwrap();
    }
    let zone = "INSERT INTO zone (id, primary_, name, origin, guard, generation, soa_ttl)
                VALUES (1, 'main', 'example.', 2, 1, 5, 1);
                INSERT INTO delivered (zone, owner, type, rdata) VALUES (1, x'0161076578616d706c6500', 1, x'c0000201')";
    released.execute_batch(zone).unwrap();
    drop(released);
    let mut store = Store::open(&path, BUSY_TIME_MAX).unwrap();
    let state = store.load(&key()).unwrap();
    let (provenance, generation) = (state.provenance, state.generation);
    assert_eq!((provenance, generation), (Provenance::Created, 5));
    assert_eq!(state.managed, records(&["a"]));
    // What is learnt is another table's.
    for column in ["guard", "soa_ttl"] {
        let read = format!("SELECT {column} FROM zone");
        assert!(store.connection.prepare(&read).is_err());
    }
    store.hold_damaged(NOW).unwrap();
    assert_eq!(store.take_due("main", ALL, NOW).unwrap().len(), 2);
}
