//! How a zone is created on a server and removed from it: BIND's control channel, PowerDNS's API, a
//! program. Creation by a catalog is in `catalog`.

mod container;
mod kills;
mod powerdns;
mod powerdns_api;
mod powerdns_busy;
mod powerdns_cut;
mod powerdns_keys;
mod powerdns_kinds;
mod powerdns_proxy;
mod program;
mod program_knotc;
mod program_ssh;
mod rndc;
mod rndc_listen;
mod rndc_refusals;
mod unanswered;
