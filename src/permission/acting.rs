//! Lets root act as the owner of a directory, so that what that owner puts into the directory gives nobody the rights of
//! root.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::process::{geteuid, getgid, getuid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

/// Lets this process go on as the owner of the directory of `file`, or of the nearest existing directory above, if it
/// runs as root and that owner is another user. Threads that run already keep their rights.
///
/// # Errors
/// The system's error. The process may have lost rights of its groups.
pub(crate) fn act_as_owner_of(file: &Path) -> io::Result<()> {
    if !geteuid().is_root() {
        return Ok(());
    }
    let owner = directory_owner(file)?;
    if owner == 0 {
        return Ok(());
    }
    let groups = groups_of(owner);
    let user = rustix::fs::Uid::from_raw(owner);
    let group = groups.first().copied().unwrap_or_else(getgid);
    set_thread_groups(&groups)?;
    set_thread_res_gid(group, group, group)?;
    set_thread_res_uid(user, user, user)?;
    debug_assert_eq!(getuid(), user, "the rights of root are given up");
    Ok(())
}

/// Returns the owner of the directory of `file`, or of the nearest existing directory above.
///
/// # Errors
/// The system's error if no directory can be examined.
pub(crate) fn directory_owner(file: &Path) -> io::Result<u32> {
    let file = std::path::absolute(file)?;
    let mut above = file.ancestors().skip(1);
    let existing = above.find(|directory| directory.exists());
    Ok(existing.unwrap_or(Path::new("/")).metadata()?.uid())
}

/// Returns the groups of a user in /etc/passwd and /etc/group, its own group first. Empty for a user without a name.
fn groups_of(user: u32) -> Vec<rustix::fs::Gid> {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let groups = fs::read_to_string("/etc/group").unwrap_or_default();
    let number = |text: &str| text.parse().ok().map(rustix::fs::Gid::from_raw);
    let of_user = users.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let is_wanted = fields.get(2).is_some_and(|it| *it == user.to_string());
        is_wanted.then_some((*fields.first()?, number(fields.get(3)?)?))
    });
    let Some((name, own)) = of_user else {
        return Vec::new();
    };
    let further = groups.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let mut members = fields.get(3)?.split(',');
        members.any(|it| it == name).then(|| number(fields[2]))?
    });
    let mut all = vec![own];
    all.extend(further.filter(|it| *it != own));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_is_missing_has_the_owner_of_the_nearest_one() {
        let directory = tempfile::tempdir().unwrap();
        let owner = directory.path().metadata().unwrap().uid();
        let missing = directory.path().join("a/b/queue.db");
        assert_eq!(directory_owner(&missing).unwrap(), owner);
        assert_eq!(directory_owner(Path::new("/proc/no/queue.db")).unwrap(), 0);
    }

    #[test]
    fn the_own_group_of_a_user_comes_first() {
        assert_eq!(groups_of(0).first().map(|it| it.as_raw()), Some(0));
        assert!(groups_of(3_999_999_999).is_empty());
    }
}
