//! The outcome of a delivery or of a dry run.

mod differences;
mod done;
mod ignored;
mod overlay;
mod preview;
mod words;

pub use differences::{Difference, DifferenceKind};
pub(crate) use done::refused_additions;
pub use done::{Counts, Delivered, Done, LeftOut};
pub(crate) use ignored::Ignored;
pub use overlay::Overlay;
pub use preview::{Preview, PreviewLine, ZoneChange};
pub use words::creation;
