//! Which process delivers a job, and whether that process still lives.
//!
//! Each process that takes jobs has a file of its own beside the queue, which it holds locked. The
//! kernel gives the lock up when the process ends, however it ends: so a job of a killed process is
//! free at once, a slow process keeps what it has, and no clock is asked.

use std::fs::{self, File, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How old a file must be to be taken for left over: one that has just been made may not be locked yet.
const LEFT_OVER_AGE: Duration = Duration::from_secs(60);

/// The claim of this process, while it lives.
#[derive(Debug)]
pub(super) struct ProcessLock {
    token: String,
    /// Its lock is the claim.
    file: Option<(PathBuf, File)>,
}

impl ProcessLock {
    /// Makes and locks the file.
    ///
    /// # Errors
    /// The file's path, and why it cannot be made.
    pub(super) fn make(queue: &Path) -> Result<Self, (PathBuf, io::Error)> {
        let mut random = [0; 8];
        let token = match getrandom::fill(&mut random) {
            Ok(()) => format!("{}-{:016x}", std::process::id(), u64::from_be_bytes(random)),
            Err(error) => return Err((queue.to_owned(), error.into())),
        };
        let path = path_of(queue, &token);
        let make = || {
            let file = File::create_new(&path)?;
            // Whoever else uses the queue must be able to look at the lock.
            file.set_permissions(Permissions::from_mode(0o644))?;
            file.lock()?;
            Ok(file)
        };
        match make() {
            Ok(file) => {
                remove_left_over(queue);
                Ok(Self {
                    token,
                    file: Some((path, file)),
                })
            }
            Err(error) => Err((path, error)),
        }
    }

    /// A claim in a copy that no other process sees.
    pub(super) fn of_nobody() -> Self {
        Self {
            token: "nobody".into(),
            file: None,
        }
    }

    /// What stands in the rows of the jobs.
    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// Whether the process of a claim still lives. The file of one that was killed is removed.
    pub(super) fn is_alive(queue: &Path, token: &str) -> bool {
        let path = path_of(queue, token);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) => return error.kind() != io::ErrorKind::NotFound,
        };
        match file.try_lock_shared() {
            Ok(()) => {
                // Another process may do the same.
                fs::remove_file(&path).ok();
                false
            }
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => true,
        }
    }

    /// The process that a claim is of.
    pub(super) fn process_of(token: &str) -> Option<u32> {
        token.split_once('-')?.0.parse().ok()
    }
}

impl Drop for ProcessLock {
    fn drop(&mut self) {
        if let Some((path, _)) = &self.file {
            fs::remove_file(path).ok();
        }
    }
}

/// Removes files of processes that were killed before they had taken a job, or after their last one.
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
    let mut path = queue.as_os_str().to_owned();
    path.push(format!(".{token}.claim"));
    path.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_lives_as_long_as_its_lock() {
        let directory = tempfile::tempdir().unwrap();
        let queue = directory.path().join("queue.db");
        let process_lock = ProcessLock::make(&queue).unwrap();
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
    fn what_a_killed_process_left_goes_with_the_next_one() {
        let directory = tempfile::tempdir().unwrap();
        let queue = directory.path().join("queue.db");
        let held = ProcessLock::make(&queue).unwrap();
        let made = |token: &str, age: Duration| {
            let path = path_of(&queue, token);
            let file = File::create_new(&path).unwrap();
            let then = file.metadata().unwrap().modified().unwrap() - age;
            file.set_modified(then).unwrap();
            path
        };
        let old = made("1-a", LEFT_OVER_AGE * 2);
        let new = made("2-b", Duration::ZERO);
        let other = directory.path().join("queue.db.claim");
        File::create_new(&other).unwrap();
        let path = path_of(&queue, held.token());
        let long_ago = File::options().append(true).open(&path).unwrap();
        let then = long_ago.metadata().unwrap().modified().unwrap() - LEFT_OVER_AGE * 2;
        long_ago.set_modified(then).unwrap();
        drop(ProcessLock::make(&queue).unwrap());
        assert!(!old.exists() && new.exists() && other.exists() && path.exists());
    }
}
