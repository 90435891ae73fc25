//! Backups: whatever the schema of the file, the copy is that file.

use std::fs;

use pretty_assertions::assert_eq;
use rusqlite::Connection;

use super::*;

fn back_up(queue: &Path, file: &Path) -> Result<u64, BackupError> {
    super::super::back_up(queue, file, |_| ())
}

#[test]
fn a_file_of_an_earlier_version_is_backed_up_as_it_is() {
    for version in 1..schema::MIGRATIONS.len() {
        let directory = tempfile::tempdir().unwrap();
        let (queue, file) = (
            directory.path().join("queue.db"),
            directory.path().join("b"),
        );
        let released = Connection::open(&queue).unwrap();
        released.pragma_update(None, "journal_mode", "wal").unwrap();
        for step in &schema::MIGRATIONS[..version] {
            released.execute_batch(step).unwrap();
        }
        released
            .pragma_update(None, "user_version", version)
            .unwrap();
        released
            .execute_batch("CREATE TABLE more (n); INSERT INTO more VALUES (7)")
            .unwrap();
        let octets = back_up(&queue, &file).unwrap();
        assert_eq!(file.metadata().unwrap().len(), octets);
        let copy = Connection::open(&file).unwrap();
        let found: usize = copy
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap();
        let more: u32 = copy
            .query_row("SELECT n FROM more", [], |row| row.get(0))
            .unwrap();
        assert_eq!((found, more), (version, 7));
        drop(copy);
        Store::open(&file, BUSY_TIME_MAX).unwrap();
    }
}

#[test]
fn a_backup_waits_for_no_writer_and_holds_none_up() {
    let (directory, mut store) = store();
    let queue = directory.path().join("new/queue.db");
    let file = directory.path().join("backup.db");
    let nothing = store.load(&key()).unwrap();
    store
        .apply(&[change(&nothing, Provenance::Created, &["www"], &[])])
        .unwrap();
    // A writer that is in the middle of its transaction: what it has written so far is in no backup.
    let (transaction, _) = store.transaction(Durability::Now).unwrap();
    transaction.execute("DELETE FROM zone", []).unwrap();
    back_up(&queue, &file).unwrap();
    transaction.commit().unwrap();
    let copy = Store::open(&file, BUSY_TIME_MAX).unwrap();
    assert_eq!(copy.load(&key()).unwrap().managed, records(&["www"]));
    assert_eq!(store.load(&key()).unwrap().managed, records(&[]));
}

#[test]
fn the_part_of_a_killed_backup_is_taken_and_that_of_a_living_one_is_not() {
    let (directory, _store) = store();
    let queue = directory.path().join("new/queue.db");
    let file = directory.path().join("backup.db");
    let part = directory.path().join("backup.db.nsbridge-part");
    let left = vec![1; 500_000];
    fs::write(&part, &left).unwrap();
    let held = fs::File::open(&part).unwrap();
    held.lock().unwrap();
    let taken = back_up(&queue, &file).unwrap_err();
    assert!(matches!(taken, BackupError::Taken { .. }), "{taken}");
    assert_eq!(fs::read(&part).unwrap(), left);
    drop(held);
    let octets = back_up(&queue, &file).unwrap();
    assert_eq!(file.metadata().unwrap().len(), octets);
    assert!(!part.exists());
    Store::open(&file, BUSY_TIME_MAX).unwrap();
}

#[test]
fn no_part_of_a_backup_is_the_queue_file() {
    let directory = tempfile::tempdir().unwrap();
    let queue = directory.path().join("backup.db.nsbridge-part");
    drop(Store::open(&queue, BUSY_TIME_MAX).unwrap());
    let before = fs::read(&queue).unwrap();
    let refused = back_up(&queue, &directory.path().join("backup.db")).unwrap_err();
    assert!(matches!(refused, BackupError::OfQueue { .. }), "{refused}");
    assert_eq!(fs::read(&queue).unwrap(), before);
}
