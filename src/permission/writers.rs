//! Finds who else may change a file: through the file, or through a directory above it.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The permission bits by which the group, and all users, write.
const GROUP_WRITES: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;
/// In a directory with this bit, users rename and delete only their own files.
const STICKY: u32 = 0o1000;

/// A file or directory that users who are not trusted may write to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OpenPlace {
    /// The file or directory.
    pub path: PathBuf,
    /// The number of its owner.
    pub owner: u32,
    /// The permission bits.
    pub mode: u32,
}

/// Returns the first of a file and the directories above it that users other than root and `trusted` may write to.
///
/// # Errors
/// The system's error if the file, or one of the directories, cannot be examined.
pub(crate) fn open_place(file: &Path, trusted: u32) -> io::Result<Option<OpenPlace>> {
    // The directories of a symbolic link decide where it leads, and those of its target what is there.
    for path in [std::path::absolute(file)?, file.canonicalize()?] {
        for place in path.ancestors() {
            let metadata = place.metadata()?;
            if is_open(&metadata, trusted) {
                return Ok(Some(OpenPlace {
                    path: place.to_owned(),
                    owner: metadata.uid(),
                    mode: metadata.mode() & 0o7777,
                }));
            }
        }
    }
    Ok(None)
}

fn is_open(metadata: &Metadata, trusted: u32) -> bool {
    let mode = metadata.mode();
    let is_shared = mode & GROUP_WRITES != 0 && metadata.gid() != 0 || mode & OTHERS_WRITE != 0;
    let is_sticky = metadata.is_dir() && mode & STICKY != 0;
    ![0, trusted].contains(&metadata.uid()) || is_shared && !is_sticky
}
