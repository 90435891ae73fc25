//! `nsbridge serve`: the worker, as a service of systemd or of another supervisor.

use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use super::configuration::{self, Setup};
use super::endpoint::Endpoint;
use super::guard::Guard;
use super::handover::{dispatcher, report_job};
use super::message::{Abort, Message};
use super::output::Output;
use super::status::Status;
use super::store::with_store;
use crate::deliver::Primary;
use crate::diagnostic::{Diagnostic, case, command};
use crate::permission;
use crate::queue::{Access, AuditIntervals, Audited, Event, Handled, Job, StoreThread, WorkerLock};

/// The time limit of `--once`: as for one attempt of the worker.
const ONCE_TIME_MAX: Duration = Duration::from_secs(300);

/// The longest time between two looks at the queue, unless systemd has a shorter one.
const LOOK_TIME_MAX: Duration = Duration::from_secs(60);

/// Options of `nsbridge serve`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Deliver the jobs that are due, and end.
    #[arg(long)]
    once: bool,
}

/// Runs the command: delivers jobs until SIGTERM or SIGINT.
pub(super) fn run(
    arguments: &Arguments,
    config: &Path,
    output: &mut Output,
) -> Result<Status, Abort> {
    let setup = configuration::load(config)?;
    if arguments.once {
        return Ok(with_store(
            &setup,
            Access::ReadWrite,
            output,
            async |store_thread, output| deliver_due(&setup, store_thread, output).await,
        ));
    }
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
        let primaries: Vec<Rc<Primary>> = setup.primaries.values().cloned().collect();
        let endpoint = Endpoint::bind(&setup, store_thread).await?;
        notify(&[NotifyState::Ready]);
        let guard = Guard::start_with(look_time())?;
        let mut report = |event: Event<'_>| {
            let remark = match event {
                // The delivery loop itself notifies both, so that a loop or an attempt that hangs is noticed.
                Event::Looked => {
                    guard.keep_alive();
                    endpoint.looked();
                    return notify(&[NotifyState::Watchdog]);
                }
                Event::Attempted(job, attempted, took) => {
                    endpoint.metrics.attempted(job, &attempted, took);
                    report_job(job, attempted.map(Handled::Attempted), output);
                    output.count_unprinted();
                    return;
                }
                Event::Unreachable { primary, seconds } => {
                    endpoint.metrics.reachable(primary, false);
                    case!(command::PRIMARY_UNREACHABLE, primary, seconds)
                }
                Event::BackAgain { primary } => {
                    endpoint.metrics.reachable(primary, true);
                    case!(command::PRIMARY_BACK, primary)
                }
                Event::Audited(audited) => match report_audit(&audited) {
                    Some(remark) => remark,
                    None => return,
                },
            };
            output.message(&Message::of(&remark));
        };
        let dispatcher = dispatcher(&setup, store_thread);
        tokio::select! {
            served = dispatcher.serve(&primaries, intervals(&setup), stop, &mut report) => served?,
            never = endpoint.serve() => match never {},
        }
        Ok(Status::Done)
    };
    Ok(with_store(&setup, Access::ReadWrite, output, work))
}

/// Returns how often the worker audits.
fn intervals(setup: &Setup) -> AuditIntervals {
    let catalogs = u64::from(setup.serve.catalog_audit_seconds);
    let zones = u64::from(setup.serve.zone_audit_hours) * 3_600;
    AuditIntervals {
        catalogs: (catalogs > 0).then(|| Duration::from_secs(catalogs)),
        zone_seconds: (zones > 0).then_some(zones),
    }
}

/// Returns what to say about an audit of the worker.
fn report_audit(audited: &Audited<'_>) -> Option<Diagnostic> {
    match audited {
        Audited::Catalog(primary, Ok(audit)) if audit.repaired > 0 => {
            let (primary, entries) = (&primary.name, audit.repaired);
            Some(case!(command::CATALOG_BROUGHT_BACK, primary, entries))
        }
        Audited::Wanted(key, primary, differences) if !differences.is_empty() => {
            let (first, more) = (&differences[0], differences.len() - 1);
            Some(case!(command::ZONE_DIFFERS, key, primary, first, more))
        }
        // `nsbridge check` and `nsbridge audit` show why a catalog cannot be read.
        Audited::Catalog(..) | Audited::Wanted(..) => None,
    }
}

/// Returns the longest time between two looks at the queue: less than systemd waits, so that the end has a message.
fn look_time() -> Duration {
    let mut microseconds = 0;
    let has_watchdog = sd_notify::watchdog_enabled(false, &mut microseconds);
    let watchdog = Duration::from_micros(microseconds) * 9 / 10;
    if has_watchdog {
        watchdog.min(LOOK_TIME_MAX)
    } else {
        LOOK_TIME_MAX
    }
}

/// Delivers the jobs that are due, unless a worker does.
async fn deliver_due(
    setup: &Setup,
    store_thread: &StoreThread,
    output: &mut Output,
) -> Result<Status, Abort> {
    let Ok(Some(_lock)) = WorkerLock::take_once(&setup.queue_path) else {
        return Ok(Status::Done);
    };
    if WorkerLock::is_taken(&setup.queue_path) {
        return Ok(Status::Done);
    }
    let _guard = Guard::start(ONCE_TIME_MAX)?;
    let mut status = Status::Done;
    let primaries: Vec<String> = setup.primaries.keys().cloned().collect();
    let note = |job: &Job, handled| status.or_worse(report_job(job, handled, output));
    let deadline = Instant::now() + ONCE_TIME_MAX;
    dispatcher(setup, store_thread)
        .deliver_due(&primaries, deadline, note)
        .await?;
    Ok(status)
}

fn take_lock(queue: &Path) -> Result<WorkerLock, Abort> {
    let lock = WorkerLock::take(queue).map_err(|(path, source)| {
        let directory = permission::quoted(permission::directory_of(&path));
        let path = path.display();
        let failed = case!(command::WORKER_LOCK_FAILED, path, source, directory);
        Message::of(&failed).and_nothing_attempted()
    })?;
    lock.ok_or_else(|| {
        let taken = case!(command::WORKER_TAKEN, path = queue.display());
        Abort::new(Status::Denied, Message::of(&taken))
    })
}

/// Notifies systemd, if it started this process and asked for notifications.
fn notify(states: &[NotifyState<'_>]) {
    // An error has no other receiver.
    sd_notify::notify(false, states).ok();
}
