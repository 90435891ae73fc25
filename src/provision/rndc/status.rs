//! What the server has under a zone's name, told by `zonestatus` and `showzone`.

use tokio::time::Instant;

use super::command::Target;
use super::control::{Answer, CommandResult, Control};
use super::error::{RndcError, quoted};
use crate::provision::status::{Creator, ZoneStatus};

/// What the server has under the name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Found {
    /// Nothing.
    Absent,
    /// A primary zone, whoever made it.
    Primary {
        /// Whether it has contents.
        loaded: bool,
        /// Whose it is.
        status: ZoneStatus,
    },
    /// A secondary zone from a creation, finished by nobody yet.
    Seed {
        /// Its file, different for each creation.
        file: String,
        /// Whose creation.
        status: ZoneStatus,
        /// Whether it has contents.
        loaded: bool,
    },
    /// Anything else.
    Foreign {
        /// The server's word for it.
        kind: String,
    },
}

impl Found {
    /// Whose it is.
    pub(super) fn status(self) -> ZoneStatus {
        match self {
            Self::Absent => ZoneStatus::Absent,
            Self::Primary { status, .. } | Self::Seed { status, .. } => status,
            Self::Foreign { .. } => ZoneStatus::Other(Creator::Server),
        }
    }
}

/// Asks the server.
///
/// # Errors
/// Those of [`Control::command`], [`RndcError::NoSuchView`] and [`RndcError::Failed`].
pub(super) async fn look(
    control: &mut Control<'_>,
    target: &Target<'_>,
    deadline: Instant,
) -> Result<Found, RndcError> {
    let status = control.command(&target.zonestatus(), deadline).await?;
    if status.result == CommandResult::NotFound {
        return absent(control, target, &status);
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
        // A zone of named.conf is nobody's, whatever its file is called.
        let status = if value("reconfigurable via modzone") == Some("no") {
            ZoneStatus::Other(Creator::Server)
        } else {
            // Files that the zone's file includes follow it.
            let file = value("files").and_then(|files| files.split(", ").next());
            target.status(file)
        };
        return Ok(Found::Primary { loaded, status });
    }
    // What has no contents has no type here either.
    let shown = control.command(&target.showzone(), deadline).await?;
    match shown.result {
        CommandResult::Success => Ok(parse_shown(&shown.text, target, loaded)),
        CommandResult::NotFound => absent(control, target, &shown),
        // So it answers for the members of a catalog zone.
        CommandResult::Failure => Ok(Found::Foreign {
            kind: "a member of a catalog zone".to_owned(),
        }),
        CommandResult::AlreadyExists
        | CommandResult::FileNotFound
        | CommandResult::NotLoaded
        | CommandResult::PermissionDenied
        | CommandResult::Unexpected => Err(control.failed(target, "showzone", &shown)),
    }
}

/// `not found` may also mean that the view is not there, and then it is no answer about the zone.
///
/// # Errors
/// [`RndcError::NoSuchView`].
fn absent(control: &Control<'_>, target: &Target<'_>, answer: &Answer) -> Result<Found, RndcError> {
    if names_no_view(answer) {
        Err(control.no_such_view(target, answer))
    } else {
        Ok(Found::Absent)
    }
}

/// Whether a `not found` is about the view: `no matching view …` rather than `no matching zone …`.
pub(super) fn names_no_view(answer: &Answer) -> bool {
    answer.result == CommandResult::NotFound && answer.text.starts_with("no matching view")
}

fn is_primary(kind: &str) -> bool {
    matches!(kind, "primary" | "master")
}

/// Reads `zone "example" { type secondary; file "x"; … };`.
fn parse_shown(text: &str, target: &Target<'_>, loaded: bool) -> Found {
    let options = text.split_once('{').map_or("", |(_, options)| options);
    // The options of one line: those inside braces of their own are never named `type` or `file`.
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
        _ if is_primary(kind) => Found::Primary { loaded, status },
        Some(file) if matches!(kind, "secondary" | "slave") && target.maker(file).is_some() => {
            Found::Seed {
                file: file.to_owned(),
                status,
                loaded,
            }
        }
        _ => Found::Foreign { kind: quoted(kind) },
    }
}

#[cfg(test)]
mod tests {
    use super::super::command::{Mark, Word};
    use super::*;
    use crate::model::ZoneName;

    #[test]
    fn what_showzone_prints_tells_ours_from_others() {
        let name = ZoneName::new(&"example".parse().unwrap());
        let mark = Mark {
            instance: Word::new("instance", "plesk01").unwrap(),
            is_on_all: false,
        };
        let target = Target::new(&name, None, &mark).unwrap();
        let shown = |text| parse_shown(text, &target, true);
        let file = target.seed_file(1);
        // As BIND 9.18 prints it.
        let seed = format!(
            "zone \"example\" {{ type secondary; check-names ignore; file \"{file}\"; primaries {{ \
             127.0.0.1 port 9 key \"plesk\"; }}; masterfile-format text; notify no; }};"
        );
        assert_eq!(
            shown(&seed),
            Found::Seed {
                file,
                status: ZoneStatus::Ours,
                loaded: true
            }
        );
        assert_eq!(
            shown("zone \"example\" { type primary; file \"example.db\"; };"),
            Found::Primary {
                loaded: true,
                status: ZoneStatus::Unmarked
            }
        );
        let foreign = |kind: &str| Found::Foreign {
            kind: kind.to_owned(),
        };
        assert_eq!(
            shown("zone \"example\" { type secondary; file \"example.db\"; };"),
            foreign("secondary")
        );
        assert_eq!(
            shown("zone \"example\" { type forward; };"),
            foreign("forward")
        );
        assert_eq!(shown(""), foreign("a zone of unknown type"));
    }
}
