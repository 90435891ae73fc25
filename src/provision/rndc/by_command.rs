//! Creates a zone with one command, by a template or from a file that is in place.

use tokio::time::Instant;

use super::command::{Target, Word};
use super::control::{Answer, CommandResult, Control, Server};
use super::error::RndcError;
use super::settle::{Settled, settle};
use crate::provision::status::Created;

/// Creates the zone with this command, which names the template if there is one.
///
/// # Errors
/// [`RndcError`].
pub(super) async fn create(
    server: &Server,
    target: &Target<'_>,
    command: &str,
    template: Option<&Word>,
    deadline: Instant,
) -> Result<Created, RndcError> {
    let mut control = Control::open(server, deadline).await?;
    loop {
        let answer = control.addzone(target, command, deadline).await?;
        match answer.result {
            CommandResult::Success => return Ok(Created::Placeholder),
            CommandResult::AlreadyExists => {}
            CommandResult::FileNotFound
            | CommandResult::Failure
            | CommandResult::Unexpected
            | CommandResult::NotLoaded
            | CommandResult::NotFound
            | CommandResult::PermissionDenied => {
                return Err(creation_error(server, &control, target, template, &answer));
            }
        }
        match settle(server, &mut control, target, deadline).await? {
            Settled::Exists(status) => return Ok(Created::AlreadyThere(status)),
            Settled::Absent => {}
        }
    }
}

fn creation_error(
    server: &Server,
    control: &Control<'_>,
    target: &Target<'_>,
    template: Option<&Word>,
    answer: &Answer,
) -> RndcError {
    let (server, zone) = (server.to_string(), target.zone().clone());
    let template = template.map(|name| name.as_str().to_owned());
    match (template, answer.result) {
        (Some(template), CommandResult::Failure) => RndcError::TemplateRefused {
            server,
            zone,
            template,
        },
        (Some(template), CommandResult::FileNotFound) => RndcError::TemplateFileMissing {
            server,
            zone,
            template,
        },
        (Some(template), CommandResult::Unexpected) => RndcError::TemplateFileRefused {
            server,
            zone,
            template,
            answer: answer.quoted(),
        },
        (_, CommandResult::FileNotFound) => RndcError::FileMissing {
            server,
            zone,
            file: target.file(),
        },
        (_, CommandResult::Unexpected) => RndcError::ContentsRefused {
            server,
            zone,
            answer: answer.quoted(),
            without_address: Vec::new(),
        },
        _ => control.addzone_error(target, answer),
    }
}
