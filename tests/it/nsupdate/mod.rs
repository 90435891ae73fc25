//! `nsbridge nsupdate` beside the installed nsupdate: scripts, texts, statuses, callers, keys and TLS.

pub(crate) mod callers;
pub(crate) mod generated;
pub(crate) mod own;
pub(crate) mod sig0;
pub(crate) mod split;
pub(crate) mod terminal;
pub(crate) mod texts;
pub(crate) mod tls;
