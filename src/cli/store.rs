//! The store that a command works with.

use std::path::Path;

use super::configuration::Setup;
use super::message::{Abort, Message};
use super::output::Output;
use super::runtime::block_on;
use super::status::Status;
use crate::permission;
use crate::queue::{Access, StoreError, StoreThread};

/// Opens the store, runs the work with it, and closes it when all changes are written.
pub(super) fn with_store(
    setup: &Setup,
    access: Access,
    output: &mut Output,
    work: impl AsyncFnOnce(&StoreThread, &mut Output) -> Result<Status, Abort>,
) -> Status {
    let store_thread = if setup.is_direct {
        StoreThread::of_nothing()
    } else {
        act_as_owner_of(&setup.queue_path);
        StoreThread::start(&setup.queue_path, access)
    };
    let store_thread = match store_thread {
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

impl From<StoreError> for Message {
    fn from(error: StoreError) -> Self {
        Self::of(&error)
    }
}
