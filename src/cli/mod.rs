//! The command line: commands, output, exit status. It knows nothing of DNS or SQL.

mod acme;
mod adopt;
mod audit;
mod caller;
mod catalog;
mod check;
mod configuration;
mod direct;
mod done;
mod endpoint;
mod explain;
mod guard;
mod handover;
mod input;
mod learn;
mod log;
mod manual;
mod message;
mod metrics;
mod nsupdate;
mod nsupdate_help;
mod nsupdate_keys;
mod nsupdate_lines;
mod nsupdate_options;
mod output;
mod overview;
mod plesk;
mod ptr;
mod queue;
mod report;
mod resync;
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
mod zone_rekey;
mod zone_restore;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use configuration::CONFIG_PATH;
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
    /// Creates zones that are missing. What cannot be in place within `queue.deadline-seconds` stays in the queue, and
    /// `nsbridge serve` or a later call delivers it.
    Plesk(plesk::Arguments),
    /// Makes a zone equal to a master file, or with --all those of a folder or of a named.conf.
    ///
    /// Sends only the differences. Keeps records that are not in the file if nsbridge never wrote them, unless
    /// --prune is given.
    Sync(sync::Arguments),
    /// Adds and removes PTR records: one, or those of all addresses of a zone.
    ///
    /// Changes only addresses in `ptr.networks`; with --server, all.
    Ptr {
        #[command(subcommand)]
        command: ptr::Command,
    },
    /// Adds and removes TXT records of ACME challenges (dns-01).
    ///
    /// Follows CNAME records of `_acme-challenge` names, and changes exactly one value.
    Acme {
        #[command(subcommand)]
        command: acme::Command,
    },
    /// Creates, deletes, adopts, lists and shows zones.
    Zone {
        #[command(subcommand)]
        command: zone::Command,
    },
    /// Upgrades the catalogs of the primaries, and says which machine delivers for the instance.
    Catalog {
        #[command(subcommand)]
        command: catalog::Command,
    },
    /// Lists, shows, retries and drops the jobs in the queue, and backs it up.
    Queue {
        #[command(subcommand)]
        command: queue::Command,
    },
    /// Delivers the jobs in the queue until SIGTERM, as the worker.
    ///
    /// Finishes the jobs in hand before it ends. Notifies systemd that it is ready and alive (`Type=notify`,
    /// `WatchdogSec`).
    Serve(serve::Arguments),
    /// Shows the queue, held jobs, the worker, and the last success and failure of each primary.
    ///
    /// Asks no primary, and suits monitoring plugins. A person must look at the lines that begin with `!`.
    Status,
    /// Compares the primaries, their catalogs and their secondaries with what was put in place.
    ///
    /// Prints a line for each difference: `absent`, `missing`, `changed`, `foreign`, `unlisted`, `orphaned` or `behind`.
    Audit(audit::Arguments),
    /// Brings everything that was put in place back to its primary, the catalog first.
    ///
    /// For a primary that is empty or was restored from an older copy. Secondaries keep their zones meanwhile.
    Resync(resync::Arguments),
    /// Shows what was done, when, by which call, and with what result.
    Log(log::Arguments),
    /// Checks configuration, keys and each primary, and reports how to repair what fails.
    ///
    /// Changes nothing, unless --create is given: what only a real creation would show is reported as
    /// `unknown`. With -q it prints only what failed.
    Check(check::Arguments),
    /// Runs nsupdate scripts, with nsupdate's options, texts and statuses; also under the name `nsupdate`.
    ///
    /// Reads a configuration only with --split-zones and --durable. Options that are words are nsbridge's own; without
    /// them, nsbridge does what nsupdate does.
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
    /// Lists all codes if none is given.
    Explain(explain::Arguments),
    /// Writes the manual pages: one for each command, and one for the configuration.
    ///
    /// Their names end in `.1` and `.5`, the sections of the manual that they belong to. If the environment variable
    /// `SOURCE_DATE_EPOCH` is set, the pages have its date, else none.
    Man(manual::Arguments),
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
    /// Asks no primary, and opens no queue.
    Check,
}

/// Runs the program with the arguments and streams of the process.
pub fn run() -> ExitCode {
    guard::report_panics();
    guard::keep_memory_private();
    guard::keep_memory_small();
    // The panic is reported already; the status reports a fault of the program.
    std::panic::catch_unwind(|| {
        let words: Vec<String> = std::env::args_os()
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        match nsupdate_words(&words) {
            Some((program, arguments)) => nsupdate::run(&program, &arguments, definition),
            None => run_command(&words),
        }
    })
    .unwrap_or(Status::Internal.into())
}

/// Returns the program and the arguments of nsupdate if the words call it: by the name of the program, or
/// as the first word that is no global option. clap must not parse nsupdate's options. Of the
/// global options before `nsupdate`, only `--config` and `--output` apply to it.
fn nsupdate_words(words: &[String]) -> Option<(nsupdate::Program, Vec<String>)> {
    let (program, arguments) = words.split_first()?;
    if program.rsplit('/').next() == Some("nsupdate") {
        let program = nsupdate::Program::Nsupdate(program.clone());
        return Some((program, arguments.to_vec()));
    }
    let (mut taken, mut words) = (Vec::new(), arguments.iter().cloned());
    loop {
        let word = words.next()?;
        let is_level = |text: &str| {
            let letters = text.strip_prefix('-').filter(|it| !it.is_empty());
            letters.is_some_and(|it| it.bytes().all(|letter| b"qv".contains(&letter)))
        };
        match word.as_str() {
            "nsupdate" => {
                taken.extend(words);
                return Some((nsupdate::Program::Nsbridge, taken));
            }
            "--config" | "--output" => taken.extend([word, words.next()?]),
            "--log-format" => drop(words.next()),
            text if text.starts_with("--config=") || text.starts_with("--output=") => {
                taken.push(word);
            }
            "--quiet" | "--verbose" => {}
            text if text.starts_with("--log-format=") || is_level(text) => {}
            // A help, another command, or what clap reports.
            _ => return None,
        }
    }
}

/// Returns the definition of the command line, with the long help of each command.
fn definition() -> clap::Command {
    manual::with_help(Arguments::command())
}

fn run_command(words: &[String]) -> ExitCode {
    // The long help of all commands takes a while to write down, and few calls show it.
    let parsed = Arguments::command().try_get_matches();
    let parsed = parsed.or_else(|_| definition().try_get_matches());
    let parsed = parsed.and_then(|matches| {
        caller::set(&matches);
        Arguments::from_arg_matches(&matches)
    });
    let arguments = match parsed {
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
        Command::Audit(audit) => audit::run(audit, config, &mut output),
        Command::Resync(resync) => resync::run(resync, config, &mut output),
        Command::Log(log) => log::run(log, config, &mut output),
        Command::Check(check) => check::run(check, config, &mut output),
        Command::Config {
            command: ConfigCommand::Template,
        } => Ok(output.text(crate::config::TEMPLATE.as_bytes())),
        Command::Explain(arguments) => explain::run(arguments, &mut output),
        Command::Config {
            command: ConfigCommand::Check,
        } => configuration::check(config, &mut output),
        Command::Nsupdate { arguments } => {
            return nsupdate::run(&nsupdate::Program::Nsbridge, arguments, definition);
        }
        Command::Man(arguments) => manual::run(arguments, definition(), &mut output),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Arguments::command(), "nsbridge", &mut script);
            Ok(output.text(&script))
        }
    };
    let status = done.unwrap_or_else(|abort| output.abort(abort));
    output.finish(status).into()
}
