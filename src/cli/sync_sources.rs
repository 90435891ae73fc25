//! The zones that a folder of master files or a configuration of BIND lists.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::input;
use super::message::{Abort, Message};
use super::status::Status;
use crate::diagnostic::{case, listing as entries};
use crate::masterfile::listing::{
    CONFIGURATION_OCTETS_MAX, ConfiguredZone, FileName, NamedConf, NamedConfError, Opened, Role,
    is_served_everywhere,
};
use crate::model::ZoneName;

/// A folder or a configuration, with the zones that it lists.
pub(super) struct Sources {
    /// Its canonical path.
    pub(super) path: PathBuf,
    /// The directory from which relative names of included files start; `None` for that of the file with the name.
    pub(super) base: Option<PathBuf>,
    pub(super) zones: BTreeMap<ZoneName, Entry>,
    /// What is wrong with names that are those of no zone.
    pub(super) faults: Vec<Message>,
}

/// What a folder or a configuration says of a zone.
pub(super) enum Entry {
    /// The zone is in this file.
    File(PathBuf),
    /// Two files, or the line of a configuration, leave open which file the zone is in.
    Faulty(Message),
    /// A file may be that of the zone, or that of another one.
    Unclear,
    /// The server is not the primary of the zone, or has it in no file.
    NotPrimary,
    /// Each name server has the zone for itself.
    ServedEverywhere,
}

impl Entry {
    pub(super) fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Faulty(_) | Self::Unclear | Self::NotPrimary | Self::ServedEverywhere => None,
        }
    }
}

impl Sources {
    /// Reads a folder or a configuration.
    ///
    /// # Errors
    /// A message why it cannot be read, or that it has no zone.
    pub(super) fn read(given: &Path) -> Result<Self, Abort> {
        let (path, is_directory) = canonical(given).map_err(|error| unreadable(given, error))?;
        let mut sources = Self {
            path,
            base: None,
            zones: BTreeMap::new(),
            faults: Vec::new(),
        };
        if is_directory {
            let read = sources.read_directory();
            read.map_err(|error| unreadable(given, error))?;
        } else {
            let read = NamedConf::read(&sources.path, &mut open);
            let read = read.map_err(|error| abort(&Message::of(&error)))?;
            sources.add_configured(read);
        }
        let is_zone = |it: &Entry| matches!(it, Entry::File(_) | Entry::Faulty(_) | Entry::Unclear);
        if !sources.zones.values().any(is_zone) {
            let empty = case!(entries::SOURCE_EMPTY, path = given.display());
            return Err(abort(&Message::of(&empty)));
        }
        Ok(sources)
    }

    fn read_directory(&mut self) -> io::Result<()> {
        let mut ambiguous = Vec::new();
        for file in fs::read_dir(&self.path)? {
            let path = file?.path();
            // Opening a file that cannot be examined, such as a link to nothing, says what is wrong with it.
            let is_other = path.metadata().is_ok_and(|it| !it.is_file());
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            match FileName::read(name) {
                _ if is_other => {}
                FileName::Zone(name) => {
                    if let Some(zone) = self.zone(&name, &path.display().to_string()) {
                        self.add_file(zone, path);
                    }
                }
                FileName::Ambiguous(names) => ambiguous.push((path, names)),
                FileName::Default | FileName::Other => {}
            }
        }
        // A zone that has another file is in that.
        for (path, [first, second]) in ambiguous {
            let place = path.display();
            let fault = case!(entries::FILE_NAME_AMBIGUOUS, path = place, first, second);
            self.faults.push(Message::of(&fault));
            for name in [first, second] {
                if let Ok(name) = input::name(&name) {
                    let entry = self.zones.entry(ZoneName::new(&name));
                    entry.or_insert(Entry::Unclear);
                }
            }
        }
        Ok(())
    }

    fn add_configured(&mut self, read: NamedConf) {
        for ConfiguredZone { name, place, role } in read.zones {
            let (file, line) = place;
            let Some(zone) = self.zone(&name, &format!("{file}:{line}")) else {
                continue;
            };
            if is_served_everywhere(zone.apex()) {
                self.zones.insert(zone, Entry::ServedEverywhere);
                continue;
            }
            match role {
                Role::Primary(file) => self.add_file(zone, read.directory.join(file)),
                Role::Other => {
                    self.zones.entry(zone).or_insert(Entry::NotPrimary);
                }
                Role::Lacking(option) => {
                    let lacking = case!(entries::ZONE_STATEMENT_INCOMPLETE, file, line, option);
                    let lacking = Message::of(&lacking);
                    self.zones.insert(zone, Entry::Faulty(lacking));
                }
            }
        }
        self.base = Some(read.directory);
    }

    fn add_file(&mut self, zone: ZoneName, file: PathBuf) {
        let entry = match self.zones.remove(&zone) {
            Some(Entry::File(first)) if first != file => {
                let (first, second) = (first.display(), file.display());
                let twice = case!(entries::ZONE_LISTED_TWICE, first, second);
                Entry::Faulty(Message::of(&twice))
            }
            Some(faulty @ Entry::Faulty(_)) => faulty,
            _ => Entry::File(file),
        };
        self.zones.insert(zone, entry);
    }

    /// Returns the zone of this name. Notes a fault if it is no domain name.
    fn zone(&mut self, name: &str, place: &str) -> Option<ZoneName> {
        match input::name(name) {
            Ok(name) => Some(ZoneName::new(&name)),
            Err(source) => {
                let invalid = case!(entries::ZONE_NAME_INVALID, name, source);
                self.faults.push(Message::of(&invalid).about(place));
                None
            }
        }
    }
}

/// Returns the canonical path, and whether it is that of a directory.
fn canonical(path: &Path) -> io::Result<(PathBuf, bool)> {
    let path = path.canonicalize()?;
    let found = path.metadata()?;
    if !found.is_dir() && !found.is_file() {
        return Err(io::Error::other("it is neither a folder nor a file"));
    }
    Ok((path, found.is_dir()))
}

/// Opens the file of an `include`, or all those that fit its pattern.
fn open(path: &Path) -> io::Result<Vec<Opened>> {
    let paths = match path.to_str() {
        Some(pattern) if pattern.contains(['*', '?', '[']) && !path.exists() => fitting(pattern)?,
        _ => vec![path.to_owned()],
    };
    let files = paths.into_iter().map(|path| {
        Ok(Opened {
            octets: input::read_regular(&path, CONFIGURATION_OCTETS_MAX)?,
            path,
        })
    });
    files.collect()
}

/// Returns the files that fit a pattern as glob(7) has it; at least one.
fn fitting(pattern: &str) -> io::Result<Vec<PathBuf>> {
    let options = glob::MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    let found = glob::glob_with(pattern, options).map_err(io::Error::other)?;
    let found: Vec<PathBuf> = found.collect::<Result<_, _>>()?;
    if found.is_empty() {
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok(found)
}

fn unreadable(path: &Path, source: io::Error) -> Abort {
    let path = path.to_owned();
    abort(&Message::of(&NamedConfError::Unreadable { path, source }))
}

/// Returns the error that keeps all zones as they are.
fn abort(message: &Message) -> Abort {
    Abort::new(Status::BadInput, message.clone().and_nothing_attempted())
}
