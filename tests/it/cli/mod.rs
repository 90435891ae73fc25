//! The command line and the configuration file, and that no command prints or stores a secret.

mod commands;
mod configuration;
mod explain;
mod memory;
mod secrets;
mod status;
mod terminal;

use crate::support::bridge::{Bridge, Run};
use crate::support::keys::Key;
use crate::support::ports::Port;

/// Runs nsbridge where there is no configuration and no server.
#[track_caller]
fn bare(arguments: &[&str]) -> Run {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let key = Key::new("plesk").write(directory.path());
    Bridge::at(Port::claim().number(), &key).run_bare(&[], arguments, "")
}
