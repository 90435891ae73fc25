//! The state in the file: what stays in it, and which process may read or change it.

mod backup;
mod damaged;
mod detached;
mod jobs;
mod learnt;
mod listed;
mod refusals;
mod settled;

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::error::failed;
use super::file::BUSY_TIME_MAX;
use super::*;
use crate::deliver::{Provenance, StateChange, ZoneKey, ZoneState, ZoneSummary};
use crate::diagnostic::Diagnose as _;
use crate::model::{Rdata, Record, RecordType, RrSets, Serial, ZoneName};

fn key() -> ZoneKey {
    let zone = ZoneName::new(&"example.".parse().unwrap());
    ZoneKey {
        primary: "main".into(),
        zone,
    }
}

fn records(hosts: &[&str]) -> RrSets {
    RrSets::from_records(hosts.iter().map(|host| Record {
        owner: format!("{host}.example.").parse().unwrap(),
        rtype: RecordType::A,
        ttl: 0,
        rdata: Rdata::from_canonical([192, 0, 2, 1]),
    }))
}

fn change(state: &ZoneState, provenance: Provenance, add: &[&str], drop: &[&str]) -> StoreChange {
    StoreChange::Change(StateChange {
        key: key(),
        generation: state.generation,
        provenance,
        add: records(add),
        drop: records(drop),
        verify: RrSets::default(),
        refusals: None,
        serial: None,
        key_tags: state.key_tags.clone(),
        settled: None,
    })
}

fn store() -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("new/queue.db"), BUSY_TIME_MAX).unwrap();
    (directory, store)
}

#[test]
fn delivered_records_are_managed_until_the_zone_is_forgotten() {
    let (directory, mut store) = store();
    let nothing = store.load(&key()).unwrap();
    assert_eq!(
        (nothing.provenance, nothing.generation),
        (Provenance::Preexisting, 0)
    );
    store
        .apply(&[change(&nothing, Provenance::Created, &["a", "b"], &[])])
        .unwrap();
    drop(store);

    let path = directory.path().join("new/queue.db");
    let mut store = Store::open(&path, BUSY_TIME_MAX).unwrap();
    let state = store.load(&key()).unwrap();
    assert_eq!(
        (state.provenance, state.managed.clone()),
        (Provenance::Created, records(&["a", "b"]))
    );
    store
        .apply(&[change(&state, Provenance::Created, &["c"], &["a"])])
        .unwrap();
    let read_only = Store::open_read_only(&path, BUSY_TIME_MAX).unwrap();
    assert_eq!(
        read_only.load(&key()).unwrap().managed,
        records(&["b", "c"])
    );

    let forget = |generation| StoreChange::Forget(key(), generation);
    store.apply(&[forget(state.generation)]).unwrap();
    let state = store.load(&key()).unwrap();
    assert_eq!(state.managed, records(&["b", "c"]), "it has changed");
    store.apply(&[forget(state.generation)]).unwrap();
    let state = store.load(&key()).unwrap();
    assert!(state.managed.is_empty() && state.provenance == Provenance::Preexisting);
}

#[test]
fn a_record_that_another_process_may_have_added_stays() {
    let (_directory, mut store) = store();
    let ours = store.load(&key()).unwrap();
    let theirs = store.load(&key()).unwrap();
    store
        .apply(&[change(&theirs, Provenance::Created, &["a"], &[])])
        .unwrap();
    store
        .apply(&[change(&ours, Provenance::Creating, &["b"], &["a"])])
        .unwrap();
    let state = store.load(&key()).unwrap();
    assert_eq!(
        (state.provenance, state.managed),
        (Provenance::Created, records(&["a", "b"]))
    );
}

#[test]
fn a_verified_record_has_a_ttl_until_it_is_sent_again() {
    let (_directory, mut store) = store();
    let nothing = store.load(&key()).unwrap();
    let verify = |state: &ZoneState, add: &[&str], verify: RrSets| {
        let mut change = change(state, Provenance::Preexisting, add, &[]);
        let StoreChange::Change(change_) = &mut change else {
            unreachable!("`change` returns this variant");
        };
        change_.verify = verify;
        change
    };
    let mut verified = records(&["a"]).into_sets();
    verified[0].ttl = 300;
    let verified = RrSets::from_sets(verified);
    store
        .apply(&[verify(&nothing, &["a", "b"], verified.clone())])
        .unwrap();
    let state = store.load(&key()).unwrap();
    assert_eq!(state.managed, records(&["a", "b"]));
    assert_eq!(state.verified, verified);
    let overtaken = verify(&nothing, &[], records(&["b"]));
    store.apply(&[overtaken]).unwrap();
    assert_eq!(store.load(&key()).unwrap().verified, verified);
    let touched = change(
        &store.load(&key()).unwrap(),
        Provenance::Preexisting,
        &["a"],
        &[],
    );
    store.apply(&[touched]).unwrap();
    assert!(store.load(&key()).unwrap().verified.is_empty());
}

#[test]
fn a_created_file_that_is_not_filled_yet_counts_as_empty() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let store = Store::open_read_only(file.path(), BUSY_TIME_MAX).unwrap();
    assert!(store.load(&key()).unwrap().managed.is_empty());
}

#[test]
fn an_empty_change_keeps_the_generation() {
    let (_directory, mut store) = store();
    let nothing = store.load(&key()).unwrap();
    store
        .apply(&[change(&nothing, Provenance::Preexisting, &["a"], &[])])
        .unwrap();
    let state = store.load(&key()).unwrap();
    let same = store
        .apply(&[change(&state, Provenance::Preexisting, &[], &[])])
        .unwrap();
    assert_eq!(same, [state.generation]);
}

#[test]
fn a_file_that_another_process_has_locked_is_told_from_one_that_is_damaged() {
    let of = |code| {
        let source = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
        failed(Path::new("queue.db"), "lock")(source)
    };
    for (code, expected) in [
        (rusqlite::ffi::SQLITE_BUSY, "NB-QUEUE-FILE-LOCKED"),
        (rusqlite::ffi::SQLITE_LOCKED, "NB-QUEUE-FILE-LOCKED"),
        (rusqlite::ffi::SQLITE_CORRUPT, "NB-QUEUE-FILE-DAMAGED"),
        (rusqlite::ffi::SQLITE_FULL, "NB-QUEUE-FILE-FAILED"),
    ] {
        assert_eq!(of(code).diagnostic().code(), expected);
    }
}

#[test]
fn a_newer_file_is_refused() {
    let (directory, store) = store();
    store
        .connection
        .pragma_update(None, "user_version", 99)
        .unwrap();
    drop(store);
    let path = directory.path().join("new/queue.db");
    let error = Store::open(&path, BUSY_TIME_MAX).unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::Newer {
                found: 99,
                known: 7,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_new_file_belongs_to_the_owner_of_its_directory() {
    let directory = tempfile::tempdir().unwrap();
    // Only root can change the owner; for another user both owners are that user.
    std::os::unix::fs::chown(directory.path(), Some(4321), Some(4322)).ok();
    let owner = |path: &Path| {
        let metadata = path.metadata().unwrap();
        (metadata.uid(), metadata.gid())
    };
    let path = directory.path().join("queue.db");
    let store = Store::open(&path, BUSY_TIME_MAX).unwrap();
    for file in ["queue.db", "queue.db-wal", "queue.db-shm"] {
        let file = directory.path().join(file);
        assert_eq!(owner(&file), owner(directory.path()), "{}", file.display());
    }
    drop(store);
    drop(Store::open(&path, BUSY_TIME_MAX).unwrap());
}

#[test]
fn many_open_a_new_file_at_once() {
    for _ in 0..20 {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("queue.db");
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let path = path.clone();
                std::thread::spawn(move || Store::open(&path, BUSY_TIME_MAX).map(drop))
            })
            .collect();
        for thread in threads {
            thread.join().unwrap().unwrap();
        }
    }
}

/// Stores this serial, or leaves the stored one.
fn store_serial(store: &mut Store, state: &ZoneState, serial: Option<u32>) {
    let StoreChange::Change(change) = change(state, Provenance::Created, &[], &[]) else {
        panic!("a change");
    };
    let serial = serial.map(Serial);
    let change = StateChange { serial, ..change };
    store.apply(&[StoreChange::Change(change)]).unwrap();
}

#[test]
fn a_serial_comes_back_until_another_one_is_stored() {
    let (directory, mut store) = store();
    let unknown = store.load(&key()).unwrap();
    assert_eq!(unknown.serial, None);
    store_serial(&mut store, &unknown, None);
    let created = store.load(&key()).unwrap();
    assert_eq!(created.serial, None);
    store_serial(&mut store, &created, Some(u32::MAX));
    drop(store);

    let mut store = Store::open(&directory.path().join("new/queue.db"), BUSY_TIME_MAX).unwrap();
    let state = store.load(&key()).unwrap();
    assert_eq!(state.serial, Some(Serial(u32::MAX)));
    for serial in [None, Some(u32::MAX)] {
        store_serial(&mut store, &state, serial);
        let again = store.load(&key()).unwrap();
        assert_eq!(
            (again.serial, again.generation),
            (state.serial, state.generation)
        );
    }
    store_serial(&mut store, &state, Some(0));
    assert_eq!(store.load(&key()).unwrap().serial, Some(Serial(0)));
    // Another process has changed the state since: it may know a later one.
    store_serial(&mut store, &state, Some(5));
    assert_eq!(store.load(&key()).unwrap().serial, Some(Serial(0)));
}

#[test]
fn key_tags_are_those_of_the_last_reading() {
    let (directory, mut store) = store();
    let unknown = store.load(&key()).unwrap();
    assert_eq!(unknown.key_tags, [0_u16; 0]);
    let with = |state: &ZoneState, key_tags: &[u16]| {
        let state = ZoneState {
            key_tags: key_tags.to_vec(),
            ..state.clone()
        };
        change(&state, Provenance::Created, &[], &[])
    };
    store.apply(&[with(&unknown, &[7, 65535])]).unwrap();
    drop(store);

    let mut store = Store::open(&directory.path().join("new/queue.db"), BUSY_TIME_MAX).unwrap();
    let signed = store.load(&key()).unwrap();
    assert_eq!(signed.key_tags, [7, 65535]);
    // The same again is no change.
    store.apply(&[with(&signed, &[7, 65535])]).unwrap();
    assert_eq!(store.generation(&key()).unwrap(), signed.generation);
    store.apply(&[with(&signed, &[])]).unwrap();
    assert_eq!(store.load(&key()).unwrap().key_tags, [0_u16; 0]);
    // Another process has read the zone since.
    store.apply(&[with(&signed, &[8])]).unwrap();
    assert_eq!(store.load(&key()).unwrap().key_tags, [0_u16; 0]);
}

#[test]
fn known_zones_are_listed_in_order() {
    let (_directory, mut store) = store();
    assert_eq!(store.list().unwrap(), []);
    let add = |zone: &str, primary: &str, provenance, hosts: &[&str]| {
        StoreChange::Change(StateChange {
            key: ZoneKey {
                primary: primary.into(),
                zone: ZoneName::new(&zone.parse().unwrap()),
            },
            generation: 0,
            provenance,
            add: records(hosts),
            drop: records(&[]),
            verify: records(&[]),
            refusals: None,
            serial: None,
            key_tags: Vec::new(),
            settled: None,
        })
    };
    store
        .apply(&[
            add("b.example.", "main", Provenance::Created, &[]),
            add("a.example.", "second", Provenance::Creating, &["a"]),
            add("a.example.", "main", Provenance::Preexisting, &["a", "b"]),
            add("c.example.", "main", Provenance::Preexisting, &[]),
        ])
        .unwrap();
    let listed: Vec<String> = store
        .list()
        .unwrap()
        .iter()
        .map(|zone| {
            let ZoneSummary {
                key,
                provenance,
                managed,
            } = zone;
            format!("{} {} {provenance:?} {managed}", key.zone, key.primary)
        })
        .collect();
    assert_eq!(
        listed,
        [
            "a.example. main Preexisting 2",
            "a.example. second Creating 1",
            "b.example. main Created 0",
        ]
    );
}

#[test]
fn the_latest_serial_of_a_catalog_stays() {
    let (directory, mut store) = store();
    assert_eq!(store.catalog_serial(&key()).unwrap(), None);
    let note = |store: &mut Store, serial| {
        let note = StoreChange::CatalogSerial(key(), Serial(serial));
        store.apply(&[note]).unwrap();
        store.catalog_serial(&key()).unwrap().map(|it| it.0)
    };
    assert_eq!(note(&mut store, 7), Some(7));
    assert_eq!(note(&mut store, 6), Some(7));
    assert_eq!(note(&mut store, 2_147_483_600), Some(2_147_483_600));
    // By RFC 1982.
    assert_eq!(note(&mut store, 4_000_000_000), Some(4_000_000_000));
    assert_eq!(note(&mut store, 5), Some(5));
    let other = ZoneKey {
        primary: "other".into(),
        ..key()
    };
    assert_eq!(store.catalog_serial(&other).unwrap(), None);
    let store = Store::open(&directory.path().join("new/queue.db"), BUSY_TIME_MAX).unwrap();
    assert_eq!(store.catalog_serial(&key()).unwrap(), Some(Serial(5)));
    // The catalog is no zone that is managed.
    assert_eq!(store.list().unwrap(), []);
}

/// It would move the catalog, which all instances share, far ahead of the time for good.
#[test]
fn a_damaged_serial_of_a_catalog_counts_as_unknown() {
    let (directory, mut store) = store();
    let note = |store: &mut Store, serial| {
        let note = StoreChange::CatalogSerial(key(), Serial(serial));
        store.apply(&[note]).unwrap();
    };
    let file = rusqlite::Connection::open(directory.path().join("new/queue.db")).unwrap();
    for damage in ["serial = serial + 1073741824", "serial = -1", "own_sum = 5"] {
        note(&mut store, 7);
        let damage = format!("UPDATE catalog SET {damage}");
        assert_eq!(file.execute(&damage, []).unwrap(), 1);
        assert_eq!(store.catalog_serial(&key()).unwrap(), None, "{damage}");
        note(&mut store, 6);
        assert_eq!(store.catalog_serial(&key()).unwrap(), Some(Serial(6)));
        assert_eq!(file.execute("DELETE FROM catalog", []).unwrap(), 1);
    }
}

#[test]
fn a_power_cut_takes_what_did_not_wait_and_the_file_goes_on() {
    let (directory, mut store) = store();
    let path = directory.path().join("new/queue.db");
    let files = ["queue.db", "queue.db-wal"].map(|name| path.with_file_name(name));
    let added = |host| change(&ZoneState::default(), Provenance::Preexisting, &[host], &[]);
    store.apply(&[added("a")]).unwrap();
    let on_disk = files.clone().map(|file| std::fs::read(file).unwrap());
    store.apply_with(&[added("b")], Durability::Later).unwrap();
    assert_eq!(store.load(&key()).unwrap().managed, records(&["a", "b"]));
    drop(store);
    let cut = || {
        std::fs::remove_file(path.with_file_name("queue.db-shm")).ok();
        for (file, octets) in files.iter().zip(&on_disk) {
            std::fs::write(file, octets).unwrap();
        }
    };
    cut();
    let mut store = Store::open(&path, BUSY_TIME_MAX).unwrap();
    assert_eq!(store.load(&key()).unwrap().managed, records(&["a"]));

    // What waited cannot be lost: such a file was put back.
    store.apply(&[added("c")]).unwrap();
    drop(store);
    cut();
    let error = Store::open(&path, BUSY_TIME_MAX).unwrap_err();
    assert!(
        error.diagnostic().to_string().contains("lacks its last"),
        "{error}"
    );
}

#[test]
fn a_durable_commit_waits_for_the_disk() {
    let (_directory, mut store) = store();
    let synchronous = |store: &Store| -> u8 {
        let read = |row: &rusqlite::Row<'_>| row.get(0);
        store
            .connection
            .pragma_query_value(None, "synchronous", read)
            .unwrap()
    };
    // SQLite: 1 is NORMAL, 2 is FULL.
    assert_eq!(synchronous(&store), 2);
    store.apply_with(&[], Durability::Later).unwrap();
    assert_eq!(synchronous(&store), 1);
    store.apply(&[]).unwrap();
    assert_eq!(synchronous(&store), 2);
}
