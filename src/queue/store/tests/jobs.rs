//! The jobs in the file: one a key, the newest wins, and which process has taken which.

use super::super::changes::NewJob;
use super::super::check_sum::seal;
use super::super::file::{BUSY_TIME_MAX, LOG_OCTETS, Store};
use super::super::jobs::BatchLimit;
use super::super::{StoreChange, StoreError};
use super::{change, key, store};
use crate::deliver::{Provenance, ZoneState};
use crate::diagnostic::Software;
use crate::model::{
    AbsentZone, DesiredSoa, DesiredZone, Intent, RejectedRecords, RrSets, Serial, Trust, ZoneName,
    ZoneSource,
};
use crate::queue::job::{
    Accepted, AttemptState, JobId, JobOutcome, Settlement, State, TakeOutcome, unreadable,
};

pub(super) const NOW: u64 = 1_800_000_000;
pub(super) const ALL: BatchLimit = BatchLimit {
    jobs: 100,
    octets: 1 << 20,
};

pub(super) fn absent(zone: &str) -> AbsentZone {
    let trust = Trust::Panel;
    AbsentZone {
        name: name(zone),
        trust,
        moved_from: None,
    }
}

pub(super) fn name(zone: &str) -> ZoneName {
    ZoneName::new(&zone.parse().unwrap())
}

pub(super) fn sent(zone: &str, serial: u32) -> NewJob {
    let zone = DesiredZone {
        name: name(zone),
        soa: DesiredSoa {
            serial: Some(Serial(serial)),
            ..DesiredSoa::default()
        },
        records: RrSets::default(),
        rejected: RejectedRecords::default(),
        source: ZoneSource::Call,
        trust: Trust::Panel,
    };
    NewJob::new(&Intent::Zone(zone), "main")
}

pub(super) fn enqueue(store: &mut Store, job: NewJob) -> Accepted {
    let accepted = store.enqueue(&[job], NOW).unwrap().unwrap();
    accepted[0].clone()
}

#[track_caller]
pub(super) fn number(accepted: &Accepted) -> JobId {
    match accepted {
        Accepted::Job { id, .. } | Accepted::Waits { id, .. } | Accepted::Earlier { id } => *id,
        Accepted::Stale { newest } => panic!("stale, as {newest} came before"),
    }
}

pub(super) fn settle(store: &mut Store, id: JobId, key: &str, outcome: JobOutcome) {
    let key = key.into();
    let settlement = Settlement {
        id,
        key,
        outcome,
        contact: None,
        removals: Vec::new(),
        withdrawn: None,
        in_place: None,
        event: None,
        now: NOW,
    };
    store.apply(&[StoreChange::Settle(settlement)]).unwrap();
}

fn again(at: u64) -> JobOutcome {
    JobOutcome::Again {
        reason: unreadable("no"),
        counts: true,
        at,
    }
}

fn due(store: &mut Store, now: u64) -> Vec<i64> {
    let jobs = store.take_due("main", ALL, now).unwrap();
    jobs.iter().map(|job| job.id.0).collect()
}

/// Another process that uses the same file.
fn other(directory: &tempfile::TempDir) -> Store {
    Store::open(&directory.path().join("new/queue.db"), BUSY_TIME_MAX).unwrap()
}

#[test]
fn a_newer_job_replaces_an_older_one_of_its_key() {
    let (_directory, mut store) = store();
    let first = number(&enqueue(&mut store, sent("a.", 1)));
    let second = number(&enqueue(&mut store, sent("A.", 1)));
    assert!(second > first);
    let gone = NewJob::new(&Intent::ZoneAbsent(absent("a.")), "main");
    let third = number(&enqueue(&mut store, gone));
    let jobs = store.list_jobs().unwrap();
    assert_eq!(jobs.len(), 1);
    assert_eq!((jobs[0].id, jobs[0].key.as_str()), (third, "a."));
    // The outcome of an older job does not change the newer one.
    settle(&mut store, first, "a.", JobOutcome::Delivered);
    assert_eq!(store.list_jobs().unwrap().len(), 1);
}

#[test]
fn an_overtaken_intent_is_not_enqueued_and_the_newer_job_stays() {
    let (_directory, mut store) = store();
    let newest = number(&enqueue(&mut store, sent("a.", 1_000)));
    let stale = enqueue(&mut store, sent("a.", 999));
    assert_eq!(
        stale,
        Accepted::Stale {
            newest: Serial(1_000)
        }
    );
    assert_eq!(store.list_jobs().unwrap()[0].id, newest);
    // Also after the newer job is done, and not for another zone.
    settle(&mut store, newest, "a.", JobOutcome::Delivered);
    let stale = enqueue(&mut store, sent("a.", 999));
    assert_eq!(
        stale,
        Accepted::Stale {
            newest: Serial(1_000)
        }
    );
    // A dry run asks the same.
    let asked = [
        sent("a.", 999),
        sent("a.", 1_000),
        sent("a.", 1),
        sent("b.", 999),
    ];
    let overtaken = store.overtaken(&asked.map(|job| job.serial), NOW).unwrap();
    assert_eq!(overtaken, [Some(Serial(1_000)), None, None, None]);
    number(&enqueue(&mut store, sent("b.", 999)));
    let set_back = enqueue(&mut store, sent("a.", 1));
    assert!(
        matches!(
            set_back,
            Accepted::Job {
                set_back_from: Some(Serial(1_000)),
                ..
            }
        ),
        "{set_back:?}"
    );
}

#[test]
fn a_job_is_taken_by_one_process_and_free_when_that_has_ended() {
    let (directory, mut store) = store();
    let mut other = other(&directory);
    let first = number(&enqueue(&mut store, sent("a.", 1)));
    assert_eq!(other.take(first, "a.").unwrap(), TakeOutcome::Busy);
    assert_eq!(due(&mut other, NOW), <[i64; 0]>::default());
    let state = State::InHand {
        process: Some(std::process::id()),
    };
    assert_eq!(other.list_jobs().unwrap()[0].state, state);
    // A newer job waits until the attempt of the older one is over.
    let newer = other.enqueue(&[sent("a.", 2)], NOW).unwrap().unwrap();
    let newer = newer[0].clone();
    assert!(matches!(newer, Accepted::Job { is_ours: false, .. }));
    let newer = number(&newer);
    assert_eq!(other.take(newer, "a.").unwrap(), TakeOutcome::Busy);
    settle(&mut store, first, "a.", JobOutcome::Delivered);
    assert_eq!(store.take(first, "a.").unwrap(), TakeOutcome::Replaced);
    assert_eq!(
        other.take(newer, "a.").unwrap(),
        TakeOutcome::Ours(AttemptState {
            enqueued_at: Some(NOW),
            ..AttemptState::default()
        })
    );
    drop(other);
    assert_eq!(due(&mut store, NOW), [newer.0]);
    settle(&mut store, newer, "a.", JobOutcome::Delivered);
    assert_eq!(store.take(newer, "a.").unwrap(), TakeOutcome::Delivered);
}

#[test]
fn a_job_is_due_when_its_time_has_come_or_the_clock_was_set_back() {
    let (_directory, mut store) = store();
    let id = number(&enqueue(&mut store, sent("a.", 1)));
    settle(&mut store, id, "a.", again(NOW + 60));
    assert_eq!(due(&mut store, NOW), <[i64; 0]>::default());
    assert_eq!(due(&mut store, NOW + 60), [id.0]);
    settle(&mut store, id, "a.", again(NOW + 60));
    assert_eq!(store.list_jobs().unwrap()[0].attempts_so_far.attempts, 2);
    assert_eq!(due(&mut store, NOW - 3_600), [id.0]);
}

#[test]
fn the_log_that_calls_leave_stays_short() {
    const OCTETS_MAX: u64 = 1 << 20;
    let (directory, first) = store();
    drop(first);
    for serial in 1..=100 {
        let mut store = other(&directory);
        let id = number(&enqueue(&mut store, sent("a.example", serial)));
        let state = store.load(&key()).unwrap();
        let (add, drop) = if serial % 2 == 0 {
            ("a", "b")
        } else {
            ("b", "a")
        };
        let reserve = change(&state, Provenance::Preexisting, &[add], &[]);
        let generation = store.apply(&[reserve]).unwrap()[0];
        let state = ZoneState {
            generation,
            ..state
        };
        let settle = StoreChange::Settle(Settlement {
            id,
            key: "zone a.example.".into(),
            outcome: JobOutcome::Delivered,
            contact: None,
            removals: Vec::new(),
            withdrawn: None,
            in_place: None,
            event: None,
            now: NOW,
        });
        let commit = change(&state, Provenance::Preexisting, &[], &[drop]);
        let done = [commit, settle];
        store.apply(&done).unwrap();
        // As at the end of its thread.
        store.merge_from(LOG_OCTETS);
    }
    let log = directory.path().join("new/queue.db-wal");
    let octets = log.metadata().unwrap().len();
    assert!((1..OCTETS_MAX).contains(&octets), "{octets} octets");
}

#[test]
fn a_held_job_waits_for_an_operator() {
    let (_directory, mut store) = store();
    let id = number(&enqueue(&mut store, sent("a.", 1)));
    let reason = unreadable("it").at(Software::Knot);
    let held = JobOutcome::Held {
        reason: reason.clone(),
        again_at: None,
    };
    settle(&mut store, id, "a.", held);
    assert_eq!(due(&mut store, NOW + 1_000_000), <[i64; 0]>::default());
    assert_eq!(store.take(id, "a.").unwrap(), TakeOutcome::Held(reason));
    store.retry(&[id], true, NOW).unwrap();
    let jobs = store.take_due("main", ALL, NOW).unwrap();
    assert!(jobs[0].attempts_so_far.is_forced);
}

#[test]
fn zones_are_taken_before_ptr_values_and_within_the_batch_limit() {
    let (_directory, mut store) = store();
    let ptr = crate::model::PtrIntent {
        address: "192.0.2.1".parse().unwrap(),
        hostname: "a.".parse().unwrap(),
        presence: crate::model::Presence::Present,
        wanted: [].into(),
    };
    let new = [
        NewJob::new(&Intent::Ptr(ptr), "main"),
        sent("a.", 1),
        sent("b.", 1),
    ];
    let new = store.enqueue(&new, NOW).unwrap().unwrap();
    let ids: Vec<JobId> = new.iter().map(number).collect();
    for (id, key) in ids.iter().zip(["192.0.2.1 PTR a.", "a.", "b."]) {
        settle(&mut store, *id, key, again(NOW));
    }
    assert!(
        store
            .zone_of_host_waits(&"www.b.".parse().unwrap())
            .unwrap()
    );
    assert!(
        !store
            .zone_of_host_waits(&"www.c.".parse().unwrap())
            .unwrap()
    );
    let two = BatchLimit { jobs: 2, ..ALL };
    let first = store.take_due("main", two, NOW).unwrap();
    let first: Vec<JobId> = first.iter().map(|job| job.id).collect();
    assert_eq!(first, ids[1..]);
    assert_eq!(due(&mut store, NOW), [ids[0].0]);
    // One job is taken whatever its size.
    settle(&mut store, ids[1], "a.", again(NOW));
    settle(&mut store, ids[2], "b.", again(NOW));
    let small = BatchLimit { octets: 1, ..ALL };
    assert_eq!(store.take_due("main", small, NOW).unwrap().len(), 1);
}

#[test]
fn a_job_that_cannot_be_read_is_held_and_costs_no_other_one() {
    let (_directory, mut store) = store();
    let new = [sent("a.", 1), sent("b.", 1)];
    let new = store.enqueue(&new, NOW).unwrap().unwrap();
    let ids: Vec<JobId> = new.iter().map(number).collect();
    settle(&mut store, ids[0], "a.", again(NOW));
    settle(&mut store, ids[1], "b.", again(NOW));
    let spoiled = "UPDATE job SET intent = '{', intent_sum = check_sum('{') WHERE key = 'a.'";
    store.connection.execute(spoiled, []).unwrap();
    seal(&store.connection, ids[0].0).unwrap();
    assert_eq!(due(&mut store, NOW), [ids[1].0]);
    let job = &store.list_jobs().unwrap()[0];
    assert_eq!(job.state, State::Held);
    let reason = job.reason.as_ref().unwrap();
    assert_eq!(reason.code(), "NB-JOB-UNREADABLE");
}

#[test]
fn a_job_that_is_dropped_in_hand_keeps_its_claim_until_its_process_is_done() {
    let (directory, mut store) = store();
    let mut other = other(&directory);
    for outcome in [JobOutcome::Delivered, again(NOW)] {
        let id = number(&enqueue(&mut store, sent("a.", 1)));
        assert_eq!(other.drop_jobs(&[id]).unwrap(), [id]);
        assert_eq!(other.take(id, "a.").unwrap(), TakeOutcome::Busy);
        // A newer job of the key waits for the process.
        let newer = enqueue(&mut other, sent("a.", 1));
        assert!(matches!(newer, Accepted::Job { is_ours: false, .. }));
        let newer = number(&newer);
        assert_eq!(other.drop_jobs(&[newer]).unwrap(), [newer]);
        settle(&mut store, id, "a.", outcome);
        assert_eq!(other.take_due("main", ALL, NOW).unwrap().len(), 0);
    }
    // As a process that ends leaves it.
    let id = number(&enqueue(&mut store, sent("b.", 1)));
    assert_eq!(other.drop_jobs(&[id]).unwrap(), [id]);
    store.process_lock = None;
    assert_eq!(other.take_due("main", ALL, NOW).unwrap().len(), 0);
    assert_eq!(other.list_jobs().unwrap().len(), 0);
}

#[test]
fn a_detached_copy_writes_nothing() -> Result<(), StoreError> {
    let (directory, mut store) = store();
    number(&enqueue(&mut store, sent("a.", 2)));
    let mut copy = Store::detached(&directory.path().join("new/queue.db"))?;
    assert_eq!(copy.list_jobs()?.len(), 0);
    // The copy knows the earlier job's serial, and does not keep the new jobs.
    let stale = enqueue(&mut copy, sent("a.", 1));
    assert_eq!(stale, Accepted::Stale { newest: Serial(2) });
    number(&enqueue(&mut copy, sent("b.", 1)));
    drop(copy);
    assert_eq!(store.list_jobs()?.len(), 1);
    Ok(())
}
