//! Examines whether the file can be used, without creating or changing it.

use std::fs::{self, File};
use std::path::Path;

use super::store::{Store, StoreError};

/// The state of the file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum FileState {
    /// The file is absent, and can be created.
    Absent,
    /// The file can be written; the next use migrates its schema to the newest version.
    Usable { version: usize, newest: usize },
}

/// Examines the file, or the directory of an absent one. An error says why it cannot be used.
pub(crate) fn examine(path: &Path) -> Result<FileState, StoreError> {
    if path.exists() {
        let (version, newest) = Store::try_out(path)?;
        return Ok(FileState::Usable { version, newest });
    }
    let mut above = path.ancestors().skip(1);
    let directory = above.find(|directory| directory.exists());
    // The parent of a relative path without a directory is the empty path.
    let directory = directory.unwrap_or(Path::new("."));
    let trial = directory.join(format!(".nsbridge-check-{}", std::process::id()));
    let created = File::create_new(&trial).and_then(|_| fs::remove_file(&trial));
    created.map_err(|source| StoreError::Unwritable {
        path: directory.to_owned(),
        source,
    })?;
    Ok(FileState::Absent)
}
