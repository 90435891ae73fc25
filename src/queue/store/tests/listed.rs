//! The zones that folders and configurations list.

use std::cell::RefCell;
use std::sync::Arc;

use super::super::changes::NewJob;
use super::super::file::Store;
use super::jobs::{NOW, absent, enqueue, name, number, sent, settle};
use super::{change, key, store};
use crate::deliver::Provenance;
use crate::model::{DesiredSoa, DesiredZone, Intent, RejectedRecords, RrSets, Trust, ZoneSource};
use crate::queue::job::{JobId, JobOutcome, unreadable};
use crate::queue::listing::{ListedFile, Listing, RememberedZone};

/// The file of each zone.
const FILE: &[u8] = b"/zones/file";

fn listing(source: &str, digests: &[(&str, &str)]) -> Listing {
    let digests = digests.iter();
    Listing {
        source: source.as_bytes().into(),
        files: digests
            .map(|(zone, digest)| {
                let (path, digest) = (FILE.to_vec(), digest.as_bytes().to_vec());
                (zone.to_string(), ListedFile { path, digest })
            })
            .collect(),
        lock: RefCell::default(),
    }
}

/// Enqueues the zone as a source has it, or its deletion if it has no digest.
fn list(store: &mut Store, source: &str, zone: &str, digest: Option<&str>) -> JobId {
    let intent = match digest {
        None => Intent::ZoneAbsent(absent(zone)),
        Some(_) => Intent::Zone(DesiredZone {
            name: name(zone),
            soa: DesiredSoa::default(),
            records: RrSets::default(),
            rejected: RejectedRecords::default(),
            source: ZoneSource::File { prunes: false },
            trust: Trust::Panel,
        }),
    };
    let digests = digest.map(|digest| (zone, digest));
    let listing = listing(source, digests.as_slice());
    let job = NewJob::new(&intent, "main").listed_by(&intent, &listing);
    number(&enqueue(store, job))
}

#[track_caller]
fn assert_listed(store: &Store, source: &str, expected: &[(&str, Option<&str>, Option<&str>)]) {
    let octets = |text: Option<&str>| text.map(|it| it.as_bytes().to_vec());
    let expected: Vec<_> = expected
        .iter()
        .map(|(zone, digest, other)| RememberedZone {
            zone: (*zone).to_owned(),
            file: None,
            digest: octets(*digest),
            other: octets(*other),
            is_sent: false,
        })
        .collect();
    let mut found = store.listed(source.as_bytes()).unwrap();
    for it in &mut found {
        it.is_sent = false;
        it.file = None;
    }
    assert_eq!(found, expected);
}

#[test]
fn a_zone_of_which_nothing_was_sent_is_forgotten_with_its_job() {
    let (_directory, mut store) = store();
    let is_sent = |store: &Store| store.listed(b"/x").unwrap()[0].is_sent;
    let forget = |store: &mut Store| {
        store
            .forget_listed(b"/x", &["example.".to_owned()])
            .unwrap();
    };
    let id = list(&mut store, "/x", "example.", Some("1"));
    // This process has the job in hand.
    assert!(is_sent(&store));
    forget(&mut store);
    assert!(is_sent(&store));
    let held = JobOutcome::Held {
        reason: unreadable("no"),
        again_at: None,
    };
    settle(&mut store, id, "example.", held);
    assert!(!is_sent(&store));
    let nothing = store.load(&key()).unwrap();
    let reserved = change(&nothing, Provenance::Creating, &["a"], &[]);
    store.apply(&[reserved]).unwrap();
    assert!(is_sent(&store));
    forget(&mut store);
    assert_listed(&store, "/x", &[]);
    assert!(store.list_jobs().unwrap().is_empty());
}

#[test]
fn a_digest_counts_once_its_job_is_done() {
    let (_directory, mut store) = store();
    let first = list(&mut store, "/x", "a.", Some("1"));
    assert_listed(&store, "/x", &[("a.", None, None)]);
    let again = JobOutcome::Again {
        reason: unreadable("no"),
        counts: true,
        at: NOW,
    };
    settle(&mut store, first, "a.", again);
    assert_listed(&store, "/x", &[("a.", None, None)]);
    settle(&mut store, first, "a.", JobOutcome::Delivered);
    assert_listed(&store, "/x", &[("a.", Some("1"), None)]);
    // A newer one, of which nobody knows what became.
    let second = list(&mut store, "/x", "a.", Some("2"));
    let third = list(&mut store, "/x", "a.", Some("3"));
    settle(&mut store, second, "a.", JobOutcome::Delivered);
    assert_listed(&store, "/x", &[("a.", None, None)]);
    store.drop_jobs(&[third]).unwrap();
    settle(&mut store, third, "a.", JobOutcome::Dropped);
    assert_listed(&store, "/x", &[("a.", None, None)]);
}

#[test]
fn a_deleted_zone_is_forgotten_once_its_job_is_done() {
    let (_directory, mut store) = store();
    let first = list(&mut store, "/x", "a.", Some("1"));
    settle(&mut store, first, "a.", JobOutcome::Delivered);
    let file = |store: &Store| store.listed(b"/x").unwrap()[0].file.clone();
    assert_eq!(file(&store).as_deref(), Some(FILE));
    let gone = list(&mut store, "/x", "a.", None);
    assert_eq!(file(&store), None);
    let held = JobOutcome::Held {
        reason: unreadable("no"),
        again_at: None,
    };
    settle(&mut store, gone, "a.", held);
    assert_listed(&store, "/x", &[("a.", None, None)]);
    let gone = list(&mut store, "/x", "a.", None);
    settle(&mut store, gone, "a.", JobOutcome::Delivered);
    assert_listed(&store, "/x", &[]);
}

#[test]
fn sources_see_each_other_and_other_callers_take_zones_from_all() {
    let (_directory, mut store) = store();
    list(&mut store, "/x", "a.", Some("1"));
    let second = list(&mut store, "/x", "b.", Some("1"));
    list(&mut store, "/y", "a.", Some("2"));
    assert_listed(
        &store,
        "/x",
        &[("a.", None, Some("/y")), ("b.", None, None)],
    );
    assert_listed(&store, "/y", &[("a.", None, Some("/x"))]);
    // Who is about to delete it has it no more.
    list(&mut store, "/y", "a.", None);
    assert_listed(&store, "/x", &[("a.", None, None), ("b.", None, None)]);
    list(&mut store, "/y", "a.", Some("2"));
    let held = JobOutcome::Held {
        reason: unreadable("no"),
        again_at: None,
    };
    settle(&mut store, second, "b.", held);
    store.forget_listed(b"/x", &["b.".to_owned()]).unwrap();
    assert_listed(&store, "/x", &[("a.", None, Some("/y"))]);
    enqueue(&mut store, sent("a.", 7));
    assert_listed(&store, "/x", &[]);
    assert_listed(&store, "/y", &[]);
}

#[test]
fn a_damaged_zone_is_not_listed() {
    let (_directory, mut store) = store();
    for zone in ["a.", "b.", "c."] {
        let id = list(&mut store, "/x", zone, Some("1"));
        settle(&mut store, id, zone, JobOutcome::Delivered);
    }
    let id = list(&mut store, "/x", "d.", Some("1"));
    let damage = "UPDATE listed SET zone = 'q.' WHERE zone = 'a.';
                  UPDATE listed SET digest = NULL WHERE zone = 'b.';
                  UPDATE listed SET zone = 'r.' WHERE zone = 'd.'";
    store.connection.execute_batch(damage).unwrap();
    // That the job is done heals nothing.
    settle(&mut store, id, "d.", JobOutcome::Delivered);
    assert_listed(&store, "/x", &[("c.", Some("1"), None)]);
    let source: Arc<[u8]> = b"/x".as_slice().into();
    assert_eq!(store.listed(&source).unwrap().len(), 1);
}
