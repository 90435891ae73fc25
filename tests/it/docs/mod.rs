//! Documents that are run as they stand: README.md, docs/servers.md, docs/messages.md, and the table of
//! layers in src/lib.rs.

pub(crate) mod bind;
pub(crate) mod knot;
pub(crate) mod layers;
pub(crate) mod messages;
pub(crate) mod powerdns;
pub(crate) mod readme;
