//! The state in the file: what stays in it, and which process may read or change it.

mod jobs;

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::*;
use crate::deliver::{Provenance, SoaTtl, ZoneState, ZoneSummary};
use crate::model::{Rdata, Record, RecordType, RrSets, ZoneName};
use crate::plan::Prerequisites;

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
        prerequisites: Prerequisites::Soa,
        soa_ttl: SoaTtl::Settable,
        add: records(add),
        drop: records(drop),
        verify: RrSets::default(),
    })
}

fn store() -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("new/queue.db")).unwrap();
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
    let mut store = Store::open(&path).unwrap();
    let state = store.load(&key()).unwrap();
    assert_eq!(
        (state.provenance, state.managed.clone()),
        (Provenance::Created, records(&["a", "b"]))
    );
    store
        .apply(&[change(&state, Provenance::Created, &["c"], &["a"])])
        .unwrap();
    let read_only = Store::open_read_only(&path).unwrap();
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
    let store = Store::open_read_only(file.path()).unwrap();
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
fn a_newer_file_is_refused() {
    let (directory, store) = store();
    store
        .connection
        .pragma_update(None, "user_version", 99)
        .unwrap();
    drop(store);
    let path = directory.path().join("new/queue.db");
    let error = Store::open(&path).unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::Newer {
                found: 99,
                known: 5,
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
    let store = Store::open(&path).unwrap();
    for file in ["queue.db", "queue.db-wal", "queue.db-shm"] {
        let file = directory.path().join(file);
        assert_eq!(owner(&file), owner(directory.path()), "{}", file.display());
    }
    drop(store);
    drop(Store::open(&path).unwrap());
}

#[test]
fn many_open_a_new_file_at_once() {
    for _ in 0..20 {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("queue.db");
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let path = path.clone();
                std::thread::spawn(move || Store::open(&path).map(drop))
            })
            .collect();
        for thread in threads {
            thread.join().unwrap().unwrap();
        }
    }
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
            prerequisites: Prerequisites::Soa,
            soa_ttl: SoaTtl::Settable,
            add: records(hosts),
            drop: records(&[]),
            verify: records(&[]),
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
