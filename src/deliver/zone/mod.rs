//! A whole zone: read, compared, updated, created and deleted.

mod bisect;
mod decide;
pub(crate) mod delete;
pub(crate) mod managed;
pub(crate) mod nameservers;
pub(crate) mod preview;
pub(crate) mod read;
pub(crate) mod update;
