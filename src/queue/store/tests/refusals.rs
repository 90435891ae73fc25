//! What primaries refuse, in the file.

use super::jobs::{ALL, NOW, enqueue, number, sent, settle};
use super::*;
use crate::deliver::Refusal;
use crate::plan::Part;
use crate::queue::job::{JobOutcome, TakeOutcome, unreadable};

fn refusal(rtype: Option<RecordType>, rdata: Option<&[u8]>, context: i64) -> Refusal {
    Refusal {
        part: Part {
            owner: "A.example.".parse().unwrap(),
            rtype,
            rdata: rdata.map(Rdata::from_canonical),
        },
        context,
        report: unreadable("it"),
        tried_at: NOW,
    }
}

/// Stores refusals of a zone.
fn store_refusals(store: &mut Store, refusals: &[Refusal]) {
    let state = store.load(&key()).unwrap();
    let StoreChange::Change(change) = change(&state, Provenance::Created, &[], &[]) else {
        panic!("a change");
    };
    let refusals = Some(refusals.to_vec());
    let change = StateChange { refusals, ..change };
    store.apply(&[StoreChange::Change(change)]).unwrap();
}

#[test]
fn refusals_come_back_until_others_replace_them_or_the_zone_is_forgotten() {
    let (_directory, mut store) = store();
    let all = [
        refusal(None, None, i64::MIN),
        refusal(Some(RecordType::A), None, 0),
        refusal(Some(RecordType::A), Some(&[192, 0, 2, 1]), i64::MAX),
    ];
    store_refusals(&mut store, &all);
    assert_eq!(store.load(&key()).unwrap().refusals, all);
    let state = store.load(&key()).unwrap();
    store
        .apply(&[change(&state, Provenance::Created, &["a"], &[])])
        .unwrap();
    assert_eq!(store.load(&key()).unwrap().refusals, all, "they stay");
    store_refusals(&mut store, &all[..1]);
    assert_eq!(store.load(&key()).unwrap().refusals, all[..1]);
    let generation = store.load(&key()).unwrap().generation;
    store
        .apply(&[StoreChange::Forget(key(), generation)])
        .unwrap();
    assert!(store.load(&key()).unwrap().refusals.is_empty());
}

/// The other process has seen a later zone.
#[test]
fn refusals_that_another_process_has_overtaken_are_not_stored() {
    let (_directory, mut store) = store();
    let stale = store.load(&key()).unwrap();
    let refused = [refusal(None, None, 1)];
    store_refusals(&mut store, &refused);
    let StoreChange::Change(change) = change(&stale, Provenance::Created, &[], &[]) else {
        panic!("a change");
    };
    let refusals = Some(Vec::new());
    let change = StateChange { refusals, ..change };
    store.apply(&[StoreChange::Change(change)]).unwrap();
    assert_eq!(store.load(&key()).unwrap().refusals, refused);
}

#[test]
fn a_retry_of_the_job_of_a_zone_forgets_its_refusals() {
    let (_directory, mut store) = store();
    let refused = [refusal(None, None, 1)];
    store_refusals(&mut store, &refused);
    let others = number(&enqueue(&mut store, sent("other.", 1)));
    store.retry(&[others], false, NOW).unwrap();
    assert_eq!(store.load(&key()).unwrap().refusals, refused);
    let id = number(&enqueue(&mut store, sent("example.", 1)));
    store.retry(&[id], false, NOW).unwrap();
    assert!(store.load(&key()).unwrap().refusals.is_empty());
}

#[test]
fn a_job_that_is_held_until_a_time_is_due_then() {
    let (_directory, mut store) = store();
    let id = number(&enqueue(&mut store, sent("a.", 1)));
    let held = JobOutcome::Held {
        reason: unreadable("it"),
        again_at: Some(NOW + 100),
    };
    settle(&mut store, id, "a.", held);
    assert!(store.take_due("main", ALL, NOW + 99).unwrap().is_empty());
    let due = store.take_due("main", ALL, NOW + 100).unwrap();
    assert_eq!(due[0].id, id);
}

/// A call whose job another process has delivered meanwhile reports each refused record, too.
#[test]
fn a_job_that_is_held_for_refused_records_may_be_taken() {
    let (_directory, mut store) = store();
    let id = number(&enqueue(&mut store, sent("a.", 1)));
    let held = |again_at| JobOutcome::Held {
        reason: unreadable("it"),
        again_at,
    };
    settle(&mut store, id, "a.", held(Some(NOW + 100)));
    assert!(matches!(
        store.take(id, "a.").unwrap(),
        TakeOutcome::Ours(_)
    ));
    settle(&mut store, id, "a.", held(None));
    assert!(matches!(
        store.take(id, "a.").unwrap(),
        TakeOutcome::Held(_)
    ));
}
