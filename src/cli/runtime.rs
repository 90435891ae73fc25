//! The runtime of a command.

use std::io;

use tokio::runtime::{Builder, Runtime};

/// Runs the work on this thread, to its end.
///
/// # Errors
/// The system's error if it cannot start a runtime.
pub(super) fn block_on<T>(work: impl Future<Output = T>) -> io::Result<T> {
    let runtime = start()?;
    let done = runtime.block_on(work);
    // Does not wait for a look-up that hangs in the system's resolver.
    runtime.shutdown_background();
    Ok(done)
}

/// Starts a runtime for work on this thread.
///
/// # Errors
/// The system's error.
pub(super) fn start() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}
