//! Reports the outcome of each command, as a line and as an entry of the document.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::interval;

mod subject;

use super::done;
use super::message::{Abort, Message, Severity};
use super::output::{Output, count};
use super::status::Status;
use crate::deliver::{
    Delivered, Failure, LeftOut, Preview, Primary, Routed, RoutedResult, ZoneChange, creation,
};
use crate::diagnostic::{Class, Diagnose, Diagnostic, case, run as entries};
use crate::model::{Intent, Presence, ZoneName, reverse_name};
use crate::payload::Command;
use crate::queue::{Attempted, Handled, Stays};
use crate::zonefile;
use subject::Subject;
pub(super) use subject::{shortened, unread};

/// The time between two lines of progress.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

/// The most subjects that are named for one reason.
const NAMES_MAX: usize = 3;

/// Prints the outcome of each command.
pub(super) struct Report<'a> {
    commands: &'a [Command],
    output: &'a mut Output,
    /// The worst status of all commands.
    status: Status,
    /// Records that dry runs would add.
    added: usize,
    /// Records that dry runs would remove.
    removed: usize,
    /// Zones that dry runs would change, each with its primary.
    changed_zones: HashSet<(String, ZoneName)>,
    /// The subjects that are not in place, which are reported together.
    groups: Vec<Group>,
    /// The number of commands that are reported.
    handled: usize,
    started: Instant,
}

/// Subjects that are not in place for one reason.
struct Group {
    /// Code, name of the primary where it happened, and state of the job.
    key: (&'static str, Option<String>, Option<&'static str>),
    /// Records without their values.
    names: Vec<String>,
    /// The causes, without the names that CNAMEs led to.
    texts: Vec<String>,
    messages: Vec<Message>,
}

impl Group {
    fn new(key: (&'static str, Option<String>, Option<&'static str>)) -> Self {
        Self {
            key,
            names: Vec::new(),
            texts: Vec::new(),
            messages: Vec::new(),
        }
    }

    /// Returns a message for each subject, or one for many.
    fn messages(mut self) -> Vec<Message> {
        if self.names.len() <= NAMES_MAX {
            return self.messages;
        }
        let (_, primary, state) = &self.key;
        let on = primary.as_ref().map(|name| format!(" on {name}"));
        let subject = first_of(&self.names) + &on.unwrap_or_default();
        let has_one_text = have_one_text(&self.names, &self.texts);
        let (mut text, first) = (self.texts.swap_remove(0), self.messages.swap_remove(0));
        if !has_one_text {
            text = format!("e.g. {text}");
        }
        vec![first.instead_about(subject, text, *state)]
    }
}

/// Returns whether texts are one, names of their subjects apart.
fn have_one_text(names: &[String], texts: &[String]) -> bool {
    let mut texts = names
        .iter()
        .zip(texts)
        .map(|(name, text)| text.replace(name, ""));
    let first = texts.next();
    texts.all(|text| Some(text) == first)
}

impl<'a> Report<'a> {
    pub(super) fn new(commands: &'a [Command], output: &'a mut Output) -> Self {
        Self {
            commands,
            output,
            status: Status::Done,
            added: 0,
            removed: 0,
            changed_zones: HashSet::new(),
            groups: Vec::new(),
            handled: 0,
            started: Instant::now(),
        }
    }

    /// Reports the outcome of the command at `index`.
    pub(super) fn handled(&mut self, index: usize, handled: Routed<Handled>) {
        self.handled += 1;
        let mut subject = Subject::of(&self.commands[index], handled.primary.as_deref());
        match handled.result {
            Handled::Attempted(Attempted { result, stays }) => {
                subject.stays = stays;
                match result {
                    Ok(Delivered { done, left_out }) => {
                        let (name, on, limit) = (subject.full(), subject.on(), subject.by_memory());
                        let line = format!("{name}: {done}{on}{limit}");
                        self.output.result(&line, subject.entry(done::entry(&done)));
                        self.left_out(&subject, &left_out);
                    }
                    Err(failure) => self.failed(&subject, &failure),
                }
            }
            Handled::Unknown(failure) => self.failed(&subject, &failure),
            Handled::Stale { newest } => {
                self.settled(&subject, &case!(entries::OVERTAKEN, newest), "stale");
            }
            Handled::DeliveredElsewhere => {
                let remark = case!(entries::DELIVERED_ELSEWHERE);
                self.settled(&subject, &remark, "delivered-elsewhere");
            }
            Handled::Replaced => self.settled(&subject, &case!(entries::REPLACED), "replaced"),
            Handled::HeldElsewhere { id, reason } => {
                subject.stays = Some(Stays::Held { id });
                self.failed(&subject, &reason);
            }
            Handled::PrimaryDown { id, reason } => {
                subject.stays = Some(Stays::Waiting { id, seconds: 0 });
                self.failed(&subject, &reason);
            }
            Handled::InHandElsewhere { id } => {
                subject.stays = Some(Stays::Waiting { id, seconds: 0 });
                self.failed(&subject, &case!(entries::IN_HAND_ELSEWHERE));
            }
        }
    }

    /// Reports a command of which nothing is left to do.
    fn settled(&mut self, subject: &Subject<'_>, remark: &Diagnostic, result: &str) {
        let line = format!("{}: {remark}{}", subject.full(), subject.on());
        let entry = subject.entry(json!({ "result": result }));
        self.output.result(&line, entry);
    }

    /// Reports the changes that delivering the command at `index` would make.
    pub(super) fn preview(&mut self, index: usize, preview: RoutedResult<Option<Preview>>) {
        self.handled += 1;
        let command = &self.commands[index];
        let subject = Subject::of(command, preview.primary.as_deref());
        let preview = match preview.result {
            Ok(Some(preview)) => preview,
            Ok(None) => return,
            Err(failure) => return self.failed(&subject, &failure),
        };
        self.left_out(&subject, &preview.left_out);
        let is_created = preview.zone_change == ZoneChange::Created;
        let (mut place, mut zone_created) = (String::new(), None);
        if let Intent::Ptr(ptr) = &command.intent {
            let owner = reverse_name(ptr.address);
            let created = creation("would be", is_created, &preview.zone, &owner);
            place = format!(" in {}{created}", preview.zone);
            zone_created = Some(is_created);
        }
        let result = match preview.zone_change {
            _ if preview.guard.is_some() => "would be held",
            ZoneChange::Created if zone_created.is_none() => "would be created",
            ZoneChange::Deleted => "would be deleted",
            ZoneChange::Kept if preview.is_empty() => "no difference",
            ZoneChange::Created | ZoneChange::Kept => "would be changed",
        };
        let (mut lines, mut added, mut removed) = (Vec::new(), 0, 0);
        for line in &preview.lines {
            let (sign, number) = match line.presence {
                Presence::Present => ('+', &mut added),
                Presence::Absent => ('-', &mut removed),
            };
            *number += 1;
            let it = &line.record;
            let text = zonefile::format_record(&it.owner, it.ttl, it.rtype, &it.rdata);
            lines.push(format!("{sign} {text}"));
        }
        let guard = preview.guard.as_ref();
        let guard = guard.map(|it| subject.diagnose(it));
        let entry = subject.entry(json!({
            "zone": preview.zone.to_string(), "result": result, "lines": lines, "added": added,
            "removed": removed, "zone-created": zone_created,
            "code": guard.as_ref().map(Diagnostic::code),
            "cause": guard.as_ref().map(ToString::to_string), "hint": guard.as_ref().map(Diagnostic::advice),
        }));
        let (name, on, limit) = (subject.full(), subject.on(), subject.by_memory());
        if let Some(guard) = guard {
            self.status.or_worse(guard.class().into());
            let message = Message::of(&guard).about(subject.place(&guard));
            self.output.message(&message);
        } else if !preview.is_empty() {
            self.status.or_worse(Status::Differences);
            self.added += added;
            self.removed += removed;
            let primary = subject.primary.map(|primary| primary.name.clone());
            let zone = (primary.unwrap_or_default(), preview.zone);
            self.changed_zones.insert(zone);
        }
        let line = format!("{name}{place}: {result}{on}{limit}");
        self.output.result(&line, entry);
        for line in lines {
            self.output.detail(&line);
        }
    }

    /// Shows how many commands are reported.
    fn show_progress(&mut self) {
        let (handled, all) = (self.handled, self.commands.len());
        let seconds = self.started.elapsed().as_secs();
        self.output
            .progress(&format!("{handled} of {all} done, {seconds} s"));
    }

    /// Prints the sum of all dry runs.
    pub(super) fn total(&mut self) {
        let line = format!(
            "total: {} to add, {} to remove, in {}",
            count(self.added, "record"),
            count(self.removed, "record"),
            count(self.changed_zones.len(), "zone")
        );
        self.output.detail(&line);
    }

    /// Notes that a subject is not in place.
    fn failed(&mut self, subject: &Subject<'_>, failure: &impl Diagnose) {
        let failure = subject.diagnose(failure);
        self.status.or_worse(failure.class().into());
        self.output.entry(subject.failure_entry(&failure));
        let (primary, cause) = subject.place_of(&failure);
        let key = (failure.code(), primary, subject.job_state());
        let index = self.groups.iter().position(|group| group.key == key);
        let index = index.unwrap_or_else(|| {
            self.groups.push(Group::new(key));
            self.groups.len() - 1
        });
        let group = &mut self.groups[index];
        group.names.push(subject.name.clone());
        group.texts.push(cause.to_string());
        group.messages.push(subject.message(&failure));
    }

    /// Prints the subjects that are not in place: a line for each, or one for many with the same code, primary and
    /// state. Returns the worst status of all commands.
    pub(super) fn finish(self) -> Status {
        for group in self.groups {
            for message in group.messages() {
                self.output.message(&message);
            }
        }
        self.status
    }

    fn left_out(&mut self, subject: &Subject<'_>, left_out: &[LeftOut]) {
        for left_out in left_out {
            let diagnostic = subject.diagnose(left_out);
            let message = subject.left_out(&diagnostic);
            let message = match diagnostic.class() {
                Class::Permanent => {
                    self.status.or_worse(Status::Denied);
                    subject.with_job(message)
                }
                Class::Input => {
                    self.status.or_worse(Status::BadInput);
                    message
                }
                Class::Transient
                | Class::Unkept
                | Class::Setup
                | Class::Remark
                | Class::Context => message.with_severity(Severity::Warning),
            };
            self.output.message(&message);
        }
    }
}

/// Returns the subject of a command, as messages name it.
pub(super) fn subject(command: &Command) -> String {
    Subject::of(command, None).short()
}

/// Names the first subject, and counts the rest.
pub(super) fn first_of(subjects: &[String]) -> String {
    match subjects {
        [] => String::new(),
        [only] => only.clone(),
        [first, more @ ..] => format!("{first} and {} more", more.len()),
    }
}

/// Names the first subjects, and counts the rest.
pub(super) fn names(subjects: &[impl AsRef<str>]) -> String {
    let named = subjects.iter().take(NAMES_MAX).map(AsRef::as_ref);
    let named = named.collect::<Vec<_>>().join(", ");
    match subjects.len().saturating_sub(NAMES_MAX) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// Does work that reports, and shows each second how far it is.
pub(super) async fn with_progress(report: &RefCell<Report<'_>>, work: impl Future<Output = ()>) {
    let show = async {
        let mut seconds = interval(PROGRESS_INTERVAL);
        // The first tick is at once.
        seconds.tick().await;
        loop {
            seconds.tick().await;
            report.borrow_mut().show_progress();
        }
    };
    tokio::select! {
        biased;
        () = work => {}
        () = show => {}
    }
}

/// Returns a result with its primary.
///
/// # Errors
/// The status of a failure, which is printed.
pub(super) fn routed<T>(
    subject: &str,
    routed: RoutedResult<T>,
    output: &mut Output,
) -> Result<(Rc<Primary>, T), Abort> {
    match (routed.primary, routed.result) {
        (Some(primary), Ok(result)) => Ok((primary, result)),
        (primary, result) => {
            let failure = result.err().unwrap_or(Failure::NoRoute);
            Err(Abort {
                status: fail(subject, primary.as_deref(), &failure, output),
                message: None,
            })
        }
    }
}

/// Prints a failure, and returns its status.
pub(super) fn fail(
    subject: &str,
    primary: Option<&Primary>,
    failure: &impl Diagnose,
    output: &mut Output,
) -> Status {
    let subject = Subject {
        name: subject.to_owned(),
        value: None,
        command: None,
        primary,
        stays: None,
    };
    subject.fail(failure, output)
}

/// Prints why a command is not attempted, and returns the status.
pub(super) fn refuse(
    command: &Command,
    primary: Option<&Primary>,
    failure: &impl Diagnose,
    output: &mut Output,
) -> Status {
    Subject::of(command, primary).fail(failure, output)
}

#[cfg(test)]
mod tests;
