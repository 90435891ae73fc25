//! `nsbridge man`: the manual pages, a file for each, from the definition of the command line.

mod commands;
mod facts;
mod options;
mod page;
mod upkeep;

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Arg, Command};
use roff::{Inline, bold, italic, roman};

use super::configuration::CONFIG_PATH;
use super::message::{Abort, Message, Severity};
use super::nsupdate_help;
use super::output::Output;
use super::status::Status;
use crate::permission::Unwritten;
use crate::zonefile::format_time;
use commands::facts_of;
use facts::{Facts, Uses};
use page::Page;

/// Options of `nsbridge man`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The directory to write the pages to. nsbridge creates it if it does not exist.
    #[arg(long, value_name = "DIR")]
    directory: PathBuf,
}

/// Writes the pages.
pub(super) fn run(
    arguments: &Arguments,
    program: Command,
    output: &mut Output,
) -> Result<Status, Abort> {
    let directory = &arguments.directory;
    let unwritten = |path: &Path, error| {
        let message = Message::of(&Unwritten::new(path, error));
        Abort::new(Status::Denied, message)
    };
    fs::create_dir_all(directory).map_err(|error| unwritten(directory, error))?;
    for (name, page) in pages(program) {
        let path = directory.join(name);
        fs::write(&path, page).map_err(|error| unwritten(&path, error))?;
        let text = format!("{}: written", path.display());
        output.message(&Message::new(Severity::Note, text));
    }
    Ok(Status::Done)
}

/// Adds exit statuses and examples to the long help of a command and of those below it.
pub(super) fn with_help(program: Command) -> Command {
    add_help(program, "")
}

fn add_help(command: Command, words: &str) -> Command {
    let command = command.after_long_help(facts_of(words).help());
    command.mut_subcommands(|below| {
        let words = below_of(words, &below);
        add_help(below, &words)
    })
}

/// Returns the words of a command below another one.
fn below_of(words: &str, below: &Command) -> String {
    format!("{words} {}", below.get_name()).trim().to_owned()
}

/// Returns the pages, each with the name of its file.
fn pages(mut program: Command) -> Vec<(String, String)> {
    program.build();
    let date = date();
    let options = ("nsbridge.toml.5".to_owned(), options::page(&date).render());
    let mut pages = vec![options];
    add_pages(&program, "", &[], &date, &mut pages);
    pages
}

/// Adds the page of a command and those below it. `around` are the names of the page above and of those beside it.
fn add_pages(
    command: &Command,
    words: &str,
    around: &[String],
    date: &str,
    pages: &mut Vec<(String, String)>,
) {
    let facts = facts_of(words);
    let name = page_name(words);
    let commands = command.get_subcommands();
    let below: Vec<String> = commands.map(|it| below_of(words, it)).collect();
    let names_below: Vec<String> = below.iter().map(|it| page_name(it)).collect();
    let related = around.iter().chain(&names_below);
    let related: Vec<&String> = related.filter(|it| **it != name).collect();
    let rendered = match facts.uses {
        Uses::OfNsupdate => page(&nsupdate_help::command(command), facts, &related, date),
        Uses::Nothing | Uses::Configuration | Uses::Queue => page(command, facts, &related, date),
    };
    pages.push((format!("{name}.1"), rendered));
    let mut around = vec![name];
    if !words.is_empty() {
        around.extend(names_below);
    }
    for (words, command) in below.iter().zip(command.get_subcommands()) {
        add_pages(command, words, &around, date, pages);
    }
}

/// Returns the name of the page of a command.
fn page_name(words: &str) -> String {
    format!("nsbridge {words}").trim().replace(' ', "-")
}

/// Renders the page of a command. `related` are the names of other pages.
fn page(command: &Command, facts: &Facts, related: &[&String], date: &str) -> String {
    let about = command
        .get_about()
        .map(ToString::to_string)
        .unwrap_or_default();
    let mut page = Page::new(&page_name(facts.command), 1, date, &purpose(&about));
    page.section("SYNOPSIS");
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let name = format!("nsbridge {}", facts.command);
    page.command(
        name.trim(),
        usage.strip_prefix(name.trim()).unwrap_or(usage),
    );
    page.section("DESCRIPTION");
    let description = command.get_long_about().map(ToString::to_string);
    page.text(&sentence(&description.unwrap_or(about)));
    let mut below = command.get_subcommands().peekable();
    if below.peek().is_some() {
        page.section("COMMANDS");
    }
    for command in below {
        let name = page_name(&below_of(facts.command, command));
        let about = command
            .get_about()
            .map(ToString::to_string)
            .unwrap_or_default();
        page.entry(vec![bold(name), roman("(1)")], &sentence(&about));
    }
    page.section("OPTIONS");
    let (options, values): (Vec<&Arg>, Vec<_>) = command
        .get_arguments()
        .filter(|it| !it.is_hide_set())
        .partition(|it| !it.is_positional());
    for argument in values.into_iter().chain(options) {
        page.entry(head(argument), &explanation(argument));
    }
    page.section("EXIT STATUS");
    for (code, meaning) in facts.statuses() {
        page.entry(vec![bold(code.to_string())], &format!("{meaning}."));
    }
    let files = files(facts.uses);
    if !files.is_empty() {
        page.section("FILES");
    }
    for (path, text) in files {
        page.entry(vec![bold(*path)], text);
    }
    if !facts.examples.is_empty() {
        page.section("EXAMPLES");
    }
    for (purpose, line) in facts.examples {
        page.text(purpose);
        page.lines(line);
    }
    page.section("SEE ALSO");
    let mut related: Vec<String> = related.iter().map(|name| format!("`{name}`(1)")).collect();
    let further = facts.see_also.iter().filter_map(|it| it.split_once('('));
    related.extend(further.map(|(name, section)| format!("`{name}`({section}")));
    let configuration = "`nsbridge.toml`(5)".to_owned();
    if facts.uses != Uses::Nothing && !related.contains(&configuration) {
        related.push(configuration);
    }
    page.text(&related.join(", "));
    page.render()
}

/// Returns the first sentence about a command as the phrase of the section NAME.
fn purpose(about: &str) -> String {
    let first = about.split(". ").next().unwrap_or(about);
    let mut phrase = first.trim_end_matches('.').replace('`', "");
    // An abbreviation keeps its capital letters.
    if !phrase[1..].starts_with(|second: char| second.is_ascii_uppercase()) {
        phrase[..1].make_ascii_lowercase();
    }
    phrase
}

/// Returns a text with a full stop.
fn sentence(text: &str) -> String {
    let end = if text.ends_with(['.', ':']) { "" } else { "." };
    format!("{text}{end}")
}

/// Returns an option or a value as one types it.
fn head(argument: &Arg) -> Vec<Inline> {
    let short = argument.get_short().map(|it| format!("-{it}"));
    let long = argument.get_long().map(|it| format!("--{it}"));
    let mut head: Vec<Inline> = Vec::new();
    for (index, name) in short.into_iter().chain(long).enumerate() {
        if index > 0 {
            head.push(roman(", "));
        }
        head.push(bold(name));
    }
    if takes_values(argument) {
        if !head.is_empty() {
            head.push(roman(" "));
        }
        let name = argument.get_value_names().and_then(|names| names.first());
        head.push(italic(name.map_or(argument.get_id().as_str(), |it| it)));
        if argument.is_positional()
            && argument
                .get_num_args()
                .is_some_and(|it| it.max_values() > 1)
        {
            head.push(roman("..."));
        }
    }
    head
}

/// Returns what an option or a value means, with its default and the values that it may have.
fn explanation(argument: &Arg) -> String {
    let help = argument.get_long_help().or(argument.get_help());
    let mut sentences: Vec<String> = help
        .map(|it| sentence(&it.to_string()))
        .into_iter()
        .collect();
    if takes_values(argument) {
        let values = argument.get_possible_values();
        let values: Vec<String> = values
            .iter()
            .map(|it| match it.get_help() {
                Some(help) => format!("`{}` ({})", it.get_name(), purpose(&help.to_string())),
                None => format!("`{}`", it.get_name()),
            })
            .collect();
        if !values.is_empty() {
            sentences.push(format!("One of {}.", values.join(", ")));
        }
        let defaults = argument.get_default_values().iter();
        sentences.extend(defaults.map(|it| format!("Default: `{}`.", it.to_string_lossy())));
    }
    if let Some(variable) = argument.get_env() {
        let variable = variable.to_string_lossy();
        sentences.push(format!(
            "The environment variable `{variable}` sets it, too."
        ));
    }
    sentences.join(" ")
}

fn takes_values(argument: &Arg) -> bool {
    argument.get_num_args().is_some_and(|it| it.takes_values())
}

/// Returns the files that a command uses, each with its meaning.
fn files(uses: Uses) -> &'static [(&'static str, &'static str)] {
    const ALL: [(&str, &str); 2] = [
        (
            CONFIG_PATH,
            "the configuration, unless `--config` or `NSBRIDGE_CONFIG` names another",
        ),
        (
            "/var/lib/nsbridge/queue.db",
            "the queue file, unless the configuration names another, and files beside it that begin with its name",
        ),
    ];
    const OF_NSUPDATE: [(&str, &str); 3] = [
        (
            "/etc/resolv.conf",
            "the name servers to ask for the zone and its primary",
        ),
        ("/run/named/session.key", "the key of `-l`"),
        (
            CONFIG_PATH,
            "the configuration, for `--split-zones` and `--durable`",
        ),
    ];
    match uses {
        Uses::Nothing => &[],
        Uses::Configuration => &ALL[..1],
        Uses::Queue => &ALL,
        Uses::OfNsupdate => &OF_NSUPDATE,
    }
}

/// Returns the date of the pages: that of `SOURCE_DATE_EPOCH`, as for all builds that can be reproduced; else none.
#[expect(
    clippy::disallowed_methods,
    reason = "the variable that build tools set"
)]
fn date() -> String {
    let seconds = std::env::var("SOURCE_DATE_EPOCH")
        .ok()
        .and_then(|it| it.parse().ok());
    let digits = seconds.map(format_time).unwrap_or_default();
    match (digits.get(..4), digits.get(4..6), digits.get(6..8)) {
        (Some(year), Some(month), Some(day)) => format!("{year}-{month}-{day}"),
        _ => String::new(),
    }
}
