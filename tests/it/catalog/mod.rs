//! Catalog zones (RFC 9432): their members, who owns them, and what several instances and secondaries
//! make of them.

mod check;
mod kills;
mod members;
mod owners;
mod reserved;
mod secondaries;
mod shared;
