//! What is kept on disk, and the work that is done from it.
//!
//! [`Keeper`] owns the file with the memory of what was delivered; [`dispatch`] delivers a batch of
//! intents, many at once, in the order that they need.

mod dispatch;
mod examine;
mod keeper;
mod store;

pub use dispatch::{Route, Routes, dispatch, dispatch_preview};
pub use examine::{FileState, examine};
pub use keeper::{Access, Keeper};
pub use store::StoreError;
