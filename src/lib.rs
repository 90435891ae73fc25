//! nsbridge: what a panel, a zone file or a script wants a zone to be goes in; signed DNS UPDATEs
//! (RFC 2136, TSIG by RFC 8945) that make it so, and nothing else, come out.

pub mod config;
pub mod deliver;
pub mod model;
pub mod payload;
pub mod plan;
pub mod provision;
pub mod queue;
pub mod transport;
pub mod wire;
pub mod zonefile;
