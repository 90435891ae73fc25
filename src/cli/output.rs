//! The one mouth: all that is printed goes through here.
//!
//! Standard output is the result, one line a zone or PTR, or one JSON document; standard error is
//! everything else. Control characters never reach either as they are, so that no foreign text can
//! forge a line of a log.

use std::fmt;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::json;
use tracing_subscriber::EnvFilter;

use super::status::Status;
use crate::nsupdate::Stream;

/// How results are printed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(super) enum OutputFormat {
    /// Lines for people and logs.
    Text,
    /// JSON for programs.
    Json,
}

/// Where results and messages go.
pub(super) struct Output {
    log_format: OutputFormat,
    verbose: bool,
    quiet: bool,
    results: Results,
    broken: Option<io::Error>,
}

/// How results are printed as they come.
enum Results {
    /// As lines or as text.
    Text,
    /// Together, at the end.
    Gathered(Document),
    /// Each as JSON on a line of its own, for what never ends by itself.
    Streamed,
}

/// What `--output json` prints.
#[derive(Default, Serialize)]
struct Document {
    status: u8,
    results: Vec<serde_json::Value>,
    messages: Vec<Message>,
}

/// One message of standard error.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Message {
    pub(super) severity: Severity,
    pub(super) text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hint: Option<String>,
}

/// How much a message matters.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Severity {
    /// Something is not in place.
    Error,
    /// Something was left alone on purpose, or looks odd.
    Warning,
    /// For those who want to know.
    Note,
}

impl Message {
    /// Something is not in place.
    pub(super) fn error(text: String, hint: Option<String>) -> Self {
        let severity = Severity::Error;
        Self {
            severity,
            text,
            hint,
        }
    }

    /// Something that keeps everything from being in place.
    pub(super) fn nothing_attempted(cause: &str, hint: Option<String>) -> Self {
        Self::error(format!("{cause}; nothing was attempted"), hint)
    }

    /// That the input cannot be read.
    pub(super) fn unreadable(cause: &str) -> Self {
        let hint = "name a file that can be read, or `-` for standard input";
        Self::nothing_attempted(cause, Some(hint.into()))
    }

    /// Something to know.
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

impl Output {
    pub(super) fn new(
        format: OutputFormat,
        log_format: OutputFormat,
        verbose: u8,
        quiet: bool,
    ) -> Self {
        Self {
            log_format,
            verbose: verbose > 0,
            quiet,
            results: match format {
                OutputFormat::Text => Results::Text,
                OutputFormat::Json => Results::Gathered(Document::default()),
            },
            broken: None,
        }
    }

    /// One result: a line, or an entry of the document.
    pub(super) fn result(&mut self, line: &str, entry: serde_json::Value) {
        self.detail(line);
        self.entry(entry);
    }

    /// A line that belongs to a result and stands in its entry of the document.
    pub(super) fn detail(&mut self, line: &str) {
        if let Results::Text = self.results {
            self.line(line);
        }
    }

    /// Whether only what is wrong is wanted.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// An entry of the document whose line is a message.
    pub(super) fn entry(&mut self, entry: serde_json::Value) {
        match &mut self.results {
            Results::Text => {}
            Results::Gathered(document) => document.results.push(entry),
            Results::Streamed => self.write(format!("{entry}\n").as_bytes()),
        }
    }

    /// Prints each entry as soon as it is there, instead of one document at the end.
    pub(super) fn stream(&mut self) {
        if let Results::Gathered(_) = self.results {
            self.results = Results::Streamed;
        }
    }

    /// One message on standard error, on a line of its own.
    pub(super) fn message(&mut self, message: Message) {
        let wanted = match message.severity {
            Severity::Error => true,
            Severity::Warning => !self.quiet,
            Severity::Note => self.verbose,
        };
        if wanted {
            let line = match self.log_format {
                OutputFormat::Text => printable(&message.to_string()),
                OutputFormat::Json => json!(message).to_string(),
            };
            // A closed standard error leaves nobody to tell.
            drop(writeln!(io::stderr().lock(), "{line}"));
        }
        if let Results::Gathered(document) = &mut self.results {
            document.messages.push(message);
        }
    }

    /// Text that is the result as it is.
    pub(super) fn text(&mut self, text: &[u8]) -> Status {
        self.results = Results::Text;
        self.write(text);
        Status::Done
    }

    /// Says why the configuration cannot be used, or what it names.
    pub(super) fn bad_configuration(&mut self, message: Message) -> Status {
        self.message(message);
        Status::BadConfiguration
    }

    /// A fault of the program.
    pub(super) fn internal_error(&mut self, error: &dyn std::error::Error) -> Status {
        let hint = "this is a fault in nsbridge; please report it";
        let text = format!("internal error: {error}");
        self.message(Message::error(text, Some(hint.into())));
        Status::Internal
    }

    /// Ends the output.
    pub(super) fn finish(mut self, mut status: Status) -> Status {
        if let Results::Gathered(mut document) = std::mem::replace(&mut self.results, Results::Text)
        {
            document.status = status.code();
            match serde_json::to_string_pretty(&document) {
                Ok(document) => self.write(format!("{document}\n").as_bytes()),
                Err(error) => status = self.internal_error(&error),
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

    fn line(&mut self, line: &str) {
        self.write(format!("{}\n", printable(line)).as_bytes());
    }

    fn write(&mut self, octets: &[u8]) {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(octets).and_then(|()| stdout.flush()) {
            // A reader that has seen enough is no error; what was asked for is done all the same.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => self.broken = Some(error),
            Ok(()) | Err(_) => {}
        }
    }
}

/// The text with its control characters escaped.
fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        // Also the separators and marks that make a terminal or a viewer show other lines.
        let forging = matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}');
        if character.is_control() || forging {
            printable.extend(character.escape_unicode());
        } else {
            printable.push(character);
        }
    }
    printable
}

/// Says a text as it is, for `nsupdate`, whose callers know each octet.
pub(super) fn say(stream: Stream, text: &str) {
    // A closed stream leaves nobody to tell.
    match stream {
        Stream::Out => {
            let mut stdout = io::stdout().lock();
            drop(
                stdout
                    .write_all(text.as_bytes())
                    .and_then(|()| stdout.flush()),
            );
        }
        Stream::Error => drop(io::stderr().lock().write_all(text.as_bytes())),
    }
}

/// Prints what is wrong with the command line, or the help that was asked for.
pub(super) fn usage(error: &clap::Error) -> Status {
    // A closed stream leaves nobody to tell.
    drop(error.print());
    if error.use_stderr() {
        Status::Usage
    } else {
        Status::Done
    }
}

/// Starts the diagnostics on standard error, where they are wanted.
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

/// So many of a thing.
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
