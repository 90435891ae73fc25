//! Files that cannot be written.

use std::io;
use std::path::{Path, PathBuf};

use super::barrier::{directory_of, quoted};
use crate::diagnostic::{Diagnose, Diagnostic, case, displayed, file as entries};

/// A file that the operator names and that cannot be written.
#[derive(Debug)]
#[expect(missing_docs, reason = "the names of the fields say what they hold")]
pub struct Unwritten {
    pub path: PathBuf,
    pub source: io::Error,
}

displayed!(Unwritten);

impl Diagnose for Unwritten {
    fn diagnostic(&self) -> Diagnostic {
        let (path, source) = (self.path.display(), &self.source);
        let directory = quoted(directory_of(&self.path));
        case!(entries::FILE_UNWRITTEN, path, source, directory)
    }
}

impl Unwritten {
    /// Returns the error for a path.
    pub(crate) fn new(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        Self { path, source }
    }
}
