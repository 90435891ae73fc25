//! Calls of Plesk (`nsbridge plesk`): what a payload makes of a zone, whatever the zone, its records, its
//! server or other clients do. PTR records of payloads are in `ptr`.

mod concurrent;
mod creation;
mod deletion;
mod foreign;
mod input;
mod lost;
mod memory;
mod payloads;
mod policy;
mod refused;
mod signed;
mod unread;
mod updates;
