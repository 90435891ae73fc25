//! `nsbridge serve`: the worker, as a service of systemd or anything else.

use std::path::Path;

use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};

use super::configuration::{self, Setup};
use super::handover::{close, dispatcher, open, report_job};
use super::output::{Message, Output, Severity};
use super::runtime::block_on;
use super::status::Status;
use crate::deliver::Failure;
use crate::queue::{Access, Event, Handled, StoreThread, WorkerLock};

/// Runs the command.
pub(super) fn run(config: &Path, output: &mut Output) -> Status {
    serve(config, output).unwrap_or_else(|message| output.bad_configuration(message))
}

fn serve(config: &Path, output: &mut Output) -> Result<Status, Message> {
    let setup = configuration::load(config)?;
    let store_thread = open(&setup, Access::ReadWrite)?;
    let mut status = match block_on(work(&setup, &store_thread, output)) {
        Ok(Ok(status)) => status,
        Ok(Err(Ended::NoLock(message))) => output.bad_configuration(message),
        // Its keeper says why.
        Ok(Err(Ended::File)) => Status::Later,
        Ok(Err(Ended::Signals(error))) | Err(error) => output.internal_error(&error),
    };
    close(store_thread, &mut status, output);
    Ok(status)
}

/// Why the worker cannot go on.
enum Ended {
    File,
    NoLock(Message),
    Signals(std::io::Error),
}

impl From<Failure> for Ended {
    fn from(_: Failure) -> Self {
        Self::File
    }
}

async fn work(
    setup: &Setup,
    store_thread: &StoreThread,
    output: &mut Output,
) -> Result<Status, Ended> {
    output.stream();
    let mut terminate = signal(SignalKind::terminate()).map_err(Ended::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Ended::Signals)?;
    let stop = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        notify(&[NotifyState::Stopping]);
    };
    let Some(_lock) = take_lock(&setup.queue_path)? else {
        let text = format!(
            "another `nsbridge serve` works on `{}`",
            setup.queue_path.display()
        );
        let hint = "one is enough for all primaries; stop one of them, or give this one a `queue.path` \
                    of its own";
        output.message(Message::error(text, Some(hint.into())));
        return Ok(Status::Denied);
    };
    let primaries: Vec<String> = setup.primaries.keys().cloned().collect();
    notify(&[NotifyState::Ready]);
    let mut report = |event: Event<'_>| match event {
        // The loop that delivers says so itself: one that hangs is silent.
        Event::Looked => notify(&[NotifyState::Watchdog]),
        Event::Attempted(job, attempted) => {
            report_job(job, attempted.map(Handled::Attempted), output);
        }
        Event::Unreachable { primary, seconds } => {
            let text = format!("{primary} does not answer; it is tried again in {seconds} s");
            output.message(Message::new(Severity::Warning, text));
        }
        Event::BackAgain { primary } => {
            let text = format!("{primary} answers again");
            output.message(Message::new(Severity::Warning, text));
        }
    };
    let dispatcher = dispatcher(setup, store_thread);
    dispatcher.serve(&primaries, stop, &mut report).await?;
    Ok(Status::Done)
}

fn take_lock(queue: &Path) -> Result<Option<WorkerLock>, Ended> {
    WorkerLock::take(queue).map_err(|(path, error)| {
        let cause = format!("cannot lock `{}`: {error}", path.display());
        let hint = "give the directory to the user that nsbridge runs as, or set `queue.path`";
        Ended::NoLock(Message::nothing_attempted(&cause, Some(hint.into())))
    })
}

/// Tells systemd, where it started us and wants to know.
fn notify(states: &[NotifyState<'_>]) {
    // Nobody else is left to tell where this fails.
    sd_notify::notify(false, states).ok();
}
