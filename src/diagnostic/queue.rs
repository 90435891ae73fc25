//! The queue and its file.

use super::entry::{Class, entries, hint};

/// A page that ends with the effect on a call if the queue accepts nothing.
macro_rules! unkept {
    ($page:expr) => {
        concat!(
            $page,
            " nsbridge then delivers a call without the queue. It does not keep what does not arrive at once, and does not try \
              that again. Afterwards it tells the file what it delivered; NB-QUEUE-FILE-BEHIND and NB-JOB-OLDER name what \
              the file does not take.",
        )
    };
}

entries! {
    QUEUE_FORBIDDEN {
        code: "NB-QUEUE-FORBIDDEN",
        class: Class::Unkept,
        text: "cannot {action}: {source}: {cause}",
        hints: &[],
        page: unkept!("The user that nsbridge runs as may not use the file of the queue, a file beside it, or the directory. Plesk runs it as `psaadm`, and a command in a terminal often runs as root."),
    }
    QUEUE_DIRECTORY_FORBIDDEN {
        code: "NB-QUEUE-DIRECTORY-FORBIDDEN",
        class: Class::Unkept,
        text: "cannot {action}: {source}: {cause}",
        hints: hint!("run `install -d -o {user} {quoted}`, or set `queue.path`"),
        page: unkept!("The directory of the queue's file does not exist, and the user that nsbridge runs as may not create it."),
    }
    QUEUE_DIRECTORY_MISSING {
        code: "NB-QUEUE-DIRECTORY-MISSING",
        class: Class::Unkept,
        text: "cannot create the directory `{path}`: {source}",
        hints: hint!("`mkdir -p {quoted}` shows why; or set `queue.path`"),
        page: unkept!("The directory of the queue's file does not exist, and the system does not let nsbridge create it. It must belong to the user that nsbridge runs as."),
    }
    QUEUE_UNWRITABLE {
        code: "NB-QUEUE-UNWRITABLE",
        class: Class::Unkept,
        text: "cannot create a file in `{path}`: {source}",
        hints: hint!("run `ls -ld {quoted}` and `df {quoted}`, or set `queue.path`"),
        page: unkept!("The file of the queue cannot be created in its directory. The reason of the system may be other than permissions, such as a file system that is full or read-only."),
    }
    QUEUE_FILE_FAILED {
        code: "NB-QUEUE-FILE-FAILED",
        class: Class::Unkept,
        text: "cannot {step} `{path}`: {source}",
        hints: hint!("run `df {directory}` and `ls -l {directory}`, then send it again"),
        page: unkept!("SQLite failed on the file of the queue: a full disk, missing permissions, or a file that another program has locked."),
    }
    QUEUE_FILE_LOCKED {
        code: "NB-QUEUE-FILE-LOCKED",
        class: Class::Unkept,
        text: "cannot {step} `{path}`: {source}",
        hints: hint!("`lslocks | grep {quoted}$` shows who holds it; end that, and send it again"),
        page: unkept!("Another program, such as a backup or `sqlite3`, has held the lock of the queue's file for ten seconds, or for half the time of the call. Of the lines of `lslocks`, one with WRITE is the holder's; if there is none, it has ended."),
    }
    QUEUE_FILE_DAMAGED {
        code: "NB-QUEUE-FILE-DAMAGED",
        class: Class::Unkept,
        text: "`{path}`: {source}",
        hints: hint!("`mv {quoted}* /var/tmp; systemctl restart nsbridge; plesk repair dns -sync-zones -y`"),
        page: unkept!("The content of the file is not what nsbridge has written. If there is a backup, put it in its place: docs/operations.md says how. Without one, and if a primary has a catalog, `nsbridge catalog take-over` is needed afterwards. The command of the hint puts the file aside with those that SQLite has put beside it, and has Plesk send all zones again, which makes their records managed again: the file also holds which records nsbridge manages, and without it they count as records of others. Jobs in it that are not about zones of Plesk are lost. An empty or absent file is damage, too, as long as the file `.known` beside it tells that there was one. So is one that lacks changes which `.known` counts: a bit flipped in the log of SQLite, or somebody has put an older copy back. Of zones that neither a catalog nor a mark shows to be of this instance, `delete` leaves the SOA and the name servers."),
    }
    QUEUE_FILE_IRREGULAR {
        code: "NB-QUEUE-FILE-IRREGULAR",
        class: Class::Unkept,
        text: "`{path}` is not used: {source}",
        hints: hint!("run `ls -l {quoted}`, then `mv {quoted} /var/tmp`"),
        page: unkept!("The file of the queue, and those beside it, must be regular files with one name, of the owner of their directory or of the group that shares it. Another user may have put a link, a pipe or a file of its own there, to have nsbridge write to, or wait for, what that user chooses. If a symbolic link was meant, name its target in `queue.path`."),
    }
    QUEUE_LOCK_UNCREATABLE {
        code: "NB-QUEUE-LOCK-UNCREATABLE",
        class: Class::Unkept,
        text: "cannot create `{path}`: {source}",
        hints: hint!("run `ls -ld {directory}` and `df {directory}`, or set `queue.path`"),
        page: unkept!("Each process that delivers jobs creates a file beside that of the queue, by which other processes see that it is alive."),
    }
    QUEUE_FILE_NEWER {
        code: "NB-QUEUE-FILE-NEWER",
        class: Class::Setup,
        text: "`{path}` has schema version {found}; this nsbridge knows up to {known}",
        hints: hint!("install the newer nsbridge"),
        page: "A later version of nsbridge has used the file of the queue. This version leaves it alone.",
    }
    BACKUP_OF_QUEUE {
        code: "NB-BACKUP-OF-QUEUE",
        class: Class::Setup,
        text: "`{path}` is the queue file `{queue}`, or beside it with a name that begins so",
        hints: hint!("name another file"),
        page: "The backup would take the place of the file that it is to be a copy of, or of a file that nsbridge keeps beside it. A restoration removes all files beside the queue file whose names begin with its name, so a backup must not have such a name. Nothing was written (status 64).",
    }
    BACKUP_IRREGULAR {
        code: "NB-BACKUP-IRREGULAR",
        class: Class::Permanent,
        text: "`{path}` is not replaced: {source}",
        hints: hint!("name another file"),
        page: "A backup replaces nothing but a regular file with one name, of the user that writes it, of the owner of its directory or of root: what else is there serves another purpose. Nothing was written.",
    }
    BACKUP_TAKEN {
        code: "NB-BACKUP-TAKEN",
        class: Class::Transient,
        text: "another process writes a backup to `{path}`",
        hints: hint!("wait for it, or name another file"),
        page: "Two calls of `nsbridge queue backup` with one file at once: the first one goes on, the second one wrote nothing.",
    }
    QUEUE_JOBS_FULL {
        code: "NB-QUEUE-JOBS-FULL",
        class: Class::Unkept,
        text: "the queue has {jobs} jobs, and takes no more than {limit}",
        hints: hint!("`nsbridge queue list` shows what waits, and why"),
        page: unkept!("The queue is full, because a primary has not taken changes for long."),
    }
    QUEUE_OCTETS_FULL {
        code: "NB-QUEUE-OCTETS-FULL",
        class: Class::Unkept,
        text: "the queue's file is full: {octets} octets of {limit}",
        hints: hint!("`nsbridge queue list` shows what waits, and why"),
        page: unkept!("The file of the queue is full, mostly because a primary has not taken changes for long."),
    }
    QUEUE_FILE_BEHIND {
        code: "NB-QUEUE-FILE-BEHIND",
        class: Class::Unkept,
        text: "the queue file lacks this call: its records count as those of others",
        hints: hint!("when it works, `plesk repair dns -sync-zones -y`"),
        page: "The call was delivered without the queue, and its file did not take what was delivered either. Records \
               that the call added are in place, but count as records of others: a later call that does not name them \
               leaves them where they are. A call that names them takes them over, so sending everything again is \
               enough. Records that Plesk has dropped meanwhile stay; `nsbridge sync --prune` removes them.",
    }
    JOB_OLDER {
        code: "NB-JOB-OLDER",
        class: Class::Unkept,
        text: "job {job} is older, and may undo this call",
        hints: hint!("`nsbridge queue drop {job}` when the file works, then send it again"),
        page: "The call was delivered without the queue, while its file had an older job about the subject. The job \
               could not be removed, or another process had it in hand, so what it wants may be applied after what the \
               call wants.",
    }
    JOB_UNREADABLE {
        code: "NB-JOB-UNREADABLE",
        class: Class::Permanent,
        text: "the job cannot be read: {problem}",
        hints: hint!("`nsbridge queue drop`, then `plesk repair dns -sync-zones -y`"),
        page: "The file holds a job that this version cannot read: it is damaged, or a later version has written it. \
               The other jobs are delivered. `plesk repair dns -sync-zones -y` syncs all zones.",
    }
    JOB_DAMAGED {
        code: "NB-JOB-DAMAGED",
        class: Class::Permanent,
        text: "the job is damaged: bad check sum",
        hints: hint!("`nsbridge queue drop {job}`, then `plesk repair dns -sync-zones -y`"),
        page: "Octets of the job changed on the disk, or another program changed them. It is never delivered: it might be another zone, or other records. The other jobs are delivered, and a newer call about the zone replaces this one. See that the disk is healthy. `plesk repair dns -sync-zones -y` syncs all zones.",
    }
    JOB_RESTORED {
        code: "NB-JOB-RESTORED",
        class: Class::Permanent,
        text: "it waited in a queue file that was put back, and may be outdated",
        hints: hint!("`nsbridge queue retry`, or `queue drop`"),
        page: "The job waited when the queue file, or the whole machine, was copied, and the copy took the place of the file. Calls may have delivered newer contents since, which the job would undo. So nsbridge delivers it only when an operator says so: `nsbridge queue show JOB` shows what it holds, `nsbridge queue retry JOB` delivers it, `nsbridge queue drop JOB` removes it. A newer call about the zone replaces it. `plesk repair dns -sync-zones -y` has Plesk send all zones.",
    }
    JOB_IN_HAND {
        code: "NB-JOB-IN-HAND",
        class: Class::Transient,
        text: "job {job} is in hand: this attempt is its last",
        hints: hint!("`nsbridge queue list` shows it until then"),
        page: "A process delivers the job at this moment. The attempt goes on, and is the last one, whatever comes of it. A later call about the zone waits for it.",
    }
    PRIMARY_SILENT {
        code: "NB-PRIMARY-SILENT",
        class: Class::Transient,
        text: "no response {seconds} s ago: {cause}",
        hints: hint!("nothing, or see that it runs"),
        page: "An earlier attempt had a timeout, less than a minute ago. So that a call does not wait for the primary \
               again, the change was handed over to the queue at once.",
    }
}
