//! A server that is named on the command line, in place of a configuration.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use super::configuration::{self, Setup};
use super::output::Message;
use crate::config::keyfile::{self, KeyFileError};
use crate::deliver::{Policy, Primary, PtrSettings, Routes, ZonesOfOthers};
use crate::model::{Name, Network};
use crate::wire::Key;

/// Port of DNS over TCP (RFC 1035 section 4.2).
pub(super) const PORT: u16 = 53;
/// How long a server of the command line may take: somebody waits for it.
pub(super) const TIME_MAX: Duration = Duration::from_secs(60);
/// How many zones are worked on at the same time.
const ZONES_IN_FLIGHT: usize = 1;

/// Options that name a server; no group, since the commands that take them have one of that name.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct Arguments {
    /// Ask this server, an address or host name; no configuration is read then.
    #[arg(long, value_name = "ADDRESS", requires = "key_file")]
    server: Option<String>,
    /// Its port.
    #[arg(long, requires = "server", default_value_t = PORT)]
    port: u16,
    /// A file with the TSIG key, as tsig-keygen prints it.
    #[arg(long, value_name = "FILE", requires = "server")]
    key_file: Option<PathBuf>,
    /// The key's name, where the file has several.
    #[arg(long, value_name = "NAME", requires = "key_file")]
    key: Option<Name>,
}

impl Arguments {
    /// The server; none where a configuration is to be read.
    ///
    /// # Errors
    /// A message that says why the key cannot be used.
    pub(super) fn primary(&self) -> Result<Option<Primary>, Message> {
        let (Some(host), Some(file)) = (&self.server, &self.key_file) else {
            return Ok(None);
        };
        let unusable =
            |error: KeyFileError| Message::nothing_attempted(&error.to_string(), error.hint());
        let keys = keyfile::read(file).map_err(unusable)?;
        let key = self.choose(keys).map_err(|names| {
            let cause = format!("`{}` has the keys {names}", file.display());
            Message::nothing_attempted(&cause, Some("name one of them by `--key`".into()))
        })?;
        let primary = Primary::plain(host.clone(), self.port, key, ZONES_IN_FLIGHT);
        Ok(Some(primary))
    }

    /// The server for every zone, or what the configuration says where none is named. Of `networks` the PTR
    /// records may be changed.
    ///
    /// # Errors
    /// A message that says what cannot be used.
    pub(super) fn setup(&self, config: &Path, networks: Vec<Network>) -> Result<Setup, Message> {
        let Some(primary) = self.primary()? else {
            return configuration::load(config);
        };
        let primary = Rc::new(primary);
        Ok(Setup {
            queue_path: PathBuf::new(),
            is_direct: true,
            deadline: TIME_MAX,
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

    /// The key of the name that was given, or else the only one.
    ///
    /// # Errors
    /// The names that there are.
    fn choose(&self, keys: Vec<Key>) -> Result<Key, String> {
        let names: Vec<String> = keys
            .iter()
            .map(|key| format!("`{}`", key.name().to_text_without_dot()))
            .collect();
        let mut fitting = keys
            .into_iter()
            .filter(|key| self.key.as_ref().is_none_or(|name| name == key.name()));
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Ok(key),
            (None, _) | (_, Some(_)) => Err(names.join(", ")),
        }
    }
}
