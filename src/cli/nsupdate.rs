//! `nsbridge nsupdate`, and the program under the name `nsupdate`: options, input and statuses as
//! nsupdate has them, so that what calls nsupdate works unchanged.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal as _};
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::configuration::{self, CONFIG_PATH, Setup, now};
use super::nsupdate_keys::{self, file_words};
use super::nsupdate_lines::{Lines, Read};
use super::nsupdate_options::{Instead, Options};
use super::output::{Message, Output, OutputFormat};
use super::status::Status;
use super::{handover, output, runtime};
use crate::model::{Intent, RecordIntent, Secret};
use crate::nsupdate::{
    Client, Families, Fatal, Route, Sent, Settings, Stream, TlsChoice, Turn, read_resolvers,
};
use crate::payload::{self, Verb};
use crate::transport::ClientIdentity;
use crate::zonefile::{format_type, known_types};

/// What `-V` and `version` print.
const VERSION: &str = concat!("nsupdate of nsbridge ", env!("CARGO_PKG_VERSION"));
/// Where systems keep the certificate authorities that they trust.
const SYSTEM_CA_FILES: [&str; 2] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
];

/// An update was not done.
const STATUS_FAILED: u8 = 2;
/// Nothing more was done: wrong usage, a wrong line, no server.
const STATUS_FATAL: u8 = 1;

/// Runs with the arguments that follow `program`.
pub(super) fn run(program: &str, arguments: &[String]) -> ExitCode {
    match Options::read(program, arguments) {
        Ok(options) => run_script(&options),
        Err(Instead::Version) => {
            // nsupdate prints it there, too.
            output::say(Stream::Error, &format!("{VERSION}\n"));
            ExitCode::SUCCESS
        }
        Err(Instead::Types { known, private }) => {
            let is_private = |code: u16| (65_280..65_535).contains(&code);
            let wanted = known_types().filter(|it| if is_private(it.0) { private } else { known });
            let text: String = wanted.map(|it| format_type(it) + "\n").collect();
            output::say(Stream::Out, &text);
            ExitCode::SUCCESS
        }
        Err(Instead::Wrong(text)) => fatal(&text),
    }
}

fn run_script(options: &Options) -> ExitCode {
    let interactive = options.interactive || (options.file.is_none() && io::stdin().is_terminal());
    let mut lines = match lines(options, interactive) {
        Ok(lines) => lines,
        Err(text) => return fatal(&text),
    };
    let settings = match settings(options) {
        Ok(settings) => settings,
        Err(text) => return fatal(&text),
    };
    let json = options.own.json;
    // Standard output is the results, then.
    let mut say = |stream, text: &str| output::say(if json { Stream::Error } else { stream }, text);
    let mut client = Client::new(settings, VERSION, &mut say);
    let mut keeping = Keeping::new(options);
    let done = loop {
        match runtime::block_on(read_lines(&mut client, &mut lines, interactive, json)) {
            Ok(Ok(End::OfBatch(kept))) => {
                if keeping.keep(kept) == Status::BadConfiguration {
                    return ExitCode::from(STATUS_FATAL);
                }
            }
            done => break done,
        }
    };
    let place = client.place();
    let is_kept = keeping.finish() == Status::Done;
    if let (Ok(Err(error)), true) = (&done, json) {
        let entry = json!({ "result": "failed", "cause": error.to_string() });
        output::say(Stream::Out, &format!("{entry}\n"));
    }
    match done {
        Ok(Ok(End::Interrupted)) => ExitCode::from(STATUS_FATAL),
        Ok(Ok(_)) if client.has_failed() || !is_kept => ExitCode::from(STATUS_FAILED),
        Ok(Ok(_)) => ExitCode::SUCCESS,
        Ok(Err(error)) => fatal(&format!("{place}{error}")),
        Err(error) => fatal(&format!("cannot start: {error}")),
    }
}

/// Where the lines come from; an error is a last line.
fn lines(options: &Options, interactive: bool) -> Result<Lines, String> {
    let stdin = || -> Box<dyn BufRead> { Box::new(BufReader::new(io::stdin())) };
    Ok(match options.file.as_deref() {
        None if interactive && io::stdin().is_terminal() && io::stdout().is_terminal() => {
            Lines::of_person().unwrap_or_else(|| Lines::Stream(stdin()))
        }
        None | Some("-") => Lines::Stream(stdin()),
        Some(file) => match File::open(file) {
            Ok(opened) => Lines::Stream(Box::new(BufReader::new(opened))),
            Err(error) => return Err(format!("could not open '{file}': {}", file_words(&error))),
        },
    })
}

/// Why no more lines are read.
enum End {
    /// There are no more, or the last one was `quit`.
    OfLines,
    /// The last one was a `send`, and this is to be kept before there are others.
    OfBatch(Vec<RecordIntent>),
    /// By Ctrl-C.
    Interrupted,
}

/// Carries out the lines. What is pending at their end is not sent.
async fn read_lines(
    client: &mut Client<'_>,
    lines: &mut Lines,
    interactive: bool,
    json: bool,
) -> Result<End, Fatal> {
    loop {
        let line = match lines.next() {
            Read::Line(line) => line,
            Read::End => return Ok(End::OfLines),
            Read::Interrupted => return Ok(End::Interrupted),
        };
        let turn = client.line(&line).await;
        let sent = client.take_sent();
        if json {
            for sent in &sent {
                output::say(Stream::Out, &format!("{}\n", entry(sent)));
            }
        }
        match turn? {
            Turn::Next => {
                let kept = client.take_kept();
                if !kept.is_empty() {
                    return Ok(End::OfBatch(kept));
                }
            }
            Turn::Quit => return Ok(End::OfLines),
            Turn::Wrong if interactive => {}
            Turn::Wrong => return Err(Fatal::Syntax),
        }
    }
}

/// A message as a line of JSON.
fn entry(sent: &Sent) -> Value {
    let is_done = sent.cause.is_none();
    let mut entry = json!({
        "line": sent.line,
        "result": if is_done { "done" } else { "failed" },
    });
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            entry[name] = value;
        }
    };
    put("zone", sent.zone.as_ref().map(|it| it.to_string().into()));
    put("server", sent.server.map(|it| it.to_string().into()));
    put("rcode", sent.rcode.map(|it| it.to_string().into()));
    let explanation = sent.extended_error.as_ref();
    put(
        "extended-error",
        explanation.map(|it| json!({ "code": it.code, "text": it.text })),
    );
    put("cause", sent.cause.clone().map(Value::from));
    entry
}

/// Keeps what a script asks for, batch by batch.
struct Keeping<'a> {
    options: &'a Options,
    /// Read with the first batch.
    setup: Option<Setup>,
    output: Output,
    /// The worst of what became of the batches.
    status: Status,
}

impl<'a> Keeping<'a> {
    fn new(options: &'a Options) -> Self {
        let format = if options.own.json {
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

    /// Hands a batch over to the queue, and delivers it; what became of it. Who writes the script waits for that.
    ///
    /// The file is open only meanwhile: what is written when convenient shall not wait for the next batch.
    fn keep(&mut self, batch: Vec<RecordIntent>) -> Status {
        let setup = match self.setup.take().map_or_else(|| self.load(), Ok) {
            Ok(setup) => self.setup.insert(setup),
            Err(message) => return self.output.bad_configuration(message),
        };
        let commands = batch.into_iter().map(|record| payload::Command {
            place: "script".into(),
            verb: Verb::Update,
            intent: Intent::Record(record),
        });
        let commands: Vec<_> = commands.collect();
        let deadline = Instant::now() + setup.deadline;
        let status = handover::hand_over(&commands, setup, deadline, &mut self.output);
        for primary in setup.primaries.values() {
            primary.pool.close();
        }
        self.status.or_worse(status);
        status
    }

    fn load(&self) -> Result<Setup, Message> {
        let path = configuration_path(self.options).unwrap_or_else(|| CONFIG_PATH.into());
        configuration::load(&path)
    }

    /// What became of all batches.
    fn finish(self) -> Status {
        self.output.finish(self.status)
    }
}

/// Where the configuration is: where it is said to be, or at its usual place if it is there.
#[expect(
    clippy::disallowed_methods,
    reason = "the variable that clap reads for the other commands"
)]
fn configuration_path(options: &Options) -> Option<PathBuf> {
    let named = options.own.config.clone().map(PathBuf::from);
    let named = named.or_else(|| std::env::var_os("NSBRIDGE_CONFIG").map(PathBuf::from));
    let usual = Some(PathBuf::from(CONFIG_PATH));
    named.or_else(|| usual.filter(|path| path.exists()))
}

/// Which server and key are for which names, by the configuration; an error is a last line. Where none is
/// named and none is at its usual place, there is none.
fn routes(options: &Options) -> Result<Vec<Route>, String> {
    let path = configuration_path(options).filter(|_| options.own.split_zones);
    let Some(path) = path else {
        return Ok(Vec::new());
    };
    let setup = configuration::load(&path).map_err(|message| message.to_string())?;
    let routes = setup.routes.iter().map(|(suffix, primary)| Route {
        suffix: suffix.clone(),
        primary: primary.name.clone(),
        endpoint: primary.endpoint.clone(),
        key: primary.key.clone(),
    });
    Ok(routes.collect())
}

/// What the options say about exchanges; an error is a last line.
fn settings(options: &Options) -> Result<Settings, String> {
    let families = match options.family {
        Some('4') => Families::Four,
        Some(_) => Families::Six,
        None => Families::Both,
    };
    let resolv_conf = std::fs::read_to_string(&options.resolv_conf).unwrap_or_default();
    let mut say = |line: &str| output::say(Stream::Error, &format!("{line}\n"));
    Ok(Settings {
        port: options.port,
        families,
        tcp: options.tcp || options.tls,
        tls: if options.tls {
            Some(tls(options)?)
        } else {
            None
        },
        timeout: options.timeout,
        udp_wait: options.udp_wait,
        udp_retries: options.udp_retries,
        resolvers: read_resolvers(&resolv_conf, options.port, families),
        localhost_only: options.localhost_only,
        debug: options.debug,
        signer: nsupdate_keys::read(options, &mut say)?,
        clock: now,
        script: options.own.line_numbers.then(|| match &options.file {
            Some(file) if file != "-" => file.clone(),
            _ => "standard input".to_owned(),
        }),
        asks_why: options.own.ede || options.own.json,
        splits_zones: options.own.split_zones,
        is_durable: options.own.durable,
        routes: routes(options)?,
    })
}

fn tls(options: &Options) -> Result<TlsChoice, String> {
    let read = |file: &str| {
        std::fs::read(file)
            .map_err(|error| format!("could not open '{file}': {}", file_words(&error)))
    };
    let ca_pem = match &options.ca_file {
        _ if options.unverified => None,
        Some(file) => Some(read(file)?),
        None => {
            let found = SYSTEM_CA_FILES.iter().find_map(|it| std::fs::read(it).ok());
            Some(found.ok_or("no certificate authorities are installed; name a file by -A")?)
        }
    };
    let client = match (&options.certificate_file, &options.private_key_file) {
        (Some(certificate), Some(key)) => Some(ClientIdentity {
            certificate_pem: read(certificate)?,
            key_pem: Secret::new(read(key)?),
        }),
        _ => None,
    };
    Ok(TlsChoice {
        ca_pem,
        server_name: options.tls_name.clone(),
        client,
    })
}

/// Says the last line of a run that ends early.
fn fatal(text: &str) -> ExitCode {
    output::say(Stream::Error, &format!("{text}\n"));
    ExitCode::from(STATUS_FATAL)
}
