//! Reads the lines of `nsbridge nsupdate`: from a file, a pipe, or a person at a terminal, with
//! editing and a history.

use std::io::{BufRead, Read as _};

use rustyline::error::ReadlineError;
use rustyline::history::History as _;
use rustyline::{Config, DefaultEditor};

/// Longest line, as in nsupdate; a longer one becomes two.
const LINE_OCTETS_MAX: u64 = 128 * 1024 - 1;
const PROMPT: &str = "> ";

/// The source of lines.
pub(super) enum Lines {
    /// A file, a pipe, or a terminal whose output goes elsewhere.
    Stream(Box<dyn BufRead>),
    /// A person at a terminal.
    Person(Box<DefaultEditor>),
}

/// The result of reading a line.
pub(super) enum Read {
    Line(Vec<u8>),
    /// There are no more lines.
    End,
    /// Ctrl-C.
    Interrupted,
}

impl Lines {
    /// Returns the terminal of standard input and output; `None` if it does not support editing.
    pub(super) fn of_person() -> Option<Self> {
        // Pasted lines are carried out one by one.
        let config = Config::builder().bracketed_paste(false).build();
        let editor = DefaultEditor::with_config(config).ok()?;
        Some(Self::Person(Box::new(editor)))
    }

    /// Reads the next line. nsupdate: an error is the end, too.
    pub(super) fn next(&mut self) -> Read {
        let editor = match self {
            Self::Stream(stream) => {
                let mut line = Vec::new();
                let read = stream.take(LINE_OCTETS_MAX).read_until(b'\n', &mut line);
                return match read {
                    Ok(1..) => Read::Line(line),
                    Ok(0) | Err(_) => Read::End,
                };
            }
            Self::Person(editor) => editor,
        };
        match editor.readline(PROMPT) {
            Ok(line) => {
                if !holds_secret(&line) {
                    // The history is a convenience: without it, a person types the line again.
                    drop(editor.history_mut().add(&line));
                }
                Read::Line(line.into_bytes())
            }
            Err(ReadlineError::Interrupted) => Read::Interrupted,
            Err(_) => Read::End,
        }
    }
}

/// Returns whether a line is `key NAME SECRET`; the history keeps no secrets.
fn holds_secret(line: &str) -> bool {
    let word = line.split_ascii_whitespace().next();
    word.is_some_and(|word| word.eq_ignore_ascii_case("key"))
}
