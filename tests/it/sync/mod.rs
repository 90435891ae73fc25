//! `nsbridge sync`: zones made equal to master files, and the reader of master files.

mod all;
mod corpus;
mod files;
mod prune;
mod reader;
mod records;
