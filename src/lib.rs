//! nsbridge: what Plesk wants a zone to be goes in; signed DNS UPDATEs (RFC 2136, TSIG by RFC 8945)
//! that make it so, and nothing else, come out.
//!
//! # The way through
//!
//! ```text
//! bytes ──▶ Intent ──▶ queue ──▶ deliver ──────────────────────────────────▶ outcome ──▶ line, status
//!  payload   "zone Z     a job a    read the zone (transfer), make it where it      │
//!            looks like  key,       is missing (provision)                          ▼
//!            D", "PTR    durable    load what is remembered of it               queue: done,
//!            a→h is                 plan: current → desired, within the scope   again, or held
//!            there"      memory     remember more (durable), then send:
//!                        (SQLite)   batches ──▶ UPDATE messages ──▶ exchanges
//!                                   remember just what is ours now
//! ```
//!
//! * **What shall be, never which edits to make.** The whole zone is desired; the plan is computed
//!   afresh at each attempt against the zone as it is. Retries, crashes and two processes at once
//!   need no special cases: each message is guarded by what its plan was computed from.
//! * **The plan is a pure function of data**: no IO, no clock. It is checked with generated zones
//!   against an oracle.
//! * **Deciding is not reporting.** Code branches on closed enums, and text is made at the end.
//! * **Written down before acted on.** A job leaves the queue only when its outcome is known; who has it in
//!   hand holds a lock that ends with the process.
//! * **Courtesy.** How many zones are worked on at a primary follows what it takes: less where it sheds load,
//!   and no job fails for it.
//! * **Ours and foreign.** What was delivered is remembered, and widened durably before the first
//!   message; only remembered records are ever removed, unless the operator asks for more.
//!
//! # Layers
//!
//! A module uses only modules of a lower rank; siblings do not know each other. A test checks it.
//!
//! | rank | module | holds | does not hold |
//! | --- | --- | --- | --- |
//! | 0 | [`model`] | names, records, zones, scope, intents | IO, clock, async, serde, logging |
//! | 1 | [`zonefile`] | RDATA to and from text, for every type | IO, clock |
//! | 2 | [`payload`], [`masterfile`], [`plan`] | bytes to intents; a master file to its zone; current and desired to plan to batches | IO, clock |
//! | 3 | [`wire`] | batches to messages, TSIG and SIG(0) (crate `ring`), transfer reader, replies (crate `hickory-proto`) | sockets, clock |
//! | 4 | [`transport`], [`script`] | one exchange over UDP, TCP or TLS, with deadlines; nsupdate's language | retries |
//! | 5 | [`provision`] | a zone exists or does not: BIND, PowerDNS (crate `hyper`), a program | what a zone holds later |
//! | 6 | [`deliver`], [`nsupdate`] | the spine: one intent to one outcome; catalogs and who owns a zone; nsupdate's client | SQL |
//! | 7 | [`queue`] | the file with jobs and memory (crate `rusqlite`), many jobs at once, the worker | printing |
//! | 8 | [`config`] | strict TOML to plain settings | |
//! | 9 | [`cli`] | commands (crates `clap`, `rustyline`), output, exit status | DNS, SQL |
//!
//! Between modules RDATA is canonical wire octets, whatever the type: exact for every type, known or
//! not (RFC 3597), and the DNS library stays in one module.

pub mod cli;
pub mod config;
pub mod deliver;
pub mod masterfile;
pub mod model;
pub mod nsupdate;
pub mod payload;
pub mod plan;
pub mod provision;
pub mod queue;
pub mod script;
pub mod transport;
pub mod wire;
pub mod zonefile;
