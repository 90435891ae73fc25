//! Files that cannot be read, and their permissions.

use super::entry::{Class, entries, hint};

entries! {
    FILE_MISSING {
        code: "NB-FILE-MISSING",
        class: Class::Setup,
        text: "`{path}` does not exist",
        hints: hint!("`ls {directory}` shows what is there; create it, or correct the path"),
        page: "There is no file of that name. A relative name in the configuration starts from the directory of the configuration file. The command lists the nearest directory that exists.",
    }
    FILE_IS_DIRECTORY {
        code: "NB-FILE-IS-DIRECTORY",
        class: Class::Setup,
        text: "`{path}` is a directory, not a file",
        hints: hint!("`ls {quoted}` shows its files: name one of them"),
        page: "The path of a file is expected, and this one is that of a directory.",
    }
    FILE_BELOW_FILE {
        code: "NB-FILE-BELOW-FILE",
        class: Class::Setup,
        text: "`{path}` cannot exist, since `{part}` is not a directory",
        hints: hint!("correct the path: run `ls -l {quoted}`"),
        page: "The path goes through a file as if it were a directory.",
    }
    FILE_LINK_LOOP {
        code: "NB-FILE-LINK-LOOP",
        class: Class::Setup,
        text: "the symbolic links of `{path}` form a circle",
        hints: hint!("see `namei -l {quoted}`; set one to a file: `ln -sfn FILE LINK`"),
        page: "The path is a symbolic link, or goes through one, that leads back to itself.",
    }
    FILE_NOT_TEXT {
        code: "NB-FILE-NOT-TEXT",
        class: Class::Setup,
        text: "`{path}` is not in UTF-8",
        hints: hint!("`iconv -f latin1 -t utf-8 {quoted} > {quoted}.new` converts Latin-1"),
        page: "The file has octets that are no UTF-8: it is in another encoding, often for a letter in a comment, or is no text. After the conversion, see that the new file is right, and put it in the place of the old one.",
    }
    FILE_UNREADABLE {
        code: "NB-FILE-UNREADABLE",
        class: Class::Setup,
        text: "cannot read `{path}`: {source}",
        hints: hint!("run `wc -c {quoted}`; `dmesg` shows errors of the disk"),
        page: "The system cannot open or read the file, for the reason in the text: an error of the disk, or a limit such as that of open files. A relative name in the configuration starts from the directory of the configuration file.",
    }
    FILE_FORBIDDEN {
        code: "NB-FILE-FORBIDDEN",
        class: Class::Setup,
        text: "cannot read `{path}`: {cause}",
        hints: &[],
        page: "The user that nsbridge runs as may not read the file. Plesk runs it as `psaadm`, and a command in a terminal often runs as root.",
    }
    FILE_UNWRITTEN {
        code: "NB-FILE-UNWRITTEN",
        class: Class::Setup,
        text: "cannot write `{path}`: {source}",
        hints: hint!("run `ls -ld {directory}` and `df {directory}`, or name another path"),
        page: "The file that the command line names was not written, for the reason of the system in the text: its directory does not exist, the user that nsbridge runs as may not write there, or the disk is full. Root writes a backup as the owner of its directory. An earlier backup is as it was; a manual page may be cut off.",
    }
    FILE_DENIED {
        code: "NB-FILE-DENIED",
        class: Class::Setup,
        text: "cannot read `{path}`: {source}",
        hints: hint!("run `chown {user} {quoted}`"),
        page: "The system does not let the user that nsbridge runs as read the file, and owner and mode do not show why. If that user owns it already, look for a rule of SELinux or AppArmor.",
    }
    NOT_PERMITTED {
        code: "NB-NOT-PERMITTED",
        class: Class::Setup,
        text: "user {user} cannot use `{place}` (owner {owner}, mode {mode})",
        hints: hint!("run `chown {user} {quoted}`"),
        page: "By its owner and mode, the file or directory cannot be used by the user that nsbridge runs as. If the file serves another user, such as `psaadm` of Plesk, do not change its owner: run the command as that user, or as root, who can always use it.",
    }
    MODE_CLOSED {
        code: "NB-MODE-CLOSED",
        class: Class::Setup,
        text: "user {user} cannot use `{place}` (owner {owner}, mode {mode})",
        hints: hint!("run `chmod u+rwX {quoted}`"),
        page: "The file or directory belongs to the user that nsbridge runs as, and its mode does not let that user use it.",
    }
    DIRECTORY_CLOSED {
        code: "NB-DIRECTORY-CLOSED",
        class: Class::Setup,
        text: "user {user} cannot use `{place}` (owner {owner}, mode {mode})",
        hints: hint!("run `chmod a+x {quoted}`"),
        page: "The directory is on the way to the file, and the user that nsbridge runs as may not pass through it. The mode bits `x` let users pass; they do not let them list or read files.",
    }
    SECRET_FILE_IRREGULAR {
        code: "NB-SECRET-FILE-IRREGULAR",
        class: Class::Setup,
        text: "`{path}` is not a regular file",
        hints: hint!("put the key into a plain file with mode 600, and name that"),
        page: "A file with a key must be a plain file. This one is a pipe or a device. `install -m 600 /dev/stdin FILE` writes its standard input into a plain file.",
    }
    SECRET_FILE_EXPOSED {
        code: "NB-SECRET-FILE-EXPOSED",
        class: Class::Setup,
        text: "`{path}` is too open: owner {owner}, mode {mode}",
        hints: hint!("run `chmod 600 {quoted}`"),
        page: "nsbridge reads a file with a secret only if its group and other users have no access to it. If it was readable for a while, consider a new key.",
    }
    SECRET_FILE_EXPOSED_OWNER {
        code: "NB-SECRET-FILE-EXPOSED-OWNER",
        class: Class::Setup,
        text: "`{path}` is too open: owner {owner}, mode {mode}",
        hints: hint!("run `chown {user} {quoted} && chmod 600 {quoted}`"),
        page: "nsbridge reads a file with a secret only if its group and other users have no access to it. Here another user owns the file, so both the owner and the mode must change.",
    }
    SECRET_FILE_TOO_LONG {
        code: "NB-SECRET-FILE-TOO-LONG",
        class: Class::Setup,
        text: "`{path}` is longer than {limit} octets",
        hints: hint!("name the file that holds the key and nothing else"),
        page: "No file with a key is that long: the path names another file.",
    }
}
