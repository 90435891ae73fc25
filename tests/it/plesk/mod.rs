//! Calls of Plesk (`nsbridge plesk`): what a payload makes of a zone, whatever the zone, its records, its
//! server or other clients do. PTR records of payloads are in `ptr`.

pub(crate) mod concurrent;
pub(crate) mod creation;
pub(crate) mod deletion;
pub(crate) mod foreign;
pub(crate) mod input;
pub(crate) mod lost;
pub(crate) mod memory;
pub(crate) mod payloads;
pub(crate) mod policy;
pub(crate) mod refused;
pub(crate) mod signed;
pub(crate) mod unread;
pub(crate) mod updates;
