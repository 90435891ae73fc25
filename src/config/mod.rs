//! Reads the configuration file: strict TOML, turned into settings of the lower layers.
//!
//! No lower layer imports this module. An unknown option, or one for a feature that this version
//! lacks, is an error with file, line and column: a misspelt option that is silently ignored is a
//! safeguard that is silently off. Secrets are read from their own files, once, and appear in no
//! error.

mod abilities;
mod error;
pub mod keyfile;
pub(crate) mod keypair;
mod parse;
mod provision;
mod reader;
mod references;
mod routes;
mod secretfile;
mod settings;
mod template;
mod tls;
mod unreadable;
mod values;

#[cfg(test)]
mod tests;

pub use secretfile::SecretFileError;
pub(crate) use settings::{Config, KeySettings, PrimarySettings, ProvisionSettings, ServeSettings};
pub(crate) use template::TEMPLATE;
pub use unreadable::Unreadable;
pub(crate) use values::{HOST_AND_PORT, read_host};
