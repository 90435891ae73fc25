//! A store in memory in place of a file: what the file is told.

use super::super::changes::NewJob;
use super::super::file::BUSY_TIME_MAX;
use super::jobs::{NOW, absent, enqueue, number, sent, settle};
use super::*;
use crate::model::Intent;
use crate::queue::job::{Accepted, JobOutcome, unreadable};

/// A copy in memory of a file.
fn detached(directory: &tempfile::TempDir) -> Store {
    Store::detached(&directory.path().join("new/queue.db")).unwrap()
}

fn keys(store: &Store) -> Vec<String> {
    let jobs = store.list_jobs().unwrap();
    jobs.into_iter().map(|job| job.key).collect()
}

#[test]
fn the_file_loses_the_older_jobs_of_the_keys_and_knows_the_serials() {
    let (directory, mut file) = store();
    for zone in ["a.", "b.", "c."] {
        enqueue(&mut file, sent(zone, 1_000));
    }
    let older = || NewJob::new(&Intent::ZoneAbsent(absent("d.")), "main");
    enqueue(&mut file, older());
    // As a process that ends leaves them.
    file.process_lock = None;
    let mut copy = detached(&directory);
    enqueue(&mut copy, sent("a.", 1_001));
    enqueue(&mut copy, sent("b.", 999));
    enqueue(&mut copy, older());
    let lacking = copy.tell_file().unwrap();
    assert_eq!((lacking.older, lacking.is_state_lost), (vec![], false));
    assert_eq!(
        keys(&file),
        ["b.", "c.", "d."],
        "overtaken, of another key, and equal ones stay"
    );
    let asked = file.overtaken(&[sent("a.", 1_000).serial], NOW).unwrap();
    assert_eq!(asked, [Some(Serial(1_001))]);
}

#[test]
fn a_job_that_a_living_process_delivers_is_named() {
    let (directory, mut file) = store();
    let id = number(&enqueue(&mut file, sent("a.", 1_000)));
    let mut copy = detached(&directory);
    enqueue(&mut copy, sent("a.", 1_001));
    assert_eq!(copy.tell_file().unwrap().older, [(id, "a.".to_owned())]);
    // It stays until its process is done with it, so that no other one works on its key meanwhile.
    assert_eq!(keys(&file), ["a."]);
    let reason = unreadable("no");
    let again_at = None;
    settle(&mut file, id, "a.", JobOutcome::Held { reason, again_at });
    assert!(keys(&file).is_empty());
}

#[test]
fn a_job_that_goes_while_the_file_is_locked_is_named_and_one_that_stays_is_removed_then() {
    let (directory, mut file) = store();
    let gone = number(&enqueue(&mut file, sent("a.", 1_000)));
    enqueue(&mut file, sent("b.", 1_000));
    enqueue(&mut file, sent("c.", 1_000));
    file.process_lock = None;
    let path = directory.path().join("new/queue.db");
    let mut other = Store::open(&path, BUSY_TIME_MAX).unwrap();
    let mut copy = detached(&directory);
    let (lock, _) = other.transaction(Durability::Now).unwrap();
    let all = [sent("a.", 1_001), sent("b.", 1_001), sent("c.", 999)];
    copy.enqueue(&all, NOW).unwrap().unwrap();
    drop(lock);
    file.drop_jobs(&[gone]).unwrap();
    assert_eq!(copy.tell_file().unwrap().older, [(gone, "a.".to_owned())]);
    assert_eq!(keys(&file), ["c."], "overtaken");
}

#[test]
fn the_file_learns_the_state_and_drops_nothing_that_another_process_has_added() {
    let (directory, mut file) = store();
    let nothing = file.load(&key()).unwrap();
    file.apply(&[change(&nothing, Provenance::Created, &["a", "b"], &[])])
        .unwrap();
    let copies = [(); 2].map(|()| detached(&directory));
    for (mut copy, host) in copies.into_iter().zip(["c", "d"]) {
        let state = copy.load(&key()).unwrap();
        copy.apply(&[change(&state, Provenance::Created, &[host], &["a"])])
            .unwrap();
        assert!(!copy.tell_file().unwrap().is_state_lost);
    }
    let state = file.load(&key()).unwrap();
    assert_eq!(
        (state.provenance, state.managed),
        (Provenance::Created, records(&["b", "c", "d"]))
    );
    // An empty state in place of one that cannot be read adds, too.
    let mut blank = Store::blank(&file.path).unwrap();
    blank
        .apply(&[change(&nothing, Provenance::Preexisting, &["e"], &["b"])])
        .unwrap();
    assert!(!blank.tell_file().unwrap().is_state_lost);
    let state = file.load(&key()).unwrap();
    assert_eq!(
        (state.provenance, state.managed),
        (Provenance::Created, records(&["b", "c", "d", "e"]))
    );
}

#[test]
fn a_primary_that_did_not_respond_is_attempted_since_nothing_can_wait() {
    let (directory, file) = store();
    let silent =
        "INSERT INTO contact (primary_, failed_at, reason, is_silent) VALUES ('main', ?, '', 1)";
    file.connection.execute(silent, [NOW]).unwrap();
    let accepted = enqueue(&mut detached(&directory), sent("a.", 1_000));
    assert!(
        matches!(accepted, Accepted::Job { is_ours: true, .. }),
        "{accepted:?}"
    );
}
