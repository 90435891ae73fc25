//! The compiled nsbridge, run as Plesk and users run it: own directory, own configuration, time limit.
//!
//! After every run, what it printed and every file of its state is searched for the secrets of all
//! keys that the tests have made, and what it printed is kept for `testenv/test`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::support::dig::Asker;
use crate::support::foretold::{Foretold, Witness};
use crate::support::keys::Key;
use crate::support::named::Named;
use crate::support::ports::Port;
use crate::support::process::Running;
pub(crate) use crate::support::run::{Going, Run};
use crate::support::server::Server;

/// Settings of nsbridge and the directory that it works in.
#[derive(Debug)]
pub(crate) struct Bridge {
    directory: TempDir,
    /// Table, then key, then value as TOML text. `""` is the top of the file.
    tables: BTreeMap<String, BTreeMap<String, String>>,
    /// Suffix, primary and key of each route.
    routes: Vec<(String, String, Option<String>)>,
    raw: String,
    /// The program and arguments that nsbridge is run under, such as `faketime`.
    wrapper: Vec<String>,
    seed_port: Port,
    /// What differs from run to run, and the word that stands for it in comparisons.
    names: Vec<(String, String)>,
    /// Asks the primary `main`, a real server, what a dry run must have foretold; `foretold` says more.
    witness: Option<Witness>,
}

impl Bridge {
    /// Serves every zone by `server`, as primary `main`, without provisioning.
    pub(crate) fn of(server: &dyn Server) -> Self {
        Self {
            witness: Some(Witness::of(server)),
            ..Self::at(server.port(), server.key_file())
        }
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
            routes: vec![(".".to_owned(), "main".to_owned(), None)],
            raw: String::new(),
            wrapper: Vec::new(),
            seed_port: Port::claim(),
            names: vec![(place, "DIR".to_owned())],
            witness: None,
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
            self.witness = None;
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
        self.routes
            .push((suffix.to_owned(), primary.to_owned(), None));
        self
    }

    /// Sends zones at and below `suffix` to a primary, and no others to any.
    pub(crate) fn only_route(mut self, suffix: &str, primary: &str) -> Self {
        self.routes.clear();
        self.route(suffix, primary)
    }

    /// Gives each route added so far this key, in which `{zone}` stands for the name of the zone.
    pub(crate) fn route_key(mut self, key: &str) -> Self {
        for (_, _, own) in &mut self.routes {
            *own = Some(key.to_owned());
        }
        self
    }

    /// Compares what runs do with what dry runs foretell, by this view of the primary's zones.
    pub(crate) fn foretold_by(mut self, asker: Asker) -> Self {
        self.witness = Some(Witness::at(asker));
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
    pub(crate) fn key(mut self, key: &Key) -> Self {
        let keys = self.directory.path().join("keys");
        std::fs::create_dir_all(&keys).expect("a directory for keys");
        let file = key.write(&keys);
        self.witness = self.witness.map(|witness| witness.with_key(&file));
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

    /// Lets payloads claim zones that are there and belong to nobody, also where zones can be made.
    pub(crate) fn adopting(self) -> Self {
        self.set_text("policy", "unowned-zones", "adopt")
    }

    /// `[queue] deadline-seconds`.
    pub(crate) fn deadline_seconds(self, seconds: u32) -> Self {
        self.set("queue", "deadline-seconds", &seconds.to_string())
    }

    /// Sets a key of a table to TOML text, such as `set("policy", "keep", r#"["_acme-challenge.*"]"#)`.
    pub(crate) fn set(mut self, table: &str, key: &str, toml: &str) -> Self {
        let is_elsewhere = table == "primaries.main" && ["address", "read"].contains(&key);
        if is_elsewhere {
            self.witness = None;
        }
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

    /// Starts nsbridge once by way of another program, as [`Self::within`] does each time.
    pub(crate) fn start_within(
        &self,
        wrapper: &[&str],
        arguments: &[&str],
        input: impl AsRef<[u8]>,
    ) -> Going {
        let configuration = self.write_configuration();
        let configuration = configuration.to_string_lossy();
        let with_configuration = [&["--config", &*configuration], arguments].concat();
        self.start_by(wrapper, &[], &with_configuration, input.as_ref())
    }

    /// Makes no dry run before `plesk` and `sync`, for this reason.
    pub(crate) fn without_dry_run(mut self, reason: &str) -> Self {
        assert!(!reason.is_empty(), "a reason");
        self.witness = None;
        self
    }

    /// Runs `nsbridge plesk` with a payload.
    #[track_caller]
    pub(crate) fn plesk(&self, payload: impl AsRef<[u8]>) -> Run {
        self.run(&["plesk"], payload)
    }

    /// Runs nsbridge to its end. What `plesk` and `sync` do is compared with what a dry run foretells.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str], input: impl AsRef<[u8]>) -> Run {
        let is_change = ["plesk", "sync"]
            .iter()
            .any(|word| arguments.contains(word))
            && !arguments
                .iter()
                .any(|word| ["--dry-run", "--help"].contains(word));
        let witness = self.witness.as_ref().filter(|_| is_change);
        let foretold =
            witness.and_then(|witness| Foretold::foresee(self, witness, arguments, input.as_ref()));
        let run = self.start(arguments, input).finish();
        if let Some(foretold) = foretold {
            foretold.compare(&run);
        }
        run
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

    /// Writes the configuration to its file, unless it is there.
    #[track_caller]
    pub(crate) fn write_configuration(&self) -> PathBuf {
        let configuration = self.file("nsbridge.toml");
        if std::fs::read_to_string(&configuration).is_ok_and(|there| there == self.toml()) {
            return configuration;
        }
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
    pub(crate) fn start_bare(
        &self,
        variables: &[(&str, &str)],
        arguments: &[&str],
        input: impl AsRef<[u8]>,
    ) -> Going {
        let wrapper: Vec<&str> = self.wrapper.iter().map(String::as_str).collect();
        self.start_by(&wrapper, variables, arguments, input.as_ref())
    }

    #[track_caller]
    fn start_by(
        &self,
        wrapper: &[&str],
        variables: &[(&str, &str)],
        arguments: &[&str],
        input: &[u8],
    ) -> Going {
        let program = env!("CARGO_BIN_EXE_nsbridge");
        let mut line = wrapper.iter().copied().chain([program]);
        let mut command = Command::new(line.next().unwrap_or(program));
        command.args(line).args(arguments);
        command.env_remove("NSBRIDGE_CONFIG");
        command.envs(variables.iter().copied());
        command.current_dir(self.directory.path());
        Going {
            running: Running::start(&mut command, input),
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
        for (suffix, primary, key) in &self.routes {
            let _ = writeln!(
                text,
                "\n[[routes]]\nsuffix = {suffix:?}\nprimary = {primary:?}"
            );
            if let Some(key) = key {
                let _ = writeln!(text, "key = {key:?}");
            }
        }
        text + "\n" + &self.raw
    }
}
