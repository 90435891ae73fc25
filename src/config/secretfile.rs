//! Files that hold a secret: read once, into a [`Secret`], and only when nobody else can read them.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::model::Secret;

/// Longest file in octets: a key file has some hundred octets a key, a private key a few thousand.
pub const SECRET_FILE_OCTETS_MAX: u64 = 256 * 1024;
/// The mode's bits that let group or world do anything.
const OTHERS: u32 = 0o077;

/// Why a file with a secret was not read.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    /// It cannot be opened or read.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is a directory, a pipe or a device.
    #[error("`{}` is not a regular file", path.display())]
    NotRegular {
        /// The file.
        path: PathBuf,
    },
    /// Others than its owner have a right to it.
    #[error("`{}` has mode {mode:04o}: others than its owner can get at the secret", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is longer than any file of its kind.
    #[error("`{}` is longer than {SECRET_FILE_OCTETS_MAX} octets", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
    },
}

impl SecretFileError {
    /// What a person can do about it, where there is something to say.
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

/// Reads a file that only its owner can get at.
///
/// # Errors
/// [`SecretFileError`].
pub(super) fn read(path: &Path) -> Result<Secret<Vec<u8>>, SecretFileError> {
    let failed = |source| SecretFileError::Read {
        path: path.to_owned(),
        source,
    };
    // Opening a pipe would wait for its writer, so its kind is looked at before, too.
    if !path.metadata().map_err(failed)?.is_file() {
        return Err(SecretFileError::NotRegular {
            path: path.to_owned(),
        });
    }
    let file = File::open(path).map_err(failed)?;
    // Of the opened file, not of the path, which could be another one by now.
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(SecretFileError::NotRegular {
            path: path.to_owned(),
        });
    }
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & OTHERS != 0 {
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

/// A path as a word of a shell command.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || b"/._-+:@%".contains(&octet);
    if text.bytes().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
