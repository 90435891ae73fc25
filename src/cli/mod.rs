//! The command line: commands, output, exit status. It knows nothing of DNS or SQL.

mod acme;
mod catalog;
mod check;
mod configuration;
mod direct;
mod done;
mod explain;
mod guard;
mod handover;
mod input;
mod learn;
mod message;
mod nsupdate;
mod nsupdate_keys;
mod nsupdate_lines;
mod nsupdate_options;
mod output;
mod overview;
mod plesk;
mod ptr;
mod queue;
mod report;
mod runtime;
mod serve;
mod status;
mod store;
mod sync;
mod sync_all;
mod sync_sources;
mod trust;
mod usage;
mod zone;
mod zone_file;
mod zone_list;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use configuration::CONFIG_PATH;
use message::Abort;
use output::{Output, OutputFormat};
use status::Status;

/// Brings zones on BIND, PowerDNS and Knot up to date with Plesk, master files and scripts, by signed DNS UPDATEs.
#[derive(Debug, Parser)]
#[command(version, disable_help_subcommand = true)]
struct Arguments {
    /// The configuration file.
    #[arg(long, global = true, env = "NSBRIDGE_CONFIG", default_value = CONFIG_PATH)]
    config: PathBuf,
    /// How results are printed.
    #[arg(long, global = true, value_enum, default_value_t = OutputFormat::Text)]
    output: OutputFormat,
    /// Report more on standard error; given twice, each step.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Report errors only on standard error.
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
    /// Delivers what Plesk sends as JSON: the program for Plesk's custom DNS backend.
    ///
    /// Exit status: 0 all in place; 65 part of the input was wrong, the rest is in place; 69
    /// refused, a person must act; 75 not in place yet; 78 configuration or key file unusable; 64
    /// wrong usage; 70 internal error. With --dry-run, 0 means no difference and 1 differences.
    Plesk(plesk::Arguments),
    /// Makes a zone equal to a master file, or with --all those of a folder or of a named.conf.
    ///
    /// Sends only the differences. Keeps records that are not in the file if nsbridge never wrote them, unless
    /// --prune is given. Exit status: 0 in place; 65 a file is wrong, its zone was left alone; 69 refused, a
    /// person must act; 75 not in place yet; 78 configuration or key file unusable; 64 wrong usage; 70 internal
    /// error. With --dry-run, 0 means no difference and 1 differences.
    Sync(sync::Arguments),
    /// Adds and removes PTR records: one, or those of all addresses of a zone.
    ///
    /// Changes only addresses in `ptr.networks`; with --server, all. Exit status: 0 in place; 69 refused, a person
    /// must act; 75 not in place yet; 78 configuration or key file unusable; 64 wrong usage; 70 internal error.
    /// With --dry-run, 0 means no difference and 1 differences.
    Ptr {
        #[command(subcommand)]
        command: ptr::Command,
    },
    /// Adds and removes TXT records of ACME challenges (dns-01).
    ///
    /// Follows CNAME records of `_acme-challenge` names, and changes exactly one value. Exit status: 0 in
    /// place; 65 the name is too long; 69 refused, a person must act; 75 not in place yet, or with --wait not
    /// seen by all name servers in time; 78 configuration or key file unusable; 64 wrong usage; 70 internal error.
    Acme {
        #[command(subcommand)]
        command: acme::Command,
    },
    /// Creates, deletes, adopts, lists and shows zones.
    ///
    /// Exit status: 0 done; 69 refused, a person must act; 75 not in place yet, or not readable
    /// now; 78 configuration or key file unusable; 64 wrong usage; 70 internal error.
    Zone {
        #[command(subcommand)]
        command: zone::Command,
    },
    /// Upgrades the catalogs of the primaries.
    ///
    /// Exit status: 0 done; 69 refused, a person must act; 75 not in place yet; 78 configuration or key file
    /// unusable; 64 wrong usage; 70 internal error.
    Catalog {
        #[command(subcommand)]
        command: catalog::Command,
    },
    /// Lists, shows, retries and drops the jobs in the queue.
    ///
    /// Exit status: 0 done; 65 there is no such job; 69 and 75 as for plesk, for jobs that were tried again;
    /// 78 configuration, key file or queue file unusable; 64 wrong usage; 70 internal error.
    Queue {
        #[command(subcommand)]
        command: queue::Command,
    },
    /// Delivers the jobs in the queue until SIGTERM, as the worker.
    ///
    /// Finishes the jobs in hand before it ends. Notifies systemd that it is ready and alive (`Type=notify`,
    /// `WatchdogSec`). Exit status: 0 ended by a signal, or with --once; 69 another worker has the queue;
    /// 75 the queue file failed; 78 configuration, key file or queue file unusable; 64 wrong usage; 70
    /// internal error.
    Serve(serve::Arguments),
    /// Shows the queue, held jobs, the worker, and the last success and failure of each primary.
    ///
    /// Asks no primary, and suits monitoring plugins. Exit status: 0 all well; 1 a person must look at the lines
    /// that begin with `!`; 78 configuration, key file or queue file unusable; 64 wrong usage.
    Status,
    /// Checks configuration, keys and each primary, and reports how to repair what fails.
    ///
    /// Changes nothing, unless --create is given: what only a real creation would show is reported as
    /// `unknown`. With -q it prints only what failed. Exit status: 0 nothing failed; 69 a
    /// person must act; 75 a primary cannot be reached now; 78 configuration, key file or queue file
    /// unusable; 64 wrong usage; 70 internal error.
    Check(check::Arguments),
    /// Runs nsupdate scripts, with nsupdate's options, texts and statuses; also under the name `nsupdate`.
    ///
    /// Reads a configuration only with --split-zones (one batch over many zones, with the server and key of each)
    /// and --durable (through the queue). Further options that nsupdate does not have: --output json,
    /// --line-numbers, --ede. Exit status: 0 all updates were done; 1 wrong usage, a wrong line, no server or
    /// zone; 2 an update was not done.
    #[command(disable_help_flag = true)]
    Nsupdate {
        /// nsupdate's options, and a file with commands; standard input if none is given.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Checks the configuration, or prints a template of one.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Prints the page of a diagnostic code: what it means, what becomes of the change, and what to do.
    ///
    /// Lists all codes if none is given. Exit status: 0 printed; 64 there is no such code, or wrong usage.
    Explain(explain::Arguments),
    /// Prints the manual pages, for `man -l -` or a file in man1.
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
    /// Checks the configuration file and the files that it names.
    ///
    /// Asks no primary, and opens no queue. Exit status: 0 valid; 78 not valid; 64 wrong usage.
    Check,
}

/// Runs the program with the arguments and streams of the process.
pub fn run() -> ExitCode {
    guard::report_panics();
    guard::keep_memory_private();
    // The panic is reported already; the status reports a fault of the program.
    std::panic::catch_unwind(|| {
        let words: Vec<String> = std::env::args_os()
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        match nsupdate_words(&words) {
            Some((program, arguments)) => nsupdate::run(program, &arguments),
            None => run_command(&words),
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

fn run_command(words: &[String]) -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage::report(&error, &Arguments::command(), words).into(),
    };
    let (verbose, quiet, config) = (arguments.verbose, arguments.quiet, &arguments.config);
    guard::set_log_format(arguments.log_format);
    let mut output = Output::new(arguments.output, arguments.log_format, verbose, quiet);
    if let Err(abort) = guard::check_limits() {
        let status = output.abort(abort);
        return output.finish(status).into();
    }
    output::start_log(arguments.log_format, verbose);
    let done = match &arguments.command {
        Command::Plesk(plesk) => plesk::run(plesk, config, &mut output),
        Command::Sync(sync) => sync::run(sync, config, &mut output),
        Command::Ptr { command } => ptr::run(command, config, &mut output),
        Command::Acme { command } => acme::run(command, config, &mut output),
        Command::Zone { command } => zone::run(command, config, &mut output),
        Command::Catalog { command } => catalog::run(command, config, &mut output),
        Command::Queue { command } => queue::run(command, config, &mut output),
        Command::Serve(serve) => serve::run(serve, config, &mut output),
        Command::Status => overview::run(config, &mut output),
        Command::Check(check) => check::run(check, config, &mut output),
        Command::Config {
            command: ConfigCommand::Template,
        } => Ok(output.text(crate::config::TEMPLATE.as_bytes())),
        Command::Explain(arguments) => explain::run(arguments, &mut output),
        Command::Config {
            command: ConfigCommand::Check,
        } => configuration::check(config, &mut output),
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
