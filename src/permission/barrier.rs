//! Finds what keeps this process out of a file, and names the owner, the mode and the user of this
//! process, for messages.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat};
use rustix::io::Errno;

use crate::diagnostic::{Diagnose, Diagnostic, case, file as entries};

/// The permission bits of a mode.
const MODE_BITS: u32 = 0o7777;

/// A file or directory that this process may not use.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Barrier {
    path: PathBuf,
    /// The owner's name, or number if it has no name.
    owner: String,
    mode: u32,
    /// Whether it is a directory above the wanted file.
    is_on_the_way: bool,
}

impl Diagnose for Barrier {
    fn diagnostic(&self) -> Diagnostic {
        let (place, quoted) = (self.path.display(), quoted(&self.path));
        let (owner, mode, user) = (&self.owner, octal(self.mode), user());
        if self.is_on_the_way {
            case!(entries::DIRECTORY_CLOSED, place, owner, mode, user, quoted)
        } else if *owner == user {
            case!(entries::MODE_CLOSED, place, owner, mode, user, quoted)
        } else {
            case!(entries::NOT_PERMITTED, place, owner, mode, user, quoted)
        }
    }
}

/// Returns what keeps this process from reading a file; `None` if the system does not tell.
pub(crate) fn read_barrier(path: &Path) -> Option<Box<Barrier>> {
    barrier(path, Access::READ_OK)
}

/// Returns what keeps this process from writing a file, or from creating files in a directory or,
/// if it is missing, in the nearest one above; `None` if the system does not tell.
pub(crate) fn write_barrier(path: &Path) -> Option<Box<Barrier>> {
    let is_missing = |path: &&Path| {
        let error = path.metadata().err();
        error.is_some_and(|error| error.kind() == io::ErrorKind::NotFound)
    };
    let existing = path.ancestors().find(|it| !is_missing(it))?;
    let access = Access::READ_OK | Access::WRITE_OK;
    if existing.is_dir() {
        return barrier(existing, access | Access::EXEC_OK);
    }
    barrier(existing, access)
}

fn barrier(path: &Path, access: Access) -> Option<Box<Barrier>> {
    // Other errors, such as that of a read-only file system, no owner or mode mends.
    let is_closed =
        |path: &Path, access| accessat(CWD, path, access, AtFlags::EACCESS) == Err(Errno::ACCESS);
    let mut above: Vec<&Path> = path.ancestors().skip(1).collect();
    // The parent of a relative path without a directory is the empty path.
    above.retain(|it| !it.as_os_str().is_empty());
    let way = above.into_iter().rev();
    let closed = way.map(|it| (it, true)).chain([(path, false)]);
    let mut closed = closed.filter(|(path, is_on_the_way)| {
        let access = if *is_on_the_way {
            Access::EXEC_OK
        } else {
            access
        };
        is_closed(path, access)
    });
    let (path, is_on_the_way) = closed.next()?;
    let metadata = path.metadata().ok()?;
    Some(Box::new(Barrier {
        path: path.to_owned(),
        owner: name_of(metadata.uid()),
        mode: metadata.mode() & MODE_BITS,
        is_on_the_way,
    }))
}

/// Returns the name of the user that this process runs as, or the number of one without a name.
pub(crate) fn user() -> String {
    name_of(rustix::process::geteuid().as_raw())
}

/// Returns the name of a user in /etc/passwd, else the number, which chown(1) takes, too.
pub(crate) fn name_of(id: u32) -> String {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let id = id.to_string();
    let mut lines = users.lines().map(|line| line.split(':'));
    let name = lines.find_map(|mut fields| {
        let (name, _password) = (fields.next()?, fields.next()?);
        (fields.next()? == id).then(|| name.to_owned())
    });
    name.unwrap_or(id)
}

/// Formats permission bits as chmod(1) takes them.
pub(crate) fn octal(mode: u32) -> String {
    format!("{mode:04o}")
}

/// Returns the directory that a file is in.
pub(crate) fn directory_of(path: &Path) -> &Path {
    let directory = path.parent().filter(|it| !it.as_os_str().is_empty());
    directory.unwrap_or(Path::new("."))
}

/// Quotes a path as a word of a shell command.
pub(crate) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |octet: u8| octet.is_ascii_alphanumeric() || b"/._-+:@%".contains(&octet);
    if text.bytes().all(is_plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_barrier_names_owner_mode_user_and_the_command() {
        let barrier = |is_on_the_way| Barrier {
            path: "/etc/it's".into(),
            owner: "somebody".into(),
            mode: 0o700,
            is_on_the_way,
        };
        let user = user();
        let closed = barrier(true).diagnostic();
        assert_eq!(
            closed.to_string(),
            format!("user {user} cannot use `/etc/it's` (owner somebody, mode 0700)")
        );
        assert_eq!(closed.hint().unwrap(), r"run `chmod a+x '/etc/it'\''s'`");
        assert_eq!(
            barrier(false).diagnostic().hint().unwrap(),
            format!(r"run `chown {user} '/etc/it'\''s'`")
        );
    }

    #[test]
    fn a_user_is_named_by_its_name_and_one_without_a_name_by_its_number() {
        assert_eq!(name_of(0), "root");
        assert_eq!(name_of(3_999_999_999), "3999999999");
    }

    #[test]
    fn the_first_part_that_keeps_this_process_out_is_the_barrier() {
        let directory = tempfile::tempdir().unwrap();
        let (closed, file) = (
            directory.path().join("closed"),
            directory.path().join("closed/file"),
        );
        fs::create_dir(&closed).unwrap();
        fs::write(&file, "").unwrap();
        assert_eq!((read_barrier(&file), write_barrier(&file)), (None, None));
        if rustix::process::geteuid().is_root() {
            // Nothing keeps root out.
            return;
        }
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o600)).unwrap();
        let barrier = read_barrier(&file).unwrap();
        assert_eq!((barrier.path, barrier.is_on_the_way), (closed, true));
    }
}
