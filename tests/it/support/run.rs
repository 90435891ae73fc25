//! A run of nsbridge: under way, and how it ended.

use std::path::PathBuf;
use std::time::Duration;

use pretty_assertions::assert_eq;

use crate::support::process::Running;
use crate::support::record;

/// How long one run may take: three times what `plesk` may take by default.
const RUN_LIMIT: Duration = Duration::from_secs(60);

/// A run that has not ended yet; killed when dropped.
#[derive(Debug)]
pub(crate) struct Going {
    pub(super) running: Running,
    pub(super) arguments: String,
    pub(super) state: PathBuf,
    pub(super) names: Vec<(String, String)>,
}

impl Going {
    /// Sends a signal, such as `TERM`.
    pub(crate) fn signal(&self, signal: &str) {
        self.running.signal(signal);
    }

    /// The most memory that it has had so far, in KiB.
    #[track_caller]
    pub(crate) fn peak_memory_kib(&self) -> u64 {
        self.running.peak_memory_kib()
    }

    /// Whether it is still running.
    pub(crate) fn is_running(&mut self) -> bool {
        self.running.is_running()
    }

    /// Waits for its end and searches what it left for secrets.
    #[track_caller]
    pub(crate) fn finish(self) -> Run {
        let state = self.state.clone();
        let run = self.end();
        record::assert_no_secret_below(&state);
        run
    }

    /// The same without a search of its files: for one run of many, of which the last is searched.
    #[track_caller]
    pub(crate) fn end(self) -> Run {
        let said = self.running.finish(RUN_LIMIT);
        record::assert_no_secret("standard output", &said.stdout);
        record::assert_no_secret("standard error", &said.stderr);
        // After the search: the tests that plant a secret shall leave none in the record.
        record::keep_transcript(&self.arguments, &said.stdout, &said.stderr);
        let named = |mut text: String| {
            for (from, to) in &self.names {
                text = text.replace(from, to);
            }
            text
        };
        let (stderr, jobs) = without_jobs(&named(said.stderr()));
        Run {
            status: said.status,
            stdout: named(said.stdout()),
            stderr,
            jobs,
        }
    }
}

/// Takes out of each line what it says of a job in the queue, and gives that beside.
fn without_jobs(stderr: &str) -> (String, Vec<String>) {
    let (mut text, mut jobs) = (String::new(), Vec::new());
    for line in stderr.split_inclusive('\n') {
        let found = ["; kept in the queue as job ", "; held in the queue as job "]
            .iter()
            .find_map(|note| {
                line.split_once(note)
                    .map(|(cause, rest)| (cause, note, rest))
            });
        let Some((cause, note, rest)) = found else {
            text.push_str(line);
            continue;
        };
        let number = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        jobs.push(format!("{} {}", &note[2..6], &rest[..number]));
        text.push_str(cause);
        text.push_str(&rest[number..]);
    }
    (text, jobs)
}

/// How a run of nsbridge ended. In its texts, `127.0.0.1:PORT` stands for the primary's address,
/// `127.0.0.1:CONTROL` for its control channel, `127.0.0.1:API` for its HTTP API and `DIR` for the directory of the run.
#[derive(Debug)]
pub(crate) struct Run {
    /// Exit status; `None` when a signal ended it.
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    /// Without what it says of jobs in the queue.
    pub(crate) stderr: String,
    /// What it says of jobs in the queue, as "kept 1" and "held 2"; which number a job has depends on all that
    /// the queue had before.
    pub(crate) jobs: Vec<String>,
}

impl Run {
    /// Asserts the exit status; shows what was said when it is another.
    #[track_caller]
    pub(crate) fn assert_status(&self, status: i32) -> &Self {
        assert!(
            self.status == Some(status),
            "exit status {:?} in place of {status}; stdout:\n{}\nstderr:\n{}",
            self.status,
            self.stdout,
            self.stderr
        );
        self
    }

    /// Asserts that standard error is one line: this error with `subject` (a zone, or an address and
    /// its host name) on the primary `main`, and what to do about it. Standard output is empty.
    #[track_caller]
    pub(crate) fn assert_error(&self, subject: &str, cause: &str, hint: &str) -> &Self {
        let line = format!("error: {subject} on main (127.0.0.1:PORT): {cause}; hint: {hint}\n");
        self.assert_stderr(&line).assert_stdout("")
    }

    /// Asserts that this text is on standard error; for texts with an id, a time or a size in them.
    #[track_caller]
    pub(crate) fn assert_says(&self, part: &str) -> &Self {
        assert!(
            self.stderr.contains(part),
            "`{part}` is not on standard error:\n{}",
            self.stderr
        );
        self
    }

    /// Asserts that this text is on standard output; for texts beside which others stand.
    #[track_caller]
    pub(crate) fn assert_prints(&self, part: &str) -> &Self {
        assert!(
            self.stdout.contains(part),
            "`{part}` is not on standard output:\n{}",
            self.stdout
        );
        self
    }

    /// Asserts that the primary does not have a zone, in the way of [`Self::assert_error`].
    #[track_caller]
    pub(crate) fn assert_absent(&self, zone: &str) -> &Self {
        let hint = "create the zone there, or let nsbridge do it: `nsbridge zone create`, with \
                    [primaries.….provision] in the configuration";
        self.assert_status(69)
            .assert_error(zone, "the zone is not on the primary", hint)
    }

    /// Asserts standard output, exactly.
    #[track_caller]
    pub(crate) fn assert_stdout(&self, expected: &str) -> &Self {
        assert_eq!(
            self.stdout, expected,
            "standard output; standard error was:\n{}",
            self.stderr
        );
        self
    }

    /// Asserts standard error, exactly.
    #[track_caller]
    pub(crate) fn assert_stderr(&self, expected: &str) -> &Self {
        assert_eq!(
            self.stderr, expected,
            "standard error; standard output was:\n{}",
            self.stdout
        );
        self
    }
}
