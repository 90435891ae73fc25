//! The command line and the configuration file, and that no command prints or stores a secret.

pub(crate) mod commands;
pub(crate) mod configuration;
pub(crate) mod secrets;
