//! The runtime that a command does its work in.

use std::io;

/// Does the work on this thread, to its end.
///
/// # Errors
/// What the system said where there can be no runtime.
pub(super) fn block_on<T>(work: impl Future<Output = T>) -> io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let done = runtime.block_on(work);
    // A look-up that hangs in the system's resolver is not waited for.
    runtime.shutdown_background();
    Ok(done)
}
