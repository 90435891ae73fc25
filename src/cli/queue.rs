//! `nsbridge queue`: lists, shows, retries and drops jobs.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::configuration::{self, Setup};
use super::handover::{command, dispatcher};
use super::message::{Abort, Message};
use super::output::{Output, count};
use super::report::{Report, shortened, with_progress};
use super::status::Status;
use super::store::{act_as_owner_of, with_store};
use crate::deliver::Failure;
use crate::diagnostic::{
    Diagnostic, case, command as entries, own_command, queue as queue_entries,
};
use crate::model::{Intent, Presence, RecordType, ZoneSource};
use crate::queue::{self, Access, BackupError, JobId, JobSummary, State, StoreThread};
use crate::zonefile;

/// A command for the queue.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Lists the jobs: since when, why, and when nsbridge tries them next.
    List,
    /// Shows jobs with their records.
    Show {
        /// The number of a job, or its subject: a zone, an address or a record.
        #[arg(required = true)]
        job: Vec<String>,
    },
    /// Tries jobs now, also held ones, and reports the results.
    Retry {
        #[command(flatten)]
        jobs: Jobs,
        /// Remove more than `removals-max-percent` and `deletions-max-per-hour` allow, and create a signed zone again
        /// that is gone from the primary, once.
        #[arg(long)]
        force: bool,
    },
    /// Removes jobs from the queue without delivering them.
    Drop {
        #[command(flatten)]
        jobs: Jobs,
    },
    /// Copies the queue file, at any time, to a file that can take its place.
    ///
    /// Calls and the worker go on meanwhile. FILE has mode 0600. A regular file that is there is replaced in one step,
    /// when the copy is whole and on the disk; until then the copy is FILE.nsbridge-part. Refuses a queue file that is damaged, or
    /// that a newer version has written. Root reads as the owner of the directory of the queue, and writes as the owner of
    /// that of FILE.
    Backup {
        /// The file for the copy. Its directory must exist.
        file: PathBuf,
    },
}

/// Options that name jobs.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct Jobs {
    /// The number of a job, or its subject: a zone, an address or a record.
    #[arg(required_unless_present = "all")]
    job: Vec<String>,
    /// All jobs.
    #[arg(long, conflicts_with = "job")]
    all: bool,
}

/// Runs the command.
pub(super) fn run(command: &Command, config: &Path, output: &mut Output) -> Result<Status, Abort> {
    let setup = configuration::load(config)?;
    let (access, names) = match command {
        Command::Backup { file } => return back_up(&setup, file, output),
        Command::List => (Access::ReadOnly, None),
        Command::Show { job } => (Access::ReadOnly, Some(job)),
        Command::Retry { jobs, .. } | Command::Drop { jobs } => {
            (Access::ReadWrite, Some(&jobs.job).filter(|_| !jobs.all))
        }
    };
    let work = async |store_thread: &StoreThread, output: &mut Output| {
        let mut jobs = store_thread.jobs().list().await?;
        for job in &mut jobs {
            if let Some(key) = readable_key(&job.key) {
                job.key = key;
            }
        }
        let mut queue = Queue {
            setup: &setup,
            store_thread,
            now: (setup.policy.clock)(),
            output,
            status: Status::Done,
        };
        if let Some(names) = names {
            queue.choose(&mut jobs, names);
        }
        match command {
            Command::List => queue.list(&jobs),
            Command::Show { .. } => queue.show(&jobs).await?,
            Command::Retry { force, .. } => queue.retry(&jobs, *force).await?,
            Command::Drop { .. } => queue.drop_jobs(&jobs).await?,
            // It is done by now.
            Command::Backup { .. } => {}
        }
        Ok(queue.status)
    };
    Ok(with_store(&setup, access, output, work))
}

/// Writes a copy of the queue file.
fn back_up(setup: &Setup, file: &Path, output: &mut Output) -> Result<Status, Abort> {
    let queue = &setup.queue_path;
    let octets = queue::back_up(queue, file, act_as_owner_of).map_err(|error| {
        let status = match &error {
            BackupError::OfQueue { .. } => Status::Usage,
            BackupError::Missing { .. } | BackupError::Store(_) => Status::BadConfiguration,
            BackupError::Taken { .. } => Status::Later,
            BackupError::Irregular { .. } | BackupError::Unwritten(_) => Status::Denied,
        };
        Abort::new(status, Message::of(&error))
    })?;
    let (file, queue) = (file.display().to_string(), queue.display().to_string());
    let line = format!("{file}: backup of {queue}, {octets} octets");
    let entry = json!({ "subject": file, "result": "backed-up", "queue": queue, "octets": octets });
    output.result(&line, entry);
    Ok(Status::Done)
}

/// The open queue.
struct Queue<'a> {
    setup: &'a Setup,
    store_thread: &'a StoreThread,
    /// Seconds since 1970.
    now: u64,
    output: &'a mut Output,
    status: Status,
}

impl Queue<'_> {
    /// Keeps the jobs that the operator names, and reports each name without a job.
    fn choose(&mut self, jobs: &mut Vec<JobSummary>, names: &[String]) {
        for name in names {
            if !jobs.iter().any(|job| is_named(job, name)) {
                self.status.or_worse(Status::BadInput);
                let unknown = case!(entries::JOB_UNKNOWN, job = name);
                self.output.message(&Message::of(&unknown));
            }
        }
        jobs.retain(|job| names.iter().any(|name| is_named(job, name)));
    }

    fn list(&mut self, jobs: &[JobSummary]) {
        let now = self.now;
        self.output
            .list(jobs, |job| describe(job, now), |job| entry(job));
        let held = jobs.iter().filter(|job| job.state == State::Held).count();
        let total = count(jobs.len(), "job");
        self.output.detail(&format!("total: {total}, {held} held"));
        // What to do: jobs of one code may differ in names only.
        let mut advice: BTreeMap<&str, String> = BTreeMap::new();
        for reason in jobs.iter().filter_map(|job| job.reason.as_ref()) {
            let of_code = advice.entry(reason.code());
            of_code.or_insert_with(|| reason.advice());
        }
        for (code, advice) in advice {
            self.output.detail(&format!("{code}: do: {advice}"));
        }
        if held > 0 {
            let retry = format!("then: `{} queue retry --all`", own_command());
            self.output.detail(&retry);
        }
    }

    async fn show(&mut self, jobs: &[JobSummary]) -> Result<(), Failure> {
        for job in jobs {
            let lines = match self.store_thread.jobs().intent_of(job.id).await? {
                Some(Ok(intent)) => contents(&intent),
                Some(Err(problem)) => vec![format!("; {problem}")],
                None => continue,
            };
            let mut entry = entry(job);
            entry["lines"] = lines.clone().into();
            self.output.result(&describe(job, self.now), entry);
            if let Some(reason) = &job.reason {
                self.output.detail(&format!("; do: {}", reason.advice()));
            }
            for line in lines {
                self.output.detail(&line);
            }
        }
        Ok(())
    }

    async fn retry(&mut self, jobs: &[JobSummary], force: bool) -> Result<(), Failure> {
        let ids = jobs.iter().map(|job| job.id).collect();
        let queue = self.store_thread.jobs();
        queue.retry(ids, force, self.now).await?;
        let mut intents: Vec<(JobId, Intent)> = Vec::new();
        for job in jobs {
            match queue.intent_of(job.id).await? {
                Some(Ok(intent)) => {
                    if job.state == State::Held {
                        let store = self.store_thread.store();
                        store.forget_lessons(&job.primary, &intent.name())?;
                    }
                    intents.push((job.id, intent));
                }
                Some(Err(problem)) => {
                    self.output
                        .message(&Message::of(&problem).about(shortened(&job.key)));
                    self.status.or_worse(Status::Denied);
                }
                // Another process has delivered it.
                None => {}
            }
        }
        let jobs = intents.iter().cloned();
        let commands: Vec<_> = jobs
            .map(|(id, intent)| command(format!("job {id}"), intent))
            .collect();
        let report = RefCell::new(Report::new(&commands, self.output));
        let dispatcher = dispatcher(self.setup, self.store_thread);
        let note = |index, handled| report.borrow_mut().handled(index, handled);
        let work = dispatcher.deliver_jobs(&intents, self.setup.deadline, note);
        with_progress(&report, work).await;
        self.status.or_worse(report.into_inner().finish());
        Ok(())
    }

    async fn drop_jobs(&mut self, jobs: &[JobSummary]) -> Result<(), Failure> {
        let ids = jobs.iter().map(|job| job.id).collect();
        let in_hand = self.store_thread.jobs().drop(ids).await?;
        for job in jobs {
            if in_hand.contains(&job.id) {
                let remark = case!(queue_entries::JOB_IN_HAND, job = job.id);
                self.output
                    .message(&Message::of(&remark).about(shortened(&job.key)));
                self.status.or_worse(Status::Later);
                continue;
            }
            let mut entry = entry(job);
            entry["result"] = "dropped".into();
            let line = format!("{}: dropped, job {} was not delivered", job.key, job.id);
            self.output.result(&line, entry);
        }
        Ok(())
    }
}

/// Returns the key of a record's job with its RDATA in presentation format, as all other output has
/// it; `None` for other keys.
fn readable_key(key: &str) -> Option<String> {
    let (owner, rest) = key.split_once(" TYPE")?;
    let (number, data) = rest.split_once(' ').filter(|_| !owner.contains(' '))?;
    let rtype = RecordType(number.parse().ok()?);
    let rdata = zonefile::parse_rdata(rtype, data).ok()?;
    let rdata = zonefile::format_rdata(rtype, &rdata);
    Some(format!("{owner} {} {rdata}", zonefile::format_type(rtype)))
}

/// Returns whether the name is the job's number or key, or for a PTR record its address.
fn is_named(job: &JobSummary, name: &str) -> bool {
    if name.bytes().all(|octet| octet.is_ascii_digit()) {
        return name.parse() == Ok(job.id.0);
    }
    let name = name.trim_end_matches('.').to_lowercase();
    let key = job.key.trim_end_matches('.').to_lowercase();
    let address = key.split_once(" ptr ").map(|(address, _)| address);
    key == name || address == Some(name.as_str())
}

fn describe(job: &JobSummary, now: u64) -> String {
    let on = match job.primary.as_str() {
        "" => String::new(),
        primary => format!(" on {primary}"),
    };
    let process = process_of(job).map_or_else(String::new, |it| format!(" of process {it}"));
    let state = state_word(job.state).replace('-', " ") + &process;
    let age = span(now.saturating_sub(job.enqueued_at));
    let attempts = match job.attempts_so_far.attempts {
        0 => String::new(),
        attempts => format!(", {}", count(attempts as usize, "failed attempt")),
    };
    let next = match job.next_at.saturating_sub(now) {
        _ if job.state != State::Waiting => String::new(),
        0 => ", due".into(),
        seconds => format!(", next in {}", span(seconds)),
    };
    let reason = job.reason.as_ref();
    let reason = reason.map(|it| format!(": {it} [{}]", it.code()));
    let reason = reason.unwrap_or_default();
    let (id, key) = (job.id, &job.key);
    format!("{id} {key}{on}: {state} for {age}{attempts}{next}{reason}")
}

fn entry(job: &JobSummary) -> Value {
    let reason = job.reason.as_ref();
    json!({
        "job": job.id.0, "subject": job.key, "primary": job.primary, "octets": job.octets,
        "state": state_word(job.state), "process": process_of(job), "enqueued-at": job.enqueued_at,
        "attempts": job.attempts_so_far.attempts, "forced": job.attempts_so_far.is_forced,
        "next-attempt-at": (job.state == State::Waiting).then_some(job.next_at),
        "code": reason.map(Diagnostic::code), "cause": reason.map(ToString::to_string),
        "hint": reason.map(Diagnostic::advice),
    })
}

/// Returns the word of the document for a state.
fn state_word(state: State) -> &'static str {
    match state {
        State::Waiting => "waiting",
        State::Held => "held",
        State::InHand { .. } => "in-hand",
    }
}

/// Returns the process that has the job in hand, if it is known.
fn process_of(job: &JobSummary) -> Option<u32> {
    match job.state {
        State::InHand { process } => process,
        State::Waiting | State::Held => None,
    }
}

/// Formats an intent as the lines of a master file.
fn contents(intent: &Intent) -> Vec<String> {
    let (subject, presence) = match intent {
        Intent::Zone(zone) => {
            let mut lines = Vec::new();
            if zone.source == (ZoneSource::File { prunes: true }) {
                lines.push("; and nothing else: records of others are to be gone".into());
            }
            for set in &zone.records {
                let line = |rdata| zonefile::format_record(&set.owner, set.ttl, set.rtype, rdata);
                lines.extend(set.rdatas.iter().map(line));
            }
            return lines;
        }
        Intent::ZoneAbsent(zone) => (zone.name.to_string(), Presence::Absent),
        Intent::Ptr(ptr) => {
            let subject = format!("{} PTR {}", ptr.address, ptr.hostname);
            (subject, ptr.presence)
        }
        Intent::Record(record) => {
            let rtype = zonefile::format_type(record.rtype);
            let rdata = zonefile::format_rdata(record.rtype, &record.rdata);
            (format!("{} {rtype} {rdata}", record.owner), record.presence)
        }
    };
    let wish = match presence {
        Presence::Present => "is to be there",
        Presence::Absent => "is to be gone",
    };
    vec![format!("; {subject} {wish}")]
}

/// Formats a time in its largest unit.
pub(super) fn span(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_their_largest_unit() {
        let told = [0, 119, 120, 7_199, 7_200, 172_799, 172_800].map(span);
        assert_eq!(
            told,
            ["0 s", "119 s", "2 min", "119 min", "2 h", "47 h", "2 days"]
        );
    }
}
