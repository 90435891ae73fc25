//! A whole zone: read, compared, updated, created and deleted.

mod decide;
pub(crate) mod delete;
pub(crate) mod nameservers;
pub(crate) mod preview;
pub(crate) mod read;
mod sending;
pub(crate) mod update;
