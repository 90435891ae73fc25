//! The compiled nsbridge, run as Plesk and users run it: own directory, own configuration, time limit.
//!
//! After every run, what it printed and every file of its state is searched for the secrets of all
//! keys that the tests have made, and what it printed is kept for `testenv/test`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use pretty_assertions::assert_eq;
use tempfile::TempDir;

use crate::support::keys::Key;
use crate::support::named::Named;
use crate::support::ports::Port;
use crate::support::process::Running;
use crate::support::record;
use crate::support::server::Server;

/// How long one run may take: three times what `plesk` may take by default.
const RUN_LIMIT: Duration = Duration::from_secs(60);

/// Settings of nsbridge and the directory that it works in.
#[derive(Debug)]
pub(crate) struct Bridge {
    directory: TempDir,
    /// Table, then key, then value as TOML text. `""` is the top of the file.
    tables: BTreeMap<String, BTreeMap<String, String>>,
    routes: Vec<(String, String)>,
    raw: String,
    /// The program and arguments that nsbridge is run under, such as `faketime`.
    wrapper: Vec<String>,
    seed_port: Port,
    /// What differs from run to run, and the word that stands for it in comparisons.
    names: Vec<(String, String)>,
}

impl Bridge {
    /// Serves every zone by `server`, as primary `main`, without provisioning.
    pub(crate) fn of(server: &dyn Server) -> Self {
        Self::at(server.port(), server.key_file())
    }

    /// Serves every zone by whatever listens on `port` of 127.0.0.1, such as a scripted peer.
    pub(crate) fn at(port: u16, key_file: &Path) -> Self {
        let directory = TempDir::with_prefix("nsbridge-run-").expect("a temporary directory");
        std::fs::create_dir(directory.path().join("state")).expect("a directory for the state");
        let queue = directory
            .path()
            .join("state/queue.db")
            .to_string_lossy()
            .into_owned();
        let place = directory.path().to_string_lossy().into_owned();
        let bridge = Self {
            directory,
            tables: BTreeMap::new(),
            routes: vec![(".".to_owned(), "main".to_owned())],
            raw: String::new(),
            wrapper: Vec::new(),
            seed_port: Port::claim(),
            names: vec![(place, "DIR".to_owned())],
        };
        bridge
            .set("", "version", "1")
            .set_text("", "instance", "plesk01")
            .set_text("queue", "path", &queue)
            .primary("main", port, "plesk", key_file)
    }

    /// Adds a primary with its own key. Routes to it are added with [`Self::route`].
    pub(crate) fn primary(mut self, name: &str, port: u16, key: &str, key_file: &Path) -> Self {
        let word = if name == "main" {
            "PORT".to_owned()
        } else {
            format!("PORT-{name}")
        };
        self.names
            .push((format!("127.0.0.1:{port}"), format!("127.0.0.1:{word}")));
        let table = format!("primaries.{name}");
        self.set_text(&format!("keys.{key}"), "file", &key_file.to_string_lossy())
            .set_text(&table, "address", &format!("127.0.0.1:{port}"))
            .set_text(&table, "key", key)
    }

    /// Sends zones at and below `suffix` to another primary.
    pub(crate) fn route(mut self, suffix: &str, primary: &str) -> Self {
        self.routes.push((suffix.to_owned(), primary.to_owned()));
        self
    }

    /// Makes new zones over the control channel by the seed way.
    pub(crate) fn seed(self, named: &Named) -> Self {
        let listen = format!("127.0.0.1:{}", self.seed_port.number());
        self.rndc(named, "seed")
            .set_text("primaries.main.provision", "listen", &listen)
    }

    /// Makes new zones from a template of `named.conf`.
    pub(crate) fn template(self, named: &Named, template: &str) -> Self {
        self.rndc(named, "template")
            .set_text("primaries.main.provision", "template", template)
    }

    /// Reaches the control channel by another port of 127.0.0.1.
    pub(crate) fn control_port(self, port: u16) -> Self {
        let control = format!("127.0.0.1:{port}");
        self.set_text("primaries.main.provision", "control", &control)
    }

    /// Makes new zones over the HTTP API of PowerDNS.
    pub(crate) fn powerdns(mut self, api_port: u16, api_key_file: &Path) -> Self {
        let table = "primaries.main.provision";
        let address = format!("127.0.0.1:{api_port}");
        let url = format!("http://{address}");
        self.names.push((address, "127.0.0.1:API".to_owned()));
        self.set_text(table, "method", "powerdns")
            .set_text(table, "url", &url)
            .set_text(table, "api-key-file", &api_key_file.to_string_lossy())
    }

    /// Makes new zones over the control channel by `way`.
    pub(crate) fn rndc(mut self, named: &Named, way: &str) -> Self {
        let table = "primaries.main.provision";
        let control = format!("127.0.0.1:{}", named.control_port());
        self.names
            .push((control.clone(), "127.0.0.1:CONTROL".to_owned()));
        self.set_text(
            "keys.rndc",
            "file",
            &named.control_key_file().to_string_lossy(),
        )
        .set_text(table, "method", "rndc")
        .set_text(table, "control", &control)
        .set_text(table, "control-key", "rndc")
        .set_text(table, "way", way)
    }

    /// Makes new zones by a program.
    pub(crate) fn command(self, program: &Path, arguments: &[&str]) -> Self {
        let table = "primaries.main.provision";
        self.set_text(table, "method", "command")
            .set_text(table, "program", &program.to_string_lossy())
            .set(table, "arguments", &format!("{arguments:?}"))
    }

    /// Keeps a catalog on the primary.
    pub(crate) fn catalog(self, catalog: &str) -> Self {
        self.set_text("primaries.main", "catalog", catalog)
    }

    /// Makes new zones by entries in a catalog.
    pub(crate) fn by_catalog(self, catalog: &str) -> Self {
        self.catalog(catalog)
            .set_text("primaries.main.provision", "method", "catalog")
    }

    /// `instance`.
    pub(crate) fn instance(self, name: &str) -> Self {
        self.set_text("", "instance", name)
    }

    /// Uses another key for `main`: its file is written to the run's own directory.
    pub(crate) fn key(self, key: &Key) -> Self {
        let keys = self.directory.path().join("keys");
        std::fs::create_dir_all(&keys).expect("a directory for keys");
        let file = key.write(&keys);
        self.set_text(
            &format!("keys.{}", key.name()),
            "file",
            &file.to_string_lossy(),
        )
        .set_text("primaries.main", "key", key.name())
    }

    /// `[policy] foreign-records`.
    pub(crate) fn foreign_records(self, rule: &str) -> Self {
        self.set_text("policy", "foreign-records", rule)
    }

    /// `[ptr] networks`.
    pub(crate) fn ptr_networks(self, networks: &[&str]) -> Self {
        self.set("ptr", "networks", &format!("{networks:?}"))
    }

    /// `[queue] deadline-seconds`.
    pub(crate) fn deadline_seconds(self, seconds: u32) -> Self {
        self.set("queue", "deadline-seconds", &seconds.to_string())
    }

    /// Sets a key of a table to TOML text, such as `set("policy", "keep", r#"["_acme-challenge.*"]"#)`.
    pub(crate) fn set(mut self, table: &str, key: &str, toml: &str) -> Self {
        self.tables
            .entry(table.to_owned())
            .or_default()
            .insert(key.to_owned(), toml.to_owned());
        self
    }

    /// Sets a key of a table to a string.
    pub(crate) fn set_text(self, table: &str, key: &str, text: &str) -> Self {
        self.set(table, key, &format!("{text:?}"))
    }

    /// Adds text to the end of the configuration.
    pub(crate) fn raw(mut self, toml: &str) -> Self {
        self.raw.push_str(toml);
        self.raw.push('\n');
        self
    }

    /// Lets nsbridge see a clock that is `seconds` ahead of the one that everyone else sees, or behind.
    pub(crate) fn clock_ahead_by(mut self, seconds: i32) -> Self {
        self.wrapper = vec!["faketime".into(), "-f".into(), format!("{seconds:+}s")];
        self
    }

    /// Runs nsbridge by way of another program, which gets the command line after its own arguments.
    pub(crate) fn within(mut self, wrapper: &[&str]) -> Self {
        self.wrapper = wrapper.iter().map(|&word| word.into()).collect();
        self
    }

    /// Runs nsbridge with this variable.
    pub(crate) fn variable(self, name: &str, value: &str) -> Self {
        let assignment = format!("{name}={value}");
        self.within(&["env", &assignment])
    }

    /// Runs `nsbridge plesk` with a payload.
    #[track_caller]
    pub(crate) fn plesk(&self, payload: impl AsRef<[u8]>) -> Run {
        self.run(&["plesk"], payload)
    }

    /// Runs nsbridge to its end.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str], input: impl AsRef<[u8]>) -> Run {
        self.start(arguments, input).finish()
    }

    /// Starts nsbridge and lets it run.
    #[track_caller]
    pub(crate) fn start(&self, arguments: &[&str], input: impl AsRef<[u8]>) -> Going {
        let configuration = self.write_configuration();
        let configuration = configuration.to_string_lossy();
        let with_configuration = [&["--config", &*configuration], arguments].concat();
        self.start_bare(&[], &with_configuration, input)
    }

    /// Runs nsbridge to its end with these variables, and without telling it of a configuration.
    #[track_caller]
    pub(crate) fn run_bare(
        &self,
        variables: &[(&str, &str)],
        arguments: &[&str],
        input: impl AsRef<[u8]>,
    ) -> Run {
        self.start_bare(variables, arguments, input).finish()
    }

    /// Runs nsbridge to its end without a configuration, and with what reaches this server.
    #[track_caller]
    pub(crate) fn run_directly(&self, server: &dyn Server, arguments: &[&str]) -> Run {
        let (port, key) = (server.port().to_string(), server.key_file());
        let key = key.to_string_lossy();
        let direct = ["--server", "127.0.0.1", "--port", &port, "--key-file", &key];
        self.run_bare(&[], &[arguments, &direct].concat(), "")
    }

    /// Writes the configuration to its file.
    #[track_caller]
    pub(crate) fn write_configuration(&self) -> PathBuf {
        let configuration = self.file("nsbridge.toml");
        // Put in place as a whole: another run of this bridge may be reading it.
        let written = tempfile::NamedTempFile::new_in(self.directory.path());
        let written = written.and_then(|mut file| {
            file.write_all(self.toml().as_bytes())?;
            Ok(file.persist(&configuration)?)
        });
        written.unwrap_or_else(|error| panic!("{}: {error}", configuration.display()));
        configuration
    }

    #[track_caller]
    fn start_bare(
        &self,
        variables: &[(&str, &str)],
        arguments: &[&str],
        input: impl AsRef<[u8]>,
    ) -> Going {
        let program = env!("CARGO_BIN_EXE_nsbridge");
        let mut line = self.wrapper.iter().map(String::as_str).chain([program]);
        let mut command = Command::new(line.next().unwrap_or(program));
        command.args(line).args(arguments);
        command.env_remove("NSBRIDGE_CONFIG");
        command.envs(variables.iter().copied());
        command.current_dir(self.directory.path());
        Going {
            running: Running::start(&mut command, input.as_ref()),
            arguments: arguments.join(" "),
            state: self.file("state"),
            names: self.names.clone(),
        }
    }

    /// A file of the directory that nsbridge works in.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The configuration's text.
    pub(crate) fn toml(&self) -> String {
        let mut text = String::new();
        for (table, keys) in &self.tables {
            if !table.is_empty() {
                let _ = writeln!(text, "\n[{table}]");
            }
            for (key, value) in keys {
                let _ = writeln!(text, "{key} = {value}");
            }
        }
        for (suffix, primary) in &self.routes {
            let _ = writeln!(
                text,
                "\n[[routes]]\nsuffix = {suffix:?}\nprimary = {primary:?}"
            );
        }
        text + "\n" + &self.raw
    }
}

/// A run that has not ended yet; killed when dropped.
#[derive(Debug)]
pub(crate) struct Going {
    running: Running,
    arguments: String,
    state: PathBuf,
    names: Vec<(String, String)>,
}

impl Going {
    /// Sends a signal, such as `TERM`.
    pub(crate) fn signal(&self, signal: &str) {
        self.running.signal(signal);
    }

    /// The most memory that it has had so far, in KiB.
    #[track_caller]
    pub(crate) fn peak_memory_kib(&self) -> u64 {
        self.running.peak_memory_kib()
    }

    /// Whether it is still running.
    pub(crate) fn is_running(&mut self) -> bool {
        self.running.is_running()
    }

    /// Waits for its end and searches what it left for secrets.
    #[track_caller]
    pub(crate) fn finish(self) -> Run {
        let state = self.state.clone();
        let run = self.end();
        record::assert_no_secret_below(&state);
        run
    }

    /// The same without a search of its files: for one run of many, of which the last is searched.
    #[track_caller]
    pub(crate) fn end(self) -> Run {
        let said = self.running.finish(RUN_LIMIT);
        record::assert_no_secret("standard output", &said.stdout);
        record::assert_no_secret("standard error", &said.stderr);
        // After the search: the tests that plant a secret shall leave none in the record.
        record::keep_transcript(&self.arguments, &said.stdout, &said.stderr);
        let named = |mut text: String| {
            for (from, to) in &self.names {
                text = text.replace(from, to);
            }
            text
        };
        let (stderr, jobs) = without_jobs(&named(said.stderr()));
        Run {
            status: said.status,
            stdout: named(said.stdout()),
            stderr,
            jobs,
        }
    }
}

/// Takes out of each line what it says of a job in the queue, and gives that beside.
fn without_jobs(stderr: &str) -> (String, Vec<String>) {
    let (mut text, mut jobs) = (String::new(), Vec::new());
    for line in stderr.split_inclusive('\n') {
        let found = ["; kept in the queue as job ", "; held in the queue as job "]
            .iter()
            .find_map(|note| {
                line.split_once(note)
                    .map(|(cause, rest)| (cause, note, rest))
            });
        let Some((cause, note, rest)) = found else {
            text.push_str(line);
            continue;
        };
        let number = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        jobs.push(format!("{} {}", &note[2..6], &rest[..number]));
        text.push_str(cause);
        text.push_str(&rest[number..]);
    }
    (text, jobs)
}

/// How a run of nsbridge ended. In its texts, `127.0.0.1:PORT` stands for the primary's address,
/// `127.0.0.1:CONTROL` for its control channel, `127.0.0.1:API` for its HTTP API and `DIR` for the directory of the run.
#[derive(Debug)]
pub(crate) struct Run {
    /// Exit status; `None` when a signal ended it.
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    /// Without what it says of jobs in the queue.
    pub(crate) stderr: String,
    /// What it says of jobs in the queue, as "kept 1" and "held 2"; which number a job has depends on all that
    /// the queue had before.
    pub(crate) jobs: Vec<String>,
}

impl Run {
    /// Asserts the exit status; shows what was said when it is another.
    #[track_caller]
    pub(crate) fn assert_status(&self, status: i32) -> &Self {
        assert!(
            self.status == Some(status),
            "exit status {:?} in place of {status}; stdout:\n{}\nstderr:\n{}",
            self.status,
            self.stdout,
            self.stderr
        );
        self
    }

    /// Asserts that standard error is one line: this error with `subject` (a zone, or an address and
    /// its host name) on the primary `main`, and what to do about it. Standard output is empty.
    #[track_caller]
    pub(crate) fn assert_error(&self, subject: &str, cause: &str, hint: &str) -> &Self {
        let line = format!("error: {subject} on main (127.0.0.1:PORT): {cause}; hint: {hint}\n");
        self.assert_stderr(&line).assert_stdout("")
    }

    /// Asserts that this text is on standard error; for texts with an id, a time or a size in them.
    #[track_caller]
    pub(crate) fn assert_says(&self, part: &str) -> &Self {
        assert!(
            self.stderr.contains(part),
            "`{part}` is not on standard error:\n{}",
            self.stderr
        );
        self
    }

    /// Asserts that this text is on standard output; for texts beside which others stand.
    #[track_caller]
    pub(crate) fn assert_prints(&self, part: &str) -> &Self {
        assert!(
            self.stdout.contains(part),
            "`{part}` is not on standard output:\n{}",
            self.stdout
        );
        self
    }

    /// Asserts that the primary does not have a zone, in the way of [`Self::assert_error`].
    #[track_caller]
    pub(crate) fn assert_absent(&self, zone: &str) -> &Self {
        let hint = "create the zone there, or let nsbridge do it: `nsbridge zone create`, with \
                    [primaries.….provision] in the configuration";
        self.assert_status(69)
            .assert_error(zone, "the zone is not on the primary", hint)
    }

    /// Asserts standard output, exactly.
    #[track_caller]
    pub(crate) fn assert_stdout(&self, expected: &str) -> &Self {
        assert_eq!(
            self.stdout, expected,
            "standard output; standard error was:\n{}",
            self.stderr
        );
        self
    }

    /// Asserts standard error, exactly.
    #[track_caller]
    pub(crate) fn assert_stderr(&self, expected: &str) -> &Self {
        assert_eq!(
            self.stderr, expected,
            "standard error; standard output was:\n{}",
            self.stdout
        );
        self
    }
}
