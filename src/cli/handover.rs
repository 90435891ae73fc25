//! Hands commands over to the queue, and delivers them at once.

use std::cell::RefCell;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{self, Stdio};
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use super::caller;
use super::configuration::Setup;
use super::guard::Guard;
use super::message::{Abort, Message};
use super::output::Output;
use super::report::{Report, first_of, refuse, subject, with_progress};
use super::runtime::block_on;
use super::status::Status;
use super::store::{Stored, act_as_owner_of, with_state};
use crate::deliver::{Delivered, Failure, Purpose, Routed, RoutedResult};
use crate::diagnostic::{case, command as entries, queue};
use crate::model::{Intent, Presence};
use crate::payload::{Command, Verb};
use crate::queue::{
    Accepted, Access, Attempted, Dispatcher, Handled, Job, Lacking, Listing, Origin,
    SILENT_SECONDS, StoreError, StoreThread, WorkerLock, dispatch_preview, dispatch_unqueued,
};

/// The place of a command whose words are on the command line.
pub(super) const COMMAND_LINE: &str = "command line";

/// The least time to wait for the transactions of other processes, however little time a call has.
const LOCK_TIME_MIN: Duration = Duration::from_secs(2);

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

/// Refuses a command that names its zone or address itself, if the operator denies that name.
pub(super) fn check_denied(
    command: &Command,
    setup: &Setup,
    output: &mut Output,
) -> Result<(), Abort> {
    let name = command.intent.name();
    setup.policy.allow_name(&name, None).map_err(|failure| {
        let primary = setup.routes.primary_of(&name);
        let primary = primary.map(Rc::as_ref);
        Abort {
            status: refuse(command, primary, &failure, output),
            message: None,
        }
    })
}

/// Puts commands into the queue, delivers them until the deadline, leaves the rest in the queue, and prints the
/// outcome of each.
///
/// If the queue accepts nothing or its file fails, they are delivered without it, with a message that they are not
/// kept. A server of the command line has no queue.
pub(super) fn hand_over(commands: &[Command], setup: &Setup, output: &mut Output) -> Status {
    hand_over_from(commands, &Source::default(), setup, output)
}

/// Where commands come from.
#[derive(Default)]
pub(super) struct Source<'a> {
    /// The folder or configuration that lists their zones.
    pub(super) listing: Option<&'a Listing>,
    /// What the intents are delivered for.
    pub(super) purpose: Purpose,
    /// The operator allows any number of removals, and signed zones to be created anew.
    pub(super) is_forced: bool,
}

impl Source<'_> {
    fn origin(&self) -> Origin {
        Origin {
            caller: caller::name().into(),
            purpose: self.purpose,
            is_forced: self.is_forced,
        }
    }
}

/// Does what [`hand_over`] does, with commands that come from a source.
pub(super) fn hand_over_from(
    commands: &[Command],
    source: &Source<'_>,
    setup: &Setup,
    output: &mut Output,
) -> Status {
    if setup.is_direct {
        return deliver_unqueued(commands, setup, output);
    }
    act_as_owner_of(&setup.queue_path);
    let _guard = match Guard::start(setup.time_limit) {
        Ok(guard) => guard,
        Err(error) => return output.abort(error.into()),
    };
    // A delivery without the queue needs time, too.
    let wait = setup.deadline.saturating_duration_since(Instant::now()) / 2;
    let start =
        |access| StoreThread::start_within(&setup.queue_path, access, wait.max(LOCK_TIME_MIN));
    let store_thread = start(Access::ReadWrite);
    if let Err(error @ StoreError::Newer { .. }) = store_thread {
        let message = Message::from(error).and_nothing_attempted();
        return output.abort(message.into());
    }
    let mut run = attempt(commands, source, setup, store_thread, output);
    if run.left.is_empty() {
        return run.end(setup, output);
    }
    if let Some(message) = run.failed.take() {
        output.message(&message.and("delivering without the queue"));
    }
    let mut lacking = Lacking::default();
    for access in [Access::Detached, Access::Blank] {
        let next = attempt(&run.left, source, setup, start(access), output);
        lacking.older.extend(next.lacking.older);
        lacking.is_state_lost |= next.lacking.is_state_lost;
        run.status.or_worse(next.status);
        run.left = next.left;
        if run.left.is_empty() {
            break;
        }
    }
    report_lacking(&lacking, commands, output);
    run.end(setup, output)
}

/// Delivers commands to a server of the command line, which has no queue, and prints the outcome of each.
fn deliver_unqueued(commands: &[Command], setup: &Setup, output: &mut Output) -> Status {
    let intents: Vec<&Intent> = commands.iter().map(|command| &command.intent).collect();
    let deliver = async |stored: Stored<'_>, output: &mut Output| {
        let report = RefCell::new(Report::new(commands, output));
        let engine = setup.engine(stored.state);
        let note = |index: usize, delivered: RoutedResult<Delivered>| {
            let stays = None;
            let attempted = delivered.map(|result| Attempted { result, stays });
            let handled = attempted.map(Handled::Attempted);
            report.borrow_mut().handled(index, handled);
        };
        let work = dispatch_unqueued(&intents, &engine, setup.deadline, note);
        with_progress(&report, work).await;
        Ok(report.into_inner().finish())
    };
    with_state(setup, Access::ReadWrite, output, deliver)
}

/// A run of commands with one store.
struct Attempt {
    /// The worst outcome of the commands that are reported.
    status: Status,
    /// The commands that are not delivered, since the store failed or accepts nothing.
    left: Vec<Command>,
    /// Why it failed.
    failed: Option<Message>,
    lacking: Lacking,
}

impl Attempt {
    /// Notes why the store failed.
    fn note(&mut self, failed: Message) {
        self.status.or_worse(Status::Later);
        self.failed = Some(failed);
    }

    /// Reports what is left, and returns the worst outcome.
    fn end(mut self, setup: &Setup, output: &mut Output) -> Status {
        if let Some(message) = self.failed {
            output.message(&message);
        }
        let mut report = Report::new(&self.left, output);
        for (index, command) in self.left.iter().enumerate() {
            let failed = Handled::Unknown(Failure::State);
            report.handled(index, setup.routes.routed(&command.intent, failed));
        }
        self.status.or_worse(report.finish());
        self.status
    }
}

/// Reports what the file of the queue lacks of a delivery without it.
fn report_lacking(lacking: &Lacking, commands: &[Command], output: &mut Output) {
    for (id, key) in &lacking.older {
        let mut commands = commands.iter();
        let command = commands.find(|command| command.intent.key().to_string() == *key);
        let message = Message::of(&case!(queue::JOB_OLDER, job = id));
        output.message(&message.about(command.map_or(key.clone(), subject)));
    }
    if lacking.is_state_lost {
        let subjects: Vec<String> = commands.iter().map(subject).collect();
        let message = Message::of(&case!(queue::QUEUE_FILE_BEHIND));
        output.message(&message.about(first_of(&subjects)));
    }
}

/// Prints the changes that delivering commands would make.
fn preview(commands: &[Command], setup: &Setup, output: &mut Output) -> Status {
    let intents: Vec<&Intent> = commands.iter().map(|command| &command.intent).collect();
    let preview = async |stored: Stored<'_>, output: &mut Output| {
        let report = RefCell::new(Report::new(commands, output));
        let mut overtaken = vec![None; intents.len()];
        // If the file failed, each preview fails.
        if let Some(jobs) = stored.jobs
            && let Ok(found) = jobs.overtaken(&intents, (setup.policy.clock)()).await
        {
            overtaken = found;
        }
        let engine = setup.engine(stored.state);
        let note = |index: usize, preview: RoutedResult<_>| match overtaken[index] {
            Some(newest) => {
                let stale = preview.map(|_| Handled::Stale { newest });
                report.borrow_mut().handled(index, stale);
            }
            None => report.borrow_mut().preview(index, preview),
        };
        let work = dispatch_preview(&intents, &overtaken, &engine, setup.deadline, note);
        with_progress(&report, work).await;
        let mut report = report.into_inner();
        report.total();
        Ok(report.finish())
    };
    with_state(setup, Access::ReadOnly, output, preview)
}

/// Does what [`hand_over`] does, with one store.
fn attempt(
    commands: &[Command],
    source: &Source<'_>,
    setup: &Setup,
    store_thread: Result<StoreThread, StoreError>,
    output: &mut Output,
) -> Attempt {
    let mut run = Attempt {
        status: Status::Done,
        left: Vec::new(),
        failed: None,
        lacking: Lacking::default(),
    };
    let store_thread = match store_thread {
        Ok(store_thread) => store_thread,
        Err(error) => {
            run.left = commands.to_vec();
            run.note(error.into());
            return run;
        }
    };
    let done = block_on(work(commands, source, setup, &store_thread, output));
    let finished = store_thread.finish().map_err(Message::from);
    match done {
        Err(error) => run.status = output.abort(error.into()),
        Ok(Ok((status, left))) => {
            run.status = status;
            run.left = left;
        }
        Ok(Err(message)) => {
            run.left = commands.to_vec();
            run.note(message);
        }
    }
    // If the file failed, this is why.
    match finished {
        Ok(lacking) => run.lacking = lacking,
        Err(message) => run.note(message),
    }
    run
}

/// Returns the outcome, and the commands that are not reported since the store failed.
///
/// # Errors
/// Why the queue accepts nothing; nothing was delivered.
async fn work(
    commands: &[Command],
    source: &Source<'_>,
    setup: &Setup,
    store_thread: &StoreThread,
    output: &mut Output,
) -> Result<(Status, Vec<Command>), Message> {
    let is_durable = store_thread.access() == Access::ReadWrite;
    let intents: Vec<&Intent> = commands.iter().map(|command| &command.intent).collect();
    let primaries = intents.iter().map(|intent| {
        let primary = setup.routes.primary_for(intent);
        primary.map_or("", |primary| primary.name.as_str())
    });
    let jobs: Vec<(&Intent, &str)> = intents.iter().copied().zip(primaries).collect();
    let now = (setup.policy.clock)();
    if now.abs_diff(setup.changed_at) < SILENT_SECONDS {
        // Perhaps a primary has another address now. If the file failed, `enqueue` says so.
        let _ = store_thread.jobs().forget_silence(setup.changed_at).await;
    }
    let origin = source.origin();
    let jobs_ = store_thread.jobs();
    let accepted = jobs_.enqueue(&jobs, source.listing, &origin, now).await;
    if let Some(listing) = source.listing {
        listing.release();
    }
    let accepted = accepted.map_err(|failure| Message::of(&failure))?;
    let accepted = accepted.map_err(|full| Message::of(&full))?;
    warn_of_clocks(commands, &accepted, output);

    let dispatcher = dispatcher(setup, store_thread);
    let report = RefCell::new(Report::new(commands, output));
    let mut left = Vec::new();
    let note = |index: usize, mut handled: Routed<Handled>| {
        if let Handled::Unknown(_) = &handled.result {
            left.push(commands[index].clone());
            return;
        }
        if let Handled::Attempted(attempted) = &mut handled.result {
            if attempted.result.as_ref().is_err_and(Failure::is_of_state) {
                left.push(commands[index].clone());
                return;
            }
            if !is_durable {
                attempted.stays = None;
            }
        }
        report.borrow_mut().handled(index, handled);
    };
    let work = dispatcher.deliver_accepted(&intents, &accepted, &origin, setup.deadline, note);
    with_progress(&report, work).await;
    let status = report.into_inner().finish();
    let old = history_begins_at(setup, now);
    // It is forgotten later if it fails.
    store_thread.jobs().forget_history(old).await.ok();
    if is_durable
        && !WorkerLock::is_taken(&setup.queue_path)
        && store_thread
            .jobs()
            .is_any_due(now)
            .await
            .unwrap_or_default()
    {
        // Other calls have left jobs behind. This call does not wait for them.
        if let Err(error) = deliver_due_later(setup) {
            tracing::warn!(%error, "the jobs of other calls wait for the next call");
        }
    }
    Ok((status, left))
}

/// Returns the time from which on the history is kept, in seconds since 1970.
pub(super) fn history_begins_at(setup: &Setup, now: u64) -> u64 {
    now.saturating_sub(u64::from(setup.history_days) * 86_400)
}

/// Starts a process that delivers the jobs that are due, and does not wait for it. Its end, and that of this
/// process, do not concern each other.
fn deliver_due_later(setup: &Setup) -> io::Result<()> {
    let program = std::env::current_exe()?;
    let mut command = process::Command::new(program);
    command
        .arg("--config")
        .arg(&setup.path)
        .args(["serve", "--once"]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // Signals to the group of this process do not reach it.
    command.process_group(0).spawn().map(drop)
}

/// Prints the outcome of a job of another call.
pub(super) fn report_job(job: &Job, handled: Routed<Handled>, output: &mut Output) -> Status {
    let commands = [command(format!("job {}", job.id), job.intent.clone())];
    let mut report = Report::new(&commands, output);
    report.handled(0, handled);
    report.finish()
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
            let message = Message::of(&case!(entries::SERIAL_FAR_BEHIND, newest));
            output.message(&message.about(command.intent.key()));
        }
    }
}
