//! The records of a master file.

use std::io;

use super::error::MasterFileError;
use super::reader::Reader;
use super::source::Source;
use crate::model::{Record, ZoneName};

/// The records of a zone, in the order of the file; every owner is in the zone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MasterFile {
    /// The zone.
    pub zone: ZoneName,
    /// Its records, the SOA among them where the file has one.
    pub records: Vec<Record>,
}

impl MasterFile {
    /// Reads the file of a zone, whose apex is the first origin. `include` is given the name that
    /// stands behind `$INCLUDE` and the name of the file that it stands in.
    ///
    /// # Errors
    /// What is wrong, in the order of the file; at most [`ERRORS_MAX`](super::ERRORS_MAX).
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
