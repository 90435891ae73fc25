//! What a change came to, or would come to.

mod done;
mod overlay;

pub use done::{Counts, Delivered, Done, LeftOut, Preview, PreviewLine, ZoneChange};
pub use overlay::Overlay;
