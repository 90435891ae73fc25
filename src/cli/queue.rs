//! `nsbridge queue`: what waits, why, and what to do with it.

use std::path::Path;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::configuration::{self, Setup};
use super::handover::{close, command_of, dispatcher, open};
use super::output::{Message, Output, count};
use super::report::Report;
use super::runtime::block_on;
use super::status::Status;
use crate::deliver::Failure;
use crate::model::{Intent, Presence, RecordType, ZoneSource};
use crate::payload;
use crate::queue::{Access, JobId, JobSummary, State, StoreThread, UNREADABLE_HINT, unreadable};
use crate::zonefile;

/// What to do with the queue.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Lists what waits or is held: since when, why, and when it is tried next.
    List,
    /// Shows jobs with what they would bring.
    Show {
        /// The job's number, or what it is about: a zone, or an address.
        #[arg(required = true)]
        job: Vec<String>,
    },
    /// Tries jobs now, held ones too, and says what became of them.
    Retry {
        /// The job's number, or what it is about: a zone, or an address.
        #[arg(required_unless_present = "all")]
        job: Vec<String>,
        /// All jobs.
        #[arg(long, conflicts_with = "job")]
        all: bool,
        /// Let them pass the guard against mass loss, once.
        #[arg(long)]
        force: bool,
    },
    /// Takes jobs out of the queue, undelivered.
    Drop {
        /// The job's number, or what it is about: a zone, or an address.
        #[arg(required_unless_present = "all")]
        job: Vec<String>,
        /// All jobs.
        #[arg(long, conflicts_with = "job")]
        all: bool,
    },
}

/// Runs the command.
pub(super) fn run(command: &Command, config: &Path, output: &mut Output) -> Status {
    let done = match command {
        Command::List => list(config, output),
        Command::Show { job } => show(job, config, output),
        Command::Retry { job, all, force } => retry(job, *all, *force, config, output),
        Command::Drop { job, all } => drop_jobs(job, *all, config, output),
    };
    done.unwrap_or_else(|message| output.bad_configuration(message))
}

fn list(config: &Path, output: &mut Output) -> Result<Status, Message> {
    with_jobs(config, Access::ReadOnly, output, async |shelf, output| {
        let now = (shelf.setup.policy.clock)();
        for job in &shelf.jobs {
            output.result(&describe(job, now), entry(job));
        }
        let held = shelf.jobs.iter().filter(|job| job.state == State::Held);
        let held = held.count();
        let total = count(shelf.jobs.len(), "job");
        output.detail(&format!("total: {total}, {held} held"));
        Ok(Status::Done)
    })
}

fn show(wanted: &[String], config: &Path, output: &mut Output) -> Result<Status, Message> {
    with_jobs(config, Access::ReadOnly, output, async |shelf, output| {
        let now = (shelf.setup.policy.clock)();
        let mut status = Status::Done;
        for job in shelf.choose(wanted, false, &mut status, output) {
            let lines = match shelf.store_thread.jobs().intent_of(job.id).await? {
                Some(Ok(intent)) => contents(&intent),
                Some(Err(problem)) => vec![format!("; cannot be read: {problem}")],
                None => continue,
            };
            let mut entry = entry(job);
            entry["lines"] = lines.clone().into();
            output.result(&describe(job, now), entry);
            for line in lines {
                output.detail(&line);
            }
        }
        Ok(status)
    })
}

fn retry(
    wanted: &[String],
    all: bool,
    force: bool,
    config: &Path,
    output: &mut Output,
) -> Result<Status, Message> {
    with_jobs(config, Access::ReadWrite, output, async |shelf, output| {
        let deadline = Instant::now() + shelf.setup.deadline;
        let now = (shelf.setup.policy.clock)();
        let mut status = Status::Done;
        let chosen = shelf.choose(wanted, all, &mut status, output);
        let ids: Vec<JobId> = chosen.iter().map(|job| job.id).collect();
        shelf.store_thread.jobs().retry(ids, force, now).await?;
        let mut jobs = Vec::new();
        for job in chosen {
            match shelf.store_thread.jobs().intent_of(job.id).await? {
                Some(Ok(intent)) => jobs.push((job.id, intent)),
                Some(Err(problem)) => {
                    let text = format!("{}: {}", job.key, unreadable(&problem));
                    let hint = Some(UNREADABLE_HINT.into());
                    output.message(Message::error(text, hint));
                    status.or_worse(Status::Denied);
                }
                // It is delivered meanwhile.
                None => {}
            }
        }
        let commands: Vec<payload::Command> = jobs
            .iter()
            .map(|(id, intent)| command_of(*id, intent.clone()))
            .collect();
        let mut report = Report::new(&commands, output);
        dispatcher(shelf.setup, shelf.store_thread)
            .deliver_jobs(&jobs, deadline, |index, handled| {
                report.handled(index, handled);
            })
            .await;
        status.or_worse(report.status());
        Ok(status)
    })
}

fn drop_jobs(
    wanted: &[String],
    all: bool,
    config: &Path,
    output: &mut Output,
) -> Result<Status, Message> {
    with_jobs(config, Access::ReadWrite, output, async |shelf, output| {
        let mut status = Status::Done;
        let chosen = shelf.choose(wanted, all, &mut status, output);
        let ids = chosen.iter().map(|job| job.id).collect();
        shelf.store_thread.jobs().drop(ids).await?;
        for job in chosen {
            let mut entry = entry(job);
            entry["result"] = "dropped".into();
            let line = format!("{}: dropped, job {} was not delivered", job.key, job.id);
            output.result(&line, entry);
        }
        Ok(status)
    })
}

/// The open queue.
struct Shelf<'a> {
    setup: &'a Setup,
    store_thread: &'a StoreThread,
    jobs: Vec<JobSummary>,
}

impl Shelf<'_> {
    /// The jobs that are meant; what is no job is named.
    fn choose(
        &self,
        wanted: &[String],
        all: bool,
        status: &mut Status,
        output: &mut Output,
    ) -> Vec<&JobSummary> {
        if all {
            return self.jobs.iter().collect();
        }
        let mut chosen: Vec<&JobSummary> = Vec::new();
        for text in wanted {
            let before = chosen.len();
            chosen.extend(self.jobs.iter().filter(|job| is_meant(job, text)));
            if chosen.len() == before {
                status.or_worse(Status::BadInput);
                let hint = Some("`nsbridge queue list` shows the jobs that there are".into());
                output.message(Message::error(format!("there is no job `{text}`"), hint));
            }
        }
        chosen.sort_by_key(|job| job.id);
        chosen.dedup_by_key(|job| job.id);
        chosen
    }
}

/// Opens the queue, does the work and closes it.
fn with_jobs(
    config: &Path,
    access: Access,
    output: &mut Output,
    work: impl AsyncFnOnce(&Shelf<'_>, &mut Output) -> Result<Status, Failure>,
) -> Result<Status, Message> {
    let setup = configuration::load(config)?;
    let store_thread = open(&setup, access)?;
    let done = block_on(async {
        let mut jobs = store_thread.jobs().list().await?;
        for job in &mut jobs {
            if let Some(legible) = legible(&job.key) {
                job.key = legible;
            }
        }
        let shelf = Shelf {
            setup: &setup,
            store_thread: &store_thread,
            jobs,
        };
        work(&shelf, output).await
    });
    let mut status = match done {
        Ok(Ok(status)) => status,
        // Its keeper says why.
        Ok(Err(_)) => Status::Later,
        Err(error) => output.internal_error(&error),
    };
    close(store_thread, &mut status, output);
    Ok(status)
}

/// The key of a record's job, which has its data as octets, as everything else shows the record.
fn legible(key: &str) -> Option<String> {
    let (owner, rest) = key
        .split_once(" TYPE")
        .filter(|(owner, _)| !owner.contains(' '))?;
    let (number, data) = rest.split_once(' ')?;
    let rtype = RecordType(number.parse().ok()?);
    let rdata = zonefile::parse_rdata(rtype, data).ok()?;
    let (rtype_text, rdata) = (
        zonefile::format_type(rtype),
        zonefile::format_rdata(rtype, &rdata),
    );
    Some(format!("{owner} {rtype_text} {rdata}"))
}

/// Whether the text is the job's number, its key, or for a PTR value its address.
fn is_meant(job: &JobSummary, text: &str) -> bool {
    if text.bytes().all(|octet| octet.is_ascii_digit()) {
        return text.parse() == Ok(job.id.0);
    }
    let wanted = text.trim_end_matches('.').to_lowercase();
    let key = job.key.trim_end_matches('.').to_lowercase();
    let address = key.split_once(" ptr ").map(|(address, _)| address);
    key == wanted || address == Some(wanted.as_str())
}

fn describe(job: &JobSummary, now: u64) -> String {
    let on = if job.primary.is_empty() {
        String::new()
    } else {
        format!(" on {}", job.primary)
    };
    let state = match job.state {
        State::Waiting => "waiting".into(),
        State::Held => "held".into(),
        State::InHand { process: None } => "in hand".into(),
        State::InHand {
            process: Some(process),
        } => format!("in hand of process {process}"),
    };
    let mut text = format!(
        "{} {}{on}: {state} for {}",
        job.id,
        job.key,
        span(now.saturating_sub(job.enqueued_at))
    );
    if job.attempts_so_far.attempts > 0 {
        text = format!(
            "{text}, {}",
            count(job.attempts_so_far.attempts as usize, "failed attempt")
        );
    }
    if job.state == State::Waiting {
        let next = match job.next_at.saturating_sub(now) {
            0 => "due".into(),
            seconds => format!("next in {}", span(seconds)),
        };
        text = format!("{text}, {next}");
    }
    match &job.reason {
        Some(reason) => format!("{text}: {}; hint: {}", reason.cause, reason.hint),
        None => text,
    }
}

fn entry(job: &JobSummary) -> Value {
    let state = match job.state {
        State::Waiting => "waiting",
        State::Held => "held",
        State::InHand { .. } => "in-hand",
    };
    let mut entry = json!({
        "job": job.id.0, "subject": job.key, "primary": job.primary, "state": state,
        "octets": job.octets, "enqueued-at": job.enqueued_at, "attempts": job.attempts_so_far.attempts,
        "forced": job.attempts_so_far.is_forced,
    });
    if let State::InHand {
        process: Some(process),
    } = job.state
    {
        entry["process"] = process.into();
    }
    if job.state == State::Waiting {
        entry["next-attempt-at"] = job.next_at.into();
    }
    if let Some(reason) = &job.reason {
        entry["cause"] = reason.cause.clone().into();
        entry["hint"] = reason.hint.clone().into();
    }
    entry
}

/// What a job would bring, as lines.
fn contents(intent: &Intent) -> Vec<String> {
    match intent {
        Intent::Zone(zone) => {
            let prunes = zone.source == ZoneSource::File { prunes: true };
            let note =
                prunes.then(|| "; and nothing else: records of others are to be gone".into());
            let records = zone.records.iter().flat_map(|set| {
                let line = |rdata| zonefile::format_record(&set.owner, set.ttl, set.rtype, rdata);
                set.rdatas.iter().map(line)
            });
            note.into_iter().chain(records).collect()
        }
        Intent::ZoneGone(zone) => vec![format!("; {zone} is to be gone")],
        Intent::Ptr(ptr) => {
            let what = match ptr.presence {
                Presence::Present => "is to be there",
                Presence::Gone => "is to be gone",
            };
            let rtype = zonefile::format_type(RecordType::PTR);
            vec![format!("; {} {rtype} {} {what}", ptr.address, ptr.hostname)]
        }
        Intent::Record(record) => {
            let what = match record.presence {
                Presence::Present => "is to be there",
                Presence::Gone => "is to be gone",
            };
            let rtype = zonefile::format_type(record.rtype);
            let rdata = zonefile::format_rdata(record.rtype, &record.rdata);
            vec![format!("; {} {rtype} {rdata} {what}", record.owner)]
        }
    }
}

/// A time in its largest unit.
fn span(seconds: u64) -> String {
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
