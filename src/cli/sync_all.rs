//! `nsbridge sync --all`: delivers the zones of a folder or a configuration whose files have changed, and deletes those
//! that are gone.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use sha2::Digest as _;
use tokio::time::Instant;

use super::configuration::Setup;
use super::handover::{Source, carry_out, command, hand_over_from};
use super::input;
use super::message::{Abort, Message, Severity};
use super::output::{Output, count};
use super::report::first_of;
use super::runtime::block_on;
use super::status::Status;
use super::store::{act_as_owner_of, with_store};
use super::sync_sources::{Entry, Sources};
use super::zone_file::ZoneFile;
use crate::diagnostic::{case, command as command_entries, listing as entries};
use crate::masterfile::FILE_OCTETS_MAX;
use crate::model::{AbsentZone, Intent, Name, RecordType, Trust, ZoneName};
use crate::payload::Command;
use crate::queue::{Access, ListedFile, Listing, ReadLock, RememberedZone, StoreThread};

/// The pause between attempts to take the lock.
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Options of `nsbridge sync --all`.
pub(super) struct Options<'a> {
    /// The folder or the configuration.
    pub(super) path: &'a Path,
    pub(super) trust: Trust,
    pub(super) dry_run: bool,
    pub(super) prunes: bool,
    /// Whether zones whose files have not changed are delivered, too.
    pub(super) sends_unchanged: bool,
}

/// The commands for the zones of a source, and the counts for the last line.
struct Work<'a> {
    options: &'a Options<'a>,
    setup: &'a Setup,
    /// The zones that the source had when it was read before, by their keys.
    remembered: BTreeMap<String, RememberedZone>,
    commands: Vec<Command>,
    /// The files of the zones that are sent, by the keys of the zones.
    files: HashMap<String, ListedFile>,
    unchanged: usize,
    sent: usize,
    gone: usize,
    /// The keys of zones that are gone, and of which nothing is to be deleted: another source has them, or nothing of them
    /// was sent.
    forgotten: Vec<String>,
}

/// Runs the command.
pub(super) fn run(
    options: &Options<'_>,
    setup: &Setup,
    output: &mut Output,
) -> Result<Status, Abort> {
    let lock = if options.dry_run {
        None
    } else {
        wait_for_turn(setup)?
    };
    let mut sources = Sources::read(options.path)?;
    let mut status = Status::Done;
    for fault in std::mem::take(&mut sources.faults) {
        output.message(&fault);
        status = Status::BadInput;
    }
    if options.prunes {
        let files = sources.zones.iter();
        let mut files = files.filter(|(_, entry)| matches!(entry, Entry::File(_)));
        files.try_for_each(|(zone, _)| check_prune(zone, setup))?;
    }
    let source: Arc<[u8]> = sources.path.as_os_str().as_bytes().into();
    let mut work = Work {
        options,
        setup,
        remembered: remembered(&source, setup),
        commands: Vec::new(),
        files: HashMap::new(),
        unchanged: 0,
        sent: 0,
        gone: 0,
        forgotten: Vec::new(),
    };
    // Before root gives up its rights to use the queue.
    for (zone, entry) in &sources.zones {
        status.or_worse(work.read(zone, entry, sources.base.as_deref(), output));
    }
    status.or_worse(work.add_gone(&sources, output));
    if !work.forgotten.is_empty() && !options.dry_run {
        let zones = std::mem::take(&mut work.forgotten);
        let forget = async |store_thread: &StoreThread, _: &mut Output| {
            store_thread.jobs().forget_listed(&source, zones).await?;
            Ok(Status::Done)
        };
        status.or_worse(with_store(setup, Access::ReadWrite, output, forget));
    }
    let listing = Listing {
        source,
        files: std::mem::take(&mut work.files),
        lock: RefCell::new(lock),
    };
    // Jobs of earlier calls may be due even if this call has no command.
    let may_wait = options.dry_run || setup.queue_path.exists();
    if !work.commands.is_empty() || may_wait {
        let commands = &work.commands;
        let done = if options.dry_run {
            carry_out(commands, true, setup, output)
        } else {
            let source = Source {
                listing: Some(&listing),
                ..Source::default()
            };
            hand_over_from(commands, &source, setup, output)
        };
        status.or_worse(done);
    }
    if !options.dry_run {
        let (sent, gone, unchanged) = (count(work.sent, "zone"), work.gone, work.unchanged);
        output.detail(&format!(
            "total: {sent} sent, {gone} gone, {unchanged} unchanged"
        ));
    }
    Ok(status)
}

/// Refuses `--prune` on a primary whose zones nsbridge does not read: it sees no records of others.
pub(super) fn check_prune(zone: &ZoneName, setup: &Setup) -> Result<(), Abort> {
    let primary = setup.routes.primary_of(zone.apex());
    let Some(primary) = primary.filter(|it| !it.abilities.shows_zones()) else {
        return Ok(());
    };
    let message = Message::of(&case!(
        command_entries::PRUNE_UNREAD,
        primary = primary.name
    ));
    let message = message.about(zone).and_nothing_attempted();
    Err(Abort::new(Status::Usage, message))
}

/// Waits until no other call reads its zones. If there can be no lock, opening the queue reports why.
fn wait_for_turn(setup: &Setup) -> Result<Option<ReadLock>, Abort> {
    loop {
        match ReadLock::take(&setup.queue_path) {
            Ok(Some(lock)) => return Ok(Some(lock)),
            Err(_) => return Ok(None),
            Ok(None) if Instant::now() >= setup.deadline => {
                let seconds = setup.time_limit.as_secs();
                let busy = Message::of(&case!(entries::SOURCE_BUSY, seconds));
                return Err(Abort::new(Status::Later, busy.and_nothing_attempted()));
            }
            Ok(None) => thread::park_timeout(LOCK_PAUSE),
        }
    }
}

/// Reads the file of a zone, which must have what a name server requires: an empty file must not empty the zone.
fn read_file(
    zone: &ZoneName,
    path: &Path,
    base: Option<&Path>,
    trust: Trust,
) -> Result<ZoneFile, Vec<Message>> {
    let octets = input::read_regular(path, FILE_OCTETS_MAX).map_err(|source| {
        let path = path.display();
        let unreadable = case!(entries::SOURCE_UNREADABLE, path, source);
        vec![Message::of(&unreadable)]
    })?;
    let file = ZoneFile::read(zone, (Some(path), octets), base, trust);
    let file = file.map_err(|errors| errors.iter().map(Message::of).collect::<Vec<_>>())?;
    for (rtype, name) in [(RecordType::SOA, "SOA"), (RecordType::NS, "NS")] {
        let mut records = file.records.records.iter();
        if !records.any(|it| it.rtype == rtype && it.owner == *zone.apex()) {
            let file = path.display();
            let incomplete = case!(entries::ZONE_FILE_INCOMPLETE, file, rtype = name);
            return Err(vec![Message::of(&incomplete)]);
        }
    }
    Ok(file)
}

/// Returns the zones that the source had when it was read before, by their keys. If the queue file fails, all zones are
/// delivered, and none is deleted; the delivery reports why it failed.
///
/// Root acts as the owner of the queue in a thread of its own, and goes on as root to see which files are there.
fn remembered(source: &[u8], setup: &Setup) -> BTreeMap<String, RememberedZone> {
    let queue = setup.queue_path.as_path();
    let read = || {
        act_as_owner_of(queue);
        let store_thread = StoreThread::start(queue, Access::ReadOnly).ok()?;
        let found = block_on(store_thread.jobs().listed(source));
        found.ok().and_then(Result::ok)
    };
    let found = thread::scope(|scope| scope.spawn(read).join());
    let found = found.ok().flatten().unwrap_or_default();
    found.into_iter().map(|it| (it.zone.clone(), it)).collect()
}

fn file_of(zone: &RememberedZone) -> Option<&Path> {
    let file = zone.file.as_ref()?;
    Some(Path::new(OsStr::from_bytes(file)))
}

/// Returns whether a file is there. One that cannot be seen counts as there.
fn is_there(file: &Path) -> bool {
    file.try_exists().unwrap_or(true)
}

fn key_of(zone: &ZoneName) -> String {
    let name = zone.clone();
    let trust = Trust::Panel;
    let absent = Intent::ZoneAbsent(AbsentZone {
        name,
        trust,
        moved_from: None,
    });
    absent.key().to_string()
}

impl Work<'_> {
    /// Reads the file of a zone, and adds the zone. Only zones that are sent stay in memory. Returns
    /// [`Status::BadInput`] if the zone has a fault.
    fn read(
        &mut self,
        zone: &ZoneName,
        entry: &Entry,
        base: Option<&Path>,
        output: &mut Output,
    ) -> Status {
        let faults = match entry {
            Entry::File(path) => match read_file(zone, path, base, self.options.trust) {
                Ok(file) => return self.add(zone, path, file, output),
                Err(faults) => faults,
            },
            Entry::Faulty(fault) => vec![fault.clone()],
            Entry::Unclear => return Status::Done,
            Entry::NotPrimary | Entry::ServedEverywhere => {
                let skipped = if matches!(entry, Entry::NotPrimary) {
                    "skipped, the server is not its primary"
                } else {
                    "skipped, each name server has the zone for itself"
                };
                output.message(&Message::new(Severity::Note, skipped.into()).about(zone));
                return Status::Done;
            }
        };
        for fault in faults {
            output.message(&fault.about(zone).and("skipped"));
        }
        Status::BadInput
    }

    /// Adds a zone, unless its last delivery is in place and its file has not changed. Returns the worst status
    /// of the notes about the file.
    fn add(
        &mut self,
        zone: &ZoneName,
        path: &Path,
        mut file: ZoneFile,
        output: &mut Output,
    ) -> Status {
        let options = self.options;
        let key = key_of(zone);
        // What else a delivery depends on.
        let primary = self.setup.routes.primary_of(zone.apex());
        let primary = primary.map_or("", |primary| primary.name.as_str());
        let is_panel = options.trust == Trust::Panel;
        file.digest
            .update([u8::from(options.prunes), u8::from(is_panel)]);
        file.digest.update(primary);
        let digest = file.digest.clone().finalize().to_vec();
        let before = self.remembered.get(&key).and_then(|it| it.digest.as_ref());
        if before == Some(&digest) && !options.sends_unchanged {
            self.unchanged += 1;
            let text = "unchanged since its last delivery".to_owned();
            output.message(&Message::new(Severity::Note, text).about(zone));
            return Status::Done;
        }
        let (mut wanted, status) = file.into_wanted(options.prunes, output);
        wanted.zone.trust = options.trust;
        let intent = Intent::Zone(wanted.zone);
        self.commands
            .push(command(path.display().to_string(), intent));
        self.sent += 1;
        // A zone of which a record is left out is sent, and named, again.
        let digest = Some(digest).filter(|_| status == Status::Done);
        let file = ListedFile {
            path: path.as_os_str().as_bytes().to_vec(),
            digest: digest.unwrap_or_default(),
        };
        self.files.insert(key, file);
        status
    }

    /// Adds the deletion of zones that the source had, and does not list any more. One that still has a file of its own
    /// stays: a panel has suspended it, or writes its list anew.
    fn add_gone(&mut self, sources: &Sources, output: &mut Output) -> Status {
        let listed: HashSet<String> = sources.zones.keys().map(key_of).collect();
        let in_use: HashSet<&Path> = sources.zones.values().filter_map(Entry::file).collect();
        let path = sources.path.display().to_string();
        let mut gone = Vec::new();
        for it in self
            .remembered
            .values()
            .filter(|it| !listed.contains(&it.zone))
        {
            let Some(other) = &it.other else {
                if file_of(it).is_some_and(|it| !in_use.contains(it) && is_there(it)) {
                    let kept = "it stays, as its file does".to_owned();
                    output.message(&Message::new(Severity::Note, kept).about(&it.zone));
                } else if it.is_sent {
                    gone.push(it.zone.clone());
                } else {
                    self.forgotten.push(it.zone.clone());
                }
                continue;
            };
            let (zone, other) = (&it.zone, String::from_utf8_lossy(other));
            let kept = case!(entries::ZONE_LISTED_ELSEWHERE, path, other, zone);
            output.message(&Message::of(&kept).about(zone));
            self.forgotten.push(zone.clone());
        }
        self.gone = gone.len();
        if let Some(limit) = self.setup.policy.deletions_per_hour_max
            && gone.len() > limit as usize
        {
            let count = gone.len();
            let held = case!(entries::ZONES_GONE, count, path, limit);
            let held = Message::of(&held).about(first_of(&gone));
            output.message(&held.and("none of them is deleted"));
            return Status::Denied;
        }
        for zone in gone {
            let Ok(name) = zone.parse::<Name>() else {
                continue;
            };
            let name = ZoneName::new(&name);
            let trust = self.options.trust;
            let intent = Intent::ZoneAbsent(AbsentZone {
                name,
                trust,
                moved_from: None,
            });
            self.commands.push(command(path.clone(), intent));
        }
        Status::Done
    }
}
