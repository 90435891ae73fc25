//! `nsbridge check`: each mistake in the setup of a server is reported with its remedy, and nothing is
//! changed. The check of a catalog is in `catalog`.

pub(crate) mod access;
pub(crate) mod bind;
pub(crate) mod command;
pub(crate) mod creation;
pub(crate) mod knot;
pub(crate) mod owner;
pub(crate) mod powerdns;
