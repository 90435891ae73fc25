//! A server that the operator names on the command line, in place of a configuration.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use super::configuration::{self, Setup};
use super::message::Message;
use crate::config::{HOST_AND_PORT, ServeSettings, keyfile, read_host};
use crate::deliver::{Policy, Primary, PtrSettings, Routes, ZonesOfOthers};
use crate::diagnostic::{case, command};
use crate::model::{Name, Network};
use crate::wire::Key;

/// Port of DNS over TCP (RFC 1035 section 4.2).
pub(super) const PORT: u16 = 53;
/// The time limit of a run with such a server, as a person waits for it.
pub(super) const TIME_MAX: Duration = Duration::from_secs(60);
/// Most zones that are updated at a time.
const ZONES_IN_FLIGHT: usize = 1;

/// Options that name a server. They form no group, because the options of each command form one
/// of the same name.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct Arguments {
    /// Use this server, an address or host name, and no configuration.
    #[arg(long, value_name = "ADDRESS", requires = "key_file", value_parser = read_server)]
    server: Option<String>,
    /// The port of the server, unless ADDRESS has one.
    #[arg(long, requires = "server", default_value_t = PORT)]
    port: u16,
    /// A file with the TSIG key, as tsig-keygen prints it.
    #[arg(long, value_name = "FILE", requires = "server")]
    key_file: Option<PathBuf>,
    /// The name of the key, if the file has several.
    #[arg(long, value_name = "NAME", requires = "key_file")]
    key: Option<Name>,
}

fn read_server(text: &str) -> Result<String, String> {
    match read_host(text, PORT) {
        Some(_) => Ok(text.to_owned()),
        None => Err(format!("expected is {HOST_AND_PORT}")),
    }
}

impl Arguments {
    /// Returns the server; `None` if the configuration names it.
    ///
    /// # Errors
    /// A message why the key cannot be used.
    pub(super) fn primary(&self) -> Result<Option<Primary>, Message> {
        let (Some(host), Some(file)) = (&self.server, &self.key_file) else {
            return Ok(None);
        };
        let keys =
            keyfile::read(file).map_err(|error| Message::of(&error).and_nothing_attempted())?;
        let is_named = |key: &&Key| self.key.as_ref().is_none_or(|name| name == key.name());
        let fitting: Vec<&Key> = keys.iter().filter(is_named).collect();
        let [key] = fitting[..] else {
            let names = keys.iter().map(|key| key.name().to_text_without_dot());
            let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
            let (path, names) = (file.display(), names.join(", "));
            let message = Message::of(&case!(command::KEY_CHOICE, path, names));
            return Err(message.and_nothing_attempted());
        };
        let (host, port) = read_host(host, self.port).unwrap_or((host.clone(), self.port));
        Ok(Some(Primary::plain(
            host,
            port,
            key.clone(),
            ZONES_IN_FLIGHT,
        )))
    }

    /// Returns the setup of the server, which then serves every zone and may change the PTR records
    /// of `networks`; else that of the configuration.
    ///
    /// # Errors
    /// A message why the key or the configuration cannot be used.
    pub(super) fn setup(&self, config: &Path, networks: Vec<Network>) -> Result<Setup, Message> {
        let Some(primary) = self.primary()? else {
            return configuration::load(config);
        };
        let primary = Rc::new(primary);
        Ok(Setup {
            path: PathBuf::new(),
            changed_at: 0,
            queue_path: PathBuf::new(),
            is_direct: true,
            serve: ServeSettings::default(),
            history_days: 0,
            time_limit: TIME_MAX,
            deadline: Instant::now() + TIME_MAX,
            routes: Routes::of_all(Rc::clone(&primary)),
            primaries: BTreeMap::from([(primary.name.clone(), primary)]),
            policy: Policy {
                ptr: PtrSettings {
                    networks,
                    zones_of_others: ZonesOfOthers::Change,
                    ..PtrSettings::default()
                },
                ..Policy::plain(configuration::now)
            },
            instance: String::new(),
            keys: BTreeMap::new(),
        })
    }
}
