//! `nsbridge nsupdate` beside the installed nsupdate: scripts, texts, statuses, callers, keys and TLS.

mod callers;
mod generated;
mod help;
mod own;
mod sig0;
mod split;
mod terminal;
mod texts;
mod tls;
