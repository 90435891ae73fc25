//! The configuration file: strict TOML in, settings of the layers below out.
//!
//! Nothing below imports this module. An option that is not known, or whose feature this version
//! does not have, is an error with file, line and column: a misspelt option that is silently
//! ignored is a guard that is silently off. Secrets are read from their own files, once, and are
//! in no error.

mod error;
pub mod keyfile;
pub mod keypair;
mod parse;
mod provision;
mod reader;
mod secretfile;
mod settings;
mod tls;
mod values;

#[cfg(test)]
mod tests;

pub use error::{ConfigError, Place};
pub use secretfile::{SECRET_FILE_OCTETS_MAX, SecretFileError};
pub use settings::{
    CatalogSettings, Config, KeySettings, PolicySettings, PowerDnsProvision, PrimarySettings,
    ProvisionSettings, QueueSettings, RndcProvision, Route,
};

/// A commented configuration with every option and its default.
pub const TEMPLATE: &str = include_str!("template.toml");
