//! Files beside the queue's file. Whatever the umask, only their owner has access to them, and the group to which the
//! directory is open; and nothing but a regular file of that owner is opened.

use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _,
    PermissionsExt as _, fchown,
};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::process::geteuid;

use super::barrier::{directory_of, name_of};

/// The mode of a file that no group shares.
const FILE_MODE: u32 = 0o600;
/// The permission bits of group and others.
const GROUP: u32 = 0o070;
const OTHERS: u32 = 0o007;
/// The permission bits `r` and `w` of a group.
const GROUP_READS: u32 = 0o040;
const GROUP_WRITES: u32 = 0o020;

/// What a small call needs, with its part of SQLite's log.
const PROBE_OCTETS: usize = 64 << 10;

/// Creates a directory and those above it that are missing: only its owner has access to them.
pub(crate) fn create_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    std::fs::set_permissions(path, Permissions::from_mode(0o700))
}

/// Creates a file that is absent, for the owner and the group of its directory.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file = options
        .read(true)
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(path)?;
    let directory = directory_of(path).metadata()?;
    // Only root may give files away, and only root needs to.
    let owner = geteuid().is_root().then(|| directory.uid());
    let has_group = fchown(&file, owner, Some(directory.gid())).is_ok();
    let mode = if has_group {
        mode_in(&directory)
    } else {
        FILE_MODE
    };
    file.set_permissions(Permissions::from_mode(mode))?;
    Ok(file)
}

/// Tries whether the directory of a file takes some pages more: writes them durably to a file of another name, and
/// removes that.
///
/// # Errors
/// The system's error, as on a full disk.
pub(crate) fn try_write(file: &Path) -> io::Result<()> {
    let mut probe = file.as_os_str().to_owned();
    probe.push(".probe");
    let probe = Path::new(&probe);
    // An earlier process was killed.
    std::fs::remove_file(probe).ok();
    let mut written = create_new(probe)?;
    let done = written.write_all(&vec![0; PROBE_OCTETS]);
    let done = done.and_then(|()| written.sync_all());
    std::fs::remove_file(probe)?;
    done
}

/// Opens a file, or creates it if it is absent.
pub(crate) fn open_or_create(path: &Path) -> io::Result<File> {
    match create_new(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            open(path, OpenOptions::new().read(true).write(true))
        }
        created => created,
    }
}

/// Opens a file that exists.
///
/// # Errors
/// The system's error, or one that says why the file is not opened: it is no regular file, or another user has put it
/// there.
pub(crate) fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    check(path, &path.symlink_metadata()?)?;
    // Meanwhile the path may name something else.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).expect("these flags are small numbers");
    let file = options.custom_flags(flags).open(path)?;
    check(path, &file.metadata()?)?;
    Ok(file)
}

/// Checks that a path names nothing, or a regular file of the owner, or of the group that shares its directory.
pub(crate) fn check_path(path: &Path) -> io::Result<()> {
    match path.symlink_metadata() {
        Ok(metadata) => check(path, &metadata),
        // Opening it reports what is wrong with more detail.
        Err(_) => Ok(()),
    }
}

/// Closes a file of this user to those that its directory is not open to: an earlier version, or a wide umask, has left it
/// open. A failure costs nothing that was closed.
pub(crate) fn close_to_others(path: &Path) {
    let (Ok(file), Ok(directory)) = (path.symlink_metadata(), directory_of(path).metadata()) else {
        return;
    };
    let mode = file.mode() & 0o777;
    let closed = mode & (mode_in(&directory) | 0o700);
    let is_own = file.is_file() && file.uid() == geteuid().as_raw();
    if is_own && closed != mode {
        std::fs::set_permissions(path, Permissions::from_mode(closed)).ok();
    }
}

/// Returns the mode of a file in a directory. A group shares the directory, and so the files in it, if it may do there what
/// not all users may.
fn mode_in(directory: &Metadata) -> u32 {
    let mode = directory.mode();
    let of_group = mode & GROUP & !((mode & OTHERS) << 3);
    FILE_MODE
        | if of_group & GROUP_WRITES != 0 {
            GROUP_READS | GROUP_WRITES
        } else {
            of_group & GROUP_READS
        }
}

fn check(path: &Path, file: &Metadata) -> io::Result<()> {
    let kind = file.file_type();
    let irregular = if kind.is_symlink() {
        "a symbolic link"
    } else if kind.is_dir() {
        "a directory"
    } else if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else if !kind.is_file() {
        "a device"
    } else if file.nlink() > 1 {
        "one of several names of a file"
    } else {
        ""
    };
    if !irregular.is_empty() {
        return Err(io::Error::other(format!(
            "it is {irregular}, not a file of its own"
        )));
    }
    let directory = directory_of(path).metadata()?;
    // Root has no need to plant anything.
    let owners = [geteuid().as_raw(), directory.uid(), 0];
    let is_shared = mode_in(&directory) & GROUP_WRITES != 0;
    if owners.contains(&file.uid()) || is_shared && file.gid() == directory.gid() {
        return Ok(());
    }
    let owner = name_of(file.uid());
    Err(io::Error::other(format!(
        "it belongs to {owner}, who does not share its directory"
    )))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().mode() & 0o7777
    }

    #[test]
    fn a_file_has_the_bits_of_the_group_that_shares_its_directory() {
        let directory = tempfile::tempdir().unwrap();
        for (of_directory, of_file) in [
            (0o700, 0o600),
            (0o750, 0o640),
            (0o770, 0o660),
            (0o2770, 0o660),
            (0o755, 0o600),
            (0o775, 0o660),
            (0o777, 0o600),
            (0o1777, 0o600),
            (0o710, 0o600),
        ] {
            let path = directory.path().join("file");
            let permissions = Permissions::from_mode(of_directory);
            fs::set_permissions(directory.path(), permissions).unwrap();
            create_new(&path).unwrap();
            assert_eq!(mode(&path), of_file, "{of_directory:o}");
            fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
            close_to_others(&path);
            assert_eq!(mode(&path), of_file, "{of_directory:o}");
            fs::remove_file(&path).unwrap();
        }
        let new = directory.path().join("a/b");
        create_directory(&new).unwrap();
        assert_eq!([mode(&new), mode(new.parent().unwrap())], [0o700; 2]);
    }

    #[test]
    fn nothing_but_a_regular_file_is_opened() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let file = at("file");
        drop(create_new(&file).unwrap());
        assert!(open_or_create(&file).is_ok());
        symlink(&file, at("link")).unwrap();
        symlink(at("nothing"), at("dangling")).unwrap();
        fs::create_dir(at("directory")).unwrap();
        let _socket = UnixListener::bind(at("socket")).unwrap();
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        let fifo = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, at("pipe"), fifo, mode, 0).unwrap();
        for name in ["link", "dangling", "directory", "socket", "pipe"] {
            assert!(open_or_create(&at(name)).is_err(), "{name}");
            assert!(check_path(&at(name)).is_err(), "{name}");
        }
        assert!(!at("nothing").exists());
        fs::hard_link(&file, at("second")).unwrap();
        assert!(open_or_create(&file).is_err());
    }
}
