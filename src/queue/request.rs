//! What the keeper of the file is asked for.

use super::job::Settlement;
use super::store::{Store, StoreError};
use crate::deliver::StateRequest;

/// One request to the keeper.
pub(super) enum Request {
    /// About the memory.
    StateStore(StateRequest),
    /// What became of a job: written when convenient, at the latest before the keeper ends.
    Settle(Settlement),
    /// Anything else, done at once and after what was asked before; it answers by itself.
    Work(Work),
}

/// Work on the file.
pub(super) type Work = Box<dyn FnOnce(&mut Store) -> Result<(), StoreError> + Send>;
