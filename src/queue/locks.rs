//! Locks on files beside the queue's file, by which processes see each other.
//!
//! The kernel releases the lock of a process that ends, even if it is killed: the jobs of a killed
//! process are free at once, a slow process keeps its jobs, and no clock is involved.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, fcntl_lock};
use rustix::io::Errno;
use rustix::process::{Flock, FlockType, fcntl_getlk};

use crate::permission::{directory_of, shared_file};

/// The age from which on an unlocked file is left over: a process may not have locked a new one
/// yet.
const LEFT_OVER_AGE: Duration = Duration::from_secs(60);

/// The lock of the worker: a queue has only one.
///
/// It is a record lock (fcntl), since others can ask whether such a lock is taken without taking it
/// themselves. Its file stays: a process that has opened a file which is then removed would lock a
/// file that no other process sees. A record lock ends when its process closes the file, through
/// whichever descriptor: the worker itself must not open the file again.
#[derive(Debug)]
pub(crate) struct WorkerLock {
    _file: File,
}

impl WorkerLock {
    /// Takes the lock; `None` if another process has it. An error comes with the lock's path.
    pub(crate) fn take(queue: &Path) -> Result<Option<Self>, (PathBuf, io::Error)> {
        Self::take_named(queue, "serve")
    }

    /// Takes the lock of a process that delivers what is due once, which does not keep a worker from its work.
    pub(crate) fn take_once(queue: &Path) -> Result<Option<Self>, (PathBuf, io::Error)> {
        Self::take_named(queue, "serve-once")
    }

    fn take_named(queue: &Path, name: &str) -> Result<Option<Self>, (PathBuf, io::Error)> {
        let path = path_beside(queue, name);
        let lock = || {
            let file = shared_file::open_or_create(&path)?;
            match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => Ok(Some(Self { _file: file })),
                Err(Errno::AGAIN | Errno::ACCESS) => Ok(None),
                Err(error) => Err(error.into()),
            }
        };
        lock().map_err(|error: io::Error| (path.clone(), error))
    }

    /// Returns whether a worker works on the queue, without a lock of its own.
    pub(crate) fn is_taken(queue: &Path) -> bool {
        let path = path_beside(queue, "serve");
        let file = shared_file::open(&path, OpenOptions::new().read(true));
        file.is_ok_and(|file| {
            let found = fcntl_getlk(&file, &Flock::from(FlockType::ReadLock));
            matches!(found, Ok(Some(_)))
        })
    }
}

/// The lock of a process that reads the zones of a folder or a configuration and enqueues them. Without it, older contents
/// of a file could be enqueued after newer ones.
#[derive(Debug)]
pub(crate) struct ReadLock {
    _lock: WorkerLock,
}

impl ReadLock {
    /// Takes the lock; `None` if another process has it. An error comes with the lock's path.
    pub(crate) fn take(queue: &Path) -> Result<Option<Self>, (PathBuf, io::Error)> {
        let lock = WorkerLock::take_named(queue, "sync")?;
        Ok(lock.map(|lock| Self { _lock: lock }))
    }
}

/// The digits of the random number in a token.
const RANDOM_DIGITS: usize = 16;

/// A locked file; the end of its owner removes it. No other process takes a lock of that name.
#[derive(Debug)]
struct LockFile {
    path: PathBuf,
    /// The lock ends when the file is closed.
    _file: File,
}

impl Drop for LockFile {
    fn drop(&mut self) {
        fs::remove_file(&self.path).ok();
    }
}

/// The lock by which other processes see whether this process, which has taken jobs, is alive. The
/// row of a job names the process by its token.
#[derive(Debug)]
pub(super) struct ProcessLock {
    token: String,
    _file: Option<LockFile>,
}

impl ProcessLock {
    /// Creates and locks the file. An error comes with the file's path.
    pub(super) fn create(queue: &Path) -> Result<Self, (PathBuf, io::Error)> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| (queue.to_owned(), error.into()))?;
        let token = format!("{}-{:016x}", std::process::id(), u64::from_be_bytes(random));
        let path = path_of(queue, &token);
        let create = || {
            let file = shared_file::create_new(&path)?;
            file.lock()?;
            Ok(file)
        };
        let file = create().map_err(|error| (path.clone(), error))?;
        Ok(Self {
            token,
            _file: Some(LockFile { path, _file: file }),
        })
    }

    /// Returns the lock for a copy of the queue's file that no other process sees.
    pub(super) fn without_file() -> Self {
        Self {
            token: "nobody".into(),
            _file: None,
        }
    }

    /// Returns the token of this process.
    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// Returns whether the process with a token is alive, and removes the file of a killed one. No process has a
    /// token of another form, or a file that another user has put there.
    pub(super) fn is_alive(queue: &Path, token: &str) -> bool {
        if Self::process_of(token).is_none() {
            return false;
        }
        let path = path_of(queue, token);
        let file = match shared_file::open(&path, OpenOptions::new().read(true)) {
            Ok(file) => file,
            // An error of the system, such as too many open files, tells nothing about the process.
            Err(error) => {
                let kind = error.kind();
                return !matches!(kind, io::ErrorKind::NotFound | io::ErrorKind::Other);
            }
        };
        match file.try_lock_shared() {
            Ok(()) => {
                // Another process may have removed it already.
                fs::remove_file(&path).ok();
                false
            }
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => true,
        }
    }

    /// Returns the process id in a token; `None` if the text is no token.
    pub(super) fn process_of(token: &str) -> Option<u32> {
        let (process, random) = token.split_once('-')?;
        let is_digit = |octet: u8| octet.is_ascii_digit() || (b'a'..=b'f').contains(&octet);
        let is_random = random.len() == RANDOM_DIGITS && random.bytes().all(is_digit);
        let is_number = process.bytes().all(|octet| octet.is_ascii_digit());
        process.parse().ok().filter(|_| is_random && is_number)
    }
}

/// Removes the files of processes that were killed while they had no job.
pub(super) fn remove_left_over(queue: &Path) {
    let Ok(files) = fs::read_dir(directory_of(queue)) else {
        return;
    };
    for file in files.flatten() {
        let name = file.file_name();
        let token = name.to_str().and_then(|name| {
            let rest = name.strip_prefix(queue.file_name()?.to_str()?)?;
            rest.strip_prefix('.')?.strip_suffix(".claim")
        });
        let modified = file.metadata().and_then(|it| it.modified()).ok();
        let age = modified.and_then(|modified| modified.elapsed().ok());
        if let Some(token) = token.filter(|_| age.is_some_and(|age| age > LEFT_OVER_AGE)) {
            ProcessLock::is_alive(queue, token);
        }
    }
}

fn path_of(queue: &Path, token: &str) -> PathBuf {
    path_beside(queue, &format!("{token}.claim"))
}

fn path_beside(queue: &Path, suffix: &str) -> PathBuf {
    let mut path = queue.as_os_str().to_owned();
    path.push(format!(".{suffix}"));
    path.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_alive_as_long_as_it_holds_its_lock() {
        let directory = tempfile::tempdir().unwrap();
        let queue = directory.path().join("queue.db");
        let process_lock = ProcessLock::create(&queue).unwrap();
        let token = process_lock.token().to_owned();
        assert!(ProcessLock::is_alive(&queue, &token));
        assert_eq!(ProcessLock::process_of(&token), Some(std::process::id()));
        let path = path_of(&queue, &token);
        drop(process_lock);
        assert!(!path.exists() && !ProcessLock::is_alive(&queue, &token));

        // As a killed process leaves it.
        File::create_new(&path).unwrap();
        assert!(!ProcessLock::is_alive(&queue, &token));
        assert!(!path.exists());
    }

    #[test]
    fn a_text_that_is_no_token_names_no_file() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("queue.db.1")).unwrap();
        let queue = directory.path().join("queue.db");
        let victim = directory.path().join("victim.claim");
        File::create_new(&victim).unwrap();
        for text in [
            "/../../victim",
            "1/../victim",
            "1-0000000000000000/../../victim",
            "+1-0000000000000000",
            "1-000000000000000",
            "1-000000000000000A",
            "",
        ] {
            assert_eq!(ProcessLock::process_of(text), None, "{text}");
            assert!(!ProcessLock::is_alive(&queue, text), "{text}");
        }
        assert!(victim.exists());
    }

    #[test]
    fn a_look_whether_a_worker_works_takes_no_lock() {
        let directory = tempfile::tempdir().unwrap();
        let queue = directory.path().join("queue.db");
        assert!(!WorkerLock::is_taken(&queue));
        let file = shared_file::create_new(&path_beside(&queue, "serve")).unwrap();
        // As a look that goes on.
        file.lock_shared().unwrap();
        assert!(WorkerLock::take(&queue).unwrap().is_some());
        assert!(path_beside(&queue, "serve").exists());
    }

    #[test]
    fn the_file_of_a_killed_process_is_removed_later() {
        let directory = tempfile::tempdir().unwrap();
        let queue = directory.path().join("queue.db");
        let held = ProcessLock::create(&queue).unwrap();
        let create = |token: &str, age: Duration| {
            let path = path_of(&queue, token);
            let file = File::create_new(&path).unwrap();
            let then = file.metadata().unwrap().modified().unwrap() - age;
            file.set_modified(then).unwrap();
            path
        };
        let old = create("1-000000000000000a", LEFT_OVER_AGE * 2);
        let new = create("2-000000000000000b", Duration::ZERO);
        let other = directory.path().join("queue.db.claim");
        File::create_new(&other).unwrap();
        let path = path_of(&queue, held.token());
        let long_ago = File::options().append(true).open(&path).unwrap();
        let then = long_ago.metadata().unwrap().modified().unwrap() - LEFT_OVER_AGE * 2;
        long_ago.set_modified(then).unwrap();
        remove_left_over(&queue);
        assert!(!old.exists() && new.exists() && other.exists() && path.exists());
    }
}
