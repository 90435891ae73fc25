//! Guards the process: keeps its memory private, checks the limits of the system, and ends a run that its own runtime
//! cannot end: one whose thread failed, one that goes on for much longer than it may, and a worker that hangs.
//!
//! Jobs are durable before they are delivered, and the locks of this process end with it: whenever it ends, nothing is
//! lost.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io;
use std::panic;
use std::process;
use std::sync::OnceLock;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use rustix::process::{DumpableBehavior, Resource, getrlimit, set_dumpable_behavior};
use rustix::thread::disable_transparent_huge_pages;

use super::message::{Abort, Message, Severity, printable};
use super::output::{OutputFormat, say};
use super::status::Status;
use crate::diagnostic::{Diagnostic, case, run};
use crate::nsupdate::Stream;

/// The open files that a run needs at least.
const FILES_MIN: u64 = 24;
/// The octets of memory that a run needs at least.
const MEMORY_MIN: u64 = 256 << 20;
/// The time beyond twice its limit after which a run is ended.
const SPARE: Duration = Duration::from_secs(10);

/// The format of messages, once it is known.
static LOG_FORMAT: OnceLock<OutputFormat> = OnceLock::new();

/// Reports a failed thread as a message. If it is not the one that runs the command, which would wait for it, the process
/// ends.
pub(super) fn report_panics() {
    let main = thread::current().id();
    panic::set_hook(Box::new(move |failed| {
        let place = failed.location().map(|it| format!(" at {it}"));
        let payload = failed.payload();
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let text = text.unwrap_or("a thread failed");
        let source = format!("{text}{}", place.unwrap_or_default());
        print(&case!(crate::diagnostic::command::FAULT, source));
        let trace = Backtrace::capture();
        if trace.status() == BacktraceStatus::Captured {
            say(Stream::Error, &format!("{trace}\n"));
        }
        if thread::current().id() != main {
            end(Status::Internal);
        }
    }));
}

/// Lets no other process of the user read the memory of this one, which holds keys, and the kernel write none of it into a
/// core file. What this process starts is not concerned.
pub(super) fn keep_memory_private() {
    // The system refuses it to no process.
    set_dumpable_behavior(DumpableBehavior::NotDumpable).ok();
}

/// Lets the kernel give small pages, where it gives huge ones to who does not ask for them: most calls need a few hundred
/// KiB of each. What this process starts has small ones, too.
pub(super) fn keep_memory_small() {
    // Without it, all goes on with more memory.
    disable_transparent_huge_pages(true).ok();
}

/// Sets the format of messages.
pub(super) fn set_log_format(format: OutputFormat) {
    LOG_FORMAT.set(format).ok();
}

/// Checks that the limits of the system leave enough for a run.
///
/// # Errors
/// The message that names the limit.
pub(super) fn check_limits() -> Result<(), Abort> {
    let limits = [
        (Resource::Nofile, "open files", 1, FILES_MIN, "-n"),
        (Resource::As, "KiB of memory", 1 << 10, MEMORY_MIN, "-v"),
    ];
    for (resource, name, unit, least, option) in limits {
        let limit = getrlimit(resource).current.filter(|it| *it < least);
        if let Some(limit) = limit {
            let (limit, least) = (limit / unit, least / unit);
            let low = case!(run::LIMIT_TOO_LOW, limit, name, least, option);
            let message = Message::of(&low).and_nothing_attempted();
            return Err(Abort::new(Status::Later, message));
        }
    }
    Ok(())
}

/// Ends the process if the run takes too long, until this is dropped.
pub(super) struct Guard {
    /// Its end tells the thread that the run is over.
    run: Sender<()>,
}

impl Guard {
    /// Guards a run that has this limit: it may take much longer.
    ///
    /// # Errors
    /// The system's error if it gives no thread.
    pub(super) fn start(limit: Duration) -> io::Result<Self> {
        Self::start_with(limit * 2 + SPARE)
    }

    /// Guards a run that must call [`Self::keep_alive`] again and again, each time within `wait`.
    ///
    /// # Errors
    /// The system's error if it gives no thread.
    pub(super) fn start_with(wait: Duration) -> io::Result<Self> {
        let (run, signs) = mpsc::channel();
        thread::Builder::new().spawn(move || {
            loop {
                match signs.recv_timeout(wait) {
                    Ok(()) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                    Err(RecvTimeoutError::Timeout) => {
                        print(&case!(run::RUN_STUCK, seconds = wait.as_secs()));
                        end(Status::Later);
                    }
                }
            }
        })?;
        Ok(Self { run })
    }

    /// Grants the run its time once more.
    pub(super) fn keep_alive(&self) {
        // The thread ends with the process, or with this.
        self.run.send(()).ok();
    }
}

fn print(diagnostic: &Diagnostic) {
    let message = Message::of(diagnostic).with_severity(Severity::Error);
    let line = match LOG_FORMAT.get() {
        Some(OutputFormat::Json) => message.to_json().to_string(),
        Some(OutputFormat::Text) | None => printable(&message.to_string()),
    };
    say(Stream::Error, &format!("{line}\n"));
}

#[expect(
    clippy::disallowed_methods,
    clippy::exit,
    reason = "the thread that would return the status waits for one that has failed"
)]
fn end(status: Status) -> ! {
    process::exit(status.code().into())
}
