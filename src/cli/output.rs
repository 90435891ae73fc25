//! All output goes through this module; it escapes control characters, so that no foreign text can
//! forge a line of a log.
//!
//! Standard output is the result: one line for each zone or PTR record, or one JSON document.
//! Standard error is everything else.

use std::fmt;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Value, json};
use tracing_subscriber::EnvFilter;

use super::status::Status;
use crate::deliver::Failure;
use crate::nsupdate::Stream;

/// The format of results, or of diagnostics.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(super) enum OutputFormat {
    /// Lines for people and logs.
    Text,
    /// JSON for programs.
    Json,
}

/// Prints results and messages.
pub(super) struct Output {
    log_format: OutputFormat,
    verbose: bool,
    pub(super) is_quiet: bool,
    results: Results,
    broken: Option<io::Error>,
}

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
    messages: Vec<Message>,
}

/// A message on standard error.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Message {
    pub(super) severity: Severity,
    pub(super) text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hint: Option<String>,
}

/// The severity of a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Severity {
    /// A change is not in place.
    Error,
    /// nsbridge skipped a change on purpose, or noticed an oddity.
    Warning,
    /// A detail that `--verbose` prints.
    Note,
}

impl Message {
    /// Returns an error.
    pub(super) fn error(text: String, hint: Option<String>) -> Self {
        Self {
            hint,
            ..Self::new(Severity::Error, text)
        }
    }

    /// Returns an error that kept nsbridge from changing anything.
    pub(super) fn nothing_attempted(cause: &str, hint: Option<String>) -> Self {
        Self::error(cause.into(), hint).and_nothing_attempted()
    }

    pub(super) fn and_nothing_attempted(mut self) -> Self {
        self.text += "; nothing was attempted";
        self
    }

    /// Returns a warning with a hint.
    pub(super) fn warning(text: String, hint: &str) -> Self {
        Self {
            hint: Some(hint.into()),
            ..Self::new(Severity::Warning, text)
        }
    }

    /// Returns the error that the input cannot be read.
    pub(super) fn unreadable(cause: &str) -> Self {
        let hint = "name a file that can be read, or `-` for standard input";
        Self::nothing_attempted(cause, Some(hint.into()))
    }

    /// Returns a message without a hint.
    pub(super) fn new(severity: Severity, text: String) -> Self {
        Self {
            severity,
            text,
            hint: None,
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        write!(f, "{word}: {}", self.text)?;
        if let Some(hint) = &self.hint {
            write!(f, "; hint: {hint}")?;
        }
        Ok(())
    }
}

/// An error that ends a command.
pub(super) struct Abort {
    pub(super) status: Status,
    /// `None` if the reason is printed already, or will be when the store is closed.
    pub(super) message: Option<Message>,
}

impl Abort {
    pub(super) fn new(status: Status, message: Message) -> Self {
        let message = Some(message);
        Self { status, message }
    }
}

/// The configuration is invalid, or a file that it names cannot be used.
impl From<Message> for Abort {
    fn from(message: Message) -> Self {
        Self::new(Status::BadConfiguration, message)
    }
}

/// The system gives this process no runtime or signals, or a document cannot be written as JSON.
impl From<io::Error> for Abort {
    fn from(error: io::Error) -> Self {
        let hint = "this is a fault in nsbridge; please report it";
        let message = Message::error(format!("internal error: {error}"), Some(hint.into()));
        Self::new(Status::Internal, message)
    }
}

/// The store failed. Closing it prints the reason.
impl From<Failure> for Abort {
    fn from(_: Failure) -> Self {
        Self {
            status: Status::Later,
            message: None,
        }
    }
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
            results: match format {
                OutputFormat::Text => Results::Text,
                OutputFormat::Json => Results::Gathered(Document::default()),
            },
            broken: None,
        }
    }

    /// Prints a result: its line, or its entry in the document.
    pub(super) fn result(&mut self, line: &str, entry: Value) {
        self.detail(line);
        self.entry(entry);
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

    /// Prints a message as a line on standard error.
    pub(super) fn message(&mut self, message: Message) {
        let is_wanted = match message.severity {
            Severity::Error => true,
            Severity::Warning => !self.is_quiet,
            Severity::Note => self.verbose,
        };
        if is_wanted {
            let line = match self.log_format {
                OutputFormat::Text => printable(&message.to_string()),
                OutputFormat::Json => json!(message).to_string(),
            };
            say(Stream::Error, &format!("{line}\n"));
        }
        if let Results::Gathered(document) = &mut self.results {
            document.messages.push(message);
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
            self.message(message);
        }
        abort.status
    }

    /// Prints the document, and returns the status of the process.
    pub(super) fn finish(mut self, mut status: Status) -> Status {
        if let Results::Gathered(mut document) = std::mem::replace(&mut self.results, Results::Text)
        {
            document.status = status.code();
            match serde_json::to_string_pretty(&document) {
                Ok(document) => self.write(format!("{document}\n").as_bytes()),
                Err(error) => status = self.abort(io::Error::from(error).into()),
            }
        }
        if let Some(error) = self.broken.take() {
            let hint = "is its disk full? What was done stays done: a second run tells it";
            let text = format!("cannot write to standard output: {error}");
            self.message(Message::error(text, Some(hint.into())));
            status.or_worse(Status::Internal);
        }
        status
    }

    fn write(&mut self, octets: &[u8]) {
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

/// Escapes the control characters of a text.
fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        // Separators and marks, too, make a terminal or a viewer show other lines.
        let forging = matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}');
        if character.is_control() || forging {
            printable.extend(character.escape_unicode());
        } else {
            printable.push(character);
        }
    }
    printable
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

/// Prints the errors in the command line, or its help.
pub(super) fn usage(error: &clap::Error) -> Status {
    // Ignores that the stream is closed, as there is no other place for the text.
    drop(error.print());
    if error.use_stderr() {
        Status::Usage
    } else {
        Status::Done
    }
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

/// Formats a number of things.
pub(super) fn count(number: usize, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_cannot_forge_a_line() {
        assert_eq!(
            printable("a\r\nerror: b\u{1b}[0m"),
            "a\\u{d}\\u{a}error: b\\u{1b}[0m"
        );
        assert_eq!(printable("Grüße\u{2028}x"), "Grüße\\u{2028}x");
    }
}
