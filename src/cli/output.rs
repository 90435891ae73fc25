//! All output goes through this module; it escapes control characters, so that no foreign text can
//! forge a line of a log.
//!
//! Standard output is the result: one line for each zone or PTR record, or one JSON document.
//! Standard error is everything else.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write};
use std::time::{Duration, Instant};

use anstream::{AutoStream, ColorChoice};
use serde::Serialize;
use serde_json::Value;
use tracing_subscriber::EnvFilter;

use super::message::{Abort, Message, Severity, printable};
use super::status::Status;
pub(super) use crate::diagnostic::count;
use crate::diagnostic::{case, command, run};
use crate::nsupdate::Stream;

/// The format of results, or of diagnostics.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(super) enum OutputFormat {
    /// Lines for people and logs.
    Text,
    /// JSON for programs.
    Json,
}

/// Goes to the start of the line of a terminal, and clears the line.
const START_OF_LINE: &str = "\r\x1b[K";

/// Prints results and messages.
pub(super) struct Output {
    log_format: OutputFormat,
    verbose: bool,
    pub(super) is_quiet: bool,
    terminal: Option<Terminal>,
    results: Results,
    /// The messages on standard error, by code.
    printed: BTreeMap<&'static str, Printed>,
    broken: Option<io::Error>,
}

/// The most messages with one code on standard error, so that no input floods a log.
const OF_ONE_CODE_MAX: usize = 500;

/// About how many octets of a list are printed in one write.
const LIST_OCTETS: usize = 65_536;

/// The messages with one code.
struct Printed {
    severity: Severity,
    /// How many there were, printed or not.
    count: usize,
}

/// The terminal that standard error is.
struct Terminal {
    has_colour: bool,
    /// A line of progress is shown, without its end.
    shows_progress: bool,
    /// When one was shown last, or the program began.
    progressed_at: Instant,
}

/// The time between two lines of progress.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(900);

/// The form of the results on standard output.
enum Results {
    /// Lines or other text.
    Text,
    /// One JSON document at the end.
    Gathered(Document),
    /// A line of JSON for each result at once, for a command without an end.
    Streamed,
}

/// The document of `--output json`.
#[derive(Default, Serialize)]
struct Document {
    status: u8,
    results: Vec<Value>,
    messages: Vec<Value>,
}

impl Output {
    pub(super) fn new(
        format: OutputFormat,
        log_format: OutputFormat,
        verbose: u8,
        is_quiet: bool,
    ) -> Self {
        Self {
            log_format,
            verbose: verbose > 0,
            is_quiet,
            terminal: io::stderr().is_terminal().then(|| Terminal {
                has_colour: AutoStream::choice(&io::stderr()) != ColorChoice::Never,
                shows_progress: false,
                progressed_at: Instant::now(),
            }),
            results: match format {
                OutputFormat::Text => Results::Text,
                OutputFormat::Json => Results::Gathered(Document::default()),
            },
            printed: BTreeMap::new(),
            broken: None,
        }
    }

    /// Prints a result: its line, or its entry in the document.
    pub(super) fn result(&mut self, line: &str, entry: Value) {
        self.detail(line);
        self.entry(entry);
    }

    /// Prints the results of a list that may be long: many lines in one write, and no entries if lines are printed.
    pub(super) fn list<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        line: impl Fn(&T) -> String,
        entry: impl Fn(&T) -> Value,
    ) {
        let mut lines = String::new();
        for item in items {
            if let Results::Text = self.results {
                lines.push_str(&printable(&line(&item)));
                lines.push('\n');
                if lines.len() >= LIST_OCTETS {
                    self.write(lines.as_bytes());
                    lines.clear();
                }
            } else {
                self.entry(entry(&item));
            }
        }
        if !lines.is_empty() {
            self.write(lines.as_bytes());
        }
    }

    /// Prints a further line of a result, whose entry already has that detail.
    pub(super) fn detail(&mut self, line: &str) {
        if let Results::Text = self.results {
            self.write(format!("{}\n", printable(line)).as_bytes());
        }
    }

    /// Prints an entry of the document whose line is a message. Members that are null are left out.
    pub(super) fn entry(&mut self, entry: Value) {
        match &mut self.results {
            Results::Text => {}
            Results::Gathered(document) => document.results.push(without_nulls(entry)),
            Results::Streamed => self.write(format!("{}\n", without_nulls(entry)).as_bytes()),
        }
    }

    /// Prints each entry at once, instead of one document at the end.
    pub(super) fn stream(&mut self) {
        if let Results::Gathered(_) = self.results {
            self.results = Results::Streamed;
        }
    }

    /// Prints a message on standard error: as one line, or on a terminal as up to three. Of many messages with one
    /// code the last are only counted.
    pub(super) fn message(&mut self, message: &Message) {
        let entry = || without_nulls(message.to_json());
        let is_wanted = match message.severity {
            Severity::Error => true,
            Severity::Warning => !self.is_quiet,
            Severity::Note => self.verbose,
        };
        if is_wanted && self.has_room(message) {
            self.clear_progress();
            let line = match (self.log_format, &self.terminal) {
                (OutputFormat::Text, Some(terminal)) => message.on_terminal(terminal.has_colour),
                (OutputFormat::Text, None) => printable(&message.to_string()),
                (OutputFormat::Json, _) => entry().to_string(),
            };
            say(Stream::Error, &format!("{line}\n"));
        }
        if let Results::Gathered(document) = &mut self.results {
            document.messages.push(entry());
        }
    }

    /// Counts a message that is to be printed. Returns whether it is among the first with its code.
    fn has_room(&mut self, message: &Message) -> bool {
        let printed = self.printed.entry(message.code().unwrap_or_default());
        let severity = message.severity;
        let printed = printed.or_insert(Printed { severity, count: 0 });
        printed.count += 1;
        printed.count <= OF_ONE_CODE_MAX
    }

    /// Prints how many messages with each code were only counted, and begins to count anew.
    pub(super) fn count_unprinted(&mut self) {
        for (code, Printed { severity, count }) in std::mem::take(&mut self.printed) {
            if let Some(count @ 1..) = count.checked_sub(OF_ONE_CODE_MAX) {
                let more = Message::of(&case!(run::MORE_MESSAGES, count, of = code));
                self.message(&more.with_severity(severity));
            }
        }
    }

    /// Shows on a terminal how far long work is, about once a second, in place of the line before. Shows nothing
    /// elsewhere.
    pub(super) fn progress(&mut self, text: &str) {
        if let Some(terminal) = self.terminal.as_mut().filter(|_| !self.is_quiet)
            && terminal.progressed_at.elapsed() >= PROGRESS_INTERVAL
        {
            terminal.shows_progress = true;
            terminal.progressed_at = Instant::now();
            say(
                Stream::Error,
                &format!("{START_OF_LINE}{}", printable(text)),
            );
        }
    }

    fn clear_progress(&mut self) {
        if let Some(terminal) = &mut self.terminal
            && std::mem::take(&mut terminal.shows_progress)
        {
            say(Stream::Error, START_OF_LINE);
        }
    }

    /// Prints a text, unchanged, as the whole result.
    pub(super) fn text(&mut self, text: &[u8]) -> Status {
        self.results = Results::Text;
        self.write(text);
        Status::Done
    }

    /// Reports an error that ends the command.
    pub(super) fn abort(&mut self, abort: Abort) -> Status {
        if let Some(message) = abort.message {
            self.message(&message);
        }
        abort.status
    }

    /// Prints the document, and returns the status of the process.
    pub(super) fn finish(mut self, mut status: Status) -> Status {
        self.count_unprinted();
        if let Results::Gathered(mut document) = std::mem::replace(&mut self.results, Results::Text)
        {
            document.status = status.code();
            match serde_json::to_string_pretty(&document) {
                Ok(document) => self.write(format!("{document}\n").as_bytes()),
                Err(error) => status = self.abort(io::Error::from(error).into()),
            }
        }
        if let Some(error) = self.broken.take() {
            let message = Message::of(&case!(command::OUTPUT_LOST, source = error));
            self.message(&message.with_severity(Severity::Error));
            status.or_worse(Status::Internal);
        }
        status
    }

    fn write(&mut self, octets: &[u8]) {
        self.clear_progress();
        let mut stdout = io::stdout().lock();
        match stdout.write_all(octets).and_then(|()| stdout.flush()) {
            // A reader may close the pipe early; the command goes on.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => self.broken = Some(error),
            Ok(()) | Err(_) => {}
        }
    }
}

/// Removes the members of an object that are null.
pub(super) fn without_nulls(mut entry: Value) -> Value {
    if let Some(members) = entry.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    entry
}

/// Prints a text unchanged, for callers of `nsupdate`, which compare each octet. Ignores that the
/// stream is closed, as there is no other place for the text.
pub(super) fn say(stream: Stream, text: &str) {
    let mut stream: Box<dyn Write> = match stream {
        Stream::Out => Box::new(io::stdout()),
        Stream::Error => Box::new(io::stderr()),
    };
    drop(
        stream
            .write_all(text.as_bytes())
            .and_then(|()| stream.flush()),
    );
}

/// Starts to print diagnostics on standard error, if `verbose` is not 0.
pub(super) fn start_log(format: OutputFormat, verbose: u8) {
    let level = match verbose {
        0 => return,
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let filter = EnvFilter::new(format!("nsbridge={level}"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    match format {
        OutputFormat::Text => log.with_ansi(false).init(),
        OutputFormat::Json => log.json().init(),
    }
}
