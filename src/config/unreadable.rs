//! Files that cannot be read.

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::diagnostic::{Diagnose, Diagnostic, case, displayed, file as entries};
use crate::permission::{self, Barrier};

/// A file that cannot be opened or read.
#[derive(Debug)]
#[expect(missing_docs, reason = "the names of the fields say what they hold")]
pub struct Unreadable {
    pub path: PathBuf,
    pub source: io::Error,
    /// The file or directory that keeps this process out, if the system names one.
    pub barrier: Option<Box<Barrier>>,
}

displayed!(Unreadable);

impl Diagnose for Unreadable {
    fn diagnostic(&self) -> Diagnostic {
        let (path, source) = (self.path.display(), &self.source);
        let quoted = permission::quoted(&self.path);
        if let Some(barrier) = &self.barrier {
            return case!(entries::FILE_FORBIDDEN, path, source).because(&**barrier);
        }
        match Errno::from_io_error(source) {
            Some(Errno::ACCESS | Errno::PERM) => {
                let user = permission::user();
                case!(entries::FILE_DENIED, path, source, user, quoted)
            }
            Some(Errno::NOENT) => {
                let directory = permission::quoted(self.nearest(Path::is_dir));
                case!(entries::FILE_MISSING, path, directory)
            }
            Some(Errno::ISDIR) => case!(entries::FILE_IS_DIRECTORY, path, quoted),
            Some(Errno::NOTDIR) => {
                let part = self.nearest(|it| it.symlink_metadata().is_ok());
                let (part, quoted) = (part.display(), permission::quoted(part));
                case!(entries::FILE_BELOW_FILE, path, part, quoted)
            }
            Some(Errno::LOOP) => case!(entries::FILE_LINK_LOOP, path, quoted),
            _ if source.kind() == io::ErrorKind::InvalidData => {
                case!(entries::FILE_NOT_TEXT, path, quoted)
            }
            _ => case!(entries::FILE_UNREADABLE, path, source, quoted),
        }
    }
}

impl Unreadable {
    /// Returns the error for a path, with what keeps this process out.
    pub(crate) fn new(path: &Path, source: io::Error) -> Self {
        let is_denied = source.kind() == io::ErrorKind::PermissionDenied;
        let barrier = is_denied.then(|| permission::read_barrier(path)).flatten();
        Self {
            path: path.to_owned(),
            source,
            barrier,
        }
    }

    /// Returns whether there is no such file.
    pub(super) fn is_missing(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }

    /// Returns the nearest part of the path above the file that is as wanted.
    fn nearest(&self, is_wanted: impl Fn(&Path) -> bool) -> &Path {
        let mut above = self.path.ancestors().skip(1);
        above.find(|it| is_wanted(it)).unwrap_or(Path::new("."))
    }
}
