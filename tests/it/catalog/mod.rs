//! Catalog zones (RFC 9432): their members, who owns them, and what several instances and secondaries
//! make of them.

mod adoptions;
mod check;
mod claims;
mod dropped;
mod kills;
mod members;
mod moves;
mod owners;
mod panels;
mod reserved;
mod restored;
mod routes;
pub(crate) mod secondaries;
mod shared;
