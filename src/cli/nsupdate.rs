//! `nsbridge nsupdate`, and the program under the name `nsupdate`: its options, input and statuses
//! are nsupdate's, so that callers of nsupdate work unchanged.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal as _};
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::configuration::{self, CONFIG_PATH, Setup, now};
use super::message::{Message, printable};
use super::nsupdate_help;
use super::nsupdate_keys::{self, file_words};
use super::nsupdate_lines::{Lines, Read};
pub(super) use super::nsupdate_options::Program;
use super::nsupdate_options::{Instead, Options};
use super::output::{Output, OutputFormat, say, without_nulls};
use super::status::Status;
use super::{handover, runtime};
use crate::diagnostic::{case, command};
use crate::model::{Intent, Name, RecordIntent, Secret};
use crate::nsupdate::{
    Client, Families, Fatal, Route, Sent, Settings, Stream, TlsChoice, Turn, read_resolvers,
};
use crate::transport::{ClientIdentity, PemFile};
use crate::zonefile::{format_type, known_types};

/// The text of `-V` and of the command `version`.
const VERSION: &str = concat!("nsupdate of nsbridge ", env!("CARGO_PKG_VERSION"));
/// The files in which systems keep the certificate authorities that they trust.
const SYSTEM_CA_FILES: [&str; 2] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
];

/// An update was not done.
const STATUS_FAILED: u8 = 2;
/// The run ended early: invalid usage, an invalid line, no server.
const STATUS_FATAL: u8 = 1;

/// Runs with the arguments that follow the program. `definition` returns that of nsbridge's command line, for the help.
pub(super) fn run(
    program: &Program,
    arguments: &[String],
    definition: fn() -> clap::Command,
) -> ExitCode {
    let done = Options::read(program, arguments).and_then(|options| run_script(&options));
    match done {
        Ok(status) => status,
        Err(Instead::Version) => {
            // nsupdate: prints it on standard error.
            say(Stream::Error, &format!("{VERSION}\n"));
            ExitCode::SUCCESS
        }
        Err(Instead::Help) => {
            let definition = definition();
            let listed = definition.find_subcommand("nsupdate");
            let mut command = nsupdate_help::command(listed.expect("it is a command"));
            // Ignores that the stream is closed, as there is no other place for the text.
            drop(command.print_long_help());
            ExitCode::SUCCESS
        }
        Err(Instead::Types { known, private }) => {
            let is_private = |code: u16| (65_280..65_535).contains(&code);
            let wanted = known_types().filter(|it| if is_private(it.0) { private } else { known });
            let text: String = wanted.map(|it| format_type(it) + "\n").collect();
            say(Stream::Out, &text);
            ExitCode::SUCCESS
        }
        Err(Instead::Wrong(text)) => {
            say(Stream::Error, &format!("{text}\n"));
            ExitCode::from(STATUS_FATAL)
        }
        Err(Instead::Own(message)) => {
            say(
                Stream::Error,
                &format!("{}\n", printable(&message.to_string())),
            );
            ExitCode::from(STATUS_FATAL)
        }
    }
}

fn run_script(options: &Options) -> Result<ExitCode, Instead> {
    let interactive = options.interactive || (options.file.is_none() && io::stdin().is_terminal());
    let mut lines = lines(options, interactive)?;
    let settings = settings(options)?;
    // With JSON, standard output is for the results only.
    let is_json = options.json;
    let mut print = |stream, text: &str| say(if is_json { Stream::Error } else { stream }, text);
    let mut client = Client::new(settings, VERSION, &mut print);
    let mut queue = DurableQueue::new(options);
    let runtime = runtime::start().map_err(|error| fault(&error))?;
    // An update that is pending at the end is not sent.
    let end = loop {
        let line = match lines.next() {
            Read::Line(line) => line,
            Read::End => break End::OfScript,
            Read::Interrupted => break End::Early,
        };
        let turn = runtime.block_on(client.line(&line));
        for sent in client.take_sent() {
            if is_json {
                print_entry(entry(&sent));
            }
        }
        match turn {
            Ok(Turn::Quit) => break End::OfScript,
            Ok(Turn::Wrong) if !interactive => break End::Fatal(Fatal::Syntax),
            Ok(Turn::Next | Turn::Wrong) => {}
            Err(error) => break End::Fatal(error),
        }
        let batch = client.take_kept();
        if !batch.is_empty() && queue.deliver(batch) == Status::BadConfiguration {
            break End::Early;
        }
    };
    // Does not wait for a look-up that hangs in the system's resolver.
    runtime.shutdown_background();
    let is_in_place = queue.output.finish(queue.status) == Status::Done;
    match end {
        End::OfScript if is_in_place && !client.has_failed() => Ok(ExitCode::SUCCESS),
        End::OfScript => Ok(ExitCode::from(STATUS_FAILED)),
        End::Early => Ok(ExitCode::from(STATUS_FATAL)),
        End::Fatal(error) => {
            if is_json {
                let code = error.diagnostic().map(|it| it.code());
                print_entry(
                    json!({ "result": "failed", "code": code, "cause": error.to_string() }),
                );
            }
            let place = client.place();
            Err(match error.diagnostic() {
                Some(diagnostic) => {
                    let message = Message::of(&diagnostic);
                    let place = place.trim_end_matches(": ");
                    if place.is_empty() {
                        message.into()
                    } else {
                        message.about(place).into()
                    }
                }
                None => format!("{place}{error}").into(),
            })
        }
    }
}

/// Returns that the system gives no runtime.
fn fault(source: &io::Error) -> Instead {
    Message::of_system(source).1.into()
}

/// The end of a run.
enum End {
    /// The end of the script, or `quit`.
    OfScript,
    /// Ctrl-C, or an error that is printed already.
    Early,
    Fatal(Fatal),
}

/// Opens the script. The error is the last line of the run.
fn lines(options: &Options, interactive: bool) -> Result<Lines, String> {
    let stdin = || -> Box<dyn BufRead> { Box::new(BufReader::new(io::stdin())) };
    Ok(match options.file.as_deref() {
        None if interactive && io::stdin().is_terminal() && io::stdout().is_terminal() => {
            Lines::of_person().unwrap_or_else(|| Lines::Stream(stdin()))
        }
        None | Some("-") => Lines::Stream(stdin()),
        Some(file) => {
            let opened = File::open(file).map_err(|error| unopened(file, &error))?;
            Lines::Stream(Box::new(BufReader::new(opened)))
        }
    })
}

fn unopened(file: &str, error: &io::Error) -> String {
    format!("could not open '{file}': {}", file_words(error))
}

fn print_entry(entry: Value) {
    say(Stream::Out, &format!("{}\n", without_nulls(entry)));
}

fn entry(sent: &Sent) -> Value {
    let explanation = sent.extended_error.as_ref();
    json!({
        "line": sent.line,
        "result": if sent.cause.is_none() { "done" } else { "failed" },
        "zone": sent.zone.as_ref().map(ToString::to_string),
        "server": sent.server.map(|it| it.to_string()),
        "rcode": sent.rcode.map(|it| it.to_string()),
        "extended-error": explanation.map(|it| json!({ "code": it.code, "text": it.text })),
        "cause": sent.cause,
    })
}

/// Delivers the batches of `--durable` by way of the queue.
struct DurableQueue<'a> {
    options: &'a Options,
    /// `None` before the first batch.
    setup: Option<Setup>,
    output: Output,
    /// The worst outcome of a batch.
    status: Status,
}

impl<'a> DurableQueue<'a> {
    fn new(options: &'a Options) -> Self {
        let format = if options.json {
            OutputFormat::Json
        } else {
            OutputFormat::Text
        };
        let mut output = Output::new(format, OutputFormat::Text, 0, false);
        output.stream();
        Self {
            options,
            setup: None,
            output,
            status: Status::Done,
        }
    }

    /// Enqueues a batch, waits for its delivery, and returns the outcome. Closes the state file
    /// before the next batch, so that changes that need not be durable at once are not left behind.
    fn deliver(&mut self, batch: Vec<RecordIntent>) -> Status {
        let path = || configuration_path(self.options).unwrap_or_else(|| CONFIG_PATH.into());
        let setup = match &mut self.setup {
            Some(setup) => setup,
            unread => match configuration::load(&path()) {
                Ok(setup) => unread.insert(setup),
                Err(message) => return self.output.abort(message.into()),
            },
        };
        let intents = batch.into_iter().map(Intent::Record);
        let commands: Vec<_> = intents.map(|it| handover::command("script", it)).collect();
        setup.restart_time();
        let status = handover::hand_over(&commands, setup, &mut self.output);
        for primary in setup.primaries.values() {
            primary.pool.close();
        }
        self.status.or_worse(status);
        status
    }
}

/// Returns the path of the configuration: the one that the operator names, else the default if there
/// is such a file.
#[expect(
    clippy::disallowed_methods,
    reason = "the variable that clap reads for the other commands"
)]
fn configuration_path(options: &Options) -> Option<PathBuf> {
    let named = options.config.clone().map(PathBuf::from);
    let named = named.or_else(|| std::env::var_os("NSBRIDGE_CONFIG").map(PathBuf::from));
    let default = Some(PathBuf::from(CONFIG_PATH));
    named.or_else(|| default.filter(|path| path.exists()))
}

/// Loads the routes of the configuration for `--split-zones`. Returns none if the option or the
/// configuration is absent. The error is the last line of the run.
fn routes(options: &Options) -> Result<Vec<Route>, Message> {
    let path = configuration_path(options).filter(|_| options.split_zones);
    let Some(path) = path else {
        return Ok(Vec::new());
    };
    let setup = configuration::load(&path)?;
    let routes = setup.routes.iter().flat_map(|(suffix, primary)| {
        // The zones below it that have keys of their own.
        let below = primary.keys_below.iter().map(|(suffix, _)| suffix);
        let below = below.filter(move |it| *it != suffix && it.is_at_or_below(suffix));
        let goes_here = |it: &&Name| {
            let found = setup.routes.primary_of(it);
            found.is_some_and(|found| found.name == primary.name)
        };
        std::iter::once(suffix)
            .chain(below.filter(goes_here))
            .map(|suffix| Route {
                suffix: suffix.clone(),
                primary: primary.name.clone(),
                endpoint: primary.endpoint.clone(),
                key: primary.keys_of(suffix).update.first().clone(),
            })
    });
    Ok(routes.collect())
}

/// Reads the files that the options name. The error is the last line of the run.
fn settings(options: &Options) -> Result<Settings, Instead> {
    let families = match options.family {
        Some('4') => Families::Four,
        Some(_) => Families::Six,
        None => Families::Both,
    };
    let resolv_conf = std::fs::read_to_string(&options.resolv_conf).unwrap_or_default();
    Ok(Settings {
        port: options.port,
        families,
        tcp: options.tcp || options.tls,
        tls: options.tls.then(|| tls(options)).transpose()?,
        timeout: options.timeout,
        udp_wait: options.udp_wait,
        udp_retries: options.udp_retries,
        resolvers: read_resolvers(&resolv_conf, options.port, families),
        localhost_only: options.localhost_only,
        debug: options.debug,
        signer: nsupdate_keys::read(options)?,
        clock: now,
        script: options.line_numbers.then(|| match &options.file {
            Some(file) if file != "-" => file.clone(),
            _ => "standard input".to_owned(),
        }),
        asks_why: options.ede || options.json,
        splits_zones: options.split_zones,
        is_durable: options.durable,
        routes: routes(options)?,
    })
}

fn tls(options: &Options) -> Result<TlsChoice, Instead> {
    let read = |file: &str| match std::fs::read(file) {
        Ok(content) => Ok(PemFile {
            path: file.into(),
            content,
        }),
        Err(error) => Err(unopened(file, &error)),
    };
    let ca_pem = match &options.ca_file {
        _ if options.unverified => None,
        Some(file) => Some(read(file)?),
        None => {
            let found = SYSTEM_CA_FILES.iter().find_map(|it| read(it).ok());
            let none = || Message::of(&case!(command::NO_AUTHORITIES));
            Some(found.ok_or_else(none)?)
        }
    };
    let client = match (&options.certificate_file, &options.private_key_file) {
        (Some(certificate), Some(key)) => {
            let PemFile { path, content } = read(key)?;
            let content = Secret::new(content);
            Some(ClientIdentity {
                certificate_pem: read(certificate)?,
                key_pem: PemFile { path, content },
            })
        }
        _ => None,
    };
    Ok(TlsChoice {
        ca_pem,
        server_name: options.tls_name.clone(),
        client,
    })
}
