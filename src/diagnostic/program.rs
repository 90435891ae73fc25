//! The creation and deletion of zones by a program.

use super::entry::{Class, entries, hint};

entries! {
    PROGRAM_ZONE_UNWRITABLE {
        code: "NB-PROGRAM-ZONE-UNWRITABLE",
        class: Class::Permanent,
        text: "the zone's name `{zone}` is not given to a program",
        hints: hint!("create the zone by hand"),
        page: "A program could take the name for an option, a path or something else. nsbridge also updates a zone \
               that an operator creates by hand. A program gets zone names of letters, digits, `-`, `_`, `/` and dots that do not begin with `-` or `/`.",
    }
    PROGRAM_MISSING {
        code: "NB-PROGRAM-MISSING",
        class: Class::Permanent,
        text: "cannot start `{program}`: {source}",
        hints: hint!("see `program`, and the interpreter: `head -n 1 {quoted}`"),
        page: "The system found no such file. The program must be there, and so must the interpreter in its first line.",
    }
    PROGRAM_FORBIDDEN {
        code: "NB-PROGRAM-FORBIDDEN",
        class: Class::Permanent,
        text: "cannot start `{program}`: {source}",
        hints: hint!("run `chmod a+rx {quoted}`"),
        page: "The system does not let the user that nsbridge runs as start the program. Each directory above it must \
               let that user through, too.",
    }
    PROGRAM_WITHOUT_INTERPRETER {
        code: "NB-PROGRAM-WITHOUT-INTERPRETER",
        class: Class::Permanent,
        text: "cannot start `{program}`: {source}",
        hints: hint!("for a shell script, `sed -i '1i #!/bin/sh' {quoted}`"),
        page: "The file is neither a binary of this machine nor a script that names its interpreter. The command puts the line `#!/bin/sh` in front of the file.",
    }
    PROGRAM_NOT_STARTED {
        code: "NB-PROGRAM-NOT-STARTED",
        class: Class::Transient,
        text: "cannot start `{program}`: {source}",
        hints: hint!("run `free -m`, or raise `queue.deadline-seconds`"),
        page: "The machine lacked something to start the program, such as memory, or no time was left.",
    }
    PROGRAM_LOST {
        code: "NB-PROGRAM-LOST",
        class: Class::Transient,
        text: "the end of `{program}` at `{action}` cannot be learnt: {source}",
        hints: &[],
        page: "The system does not report how the program ended, so it is unknown what it did. The next attempt starts \
               it again.",
    }
    PROGRAM_TIMED_OUT {
        code: "NB-PROGRAM-TIMED-OUT",
        class: Class::Transient,
        text: "`{program}` took too long at `{action}`, and was killed{output}",
        hints: hint!("run it by hand, or raise `deadline-seconds`"),
        page: "The deadline of the call passed. Run the program as the user that nsbridge runs as, with the words of the text, to see what it waits for. The next attempt starts the program again.",
    }
    PROGRAM_REFUSED {
        code: "NB-PROGRAM-REFUSED",
        class: Class::Permanent,
        text: "`{program}` refuses to {verb} the zone (exit status 69){output}",
        hints: hint!("do what it says"),
        page: "The program reports that it has changed nothing, and that an operator must act. What it wrote stands at \
               the end of the text.",
    }
    PROGRAM_BUSY {
        code: "NB-PROGRAM-BUSY",
        class: Class::Transient,
        text: "`{program}` cannot {verb} it now (exit status 75){output}",
        hints: &[],
        page: "The program asks for a later attempt. Its output stands at the end of the text.",
    }
    PROGRAM_FAILED {
        code: "NB-PROGRAM-FAILED",
        class: Class::Permanent,
        text: "`{program}` failed at `{action}` ({status}){output}",
        hints: hint!("try `{program} {action} {zone}`"),
        page: "The program ended with a status that has no meaning, or by a signal. What it wrote stands at the end of \
               the text. Run it as the user that nsbridge runs as. Only the exit statuses 0, 10, 69 and 75 have a meaning.",
    }
}
