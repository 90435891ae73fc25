//! Reads the master file of a zone.

use std::io;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::input;
use super::message::{Message, Severity};
use super::output::Output;
use super::status::Status;
use crate::masterfile::{FILE_OCTETS_MAX, MasterFile, MasterFileError, Note, Source, Wanted};
use crate::model::ZoneName;

/// A file that was read, with those that it includes.
pub(super) struct ZoneFile {
    /// The name of the file in messages.
    name: String,
    pub(super) records: MasterFile,
    /// The digest of all that was read.
    pub(super) digest: Sha256,
}

/// Why a file gives no records.
pub(super) enum ZoneFileError {
    /// It cannot be read.
    Unreadable(io::Error),
    /// It has errors.
    Invalid(Vec<MasterFileError>),
}

impl ZoneFile {
    /// Reads a file, or standard input if `file` is `None`. Relative names of included files start from `base`, or from
    /// the directory of the file that includes them.
    pub(super) fn read(
        zone: &ZoneName,
        file: Option<&Path>,
        base: Option<&Path>,
    ) -> Result<Self, ZoneFileError> {
        let mut digest = Sha256::new();
        let source = read_source(file, &mut digest).map_err(ZoneFileError::Unreadable)?;
        let include = |name: &str, by: &str| {
            let directory = base.or_else(|| Path::new(by).parent());
            let file = directory.unwrap_or(Path::new("")).join(name);
            read_source(Some(&file), &mut digest)
        };
        let records = MasterFile::parse(&source, zone, include).map_err(ZoneFileError::Invalid)?;
        Ok(Self {
            name: source.name,
            records,
            digest,
        })
    }

    /// Returns the desired zone. Reports what is odd in the file, and returns the status of that.
    pub(super) fn into_wanted(self, prunes: bool, output: &mut Output) -> (Wanted, Status) {
        let zone = self.records.zone.clone();
        let wanted = self.records.into_wanted(prunes);
        let mut status = Status::Done;
        for note in &wanted.notes {
            let severity = match note {
                Note::AddressAsTarget { .. } | Note::TooLarge { .. } => {
                    status = Status::BadInput;
                    Severity::Error
                }
                Note::SignersRecords { .. } => Severity::Warning,
                Note::TtlsDiffer { .. } => Severity::Note,
            };
            let message = Message::of(note).about(&self.name).about(&zone);
            output.message(&message.with_severity(severity));
        }
        (wanted, status)
    }
}

fn read_source(file: Option<&Path>, digest: &mut Sha256) -> io::Result<Source> {
    let octets = input::read(file, FILE_OCTETS_MAX)?;
    digest.update(octets.len().to_le_bytes());
    digest.update(&octets);
    Ok(Source {
        name: file.map_or("standard input".into(), |file| file.display().to_string()),
        octets,
    })
}
