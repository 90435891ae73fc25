//! Reads the master file of a zone.

use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::input;
use super::message::{Message, Severity};
use super::output::Output;
use super::status::Status;
use crate::masterfile::{FILE_OCTETS_MAX, MasterFile, MasterFileError, Note, Source, Wanted};
use crate::model::{Trust, ZoneName};
use crate::permission::directory_of;

/// A file that was read, with those that it includes.
pub(super) struct ZoneFile {
    /// The name of the file in messages.
    name: String,
    pub(super) records: MasterFile,
    /// The digest of all that was read.
    pub(super) digest: Sha256,
}

impl ZoneFile {
    /// Parses the contents of a file, or of standard input if `file` is `None`. Relative names of included files start
    /// from `base`, or from the directory of the file that includes them. A file of a panel includes none outside of `base` and its own
    /// directory: customers may have written it, and this process may read more than they.
    pub(super) fn read(
        zone: &ZoneName,
        (file, octets): (Option<&Path>, Vec<u8>),
        base: Option<&Path>,
        trust: Trust,
    ) -> Result<Self, Vec<MasterFileError>> {
        let mut digest = Sha256::new();
        let source = source_of(file, octets, &mut digest);
        let include = |name: &str, by: &str| {
            let directory = base.or_else(|| Path::new(by).parent());
            let path = directory.unwrap_or(Path::new("")).join(name);
            let (path, octets) = match trust {
                Trust::Operator => {
                    let octets = input::read(Some(&path), FILE_OCTETS_MAX)?;
                    (path, octets)
                }
                Trust::Panel => {
                    let path = included(&path, [base, file.map(directory_of)])?;
                    let octets = input::read_regular(&path, FILE_OCTETS_MAX)?;
                    (path, octets)
                }
            };
            Ok(source_of(Some(&path), octets, &mut digest))
        };
        let records = MasterFile::parse(&source, zone, include)?;
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

/// Returns the canonical path of a file to include, which must be in one of the directories, or below it.
fn included(path: &Path, directories: [Option<&Path>; 2]) -> io::Result<PathBuf> {
    let path = path.canonicalize()?;
    let mut directories = directories.into_iter().flatten();
    if directories.any(|it| it.canonicalize().is_ok_and(|it| path.starts_with(it))) {
        return Ok(path);
    }
    let outside = "outside the zone's folder (see `--trust`)";
    Err(io::Error::other(outside))
}

fn source_of(file: Option<&Path>, octets: Vec<u8>, digest: &mut Sha256) -> Source {
    digest.update(octets.len().to_le_bytes());
    digest.update(&octets);
    Source {
        name: file.map_or("standard input".into(), |file| file.display().to_string()),
        octets,
    }
}
