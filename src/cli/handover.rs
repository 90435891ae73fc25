//! Hands commands over to the queue, and delivers them at once.

use std::collections::BTreeSet;

use super::configuration::Setup;
use super::output::{Message, Output, Severity};
use super::report::Report;
use super::runtime::block_on;
use super::status::Status;
use super::store::with_store;
use crate::deliver::{Failure, Routed, RoutedResult};
use crate::model::{Intent, Presence};
use crate::payload::{Command, Verb};
use crate::queue::{
    Accepted, Access, Dispatcher, Handled, Job, StoreError, StoreThread, WorkerLock,
    dispatch_preview,
};

/// The place of a command whose words are on the command line.
pub(super) const COMMAND_LINE: &str = "command line";

/// Delivers commands, or prints the changes that this would make.
pub(super) fn carry_out(
    commands: &[Command],
    dry_run: bool,
    setup: &Setup,
    output: &mut Output,
) -> Status {
    if dry_run {
        preview(commands, setup, output)
    } else {
        hand_over(commands, setup, output)
    }
}

/// Puts commands into the queue, delivers them until the deadline, leaves the rest in the queue, and prints the
/// outcome of each.
///
/// If the queue accepts nothing, they are delivered without it, with a message that they are not kept. A server
/// of the command line has no queue.
pub(super) fn hand_over(commands: &[Command], setup: &Setup, output: &mut Output) -> Status {
    let deliver = |store_thread: Result<StoreThread, StoreError>, output: &mut Output| {
        queue_and_deliver(commands, setup, store_thread?, output)
    };
    let unkept = |message: Message, output: &mut Output| {
        output.message(message);
        Status::Later
    };
    if setup.is_direct {
        let delivered = deliver(StoreThread::of_nothing(), output);
        return delivered.unwrap_or_else(|message| unkept(message, output));
    }
    let store_thread = StoreThread::start(&setup.queue_path, Access::ReadWrite);
    if let Err(error @ StoreError::Newer { .. }) = store_thread {
        let message = Message::from(error).and_nothing_attempted();
        return output.abort(message.into());
    }
    let mut message = match deliver(store_thread, output) {
        Ok(status) => return status,
        Err(message) => message,
    };
    message.text += "; delivering without the queue: what does not arrive now is not tried again";
    let mut status = unkept(message, output);
    let store_thread = StoreThread::start(&setup.queue_path, Access::Detached);
    match deliver(store_thread, output) {
        Ok(delivered) => status.or_worse(delivered),
        Err(message) => status = unkept(message, output),
    }
    status
}

/// Prints the changes that delivering commands would make.
fn preview(commands: &[Command], setup: &Setup, output: &mut Output) -> Status {
    let intents: Vec<&Intent> = commands.iter().map(|command| &command.intent).collect();
    let preview = async |store_thread: &StoreThread, output: &mut Output| {
        let mut report = Report::new(commands, output);
        let now = (setup.policy.clock)();
        let overtaken = store_thread.jobs().overtaken(&intents, now).await;
        // If the file failed, each preview fails.
        let overtaken = overtaken.unwrap_or_else(|_| vec![None; intents.len()]);
        let engine = setup.engine(store_thread.store());
        let note = |index: usize, preview: RoutedResult<_>| match overtaken[index] {
            Some(newest) => report.handled(index, preview.map(|_| Handled::Stale { newest })),
            None => report.preview(index, preview),
        };
        dispatch_preview(&intents, &overtaken, &engine, setup.deadline, note).await;
        report.total();
        Ok(report.status)
    };
    with_store(setup, Access::ReadOnly, output, preview)
}

/// Does what [`hand_over`] does, with an open queue.
///
/// # Errors
/// Why the queue accepts nothing; nothing was delivered.
fn queue_and_deliver(
    commands: &[Command],
    setup: &Setup,
    store_thread: StoreThread,
    output: &mut Output,
) -> Result<Status, Message> {
    let done = block_on(work(commands, setup, &store_thread, output));
    let finished = store_thread.finish().map_err(Message::from);
    match done {
        Err(error) => Ok(output.abort(error.into())),
        // If the file failed, the store thread reports why.
        Ok(Err(message)) => Err(finished.err().unwrap_or(message)),
        Ok(Ok(mut status)) => {
            if let Err(message) = finished {
                output.message(message);
                status.or_worse(Status::Later);
            }
            Ok(status)
        }
    }
}

async fn work(
    commands: &[Command],
    setup: &Setup,
    store_thread: &StoreThread,
    output: &mut Output,
) -> Result<Status, Message> {
    let is_durable = store_thread.access() == Access::ReadWrite;
    let intents: Vec<&Intent> = commands.iter().map(|command| &command.intent).collect();
    let primaries = intents.iter().map(|intent| {
        let primary = setup.routes.primary_of(&intent.name());
        primary.map_or("", |primary| primary.name.as_str())
    });
    let jobs: Vec<(&Intent, &str)> = intents.iter().copied().zip(primaries).collect();
    let now = (setup.policy.clock)();
    let accepted = store_thread.jobs().enqueue(&jobs, now).await;
    let accepted = accepted.map_err(|it| Message::error(it.to_string(), Some(it.hint())))?;
    let accepted = accepted.map_err(|full| {
        let hint = "`nsbridge queue list` shows what waits, and why";
        Message::error(full.to_string(), Some(hint.into()))
    })?;
    warn_of_clocks(commands, &accepted, output);

    let dispatcher = dispatcher(setup, store_thread);
    let mut report = Report::new(commands, output);
    let mut unreachable = BTreeSet::new();
    let note = |index: usize, mut handled: Routed<Handled>| {
        if let Handled::Attempted(attempted) = &mut handled.result {
            if attempted
                .result
                .as_ref()
                .is_err_and(Failure::is_unreachable)
            {
                unreachable.insert(jobs[index].1.to_owned());
            }
            if !is_durable {
                attempted.stays = None;
            }
        }
        report.handled(index, handled);
    };
    dispatcher
        .deliver_accepted(&intents, &accepted, setup.deadline, note)
        .await;
    let status = report.status;
    if is_durable && !WorkerLock::is_taken(&setup.queue_path) {
        // In the time that remains, deliver the jobs that earlier calls have left. Their outcomes do
        // not count for the status of this call.
        let primaries: Vec<String> = setup.primaries.keys().cloned().collect();
        let note = |job: &Job, handled| report_job(job, handled, output);
        let due = dispatcher.deliver_due(&primaries, &unreachable, setup.deadline, note);
        // If the file fails, the store thread reports why.
        due.await.ok();
    }
    Ok(status)
}

/// Prints the outcome of a job of another call.
pub(super) fn report_job(job: &Job, handled: Routed<Handled>, output: &mut Output) {
    let commands = [command(format!("job {}", job.id), job.intent.clone())];
    Report::new(&commands, output).handled(0, handled);
}

/// Returns the command for an intent that comes from `place`.
pub(super) fn command(place: impl Into<String>, intent: Intent) -> Command {
    let verb = match &intent {
        Intent::Zone(_) | Intent::Record(_) => Verb::Update,
        Intent::ZoneAbsent(_) => Verb::Delete,
        Intent::Ptr(ptr) if ptr.presence == Presence::Present => Verb::CreatePtr,
        Intent::Ptr(_) => Verb::DeletePtr,
    };
    Command {
        place: place.into(),
        verb,
        intent,
    }
}

/// Returns the dispatcher for the jobs of an open queue.
pub(super) fn dispatcher<'a>(setup: &'a Setup, store_thread: &'a StoreThread) -> Dispatcher<'a> {
    Dispatcher {
        jobs: store_thread.jobs(),
        engine: setup.engine(store_thread.store()),
    }
}

fn warn_of_clocks(commands: &[Command], accepted: &[Accepted], output: &mut Output) {
    for (command, accepted) in commands.iter().zip(accepted) {
        if let Accepted::Job {
            set_back_from: Some(newest),
            ..
        } = accepted
        {
            let key = command.intent.key();
            let text = format!(
                "{key}: the serial is far behind {newest}, that of an earlier call: was a clock set back, or \
                 a server restored? The later call counts"
            );
            output.message(Message::new(Severity::Warning, text));
        }
    }
}
