//! The queue file and its worker: what waits, what is held, and what survives a kill, a full disk and a
//! bad network.

mod backup;
mod crash;
mod damage;
mod endpoint;
mod faults;
mod flips;
mod jobs;
mod limits;
mod monitoring;
mod network;
mod others;
mod owners;
mod rounds;
mod serve;
mod soak;
mod syncs;
