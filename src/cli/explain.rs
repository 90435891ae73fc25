//! `nsbridge explain`: the pages of the diagnostic codes.

use super::message::{Abort, Message};
use super::output::Output;
use super::status::Status;
use crate::diagnostic::{self, case, command};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A code, such as NB-CONNECTION-REFUSED; `NB-` may be left out.
    code: Option<String>,
    /// Print the pages of all codes.
    #[arg(long, conflicts_with = "code")]
    all: bool,
}

/// Prints the page of a code, all pages, or the list of the codes.
pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Status, Abort> {
    if arguments.all {
        return Ok(output.text(diagnostic::pages().as_bytes()));
    }
    let Some(code) = &arguments.code else {
        let lines = diagnostic::codes().map(|entry| format!("{}  {}\n", entry.code, entry.text));
        return Ok(output.text(lines.collect::<String>().as_bytes()));
    };
    let Some(entry) = diagnostic::find(code) else {
        let message = Message::of(&case!(command::CODE_UNKNOWN, code));
        return Err(Abort::new(Status::Usage, message));
    };
    Ok(output.text(diagnostic::page(entry).as_bytes()))
}
