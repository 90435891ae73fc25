//! How a zone is created on a server and removed from it: BIND's control channel, PowerDNS's API, a
//! program. Creation by a catalog is in `catalog`.

pub(crate) mod container;
pub(crate) mod kills;
pub(crate) mod powerdns;
pub(crate) mod powerdns_api;
pub(crate) mod powerdns_keys;
pub(crate) mod powerdns_kinds;
pub(crate) mod powerdns_proxy;
pub(crate) mod program;
pub(crate) mod program_knotc;
pub(crate) mod program_ssh;
pub(crate) mod rndc;
pub(crate) mod rndc_refusals;
