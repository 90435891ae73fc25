//! Whether the file could be used, found out without making or changing it.

use std::fs::{self, File};
use std::path::Path;

use super::store::{Store, StoreError};

/// How the file is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FileState {
    /// It is not there, and can be made.
    Absent,
    /// It can be written.
    Usable {
        /// Its schema version.
        version: usize,
        /// The version that the next use brings it to.
        newest: usize,
    },
}

/// Looks at the file, and for one that is not there at its directory.
///
/// # Errors
/// [`StoreError`]: why it could not be used.
pub fn examine(path: &Path) -> Result<FileState, StoreError> {
    if path.exists() {
        let (version, newest) = Store::try_out(path)?;
        return Ok(FileState::Usable { version, newest });
    }
    let mut above = path.ancestors().skip(1);
    let directory = above.find(|directory| directory.exists());
    // The parent of a relative path without a directory is the empty path.
    let directory = directory.unwrap_or(Path::new("."));
    let trial = directory.join(format!(".nsbridge-check-{}", std::process::id()));
    let made = File::create_new(&trial).and_then(|_| fs::remove_file(&trial));
    made.map_err(|source| StoreError::Unwritable {
        path: directory.to_owned(),
        source,
    })?;
    Ok(FileState::Absent)
}
