//! `nsbridge zone`: zones created, deleted, adopted, listed and shown from the command line, and the mark
//! that records which instance created a zone; creations and deletions that a network cuts.

mod above;
mod below;
mod command;
mod cut;
mod list;
mod marks;
mod rekey;
mod show;
mod whose;
