//! Reports errors in the command line, which clap words.

use super::message::Message;
use super::output::{Output, OutputFormat, say};
use super::status::Status;
use crate::diagnostic::{case, command};
use crate::nsupdate::Stream;

/// Prints an error in the command line `words` of a program, or the help that it asks for.
pub(super) fn report(error: &clap::Error, program: &clap::Command, words: &[String]) -> Status {
    if !error.use_stderr() {
        // Ignores that the stream is closed, as there is no other place for the text.
        drop(error.print());
        return Status::Done;
    }
    let text = error.render().to_string();
    // For a command that lacks its subcommand, clap prints the help alone.
    let (problem, rest) = match text.strip_prefix("error: ") {
        Some(text) => text.split_once("\n\n").unwrap_or((text, "")),
        None => ("a command is missing", text.as_str()),
    };
    let problem = problem.split_whitespace().collect::<Vec<_>>().join(" ");
    // The help lists them with what they do.
    let problem = problem.split(" [subcommands: ").next().unwrap_or(&problem);
    let help = format!("{} --help", command_of(program, words));
    let mut message = Message::of(&case!(command::USAGE, problem, help));
    let mut lines = rest.lines().map(str::trim_start);
    if let Some(tip) = lines.find_map(|line| line.strip_prefix("tip: ")) {
        message = message.with_hint(tip.to_owned());
    }
    let log_format = format_of(words, "--log-format");
    let mut output = Output::new(format_of(words, "--output"), log_format, 0, false);
    output.message(&message);
    if let (OutputFormat::Text, Some(start)) = (log_format, rest.find("Usage: ")) {
        let usage = &rest[start..];
        let usage = usage.split("\n\nFor more").next().unwrap_or(usage);
        say(Stream::Error, &format!("{}\n", usage.trim_end()));
    }
    output.finish(Status::Usage)
}

/// Returns the command that the words name, as far as it exists.
fn command_of(program: &clap::Command, words: &[String]) -> String {
    let (mut command, mut name) = (program, program.get_name().to_owned());
    for word in words.iter().skip(1) {
        if let Some(found) = command.find_subcommand(word) {
            command = found;
            name = format!("{name} {word}");
        }
    }
    name
}

/// Returns the value of an option for a format in a command line that clap could not parse.
fn format_of(words: &[String], option: &str) -> OutputFormat {
    let joined = format!("{option}=json");
    let is_apart = |pair: &[String]| pair[0] == option && pair[1] == "json";
    if words.contains(&joined) || words.windows(2).any(is_apart) {
        OutputFormat::Json
    } else {
        OutputFormat::Text
    }
}
