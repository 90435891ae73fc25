//! Every integration test of nsbridge, in one binary.
//!
//! The program is run as a user runs it, against real servers that each test starts for itself, and
//! what came of it is asked with `dig`, `delv` and `nsupdate`, never with our own code. The helpers
//! are in `support`, the tests in the folder of their theme; tests/README.md says where a case goes.

#![allow(
    clippy::unwrap_used,
    reason = "all of it is tests: a panic is how one fails"
)]
#![allow(
    clippy::similar_names,
    reason = "`named` is the server's name, and tests have names"
)]

mod support;

mod catalog;
mod check;
mod cli;
mod docs;
mod fleet;
mod nsupdate;
mod packages;
mod panels;
mod plesk;
mod primary;
mod provision;
mod ptr;
mod queue;
mod record;
mod sync;
mod zones;
