//! The command line and the configuration file, and that no command prints or stores a secret.

mod commands;
mod configuration;
mod secrets;
