//! `nsbridge sync`: zones made equal to master files, and the reader of master files.

pub(crate) mod files;
pub(crate) mod prune;
pub(crate) mod reader;
