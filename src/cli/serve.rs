//! `nsbridge serve`: the worker, as a service of systemd or of another supervisor.

use std::path::Path;

use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};

use super::configuration;
use super::handover::{dispatcher, report_job};
use super::output::{Abort, Message, Output, Severity};
use super::status::Status;
use super::store::with_store;
use crate::queue::{Access, Event, Handled, StoreThread, WorkerLock};

/// Runs the command: delivers jobs until SIGTERM or SIGINT.
pub(super) fn run(config: &Path, output: &mut Output) -> Result<Status, Abort> {
    let setup = configuration::load(config)?;
    let work = async |store_thread: &StoreThread, output: &mut Output| {
        output.stream();
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let stop = async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            notify(&[NotifyState::Stopping]);
        };
        let _lock = take_lock(&setup.queue_path)?;
        let primaries: Vec<String> = setup.primaries.keys().cloned().collect();
        notify(&[NotifyState::Ready]);
        let mut report = |event: Event<'_>| {
            let text = match event {
                // The delivery loop itself notifies the watchdog, so that a loop that hangs is noticed.
                Event::Looked => return notify(&[NotifyState::Watchdog]),
                Event::Attempted(job, attempted) => {
                    return report_job(job, attempted.map(Handled::Attempted), output);
                }
                Event::Unreachable { primary, seconds } => {
                    format!("{primary} does not answer; it is tried again in {seconds} s")
                }
                Event::BackAgain { primary } => format!("{primary} answers again"),
            };
            output.message(Message::new(Severity::Warning, text));
        };
        let dispatcher = dispatcher(&setup, store_thread);
        dispatcher.serve(&primaries, stop, &mut report).await?;
        Ok(Status::Done)
    };
    Ok(with_store(&setup, Access::ReadWrite, output, work))
}

fn take_lock(queue: &Path) -> Result<WorkerLock, Abort> {
    let lock = WorkerLock::take(queue).map_err(|(path, error)| {
        let cause = format!("cannot lock `{}`: {error}", path.display());
        let hint = "give the directory to the user that nsbridge runs as, or set `queue.path`";
        Message::nothing_attempted(&cause, Some(hint.into()))
    })?;
    lock.ok_or_else(|| {
        let text = format!("another `nsbridge serve` works on `{}`", queue.display());
        let hint = "one is enough for all primaries; stop one of them, or give this one a `queue.path` \
                    of its own";
        let message = Message::error(text, Some(hint.into()));
        Abort::new(Status::Denied, message)
    })
}

/// Notifies systemd, if it started this process and asked for notifications.
fn notify(states: &[NotifyState<'_>]) {
    // An error has no other receiver.
    sd_notify::notify(false, states).ok();
}
