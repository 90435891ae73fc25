//! `nsbridge sync`: zones made equal to master files, and the reader of master files.

mod all;
mod all_configured;
mod all_hostile;
mod all_later;
mod corpus;
mod files;
mod listing;
mod prune;
mod reader;
mod records;
