//! The lines of `nsbridge nsupdate`: from a file or a pipe, or typed by a person at a prompt, who can edit a
//! line and has the lines before.

use std::io::{BufRead, Read as _};

use rustyline::error::ReadlineError;
use rustyline::history::History as _;
use rustyline::{Config, DefaultEditor};

/// Longest line that is read as one, as in nsupdate; a longer one is cut in two.
const LINE_OCTETS_MAX: u64 = 128 * 1024 - 1;
/// What a person sees before each line.
const PROMPT: &str = "> ";

/// Where lines come from.
pub(super) enum Lines {
    /// A file, a pipe, or a terminal whose output goes elsewhere.
    Stream(Box<dyn BufRead>),
    /// A person at a terminal.
    Person(Box<DefaultEditor>),
}

/// What was read.
pub(super) enum Read {
    /// A line.
    Line(Vec<u8>),
    /// Nothing: there are no more.
    End,
    /// Nothing: Ctrl-C.
    Interrupted,
}

impl Lines {
    /// A person at the terminal of standard input and output; none where it cannot be edited on.
    pub(super) fn of_person() -> Option<Self> {
        // What is pasted are lines as any other, so they are read one by one.
        let config = Config::builder().bracketed_paste(false).build();
        let editor = DefaultEditor::with_config(config).ok()?;
        Some(Self::Person(Box::new(editor)))
    }

    /// The next line. What cannot be read has ended, as it has for nsupdate.
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
                    // It is a convenience: a line that cannot be kept is typed again.
                    drop(editor.history_mut().add(&line));
                }
                Read::Line(line.into_bytes())
            }
            Err(ReadlineError::Interrupted) => Read::Interrupted,
            Err(_) => Read::End,
        }
    }
}

/// Whether a line is `key NAME SECRET`: no secret is kept, not even in memory.
fn holds_secret(line: &str) -> bool {
    let word = line.split_ascii_whitespace().next();
    word.is_some_and(|word| word.eq_ignore_ascii_case("key"))
}
