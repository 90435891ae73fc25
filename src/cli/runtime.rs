//! The runtime of a command.

use std::fs::File;
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

/// The files that a runtime opens, and some that the work needs.
const FILES: usize = 12;

/// Starts a runtime for work on this thread.
///
/// # Errors
/// The system's error.
pub(super) fn start() -> io::Result<Runtime> {
    // The runtime itself panics if the system has no file left for its signals.
    let spare = (0..FILES).map(|_| File::open("/dev/null"));
    drop(spare.collect::<io::Result<Vec<File>>>()?);
    Builder::new_current_thread().enable_all().build()
}
