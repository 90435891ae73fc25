//! Messages: what failed, where, and what to do, as one line of a log, as lines of a terminal, or as JSON.

use std::{fmt, io};

use anstyle::{AnsiColor, Style};
use rustix::io::Errno;
use serde::Serialize;
use serde_json::{Value, json};

use super::status::Status;
use crate::deliver::Failure;
use crate::diagnostic::{Class, Diagnose, case, command, run};

/// A message on standard error.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Message {
    pub(super) severity: Severity,
    /// The subject, such as a zone on a primary.
    subject: Option<String>,
    text: String,
    /// `None` for a detail.
    code: Option<&'static str>,
    /// The state of the subject, such as that of its job.
    state: Option<String>,
    hint: Option<String>,
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
    /// Returns the message of a diagnostic: a warning if it is a remark, else an error.
    pub(super) fn of(subject: &impl Diagnose) -> Self {
        let diagnostic = subject.diagnostic();
        let severity = match diagnostic.class() {
            Class::Remark => Severity::Warning,
            Class::Transient
            | Class::Unkept
            | Class::Permanent
            | Class::Input
            | Class::Setup
            | Class::Context => Severity::Error,
        };
        Self {
            code: Some(diagnostic.code()),
            hint: diagnostic.hint(),
            ..Self::new(severity, diagnostic.to_string())
        }
    }

    /// Returns the message of an error of the system, and the status: what the system does not give now it may give later.
    pub(super) fn of_system(source: &io::Error) -> (Status, Self) {
        let is_shortage = [Errno::MFILE, Errno::NFILE, Errno::AGAIN, Errno::NOMEM]
            .iter()
            .any(|it| source.raw_os_error() == Some(it.raw_os_error()));
        if is_shortage {
            return (
                Status::Later,
                Self::of(&case!(run::SYSTEM_SHORTAGE, source)),
            );
        }
        let message = Self::of(&case!(command::FAULT, source));
        (Status::Internal, message.with_severity(Severity::Error))
    }

    /// Returns a message without a code.
    pub(super) fn new(severity: Severity, text: String) -> Self {
        Self {
            severity,
            subject: None,
            text,
            code: None,
            state: None,
            hint: None,
        }
    }

    /// Returns the message with another severity.
    pub(super) fn with_severity(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }

    /// Names the subject, in front of the one that it has.
    pub(super) fn about(mut self, subject: impl fmt::Display) -> Self {
        self.subject = Some(match self.subject {
            Some(inner) => format!("{subject}: {inner}"),
            None => subject.to_string(),
        });
        self
    }

    /// Adds what became of the subject.
    pub(super) fn and(mut self, state: impl Into<String>) -> Self {
        self.state = Some(state.into());
        self
    }

    /// Names other subjects, with the text and the state of all of them.
    pub(super) fn instead_about(self, subject: String, text: String, state: Option<&str>) -> Self {
        Self {
            subject: Some(subject),
            text,
            state: state.map(ToOwned::to_owned),
            ..self
        }
    }

    /// Returns the code; `None` for a detail.
    pub(super) fn code(&self) -> Option<&'static str> {
        self.code
    }

    /// Returns the message with this hint.
    pub(super) fn with_hint(self, hint: String) -> Self {
        Self {
            hint: Some(hint),
            ..self
        }
    }

    /// Adds that the error kept nsbridge from changing anything.
    pub(super) fn and_nothing_attempted(self) -> Self {
        self.and("nothing was attempted")
    }

    /// Returns the message on three lines, for a terminal.
    pub(super) fn on_terminal(&self, has_colour: bool) -> String {
        let style = match self.severity {
            _ if !has_colour => Style::new(),
            Severity::Error => AnsiColor::Red.on_default().bold(),
            Severity::Warning => AnsiColor::Yellow.on_default().bold(),
            Severity::Note => Style::new().bold(),
        };
        let head = format!("{style}{}{style:#}", self.head());
        let state = self.state.as_deref();
        let mut lines = match &self.subject {
            Some(subject) if self.severity == Severity::Error => {
                let state = state.unwrap_or("not in place");
                let first = format!("{head}: {}: {}", printable(subject), printable(state));
                vec![first, format!("cause: {}", printable(&self.text))]
            }
            Some(_) | None => vec![format!("{head}: {}", printable(&self.sentence()))],
        };
        if let Some(hint) = &self.hint {
            lines.push(format!("do: {}", printable(hint)));
        }
        lines.join("\n")
    }

    /// Returns severity and code.
    fn head(&self) -> String {
        let word = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        self.code
            .map_or(word.into(), |code| format!("{word}[{code}]"))
    }

    /// Returns subject, text and state.
    fn sentence(&self) -> String {
        let subject = self.subject.as_ref().map(|subject| format!("{subject}: "));
        let state = self.state.as_ref().map(|state| format!("; {state}"));
        let (subject, state) = (subject.unwrap_or_default(), state.unwrap_or_default());
        format!("{subject}{}{state}", self.text)
    }

    /// Returns code, cause and hint for the entry of a check.
    pub(super) fn cause_entry(&self) -> Value {
        let cause = Self {
            state: None,
            ..self.clone()
        };
        json!({ "code": self.code, "cause": cause.sentence(), "hint": self.hint })
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "severity": self.severity, "code": self.code, "text": self.sentence(), "hint": self.hint,
        })
    }
}

/// One line, for a log.
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.head(), self.sentence())?;
        match &self.hint {
            Some(hint) => write!(f, "; do: {hint}"),
            None => Ok(()),
        }
    }
}

/// An error that ends a command.
pub(super) struct Abort {
    pub(super) status: Status,
    /// `None` if the reason is printed already, or will be when the store is closed.
    pub(super) message: Option<Box<Message>>,
}

impl Abort {
    pub(super) fn new(status: Status, message: Message) -> Self {
        let message = Some(Box::new(message));
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
        let (status, message) = Message::of_system(&error);
        Self::new(status, message)
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

/// Escapes the control characters of a text.
pub(super) fn printable(text: &str) -> String {
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
