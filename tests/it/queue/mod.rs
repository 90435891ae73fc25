//! The queue file and its worker: what waits, what is held, and what survives a kill, a full disk and a
//! bad network.

mod crash;
mod faults;
mod jobs;
mod network;
mod serve;
