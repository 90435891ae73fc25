//! What is kept on disk, and the work that is done from it.
//!
//! One SQLite file holds the memory of what was delivered and the jobs: intents that were handed over and are
//! not known to be in place. [`StoreThread`] owns it. There is one row a key: a zone, an address with its host
//! name, or a record; a newer intent takes the place of an older one, with a new number.
//!
//! ```text
//!                        ┌──────── a newer intent of the key, or `queue retry` ◀────────┐
//!                        ▼                                                              │
//!  handed over ──▶ waiting ── taken ──▶ in hand ── refused, a person must act ──▶ held ─┤
//!   (durable)        ▲ ▲                 │ │ │                                          │
//!      │             │ └── not in place ─┘ │ └── in place ──▶ gone                      │
//!      │             │     (with a wait)   │                   ▲                        │
//!      │             └── its process died ─┘                   └──── `queue drop` ◀─────┘
//!      └── overtaken by a newer one of its zone (serials): acknowledged, not kept
//! ```
//!
//! * A job is durable before the first packet leaves, and is taken out when its outcome is known.
//! * In hand means that a living process has taken it: that process holds a file lock, which ends with the
//!   process. So no zone is delivered twice at the same time, and no clock decides who is dead. A newer intent
//!   that arrives meanwhile waits in the row until the older one is through.
//! * [`Dispatcher::deliver_accepted`] delivers what its caller has just handed over, [`Dispatcher::deliver_due`] what
//!   others have left, [`Dispatcher::serve`] all that comes.

mod backoff;
mod batch;
mod dispatch;
mod dispatcher;
mod examine;
mod handle;
mod job;
mod jobs;
mod process_lock;
mod store;
mod store_thread;
mod stored;
mod worker;

pub use batch::Handled;
pub use dispatch::{Route, Routes, dispatch_preview};
pub use dispatcher::{Attempted, Dispatcher, Stays};
pub use examine::{FileState, examine};
pub use job::{
    Accepted, AttemptState, JOBS_MAX, Job, JobId, JobSummary, QUEUE_OCTETS_MAX, QueueFull, Reason,
    State, UNREADABLE_HINT, unreadable,
};
pub use jobs::Jobs;
pub use store::StoreError;
pub use store_thread::{Access, StoreThread};
pub use worker::{Event, WorkerLock};
