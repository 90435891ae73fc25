//! The errors of a configuration.

use std::io;
use std::path::PathBuf;

use crate::diagnostic::{Diagnose, Diagnostic, case, displayed, listing as entries};

/// An error of a configuration.
#[derive(Debug)]
pub enum NamedConfError {
    /// A file cannot be read.
    Unreadable {
        /// Its path.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A line is invalid.
    Line {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The problem.
        problem: Problem,
    },
}

/// A problem of a line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Problem {
    /// Another word or mark than expected.
    Expected(&'static str),
    /// A quotation mark or a comment is never closed.
    Unclosed(&'static str),
    /// Too many files include each other in a row.
    TooDeep,
    /// All files together are too large.
    TooLarge,
}

displayed!(NamedConfError);

impl Diagnose for NamedConfError {
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::Unreadable { path, source } => {
                case!(entries::SOURCE_UNREADABLE, path = path.display(), source)
            }
            Self::Line {
                file,
                line,
                problem,
            } => {
                let problem = match problem {
                    Problem::Expected(expected) => format!("expected is {expected}"),
                    Problem::Unclosed(mark) => format!("`{mark}` is never closed"),
                    Problem::TooDeep => "too many files include each other".into(),
                    Problem::TooLarge => "the files are too large".into(),
                };
                case!(entries::NAMED_CONF_INVALID, file, line, problem)
            }
        }
    }
}
