//! Master files (RFC 1035 section 5): the text of a zone, made records.
//!
//! `$ORIGIN`, `$INCLUDE`, `$TTL` (RFC 2308 section 4) and BIND's `$GENERATE` are understood, TTLs with
//! units as BIND takes them, and every type in its own form or in that of RFC 3597. Records are as exact
//! as [`zonefile`](crate::zonefile) reads them.
//!
//! A name server loads a file as a whole or not at all, and so it is here: where anything is wrong
//! the file gives errors, each with its place, and no records. A record that was left out for a slip of
//! the pen would be one that is then removed from the zone.
//!
//! Nothing here opens files: what `$INCLUDE` names is asked for from the caller.

mod cursor;
mod error;
mod generate;
mod reader;
mod records;
mod source;
mod zone;

#[cfg(test)]
mod tests;

pub use error::{MasterFileError, MasterFileErrorKind};
pub use records::MasterFile;
pub use source::{ERRORS_MAX, FILE_OCTETS_MAX, INCLUDE_DEPTH_MAX, RECORDS_MAX, Source};
pub use zone::{Note, Wanted};
