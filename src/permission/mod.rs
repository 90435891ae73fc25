//! Users and files: what keeps this process out of a file, and what keeps other users out of its files.

mod acting;
mod barrier;
pub(crate) mod shared_file;
mod unwritten;
mod writers;

pub(crate) use acting::{act_as_owner_of, directory_owner};
pub use barrier::Barrier;
pub(crate) use barrier::{directory_of, name_of, octal, quoted, read_barrier, user, write_barrier};
pub use unwritten::Unwritten;
pub use writers::OpenPlace;
pub(crate) use writers::open_place;
