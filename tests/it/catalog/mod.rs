//! Catalog zones (RFC 9432): their members, who owns them, and what several instances and secondaries
//! make of them.

pub(crate) mod check;
pub(crate) mod kills;
pub(crate) mod members;
pub(crate) mod owners;
pub(crate) mod reserved;
pub(crate) mod secondaries;
pub(crate) mod shared;
