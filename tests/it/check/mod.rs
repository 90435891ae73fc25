//! `nsbridge check`: each mistake in the setup of a server is reported with its remedy, and nothing is
//! changed. The check of a catalog is in `catalog`.

mod access;
mod around;
mod bind;
mod command;
mod creation;
mod keys;
mod knot;
mod owner;
mod powerdns;
mod write;
