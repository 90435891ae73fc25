//! Master files (RFC 1035 section 5): reads the records of a zone from text.
//!
//! The reader supports `$ORIGIN`, `$INCLUDE`, `$TTL` (RFC 2308 section 4), BIND's `$GENERATE`, TTLs
//! with units as BIND reads them, and every type in its own form or in that of RFC 3597. Records
//! are as exact as [`zonefile`](crate::zonefile) reads them.
//!
//! Like a name server, the reader accepts a file as a whole or not at all: a file with any error
//! gives its errors, each with its position, and no records. Otherwise a record with a typing error
//! would be missing, and an update would then remove it from the zone.
//!
//! The module opens no files: the caller provides those that `$INCLUDE` names.
//!
//! [`listing`] reads which zones a folder or a configuration of BIND has.

mod cursor;
mod error;
mod generate;
pub mod listing;
mod reader;
mod records;
mod source;
mod zone;

#[cfg(test)]
mod tests;

pub use error::{MasterFileError, MasterFileErrorKind};
pub use records::MasterFile;
pub use source::{ERRORS_MAX, FILE_OCTETS_MAX, RECORDS_MAX, Source};
pub use zone::{Note, Wanted};
