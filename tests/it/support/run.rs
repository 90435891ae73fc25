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

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.running.id()
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
            // The commands in hints name it.
            text.replace(" --config DIR/nsbridge.toml", "")
        };
        assert_nothing_doubled(&said.stdout());
        assert_nothing_doubled(&said.stderr());
        let mut messages = Vec::new();
        let (stderr, jobs) = without_jobs(&without_codes(&named(said.stderr()), &mut messages));
        Run {
            status: said.status,
            stdout: without_codes(&named(said.stdout()), &mut messages),
            stderr,
            jobs,
            messages,
        }
    }
}

/// Asserts that no line names a thing twice in a row, as in "API: API: Connection refused".
#[track_caller]
fn assert_nothing_doubled(text: &str) {
    for line in text.lines() {
        let parts: Vec<&str> = line.split(": ").collect();
        let doubled = parts.windows(2).find(|it| it[0] == it[1]);
        assert_eq!(doubled, None, "{line}");
    }
}

/// Takes the codes out of the words at the beginnings of lines, such as `error[NB-ZONE-ABSENT]: `, and gives each
/// with its line beside.
fn without_codes(text: &str, messages: &mut Vec<(String, String)>) -> String {
    let lines = text.split_inclusive('\n').map(|line| {
        let found = line.split_once("[NB-").and_then(|(word, rest)| {
            let (code, rest) = rest.split_once("]: ")?;
            let is_word = word.bytes().all(|octet| octet.is_ascii_lowercase());
            is_word.then_some((word, code, rest))
        });
        let Some((word, code, rest)) = found else {
            return line.to_owned();
        };
        let line = format!("{word}: {rest}");
        messages.push((format!("NB-{code}"), line.clone()));
        line
    });
    lines.collect()
}

/// Takes out of each line what it says of a job in the queue, and gives that beside.
fn without_jobs(stderr: &str) -> (String, Vec<String>) {
    let (mut text, mut jobs) = (String::new(), Vec::new());
    for line in stderr.split_inclusive('\n') {
        let mut notes = line.match_indices("; job ");
        let found = notes.find_map(|(start, note)| {
            let (number, rest) = line[start + note.len()..].split_once(' ')?;
            let state = ["kept", "held"]
                .into_iter()
                .find(|it| rest.starts_with(it))?;
            number.parse::<u64>().ok()?;
            Some((&line[..start], number, state, &rest[state.len()..]))
        });
        let Some((cause, number, state, rest)) = found else {
            text.push_str(line);
            continue;
        };
        jobs.push(format!("{state} {number}"));
        text.push_str(cause);
        text.push_str(rest);
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
    /// Its messages, and its checks that are not well: each code with its line. Those of standard error come first.
    messages: Vec<(String, String)>,
}

impl Run {
    /// The codes of its messages and of its checks that are not well.
    pub(crate) fn codes(&self) -> Vec<&str> {
        self.messages.iter().map(|(code, _)| &**code).collect()
    }

    /// The code of a line.
    pub(crate) fn code_of(&self, line: &str) -> Option<&str> {
        let mut messages = self.messages.iter();
        let message = messages.find(|(_, it)| it.trim_end_matches('\n') == line);
        message.map(|(code, _)| &**code)
    }

    /// Asserts that a message or a check has this code.
    #[track_caller]
    pub(crate) fn assert_code(&self, code: &str) -> &Self {
        self.assert_code_with(code, "")
    }

    /// Asserts that a message or a check with this code has this part, such as the name that it is about.
    #[track_caller]
    pub(crate) fn assert_code_with(&self, code: &str, part: &str) -> &Self {
        let mut messages = self.messages.iter();
        assert!(
            messages.any(|(it, line)| it == code && line.contains(part)),
            "no {code} with `{part}` in {:?}; stdout:\n{}\nstderr:\n{}",
            self.codes(),
            self.stdout,
            self.stderr
        );
        self
    }

    /// Asserts that standard error has messages with these codes, in this order, and nothing else.
    #[track_caller]
    pub(crate) fn assert_codes(&self, codes: &[&str]) -> &Self {
        assert_eq!(self.codes(), codes, "standard error:\n{}", self.stderr);
        let lines = self.stderr.lines().count();
        assert_eq!(lines, codes.len(), "standard error:\n{}", self.stderr);
        self
    }

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

    /// Asserts that standard error is one line: an error with this code about `subject` (a zone, or an address and its
    /// host name) on the primary `main`. Standard output is empty.
    #[track_caller]
    pub(crate) fn assert_error(&self, subject: &str, code: &str) -> &Self {
        // Beside the name and the value of a record, messages leave out the address of the primary.
        let address = if subject.contains(' ') {
            ""
        } else {
            " (127.0.0.1:PORT)"
        };
        let start = format!("error: {subject} on main{address}: ");
        assert!(self.stderr.starts_with(&start), "{}", self.stderr);
        self.assert_codes(&[code]).assert_stdout("")
    }

    /// Asserts that this text is on standard error, such as a name; for what a message is, assert its code.
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
        self.assert_status(69).assert_error(zone, "NB-ZONE-ABSENT")
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
