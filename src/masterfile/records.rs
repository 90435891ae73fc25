//! The records of a master file.

use std::io;

use super::error::MasterFileError;
use super::reader::Reader;
use super::source::Source;
use crate::model::{Record, ZoneName};

/// The records of a zone in the order of its file; every owner name is in the zone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MasterFile {
    /// The name of the zone.
    pub zone: ZoneName,
    /// All records, with the SOA if the file has one.
    pub records: Vec<Record>,
}

impl MasterFile {
    /// Reads the file of a zone; the first origin is the apex. For each `$INCLUDE`, calls `include`
    /// with the name after it and the name of the file that contains it.
    ///
    /// # Errors
    /// The errors in the order of the file, at most [`ERRORS_MAX`](super::ERRORS_MAX).
    pub fn parse(
        source: &Source,
        zone: &ZoneName,
        include: impl FnMut(&str, &str) -> io::Result<Source>,
    ) -> Result<Self, Vec<MasterFileError>> {
        let mut reader = Reader::new(zone, include);
        reader.read(source);
        let records = reader.finish()?;
        Ok(Self {
            zone: zone.clone(),
            records,
        })
    }
}
