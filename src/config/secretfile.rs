//! Reads files that hold a secret: once, into a [`Secret`], and only if no other user can read
//! them.

use std::fs::{File, Metadata};
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::unreadable::Unreadable;
use crate::diagnostic::{Diagnose, Diagnostic, case, displayed, file as entries};
use crate::model::Secret;
use crate::permission;

/// Longest file in octets: a key takes some hundred octets in a key file, a private key a few
/// thousand.
const SECRET_FILE_OCTETS_MAX: u64 = 256 * 1024;
/// How much longer the buffer is than the file, so that the end of the file is found without a larger one.
const SPARE_OCTETS: u64 = 64;
/// The permission bits of group and others.
const GROUP_AND_OTHERS: u32 = 0o077;

/// A reason why a file with a secret was not read.
#[derive(Debug)]
pub enum SecretFileError {
    /// The file cannot be opened or read.
    Read(Unreadable),
    /// The file is a pipe or a device.
    NotRegular {
        /// The file.
        path: PathBuf,
    },
    /// Users other than its owner have access to the file.
    Exposed {
        /// The file.
        path: PathBuf,
        /// The permission bits of the file.
        mode: u32,
        /// The name of its owner.
        owner: String,
    },
    /// The file is longer than any file of its kind.
    TooLong {
        /// The file.
        path: PathBuf,
    },
}

displayed!(SecretFileError);

impl Diagnose for SecretFileError {
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::Read(unreadable) => unreadable.diagnostic(),
            Self::NotRegular { path } => {
                case!(entries::SECRET_FILE_IRREGULAR, path = path.display())
            }
            Self::Exposed { path, mode, owner } => {
                let (path, quoted) = (path.display(), permission::quoted(path));
                let (mode, user) = (permission::octal(*mode), permission::user());
                if *owner == user || user == "root" {
                    case!(
                        entries::SECRET_FILE_EXPOSED,
                        path,
                        mode,
                        owner,
                        user,
                        quoted
                    )
                } else {
                    case!(
                        entries::SECRET_FILE_EXPOSED_OWNER,
                        path,
                        mode,
                        owner,
                        user,
                        quoted
                    )
                }
            }
            Self::TooLong { path } => {
                let (path, limit) = (path.display(), SECRET_FILE_OCTETS_MAX);
                case!(entries::SECRET_FILE_TOO_LONG, path, limit)
            }
        }
    }
}

/// Reads a file that only its owner has access to.
///
/// # Errors
/// [`SecretFileError`].
pub(super) fn read(path: &Path) -> Result<Secret<Vec<u8>>, SecretFileError> {
    let failed = |source| SecretFileError::Read(Unreadable::new(path, source));
    // Opening a pipe would wait for its writer, so the kind is also checked before.
    check_kind(path, &path.metadata().map_err(failed)?)?;
    let file = File::open(path).map_err(failed)?;
    // Check the open file, because the path can name another one by now.
    let metadata = file.metadata().map_err(failed)?;
    check_kind(path, &metadata)?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & GROUP_AND_OTHERS != 0 {
        return Err(SecretFileError::Exposed {
            path: path.to_owned(),
            mode,
            owner: permission::name_of(metadata.uid()),
        });
    }
    // A vector that grows would leave copies of its content behind.
    let size = metadata.len().min(SECRET_FILE_OCTETS_MAX) + SPARE_OCTETS;
    let mut content = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    file.take(SECRET_FILE_OCTETS_MAX + 1)
        .read_to_end(&mut content)
        .map_err(failed)?;
    let content = Secret::new(content);
    if content.expose().len() as u64 > SECRET_FILE_OCTETS_MAX {
        return Err(SecretFileError::TooLong {
            path: path.to_owned(),
        });
    }
    Ok(content)
}

/// Rejects what is no plain file.
fn check_kind(path: &Path, metadata: &Metadata) -> Result<(), SecretFileError> {
    if metadata.is_dir() {
        let unreadable = Unreadable::new(path, Errno::ISDIR.into());
        return Err(SecretFileError::Read(unreadable));
    }
    if !metadata.is_file() {
        let path = path.to_owned();
        return Err(SecretFileError::NotRegular { path });
    }
    Ok(())
}
