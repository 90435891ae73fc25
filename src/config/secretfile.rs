//! Reads files that hold a secret: once, into a [`Secret`], and only if no other user can read
//! them.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::model::Secret;

/// Longest file in octets: a key takes some hundred octets in a key file, a private key a few
/// thousand.
const SECRET_FILE_OCTETS_MAX: u64 = 256 * 1024;
/// The permission bits of group and others.
const GROUP_AND_OTHERS: u32 = 0o077;

/// A reason why a file with a secret was not read.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    /// The file cannot be opened or read.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The file is a directory, a pipe or a device.
    #[error("`{}` is not a regular file", path.display())]
    NotRegular {
        /// The file.
        path: PathBuf,
    },
    /// Users other than its owner have access to the file.
    #[error("`{}` has mode {mode:04o}: others than its owner can get at the secret", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// The permission bits of the file.
        mode: u32,
    },
    /// The file is longer than any file of its kind.
    #[error("`{}` is longer than {SECRET_FILE_OCTETS_MAX} octets", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
    },
}

impl SecretFileError {
    /// Returns what the operator can do about it, if there is advice.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Read { path, source } if source.kind() == io::ErrorKind::PermissionDenied => {
                Some(format!(
                    "make the user that runs nsbridge its owner: `chown USER {}`",
                    quoted(path)
                ))
            }
            Self::Exposed { path, .. } => Some(format!("run `chmod 600 {}`", quoted(path))),
            Self::Read { .. } | Self::NotRegular { .. } | Self::TooLong { .. } => None,
        }
    }
}

/// Reads a file that only its owner has access to.
///
/// # Errors
/// [`SecretFileError`].
pub(super) fn read(path: &Path) -> Result<Secret<Vec<u8>>, SecretFileError> {
    let failed = |source| SecretFileError::Read {
        path: path.to_owned(),
        source,
    };
    // Opening a pipe would wait for its writer, so the kind is also checked before.
    if !path.metadata().map_err(failed)?.is_file() {
        return Err(SecretFileError::NotRegular {
            path: path.to_owned(),
        });
    }
    let file = File::open(path).map_err(failed)?;
    // Check the open file, because the path can name another one by now.
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(SecretFileError::NotRegular {
            path: path.to_owned(),
        });
    }
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & GROUP_AND_OTHERS != 0 {
        return Err(SecretFileError::Exposed {
            path: path.to_owned(),
            mode,
        });
    }
    let mut content = Vec::new();
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

/// Quotes a path as a word of a shell command.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || b"/._-+:@%".contains(&octet);
    if text.bytes().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
