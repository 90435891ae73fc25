//! `nsbridge zone restore`: puts a zone in place again that a deletion removed.

use std::path::Path;

use super::configuration;
use super::handover::{COMMAND_LINE, check_denied, command, hand_over};
use super::message::{Abort, Message};
use super::output::Output;
use super::status::Status;
use super::store::with_store;
use crate::diagnostic::{case, command as entries};
use crate::model::ZoneName;
use crate::queue::{Access, StoreThread};

/// Runs the command.
pub(super) fn run(zone: &ZoneName, config: &Path, output: &mut Output) -> Result<Status, Abort> {
    let mut setup = configuration::load(config)?;
    let mut found = None;
    let look = async |store_thread: &StoreThread, _: &mut Output| {
        found = store_thread.jobs().gone(&zone.to_string()).await?;
        Ok(Status::Done)
    };
    let status = with_store(&setup, Access::ReadOnly, output, look);
    if status != Status::Done {
        return Ok(status);
    }
    let Some((intent, _)) = found else {
        let days = setup.history_days;
        let message = Message::of(&case!(entries::ZONE_NOT_KEPT, days)).about(zone);
        return Err(Abort::new(
            Status::BadInput,
            message.and_nothing_attempted(),
        ));
    };
    setup.restart_time();
    let commands = [command(COMMAND_LINE, intent)];
    check_denied(&commands[0], &setup, output)?;
    Ok(hand_over(&commands, &setup, output))
}
