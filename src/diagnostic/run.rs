//! The run of a command, and results that are no failures.

use super::entry::{Class, entries, hint};

entries! {
    DEADLINE_PASSED {
        code: "NB-DEADLINE-PASSED",
        class: Class::Transient,
        text: "no time is left",
        hints: hint!("run `nsbridge serve`, or raise `queue.deadline-seconds`"),
        page: "`deadline-seconds` passed before nsbridge came to the zone. `nsbridge serve` delivers it without the deadline of a call.",
    }
    LIMIT_TOO_LOW {
        code: "NB-LIMIT-TOO-LOW",
        class: Class::Transient,
        text: "the limit of {limit} {name} is too low; nsbridge needs {least}",
        hints: hint!("raise it: `ulimit {option} {least}`"),
        page: "The process that started nsbridge has a limit (getrlimit(2)) with which no change can be delivered. Nothing was attempted. A service of systemd has `LimitNOFILE=` and `LimitAS=`. With less than some 30 MiB of memory (`ulimit -v 30000`) \
               not even this message is possible: the system or the runtime of the language ends the process before its first instruction, with status 127, 134 or 139.",
    }
    SYSTEM_SHORTAGE {
        code: "NB-SYSTEM-SHORTAGE",
        class: Class::Transient,
        text: "the system gives no more files, threads or memory: {source}",
        hints: hint!("run `ulimit -a` and `free -m`"),
        page: "The system has reached a limit: open files, processes and threads of the user, or memory. Jobs that are in the queue stay there.",
    }
    RUN_STUCK {
        code: "NB-RUN-STUCK",
        class: Class::Transient,
        text: "the run hangs, and ends after {seconds} s",
        hints: hint!("run `nsbridge queue list` and `dmesg`"),
        page: "A call took much longer than `queue.deadline-seconds`, or the worker has not looked at its queue for a minute (`WatchdogSec=` of a service of systemd), or it attempts one job for more than six minutes. \
               The disk does not answer, or the system has lost an event. Jobs that are in the queue stay there, and are tried again. systemd starts the worker again.",
    }
    STATE_UNUSABLE {
        code: "NB-STATE-UNUSABLE",
        class: Class::Transient,
        text: "the memory of delivered records cannot be used",
        hints: hint!("the message about the file says what to do"),
        page: "The queue file failed. Another message says how.",
    }
    NO_RANDOM_NUMBERS {
        code: "NB-NO-RANDOM-NUMBERS",
        class: Class::Transient,
        text: "no random numbers from the kernel: {source}",
        hints: &[],
        page: "The kernel reported an error in place of random numbers, which does not happen on a healthy machine.",
    }
    MORE_MESSAGES {
        code: "NB-MORE-MESSAGES",
        class: Class::Remark,
        text: "{count} more messages with the code {of} are not shown",
        hints: hint!("repeat the call with `--output json` for all of them"),
        page: "A call prints at most 500 messages with one code, so that a payload cannot fill the log. The document that `--output json` prints holds all of them.",
    }
    OVERTAKEN {
        code: "NB-OVERTAKEN",
        class: Class::Remark,
        text: "not applied: overtaken by a newer call, with serial {newest}",
        hints: &[],
        page: "Calls about the zone arrived out of order. The one with the newest serial counts.",
    }
    REPLACED {
        code: "NB-REPLACED",
        class: Class::Remark,
        text: "not applied: replaced by a newer call",
        hints: &[],
        page: "A newer call about the same zone or record came while this one waited in the queue.",
    }
    DELIVERED_ELSEWHERE {
        code: "NB-DELIVERED-ELSEWHERE",
        class: Class::Remark,
        text: "in place, delivered by another nsbridge",
        hints: &[],
        page: "A worker or another call took the job out of the queue and delivered it.",
    }
    IN_HAND_ELSEWHERE {
        code: "NB-IN-HAND-ELSEWHERE",
        class: Class::Transient,
        text: "another nsbridge is still at work on it",
        hints: hint!("`nsbridge queue list` shows what becomes of it"),
        page: "The deadline passed while another process delivered the zone or record.",
    }
}
