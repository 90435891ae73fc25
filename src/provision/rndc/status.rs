//! Reads the state of a zone at the server with `zonestatus` and `showzone`.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::command::{Target, Word};
use super::control::{Answer, CommandResult, Control};
use super::error::{RndcError, quoted};
use crate::provision::status::{Creator, ZoneStatus};

/// BIND: a zone that is being deleted looks like a member of a catalog zone for a moment. So that is believed when it was seen
/// so often, with these pauses.
const LOOKS_MAX: u32 = 4;
const LOOK_PAUSE: Duration = Duration::from_millis(100);

/// The state of a zone at the server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum ServerZone {
    Absent,
    /// A primary zone of any creator.
    Primary {
        /// Whether the zone has contents.
        loaded: bool,
        status: ZoneStatus,
        /// The file, without those that it includes.
        file: Option<String>,
    },
    /// A secondary zone of an unfinished creation.
    Seed {
        /// The file, different for each round of a creation.
        file: String,
        status: ZoneStatus,
        /// Whether the zone has contents.
        loaded: bool,
    },
    /// Any other zone.
    Foreign {
        /// The server's word for its kind.
        kind: String,
    },
}

impl ServerZone {
    pub(super) fn status(self) -> ZoneStatus {
        match self {
            Self::Absent => ZoneStatus::Absent,
            Self::Primary { status, .. } | Self::Seed { status, .. } => status,
            Self::Foreign { .. } => ZoneStatus::Other(Creator::Server),
        }
    }
}

/// Reads the state of a zone.
///
/// # Errors
/// Those of [`Control::command`], [`RndcError::NoSuchView`] and [`RndcError::Failed`].
pub(super) async fn read_zone(
    control: &mut Control<'_>,
    target: &Target<'_>,
    deadline: Instant,
) -> Result<ServerZone, RndcError> {
    for look in 0..LOOKS_MAX {
        if look > 0 {
            sleep(LOOK_PAUSE).await;
        }
        if let Some(zone) = look_at_zone(control, target, deadline).await? {
            return Ok(zone);
        }
    }
    Ok(ServerZone::Foreign {
        kind: "a member of a catalog zone".to_owned(),
    })
}

/// Reads the state of a zone. `None` if it may be a member of a catalog zone.
async fn look_at_zone(
    control: &mut Control<'_>,
    target: &Target<'_>,
    deadline: Instant,
) -> Result<Option<ServerZone>, RndcError> {
    let status = control.command(&target.zonestatus(), deadline).await?;
    if status.result == CommandResult::NotFound {
        return absent(control, target, &status).map(Some);
    }
    if !matches!(
        status.result,
        CommandResult::Success | CommandResult::NotLoaded
    ) {
        return Err(control.failed(target, "zonestatus", &status));
    }
    let value = |name: &str| {
        let mut lines = status.text.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    };
    let loaded = value("serial").is_some();
    if value("type").is_some_and(is_primary) {
        // The zone's file comes first; the files that it includes follow.
        let file = value("files").and_then(|files| files.split(", ").next());
        // A zone in named.conf belongs to no instance, whatever the name of its file.
        let status = if value("reconfigurable via modzone") == Some("no") {
            ZoneStatus::Other(Creator::Server)
        } else {
            target.status(file)
        };
        let file = file.map(str::to_owned);
        return Ok(Some(ServerZone::Primary {
            loaded,
            status,
            file,
        }));
    }
    // BIND: `zonestatus` reports no type for a zone without contents.
    let shown = control.command(&target.showzone(), deadline).await?;
    match shown.result {
        CommandResult::Success => Ok(Some(parse_shown(&shown.text, target, loaded))),
        CommandResult::NotFound => absent(control, target, &shown).map(Some),
        // BIND: fails so for member zones of a catalog zone, and for a moment for a zone that is deleted.
        CommandResult::Failure => Ok(None),
        CommandResult::AlreadyExists
        | CommandResult::FileNotFound
        | CommandResult::NotLoaded
        | CommandResult::PermissionDenied
        | CommandResult::Unexpected => Err(control.failed(target, "showzone", &shown)),
    }
}

/// Returns whether `rndc freeze` has stopped the updates of a zone.
///
/// # Errors
/// Those of [`Control::command`].
pub(super) async fn is_frozen(
    control: &mut Control<'_>,
    target: &Target<'_>,
    deadline: Instant,
) -> Result<bool, RndcError> {
    let status = control.command(&target.zonestatus(), deadline).await?;
    Ok(status.text.lines().any(|line| line == "frozen: yes"))
}

/// Returns the line for a shell that lets the key update a zone which was made at run time. `None` for other zones.
///
/// # Errors
/// Those of [`Control::command`].
pub(super) async fn grant(
    control: &mut Control<'_>,
    target: &Target<'_>,
    key: &Word,
    deadline: Instant,
) -> Result<Option<String>, RndcError> {
    let Some(shown) = options_at_run_time(control, target, deadline).await? else {
        return Ok(None);
    };
    let options = options_with_grant(&shown, key);
    Ok(options.map(|options| format!("rndc modzone {} '{options}'", target.operand())))
}

/// Returns what `showzone` says of a zone that was made at run time. `None` for other zones.
///
/// # Errors
/// Those of [`Control::command`].
pub(super) async fn options_at_run_time(
    control: &mut Control<'_>,
    target: &Target<'_>,
    deadline: Instant,
) -> Result<Option<String>, RndcError> {
    let status = control.command(&target.zonestatus(), deadline).await?;
    let mut lines = status.text.lines();
    if !lines.any(|line| line == "reconfigurable via modzone: yes") {
        return Ok(None);
    }
    let shown = control.command(&target.showzone(), deadline).await?;
    Ok((shown.result == CommandResult::Success).then_some(shown.text))
}

/// Returns the options in `zone "example" { type primary; … };`, with a grant for the key. `None` if no grant can be
/// added, or the shell would not take them as one word.
fn options_with_grant(shown: &str, key: &Word) -> Option<String> {
    let options = shown[shown.find('{')?..].trim();
    let grant = format!("update-policy {{ grant \"{}\" zonesub ANY; ", key.as_str());
    if options.contains('\'') {
        None
    } else if options.contains("update-policy {") {
        Some(options.replacen("update-policy { ", &grant, 1))
    } else if options.contains("update-policy") || options.contains("allow-update") {
        None
    } else {
        Some(options.replacen('{', &format!("{{ {grant}}};"), 1))
    }
}

/// Reads a `not found`: the zone is absent, unless the server has no such view.
///
/// # Errors
/// [`RndcError::NoSuchView`].
fn absent(
    control: &Control<'_>,
    target: &Target<'_>,
    answer: &Answer,
) -> Result<ServerZone, RndcError> {
    if names_no_view(answer) {
        Err(control.no_such_view(target, answer))
    } else {
        Ok(ServerZone::Absent)
    }
}

/// Returns whether a `not found` is about the view: `no matching view …` instead of
/// `no matching zone …`.
pub(super) fn names_no_view(answer: &Answer) -> bool {
    answer.result == CommandResult::NotFound && answer.text.starts_with("no matching view")
}

fn is_primary(kind: &str) -> bool {
    matches!(kind, "primary" | "master")
}

/// Reads `zone "example" { type secondary; file "x"; … };`.
fn parse_shown(text: &str, target: &Target<'_>, loaded: bool) -> ServerZone {
    let options = text.split_once('{').map_or("", |(_, options)| options);
    // Options in inner braces need no special care: none of them is named `type` or `file`.
    let option = |name: &str| {
        options
            .split([';', '{', '}'])
            .find_map(|option| option.trim().strip_prefix(name)?.strip_prefix(' '))
            .map(|value| value.trim().trim_matches('"'))
    };
    let kind = option("type").unwrap_or("a zone of unknown type");
    let file = option("file");
    let status = target.status(file);
    match file {
        _ if is_primary(kind) => ServerZone::Primary {
            loaded,
            status,
            file: file.map(str::to_owned),
        },
        Some(file) if matches!(kind, "secondary" | "slave") && target.creator(file).is_some() => {
            ServerZone::Seed {
                file: file.to_owned(),
                status,
                loaded,
            }
        }
        _ => {
            let primaries = primaries(options);
            let from = primaries.map_or_else(String::new, |it| format!(" of {it}"));
            let kind = quoted(&format!("{kind}{from}"));
            ServerZone::Foreign { kind }
        }
    }
}

/// Returns the servers that a secondary zone is fetched from, without their keys.
fn primaries(options: &str) -> Option<String> {
    let found = ["primaries", "masters"].iter().find_map(|name| {
        let (before, rest) = options.split_once(name)?;
        before.ends_with([' ', ';', '{']).then_some(rest)
    });
    let list = found?.split_once('{')?.1.split_once('}')?.0;
    let servers = list.split(';').map(str::trim).filter(|it| !it.is_empty());
    let servers = servers.map(|it| it.split(" key ").next().unwrap_or(it).replace('"', ""));
    let servers: Vec<String> = servers.collect();
    (!servers.is_empty()).then(|| servers.join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::command::{Mark, Word};
    use super::*;
    use crate::model::ZoneName;

    #[test]
    fn the_output_of_showzone_shows_the_creator() {
        let name = ZoneName::new(&"example".parse().unwrap());
        let mark = Mark {
            instance: Word::new("instance", "plesk01").unwrap(),
            is_on_all: false,
        };
        let target = Target::new(&name, None, &mark).unwrap();
        let shown = |text| parse_shown(text, &target, true);
        let file = target.seed_file(1);
        // The output of BIND 9.18.
        let seed = format!(
            "zone \"example\" {{ type secondary; check-names ignore; file \"{file}\"; primaries {{ \
             127.0.0.1 port 9 key \"plesk\"; }}; masterfile-format text; notify no; }};"
        );
        assert_eq!(
            shown(&seed),
            ServerZone::Seed {
                file,
                status: ZoneStatus::Ours,
                loaded: true
            }
        );
        assert_eq!(
            shown("zone \"example\" { type primary; file \"example.db\"; };"),
            ServerZone::Primary {
                loaded: true,
                status: ZoneStatus::Unmarked,
                file: Some("example.db".to_owned())
            }
        );
        let foreign = |kind: &str| ServerZone::Foreign {
            kind: kind.to_owned(),
        };
        assert_eq!(
            shown("zone \"example\" { type secondary; file \"example.db\"; };"),
            foreign("secondary")
        );
        assert_eq!(
            shown(
                "zone \"example\" { type secondary; file \"a.db\"; masterfile-format text; primaries { 192.0.2.1 port \
                 5300 key \"k\"; \"others\"; }; };"
            ),
            foreign("secondary of 192.0.2.1 port 5300, others")
        );
        assert_eq!(
            shown("zone \"example\" { type forward; };"),
            foreign("forward")
        );
        assert_eq!(shown(""), foreign("a zone of unknown type"));
    }
}
