//! The store that a command works with.

use super::configuration::Setup;
use super::handover::{close, open};
use super::output::{Abort, Output};
use super::runtime::block_on;
use super::status::Status;
use crate::queue::{Access, StoreThread};

/// Opens the store, runs the work with it, and closes it when all changes are written.
pub(super) fn with_store(
    setup: &Setup,
    access: Access,
    output: &mut Output,
    work: impl AsyncFnOnce(&StoreThread, &mut Output) -> Result<Status, Abort>,
) -> Status {
    let store_thread = match open(setup, access) {
        Ok(store_thread) => store_thread,
        Err(message) => return output.bad_configuration(message),
    };
    let done = block_on(work(&store_thread, output));
    let done = done.map_err(Abort::from).flatten();
    let mut status = done.unwrap_or_else(|abort| output.abort(abort));
    close(store_thread, &mut status, output);
    status
}
