//! The outcome of a delivery or of a dry run.

mod done;
mod overlay;
mod preview;

pub(crate) use done::refused_additions;
pub use done::{Counts, Delivered, Done, LeftOut};
pub use overlay::Overlay;
pub use preview::{Preview, PreviewLine, ZoneChange};
