//! The store that a command works with.

use super::configuration::Setup;
use super::output::{Abort, Message, Output};
use super::runtime::block_on;
use super::status::Status;
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
        output.message(error.into());
        status.or_worse(Status::Later);
    }
    status
}

impl From<StoreError> for Message {
    fn from(error: StoreError) -> Self {
        Self::error(error.to_string(), Some(error.hint().into()))
    }
}
