//! nsbridge: what Plesk wants a zone to be goes in; signed DNS UPDATEs (RFC 2136, TSIG by RFC 8945)
//! that make it so, and nothing else, come out.
//!
//! # The way through
//!
//! ```text
//! bytes ──▶ Intent ──▶ queue ──▶ deliver ──────────────────────────────────▶ outcome ──▶ line, status
//!  payload   "zone Z     a job a    read the zone (transfer), load its state         │
//!            looks like  key,       decide: create it (provision), or              ▼
//!            D", "PTR    durable    plan: current → desired, within the scope   queue: done,
//!            a→h is                 reserve (durable), then send:               again, or held
//!            there"      state      batches ──▶ UPDATE messages ──▶ exchanges
//!                        (SQLite)   verify, commit what is managed now
//! ```
//!
//! * **The desired state, never edits.** An intent names the whole desired zone; the plan is computed
//!   afresh at each attempt against the zone as it is. Retries, crashes and two processes at once need
//!   no special cases: the prerequisites of each message hold it to what its plan was computed from.
//! * **The plan is a pure function of data**: no IO, no clock. Generated zones check it against an oracle.
//! * **Decide once.** A decision about a zone is computed from what was read and from nothing else; the
//!   dry run prints it, the run carries it out. One transaction owns attempts, failed prerequisites and lost responses.
//! * **Deciding is not reporting.** Code branches on closed enums. When one is reported it becomes a `Diagnostic`: code
//!   and data, whose words, the hint to the operator among them, are in the catalogue ([`diagnostic`]).
//! * **Written down before acted on.** A job leaves the queue only when its outcome is known; the process
//!   that delivers it holds a lock that ends with the process.
//! * **Congestion control.** The number of zones in flight at a primary follows what the primary takes:
//!   fewer when it is overloaded, and no job fails for it.
//! * **Managed and unmanaged records.** The state holds what was delivered, and is extended durably before
//!   the first message; only managed records are ever removed, unless the operator asks for more.
//!
//! # Layers
//!
//! A module uses only modules of a lower rank; siblings do not know each other. The rooms of `deliver` follow
//! the same rule. A test checks both.
//!
//! | rank | module | holds | does not hold |
//! | --- | --- | --- | --- |
//! | 0 | [`model`] | names, records, zones, scope, intents | IO, clock, async, serde, logging |
//! | 0 | [`diagnostic`] | the catalogue of all that is reported: codes, texts, hints, pages (crate `serde`) | IO, clock, async, logging |
//! | 1 | [`zonefile`], [`permission`] | RDATA to and from text, for every type; what keeps this process out of a file, and others out of its files | clock |
//! | 2 | [`payload`], [`masterfile`], [`plan`] | bytes to intents; a master file to its zone, a named.conf to its files; current and desired to plan to batches; catalogs | IO, clock |
//! | 3 | [`wire`] | batches to messages, TSIG and SIG(0) (crate `ring`), transfer reader, replies (crate `hickory-proto`) | sockets, clock |
//! | 4 | [`transport`], [`script`] | one exchange over UDP, TCP or TLS, with deadlines; nsupdate's language | retries |
//! | 5 | [`provision`] | creates and deletes zones: BIND, PowerDNS (crate `hyper`), a program | what a zone holds later |
//! | 6 | [`deliver`], [`nsupdate`] | one intent to one outcome; catalogs and ownership of zones; nsupdate's client | SQL |
//! | 7 | [`queue`] | the file with jobs and state (crate `rusqlite`), many jobs at once, the worker | printing |
//! | 8 | [`config`] | strict TOML to plain settings | |
//! | 9 | [`cli`] | commands (crates `clap`, `rustyline`), output, exit status | DNS, SQL |
//!
//! # The rooms of `deliver`
//!
//! | room | decides or does |
//! | --- | --- |
//! | `error` | why a change is not in place, and whether a retry helps |
//! | `state` | what this instance manages in each zone: load, reserve, send, commit |
//! | `outcome` | what a delivery changed, and what a dry run would change |
//! | `server` | the conversation with one primary: connections, congestion, queries, transfers, UPDATEs |
//! | `policy` | what the operator allows |
//! | `route` | which primary serves a name, also behind CNAMEs |
//! | `transaction` | one UPDATE transaction: attempts, failed prerequisites, lost responses, refused records, verification, what it learns of the primary |
//! | `context` | what the work on one intent needs |
//! | `ownership` | which instance a zone belongs to, by catalog, state and mark: see `ownership::authorize` |
//! | `create` | creates a zone on a primary, adopts one that is there, or gives it other keys |
//! | `zone` | a whole zone: read, decide, update, delete |
//! | `ptr` | one PTR value: finds its reverse zone (`locate`), or creates the one that the networks imply (`policy`) |
//! | `record` | one record beside others: ACME challenges, their propagation |
//! | `check` | diagnoses a primary without changing it, with the lines that remedy what it lacks |
//!
//! Between modules RDATA is canonical wire octets, whatever the type: exact for every type, known or
//! not (RFC 3597), and the DNS library stays in one module.

pub mod cli;
pub mod config;
pub mod deliver;
pub mod diagnostic;
pub mod masterfile;
pub mod model;
pub mod nsupdate;
pub mod payload;
pub mod permission;
pub mod plan;
pub mod provision;
pub mod queue;
pub mod script;
pub mod transport;
pub mod wire;
pub mod zonefile;
