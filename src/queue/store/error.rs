//! The errors of the file, and what keeps this process from using it.

use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{ErrorCode, ffi};

use crate::diagnostic::{Diagnose, Diagnostic, case, displayed, queue as entries, run};
use crate::model::excerpt;
use crate::permission::{self, Barrier};

/// Most characters of what SQLite says of a damaged file.
const DAMAGE_CHARS_MAX: usize = 30;

/// Most characters of what SQLite says of another failure.
const REASON_CHARS_MAX: usize = 40;

/// The reason why the file cannot be used.
#[derive(Debug)]
#[expect(missing_docs, reason = "the names of the fields say what they hold")]
pub enum StoreError {
    /// Its directory cannot be created.
    Directory {
        path: PathBuf,
        source: io::Error,
        barrier: Option<Box<Barrier>>,
    },
    /// No file can be created in its directory.
    Unwritable {
        /// The directory, or the nearest existing one above it.
        path: PathBuf,
        /// The directory, if it is missing.
        missing: Option<PathBuf>,
        source: io::Error,
        barrier: Option<Box<Barrier>>,
    },
    /// The file, or one beside it, is not a regular file of the owner of its directory.
    Irregular { path: PathBuf, source: io::Error },
    /// SQLite failed.
    Sqlite {
        path: PathBuf,
        /// The action that failed, as a verb.
        step: &'static str,
        source: rusqlite::Error,
        barrier: Option<Box<Barrier>>,
    },
    /// The file that shows whether this process lives cannot be created.
    ProcessLock {
        path: PathBuf,
        source: io::Error,
        barrier: Option<Box<Barrier>>,
    },
    /// The system gives no thread.
    Thread { source: io::Error },
    /// A later version of nsbridge wrote it.
    Newer {
        path: PathBuf,
        /// The version of its schema.
        found: usize,
        /// The newest version that this nsbridge knows.
        known: usize,
    },
}

displayed!(StoreError);

impl Diagnose for StoreError {
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::Directory {
                path: directory,
                source,
                barrier,
            } => {
                let (path, quoted) = (directory.display(), permission::quoted(directory));
                match barrier {
                    None => case!(entries::QUEUE_DIRECTORY_MISSING, path, source, quoted),
                    Some(it) => {
                        let action = format!("create the directory `{path}`");
                        unmade(&action, source, it, directory)
                    }
                }
            }
            Self::Unwritable {
                path,
                missing,
                source,
                barrier,
            } => {
                let (path, quoted) = (path.display(), permission::quoted(path));
                let action = format!("create a file in `{path}`");
                match (barrier, missing) {
                    (None, _) => case!(entries::QUEUE_UNWRITABLE, path, source, quoted),
                    (Some(it), None) => forbidden(&action, source, it),
                    (Some(it), Some(directory)) => unmade(&action, source, it, directory),
                }
            }
            Self::Irregular { path, source } => {
                let (path, quoted) = (path.display(), permission::quoted(path));
                case!(entries::QUEUE_FILE_IRREGULAR, path, source, quoted)
            }
            Self::Sqlite {
                path,
                step,
                source,
                barrier,
            } => of_sqlite(path, step, source, barrier.as_deref()),
            Self::ProcessLock {
                path,
                source,
                barrier,
            } => {
                let directory = permission::quoted(permission::directory_of(path));
                let path = path.display();
                match barrier {
                    None => case!(entries::QUEUE_LOCK_UNCREATABLE, path, source, directory),
                    Some(it) => {
                        let action =
                            format!("create `{path}`, which marks what this process delivers");
                        forbidden(&action, source, it)
                    }
                }
            }
            Self::Thread { source } => case!(run::SYSTEM_SHORTAGE, source),
            Self::Newer { path, found, known } => {
                case!(
                    entries::QUEUE_FILE_NEWER,
                    path = path.display(),
                    found,
                    known
                )
            }
        }
    }
}

/// Returns the diagnostic of an error of SQLite at a step.
fn of_sqlite(
    path: &Path,
    step: &str,
    source: &rusqlite::Error,
    barrier: Option<&Barrier>,
) -> Diagnostic {
    let quoted = permission::quoted(path);
    let directory = permission::quoted(path.parent().unwrap_or(path));
    let path = path.display();
    match barrier {
        Some(it) => forbidden(&format!("{step} `{path}`"), source, it),
        None if is_damage(source) => {
            case!(
                entries::QUEUE_FILE_DAMAGED,
                path,
                source = excerpt(&reason(source), DAMAGE_CHARS_MAX),
                quoted
            )
        }
        None if is_locked(source) => {
            case!(entries::QUEUE_FILE_LOCKED, step, path, source, quoted)
        }
        None => {
            let source = excerpt(&reason(source), REASON_CHARS_MAX);
            case!(entries::QUEUE_FILE_FAILED, step, path, source, directory)
        }
    }
}

/// Returns the diagnostic of a directory that permissions do not allow to create.
fn unmade(action: &str, source: &io::Error, barrier: &Barrier, directory: &Path) -> Diagnostic {
    let (user, quoted) = (permission::user(), permission::quoted(directory));
    case!(
        entries::QUEUE_DIRECTORY_FORBIDDEN,
        action,
        source,
        user,
        quoted
    )
    .because(barrier)
}

/// Returns the diagnostic of an action that permissions do not allow.
fn forbidden(action: &str, source: &impl Display, barrier: &Barrier) -> Diagnostic {
    case!(entries::QUEUE_FORBIDDEN, action, source).because(barrier)
}

/// Returns what is wrong with the content of the file, without the words of the library around it.
pub(super) fn reason(error: &rusqlite::Error) -> String {
    if let rusqlite::Error::FromSqlConversionFailure(_, _, source) = error {
        return source.to_string();
    }
    if let rusqlite::Error::SqlInputError { msg, .. } = error {
        return msg.clone();
    }
    if let rusqlite::Error::SqliteFailure(error, None) = error {
        return ffi::code_to_str(error.extended_code).to_owned();
    }
    error.to_string()
}

/// Returns whether the file's content is not what nsbridge has written.
fn is_damage(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(
        error,
        rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::Utf8Error(..)
    ) || matches!(
        code,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}

/// Returns whether another process has held the lock of the file for too long.
fn is_locked(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(
        code,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

/// Returns the error of a file whose content is not what nsbridge has written.
pub(super) fn damage(reason: &str) -> rusqlite::Error {
    let kind = rusqlite::types::Type::Null;
    rusqlite::Error::FromSqlConversionFailure(0, kind, reason.into())
}

/// Returns the conversion of an SQL error.
pub(super) fn failed<'a>(
    path: &'a Path,
    step: &'static str,
) -> impl FnOnce(rusqlite::Error) -> StoreError + use<'a> {
    move |source| StoreError::Sqlite {
        path: path.into(),
        step,
        barrier: barrier_of_sqlite(&source, path),
        source,
    }
}

/// Returns what keeps this process from creating a file, if the error is about permissions.
pub(super) fn barrier(error: &io::Error, path: &Path) -> Option<Box<Barrier>> {
    let is_denied = error.kind() == io::ErrorKind::PermissionDenied;
    is_denied.then(|| permission::write_barrier(path)).flatten()
}

/// Returns what keeps this process from using the file, those that SQLite puts beside it, or their
/// directory, if the error may be about permissions.
fn barrier_of_sqlite(error: &rusqlite::Error, path: &Path) -> Option<Box<Barrier>> {
    let Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) =
        error.sqlite_error_code()
    else {
        return None;
    };
    let mut files = files_of(path).into_iter();
    let of_directory = || permission::write_barrier(path.parent()?);
    files
        .find_map(|file| permission::write_barrier(&file))
        .or_else(of_directory)
}

/// Returns the file and those that SQLite puts beside it.
pub(super) fn files_of(path: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|end| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        name.into()
    })
}

/// Returns the error of a column that holds no value of its kind.
pub(super) fn corrupt(
    column: usize,
    error: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Blob, error.into())
}
