//! Every integration test of nsbridge, in one binary.
//!
//! The program is run as a user runs it, against real servers that each test starts for itself, and
//! what came of it is asked with `dig`, `delv` and `nsupdate`, never with our own code. The harness
//! is in the modules below; `harness` proves that the harness itself tells the truth.

#![allow(
    clippy::unwrap_used,
    reason = "all of it is tests: a panic is how one fails"
)]
#![allow(
    clippy::similar_names,
    reason = "`named` is the server's name, and tests have names"
)]

mod authority;
mod bridge;
mod confdb;
mod daemon;
mod dig;
mod documented;
mod gate;
mod hostile;
mod keys;
mod kills;
mod knot;
mod message;
mod named;
mod named_conf;
mod nsd;
mod nsupdate;
mod nsupdate_pair;
mod nsupdate_scripts;
mod payload;
mod pdns;
mod ports;
mod process;
mod record;
mod reverse;
mod scripted;
mod server;
mod terminal;
mod wait;
mod wanted;

mod acme;
mod battery_concurrent;
mod battery_deletion;
mod battery_foreign;
mod battery_lost;
mod battery_memory;
mod battery_payloads;
mod battery_policy;
mod battery_ptr;
mod battery_ptr_calls;
mod battery_refused;
mod battery_reverse_zones;
mod battery_signed;
mod battery_unread;
mod battery_updates;
mod battery_zones;
mod catalog;
mod catalog_check;
mod catalog_kills;
mod catalog_owners;
mod catalog_reserved;
mod catalog_secondaries;
mod catalog_shared;
mod check;
mod check_access;
mod check_bind;
mod check_knot;
mod check_making;
mod check_owner;
mod check_powerdns;
mod command;
mod command_knot;
mod command_ssh;
mod commands;
mod configuration;
mod courtesy;
mod docker;
mod documented_bind;
mod documented_knot;
mod documented_powerdns;
mod harness;
mod hostile_peer;
mod hostile_tsig;
mod input;
mod layers;
mod marks;
mod masterfile;
mod messages;
mod method_kills;
mod no_updates;
mod nsupdate_callers;
mod nsupdate_generated;
mod nsupdate_own;
mod nsupdate_sig0;
mod nsupdate_split;
mod nsupdate_terminal;
mod nsupdate_texts;
mod nsupdate_tls;
mod powerdns;
mod powerdns_api;
mod powerdns_keys;
mod powerdns_kinds;
mod powerdns_proxy;
mod ptr;
mod ptr_memory;
mod queue;
mod queue_crash;
mod queue_faults;
mod queue_network;
mod readme;
mod rndc;
mod rndc_refusals;
mod secrets;
mod serve;
mod sync;
mod sync_prune;
mod tls;
mod zone;
mod zone_list;
mod zone_show;
