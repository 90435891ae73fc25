//! The store that a command works with.

use std::io;
use std::path::Path;

use super::configuration::Setup;
use super::message::{Abort, Message};
use super::output::Output;
use super::runtime::block_on;
use super::status::Status;
use crate::deliver::{StateStore, Stateless};
use crate::diagnostic::{Diagnostic, case, queue as entries};
use crate::permission::{self, shared_file};
use crate::queue::{Access, Jobs, StoreError, StoreThread};

/// What a command works with: the state, and the jobs if there is a queue.
pub(super) struct Stored<'a> {
    pub(super) state: &'a dyn StateStore,
    pub(super) jobs: Option<&'a Jobs>,
}

/// Runs the work with the store of the queue, or without state and jobs for a server of the command line.
pub(super) fn with_state(
    setup: &Setup,
    access: Access,
    output: &mut Output,
    work: impl AsyncFnOnce(Stored<'_>, &mut Output) -> Result<Status, Abort>,
) -> Status {
    if setup.is_direct {
        let state = &Stateless::default();
        let done = block_on(work(Stored { state, jobs: None }, output));
        let done = done.map_err(Abort::from).flatten();
        return done.unwrap_or_else(|abort| output.abort(abort));
    }
    let work = async |store_thread: &StoreThread, output: &mut Output| {
        let (state, jobs) = (store_thread.store(), Some(store_thread.jobs()));
        work(Stored { state, jobs }, output).await
    };
    with_store(setup, access, output, work)
}

/// Opens the store, runs the work with it, and closes it when all changes are written.
pub(super) fn with_store(
    setup: &Setup,
    access: Access,
    output: &mut Output,
    work: impl AsyncFnOnce(&StoreThread, &mut Output) -> Result<Status, Abort>,
) -> Status {
    act_as_owner_of(&setup.queue_path);
    let store_thread = match StoreThread::start(&setup.queue_path, access) {
        Ok(store_thread) => store_thread,
        Err(error) => {
            let message = Message::from(error).and_nothing_attempted();
            return output.abort(message.into());
        }
    };
    let done = block_on(work(&store_thread, output));
    let done = done.map_err(Abort::from).flatten();
    let mut status = done.unwrap_or_else(|abort| output.abort(abort));
    if let Err(error) = store_thread.finish() {
        output.message(&error.into());
        status.or_worse(Status::Later);
    }
    status
}

/// Lets root act as the owner of the directory of the queue's file. If root may not, the checks of each file remain.
pub(super) fn act_as_owner_of(queue: &Path) {
    if let Err(error) = permission::act_as_owner_of(queue) {
        tracing::warn!(%error, "root cannot act as the owner of the queue's directory");
    }
}

/// Tries whether the directory of the queue's file takes something more.
///
/// # Errors
/// The kind of the system's error, and what to report.
pub(super) fn try_write(queue: &Path) -> Result<(), (io::ErrorKind, Diagnostic)> {
    shared_file::try_write(queue).map_err(|source| {
        let directory = permission::directory_of(queue);
        let (path, quoted) = (directory.display(), permission::quoted(directory));
        let kind = source.kind();
        (kind, case!(entries::QUEUE_UNWRITABLE, path, source, quoted))
    })
}

/// Returns the fault if the directory of the queue's file takes nothing, as on a full disk. `None` also if this user may
/// not write there, or if there is no directory yet.
pub(super) fn unwritable(queue: &Path) -> Option<Diagnostic> {
    let (kind, fault) = try_write(queue).err()?;
    let is_unknown = matches!(
        kind,
        io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound
    );
    (!is_unknown).then_some(fault)
}

impl From<StoreError> for Message {
    fn from(error: StoreError) -> Self {
        Self::of(&error)
    }
}
