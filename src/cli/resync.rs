//! `nsbridge resync`: brings everything that was put in place back to its primary, the catalog first.

use std::path::Path;

use super::audit::{Choice, Chosen, TIME_MAX, bring_back_catalogs, next_wanted};
use super::configuration;
use super::handover::{Source, command, hand_over_from};
use super::message::Abort;
use super::output::{Output, count};
use super::status::Status;
use crate::deliver::Purpose;
use crate::payload::Command;

/// The most intents that are delivered at a time.
const BATCH: usize = 1_000;

/// Options of `nsbridge resync`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    choice: Choice,
    /// Create signed zones again that are gone: their new keys do not match the DS records at their parents, so remove those
    /// before. Also remove any number of records.
    #[arg(long)]
    force: bool,
}

/// Runs the command.
pub(super) fn run(
    arguments: &Arguments,
    config: &Path,
    output: &mut Output,
) -> Result<Status, Abort> {
    let mut setup = configuration::load(config)?;
    setup.time_limit = TIME_MAX;
    setup.restart_time();
    let chosen = Chosen::of(&arguments.choice, "nsbridge resync --help", &setup)?;
    let mut status = bring_back_catalogs(&chosen, &setup, output);
    let source = Source {
        purpose: Purpose::Repair,
        is_forced: arguments.force,
        ..Source::default()
    };
    let (mut after, mut all) = (String::new(), 0);
    loop {
        let (wanted, next) = match next_wanted(&chosen, &after, BATCH, &setup, output) {
            Ok(found) => found,
            Err(failed) => {
                status.or_worse(failed);
                break;
            }
        };
        all += wanted.len();
        let commands: Vec<Command> = wanted
            .into_iter()
            .map(|it| command("what was delivered before", it.intent))
            .collect();
        setup.restart_time();
        if !commands.is_empty() {
            status.or_worse(hand_over_from(&commands, &source, &setup, output));
        }
        match next {
            Some(next) => after = next,
            None => break,
        }
    }
    output.detail(&format!("total: {}", count(all, "zone or PTR value")));
    Ok(status)
}
