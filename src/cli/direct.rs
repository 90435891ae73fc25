//! A server that is named on the command line, in place of a configuration.

use std::path::PathBuf;

use super::output::Message;
use crate::config::keyfile::{self, KeyFileError};
use crate::deliver::{Pool, Primary, Read};
use crate::model::Name;
use crate::transport::{Endpoint, Security};
use crate::wire::Key;

/// Port of DNS over TCP (RFC 1035 section 4.2).
const PORT: u16 = 53;

/// Options that name a server.
#[derive(Debug, clap::Args)]
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
        Ok(Some(Primary {
            name: host.clone(),
            endpoint: Endpoint {
                host: host.clone(),
                port: self.port,
                security: Security::Tcp,
            },
            key: key.clone(),
            transfer_key: key,
            read: Read::Transfer,
            nameservers: Vec::new(),
            maker: None,
            catalog: None,
            pool: Pool::new(1),
        }))
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
