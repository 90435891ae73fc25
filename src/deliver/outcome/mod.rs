//! The outcome of a delivery or of a dry run.

mod done;
mod overlay;

pub use done::{Counts, Delivered, Done, LeftOut, Preview, PreviewLine, ZoneChange};
pub use overlay::Overlay;
