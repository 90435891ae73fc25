//! Calls of Plesk (`nsbridge plesk`): what a payload makes of a zone, whatever the zone, its records, its
//! server or other clients do. PTR records of payloads are in `ptr`.

mod concurrent;
mod creation;
mod deletion;
mod extension;
mod foreign;
mod input;
mod lost;
mod memory;
mod payloads;
mod policy;
mod refused;
mod refused_calls;
mod refused_creation;
mod refused_edges;
mod refused_generated;
mod refused_kinds;
mod refused_memory;
mod restored;
mod settled;
mod settled_sequences;
mod signed;
mod signed_gone;
mod sizes;
mod undone;
mod unread;
mod updates;
mod wrong;
mod wrong_generated;
