//! Documents that are run as they stand: README.md, docs/servers.md and docs/servers, docs/messages.md, and the table of
//! layers in src/lib.rs.

mod bind;
mod hosted;
mod knot;
mod layers;
mod messages;
mod powerdns;
mod readme;
