//! The queue: the file with the state and the jobs, and the work on the jobs.
//!
//! One SQLite file holds the state of each zone and the jobs: intents that are not known to be in
//! place. [`StoreThread`] owns it. A job has a key: a zone, an address with its host name, or a
//! record. A newer intent replaces the job of its key, with a new number.
//!
//! ```text
//!                      ┌────────── a newer intent of the key, or `queue retry` ◀───────┐
//!                      ▼                                                               │
//!  enqueued ──▶ waiting ── taken ──▶ in hand ── refused, an operator must act ──▶ held ┤
//!                  ▲ ▲                │ │ │                                            │
//!     │            │ └─ not in place ─┘ │ └─ in place ──▶ deleted                      │
//!     │            │    (with a wait)   │                   ▲                          │
//!     │            └─ its process died ─┘                   └────── `queue drop` ◀─────┘
//!     └── overtaken by a newer intent of its zone (serials): acknowledged, not kept
//! ```
//!
//! * A job is written before the first packet leaves. It is on the disk before the first UPDATE or provisioning command, and
//!   before the call ends. It is deleted when its outcome is known.
//! * A job in hand was taken by a living process, which holds a file lock that ends with the
//!   process. So no two processes deliver a zone at the same time, and no clock decides which
//!   process is dead. A newer intent that arrives meanwhile waits in the row until the attempt is
//!   over.
//! * A job that is dropped while it is in hand is deleted when its process is done with it: until then no other process
//!   works on its key.
//! * A job whose check sums do not match is held, and never delivered.
//! * A call that the file does not take is delivered with a store in memory ([`Access::Detached`]). The file
//!   then loses the jobs that the call replaces, and learns the state of its zones.
//! * `Dispatcher::deliver_accepted` delivers the jobs that its caller has enqueued,
//!   `Dispatcher::deliver_due` those that others have left, `Dispatcher::serve` all that come.

mod audit;
mod backoff;
mod batch;
mod dispatch;
mod dispatcher;
mod epoch;
mod handle;
mod history;
mod job;
mod jobs;
mod listing;
mod locks;
mod packed;
mod store;
mod store_thread;
mod stored;
mod worker;

pub(crate) use audit::{AuditIntervals, Audited};
pub(crate) use batch::Handled;
pub use dispatch::{dispatch_preview, dispatch_unqueued};
pub use dispatcher::{Attempted, Dispatcher, Stays};
pub(crate) use history::{Event as LogEvent, Finding, Wanted, WantedCount};
pub use job::JobId;
pub(crate) use job::{
    Accepted, Job, JobCount, JobGroup, JobSummary, PrimaryContact, SILENT_SECONDS, State, UnmetPart,
};
pub use jobs::Jobs;
pub(crate) use listing::{ListedFile, Listing, RememberedZone};
pub(crate) use locks::{ReadLock, WorkerLock};
pub(crate) use store::{BackupError, FileState, Origin, back_up, examine};
pub use store::{Lacking, StoreError};
pub use store_thread::{Access, StoreThread};
pub(crate) use worker::Event;
