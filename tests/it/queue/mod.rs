//! The queue file and its worker: what waits, what is held, and what survives a kill, a full disk and a
//! bad network.

pub(crate) mod crash;
pub(crate) mod faults;
pub(crate) mod jobs;
pub(crate) mod network;
pub(crate) mod serve;
