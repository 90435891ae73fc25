//! The command line: commands, output, exit status. It knows nothing of DNS or SQL.

mod acme;
mod check;
mod configuration;
mod direct;
mod done;
mod handover;
mod input;
mod nsupdate;
mod nsupdate_keys;
mod nsupdate_lines;
mod nsupdate_options;
mod output;
mod plesk;
mod ptr;
mod queue;
mod report;
mod runtime;
mod serve;
mod status;
mod store;
mod sync;
mod zone;
mod zone_list;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use configuration::CONFIG_PATH;
use output::{Abort, Output, OutputFormat};
use status::Status;

/// Makes zones what Plesk, a master file or a script wants, by signed DNS UPDATEs: on BIND, PowerDNS, Knot.
#[derive(Debug, Parser)]
#[command(version, disable_help_subcommand = true)]
struct Arguments {
    /// The configuration file.
    #[arg(long, global = true, env = "NSBRIDGE_CONFIG", default_value = CONFIG_PATH)]
    config: PathBuf,
    /// How results are printed.
    #[arg(long, global = true, value_enum, default_value_t = OutputFormat::Text)]
    output: OutputFormat,
    /// Say more on standard error; twice for every step.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Say less on standard error: errors only.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// How diagnostics are printed.
    #[arg(long, global = true, value_enum, default_value_t = OutputFormat::Text)]
    log_format: OutputFormat,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Plesk's custom DNS backend: reads Plesk's JSON and makes it so on the primaries.
    ///
    /// Exit status: 0 all in place; 65 part of the input was wrong, the rest is in place; 69
    /// refused, a person must act; 75 not in place yet; 78 configuration or key file unusable; 64
    /// wrong usage; 70 internal error. With --dry-run 0 is no difference and 1 differences.
    Plesk(plesk::Arguments),
    /// Makes a zone equal to a master file.
    ///
    /// Only differences are sent. Records that the file does not have and nsbridge never wrote stay, unless
    /// --prune is given. Exit status: 0 in place; 65 the file is wrong, nothing was attempted; 69 refused, a
    /// person must act; 75 not in place yet; 78 configuration or key file unusable; 64 wrong usage; 70 internal
    /// error. With --dry-run 0 is no difference and 1 differences.
    Sync(sync::Arguments),
    /// PTR records: one, or those of all addresses of a zone.
    ///
    /// Only addresses in `ptr.networks`; with --server all. Exit status: 0 in place; 69 refused, a person must
    /// act; 75 not in place yet; 78 configuration or key file unusable; 64 wrong usage; 70 internal error. With
    /// --dry-run 0 is no difference and 1 differences.
    Ptr {
        #[command(subcommand)]
        command: ptr::Command,
    },
    /// TXT records of ACME challenges (dns-01).
    ///
    /// Aliases of `_acme-challenge` names are followed, and exactly one value is changed. Exit status: 0 in
    /// place; 65 the name is too long; 69 refused, a person must act; 75 not in place yet, or with --wait not
    /// seen by all name servers in time; 78 configuration or key file unusable; 64 wrong usage; 70 internal error.
    Acme {
        #[command(subcommand)]
        command: acme::Command,
    },
    /// The zones that nsbridge serves.
    ///
    /// Exit status: 0 as asked; 69 refused, a person must act; 75 not in place yet, or not to be read
    /// now; 78 configuration or key file unusable; 64 wrong usage; 70 internal error.
    Zone {
        #[command(subcommand)]
        command: zone::Command,
    },
    /// What waits in the queue, why, since when, and when it is tried next.
    ///
    /// Exit status: 0 as asked; 65 there is no such job; 69 and 75 as for plesk, of what was tried again;
    /// 78 configuration, key file or queue file unusable; 64 wrong usage; 70 internal error.
    Queue {
        #[command(subcommand)]
        command: queue::Command,
    },
    /// The worker: delivers what waits in the queue, until SIGTERM.
    ///
    /// It finishes what it has in hand before it ends. Under systemd it says when it is ready, and that it
    /// is alive (`Type=notify`, `WatchdogSec`). Exit status: 0 ended as asked; 69 another one works on the queue;
    /// 75 the queue file failed; 78 configuration, key file or queue file unusable; 64 wrong usage; 70
    /// internal error.
    Serve,
    /// Checks configuration, keys and every primary, and says what to do where something is missing.
    ///
    /// Nothing is changed, on no primary: what only a creation tells is said to be unknown, unless
    /// --create is given. With -q only what failed is printed. Exit status: 0 nothing failed; 69 a
    /// person must act; 75 a primary cannot be reached now; 78 configuration, key file or queue file
    /// unusable; 64 wrong usage; 70 internal error.
    Check(check::Arguments),
    /// nsupdate's command language, options, texts and statuses; the same under the name `nsupdate`.
    ///
    /// The options are nsupdate's own, and no configuration is read but for --split-zones: one batch over many
    /// zones, with server and key of each, and --durable: through the queue. Others of ours: --output json,
    /// --line-numbers, --ede. Exit status: 0 everything sent was done; 1 wrong usage, a wrong line, no server or
    /// zone; 2 an update was not done.
    #[command(disable_help_flag = true)]
    Nsupdate {
        /// nsupdate's options, and a file with commands; standard input where there is none.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// The configuration.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Prints the manual pages, for `man -l -`.
    Man,
    /// Prints a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Prints a commented configuration with every option and its default.
    Template,
}

/// Runs the program with the arguments and streams of the process.
pub fn run() -> ExitCode {
    // The runtime of Rust has printed the panic; the status reports a fault of the program.
    std::panic::catch_unwind(|| {
        let words: Vec<String> = std::env::args_os()
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        match nsupdate_words(&words) {
            Some((program, arguments)) => nsupdate::run(program, &arguments),
            None => run_command(),
        }
    })
    .unwrap_or(Status::Internal.into())
}

/// Returns the name and arguments of nsupdate if the words call it: by the name of the program, or
/// as the first word that is no global option. clap must not parse nsupdate's options. Of the
/// global options before `nsupdate`, only `--config` and `--output` apply to it.
fn nsupdate_words(words: &[String]) -> Option<(&str, Vec<String>)> {
    let (program, arguments) = words.split_first()?;
    if program.rsplit('/').next() == Some("nsupdate") {
        return Some((program, arguments.to_vec()));
    }
    let (mut taken, mut words) = (Vec::new(), arguments.iter().cloned());
    loop {
        let word = words.next()?;
        match word.as_str() {
            "nsupdate" => {
                taken.extend(words);
                return Some(("nsupdate", taken));
            }
            "--config" | "--output" => taken.extend([word, words.next()?]),
            "--log-format" => drop(words.next()),
            text if text.starts_with("--config=") || text.starts_with("--output=") => {
                taken.push(word);
            }
            text if text.starts_with('-') => {}
            _ => return None,
        }
    }
}

fn run_command() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return output::usage(&error).into(),
    };
    let (verbose, quiet, config) = (arguments.verbose, arguments.quiet, &arguments.config);
    let mut output = Output::new(arguments.output, arguments.log_format, verbose, quiet);
    output::start_log(arguments.log_format, verbose);
    let done = match &arguments.command {
        Command::Plesk(plesk) => plesk::run(plesk, config, &mut output),
        Command::Sync(sync) => sync::run(sync, config, &mut output),
        Command::Ptr { command } => ptr::run(command, config, &mut output),
        Command::Acme { command } => acme::run(command, config, &mut output),
        Command::Zone { command } => zone::run(command, config, &mut output),
        Command::Queue { command } => queue::run(command, config, &mut output),
        Command::Serve => serve::run(config, &mut output),
        Command::Check(check) => check::run(check, config, &mut output),
        Command::Config {
            command: ConfigCommand::Template,
        } => Ok(output.text(crate::config::TEMPLATE.as_bytes())),
        Command::Nsupdate { arguments } => return nsupdate::run("nsupdate", arguments),
        Command::Man => {
            let (mut command, mut pages) = (Arguments::command(), Vec::new());
            command.build();
            let rendered = render_pages(&command, &mut pages);
            rendered.map_err(Abort::from).map(|()| output.text(&pages))
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Arguments::command(), "nsbridge", &mut script);
            Ok(output.text(&script))
        }
    };
    let status = done.unwrap_or_else(|abort| output.abort(abort));
    output.finish(status).into()
}

/// Renders the manual page of a command, then those of its subcommands: man(1) cannot find the
/// pages to which the first page refers elsewhere.
fn render_pages(command: &clap::Command, pages: &mut Vec<u8>) -> io::Result<()> {
    clap_mangen::Man::new(command.clone()).render(pages)?;
    let mut subcommands = command.get_subcommands();
    subcommands.try_for_each(|subcommand| render_pages(subcommand, pages))
}
