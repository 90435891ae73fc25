//! Documents that are run as they stand: README.md, docs/servers.md, docs/messages.md, and the table of
//! layers in src/lib.rs.

mod bind;
mod knot;
mod layers;
mod messages;
mod powerdns;
mod readme;
