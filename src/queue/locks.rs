//! Locks on files beside the queue's file, by which processes see each other.
//!
//! The kernel releases the lock of a process that ends, even if it is killed: the jobs of a killed
//! process are free at once, a slow process keeps its jobs, and no clock is involved.

use std::fs::{self, File, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The age from which on an unlocked file is left over: a process may not have locked a new one
/// yet.
const LEFT_OVER_AGE: Duration = Duration::from_secs(60);

/// A locked file; the end of its owner removes it.
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

/// The lock of the worker: a queue has only one.
#[derive(Debug)]
pub(crate) struct WorkerLock {
    _file: LockFile,
}

impl WorkerLock {
    /// Takes the lock; `None` if another process has it. An error comes with the lock's path.
    pub(crate) fn take(queue: &Path) -> Result<Option<Self>, (PathBuf, io::Error)> {
        let path = path_beside(queue, "serve");
        let file = File::options().create(true).append(true).open(&path);
        let locked = file
            .map_err(TryLockError::Error)
            .and_then(|file| file.try_lock().map(|()| file));
        match locked {
            Ok(file) => Ok(Some(Self {
                _file: LockFile { path, _file: file },
            })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err((path, error)),
        }
    }

    /// Returns whether a worker works on the queue.
    pub(crate) fn is_taken(queue: &Path) -> bool {
        let file = File::open(path_beside(queue, "serve"));
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
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
            let file = File::create_new(&path)?;
            // Processes of other users must be able to examine the lock.
            file.set_permissions(Permissions::from_mode(0o644))?;
            file.lock()?;
            Ok(file)
        };
        let file = create().map_err(|error| (path.clone(), error))?;
        remove_left_over(queue);
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

    /// Returns whether the process with a token is alive, and removes the file of a killed one.
    pub(super) fn is_alive(queue: &Path, token: &str) -> bool {
        let path = path_of(queue, token);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) => return error.kind() != io::ErrorKind::NotFound,
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

    /// Returns the process id in a token.
    pub(super) fn process_of(token: &str) -> Option<u32> {
        token.split_once('-')?.0.parse().ok()
    }
}

/// Removes the files of processes that were killed while they had no job.
fn remove_left_over(queue: &Path) {
    let directory = queue.parent().filter(|it| !it.as_os_str().is_empty());
    let Ok(files) = fs::read_dir(directory.unwrap_or(Path::new("."))) else {
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
    fn the_file_of_a_killed_process_is_removed_by_the_next_one() {
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
        let old = create("1-a", LEFT_OVER_AGE * 2);
        let new = create("2-b", Duration::ZERO);
        let other = directory.path().join("queue.db.claim");
        File::create_new(&other).unwrap();
        let path = path_of(&queue, held.token());
        let long_ago = File::options().append(true).open(&path).unwrap();
        let then = long_ago.metadata().unwrap().modified().unwrap() - LEFT_OVER_AGE * 2;
        long_ago.set_modified(then).unwrap();
        drop(ProcessLock::create(&queue).unwrap());
        assert!(!old.exists() && new.exists() && other.exists() && path.exists());
    }
}
