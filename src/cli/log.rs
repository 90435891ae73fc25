//! `nsbridge log`: what was done, when, by which call, and with what result.

use std::path::Path;

use serde_json::json;

use super::configuration;
use super::input;
use super::message::Abort;
use super::output::Output;
use super::status::Status;
use super::store::with_store;
use crate::diagnostic::Diagnostic;
use crate::model::{Name, ZoneName};
use crate::queue::{Access, LogEvent, StoreThread};

/// The most events that are shown if the operator does not say how many.
const EVENTS: u64 = 100;

/// Options of `nsbridge log`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Show the events of this zone alone.
    #[arg(value_parser = input::name)]
    zone: Option<Name>,
    /// How many events to show, the newest ones.
    #[arg(long, value_name = "N", default_value_t = EVENTS)]
    last: u64,
}

/// Runs the command.
pub(super) fn run(
    arguments: &Arguments,
    config: &Path,
    output: &mut Output,
) -> Result<Status, Abort> {
    let setup = configuration::load(config)?;
    let zone = arguments.zone.as_ref().map(ZoneName::new);
    let show = async |store_thread: &StoreThread, output: &mut Output| {
        let events = store_thread.jobs().events(zone.as_ref(), arguments.last);
        for event in events.await? {
            print(&event, output);
        }
        Ok(Status::Done)
    };
    Ok(with_store(&setup, Access::ReadOnly, output, show))
}

fn print(event: &LogEvent, output: &mut Output) {
    let on = match event.primary.as_str() {
        "" => String::new(),
        primary => format!(" on {primary}"),
    };
    let reason = event.reason.as_ref();
    let (at, key, caller) = (&event.time, &event.key, &event.caller);
    let done = event.done.as_deref();
    let failed = reason.map(|it| format!("not in place: {it} [{}]", it.code()));
    let result = [done.map(str::to_owned), failed].into_iter().flatten();
    let result = result.collect::<Vec<_>>().join("; ");
    let line = format!("{at} {key}{on}: {result} ({caller})");
    let entry = json!({
        "at": event.at, "time": at, "subject": key, "primary": event.primary, "caller": caller,
        "done": done, "code": reason.map(Diagnostic::code), "cause": reason.map(ToString::to_string),
    });
    output.result(&line, entry);
}
