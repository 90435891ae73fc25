//! The helpers of all suites; tests/README.md says which does what. Only `harness` holds tests: those of
//! the helpers themselves.

pub(crate) mod authority;
pub(crate) mod bridge;
pub(crate) mod confdb;
pub(crate) mod daemon;
pub(crate) mod dig;
pub(crate) mod documented;
pub(crate) mod gate;
pub(crate) mod harness;
pub(crate) mod hostile;
pub(crate) mod keys;
pub(crate) mod kills;
pub(crate) mod knot;
pub(crate) mod message;
pub(crate) mod named;
pub(crate) mod named_conf;
pub(crate) mod nsd;
pub(crate) mod nsupdate;
pub(crate) mod nsupdate_pair;
pub(crate) mod nsupdate_scripts;
pub(crate) mod payload;
pub(crate) mod pdns;
pub(crate) mod ports;
pub(crate) mod process;
pub(crate) mod record;
pub(crate) mod reverse;
pub(crate) mod scripted;
pub(crate) mod server;
pub(crate) mod terminal;
pub(crate) mod wait;
pub(crate) mod wanted;
