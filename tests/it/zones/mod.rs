//! `nsbridge zone`: zones created, deleted, adopted, listed and shown from the command line, and the mark
//! that records which instance created a zone.

pub(crate) mod command;
pub(crate) mod list;
pub(crate) mod marks;
pub(crate) mod show;
