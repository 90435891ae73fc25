//! Reads the JSON that Plesk's custom DNS backend writes to a program's standard input, and turns
//! it into intents.
//!
//! The input is foreign. An invalid record or command becomes a [`Problem`] with its exact position
//! and never affects its neighbours. Unknown members are ignored, numbers may be strings, and one
//! object may replace an array of one. Only input that is not JSON at all is an error.
//!
//! `create` and `update` give the same intent, because Plesk sends `update` for zones that it never
//! created. A zone without `rr` gives no intent, because it says nothing about the records. An
//! empty `rr` is an empty zone, and a later layer decides whether that is allowed. This module
//! never looks at the current zone, the policy or the time.

mod command;
mod consistency;
mod json;
mod name;
mod problem;
mod record;
mod zone;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use crate::diagnostic::{Diagnose, Diagnostic, case, displayed, payload as entries};
use crate::model::{Intent, Name, Presence, PtrIntent};
pub use command::{Command, Payload, Verb};
use json::{ZoneCommand, elements, is_null, members, optional, required, shape, zone_command};
pub use name::{HostError, MailboxError};
use problem::Fault;
pub use problem::{Note, NoteKind, Problem, ProblemKind, Shape};
pub use zone::ZONE_RECORDS_MAX;

/// Largest payload, in octets: some 300,000 records as Plesk writes them.
pub const PAYLOAD_OCTETS_MAX: usize = 64 << 20;
/// Most commands in a payload, of which each PTR value is one: a payload of the largest size has room
/// for fewer zones, even if each is small.
pub const COMMANDS_MAX: usize = 100_000;

/// A fault for which a whole payload is rejected.
#[derive(Debug)]
pub enum PayloadError {
    /// The payload is not JSON from its first octet to its last.
    NotJson {
        /// The line, from 1.
        line: usize,
        /// The column, in octets.
        column: usize,
        /// The cause.
        source: NotJson,
    },
    /// The payload is longer than [`PAYLOAD_OCTETS_MAX`].
    TooLarge {
        /// The length of the payload.
        octets: usize,
        /// The greatest length that is accepted.
        limit: usize,
    },
    /// The payload has more commands than [`COMMANDS_MAX`].
    TooManyCommands {
        /// The number of commands.
        commands: usize,
        /// The greatest number that is accepted.
        limit: usize,
    },
}

displayed!(PayloadError);

impl Diagnose for PayloadError {
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::NotJson {
                line,
                column,
                source,
            } => case!(entries::PAYLOAD_NOT_JSON, line, column, source),
            Self::TooLarge { octets, limit } => case!(entries::PAYLOAD_TOO_LARGE, octets, limit),
            Self::TooManyCommands { commands, limit } => {
                case!(entries::PAYLOAD_TOO_MANY_COMMANDS, commands, limit)
            }
        }
    }
}

/// A reason why octets are not JSON.
#[derive(Debug, thiserror::Error)]
pub enum NotJson {
    /// The text breaks the grammar.
    #[error("{}", without_position(.0))]
    Grammar(serde_json::Error),
    /// The octets are not UTF-8 (RFC 8259 section 8.1).
    #[error(transparent)]
    Encoding(std::str::Utf8Error),
}

/// Parses a payload.
///
/// # Errors
/// [`PayloadError`]; then no part of the payload is used.
pub fn parse(input: &[u8]) -> Result<Payload, PayloadError> {
    if input.len() > PAYLOAD_OCTETS_MAX {
        return Err(PayloadError::TooLarge {
            octets: input.len(),
            limit: PAYLOAD_OCTETS_MAX,
        });
    }
    // A leading byte order mark is ignored (RFC 8259 section 8.1).
    let input = input.strip_prefix(b"\xef\xbb\xbf").unwrap_or(input);
    let text = std::str::from_utf8(input).map_err(|error| not_utf8(input, error))?;

    let (mut payload, mut commands) = (Payload::default(), 0);
    if text.trim_ascii_start().starts_with('[') {
        elements(text, |index, element| {
            let room = COMMANDS_MAX.saturating_sub(commands);
            commands += payload.read_command(&format!("[{index}]"), element, room);
        })
        .map_err(not_grammar)?;
    } else {
        let element: &serde_json::value::RawValue =
            serde_json::from_str(text).map_err(not_grammar)?;
        commands = payload.read_command("[0]", element.get(), COMMANDS_MAX);
    }
    if commands > COMMANDS_MAX {
        return Err(PayloadError::TooManyCommands {
            commands,
            limit: COMMANDS_MAX,
        });
    }
    payload.set_wanted_hosts();
    Ok(payload)
}

fn not_utf8(input: &[u8], error: std::str::Utf8Error) -> PayloadError {
    let mut lines = input[..error.valid_up_to()].split(|&octet| octet == b'\n');
    let last = lines.next_back().unwrap_or_default();
    PayloadError::NotJson {
        line: lines.count() + 1,
        column: last.len() + 1,
        source: NotJson::Encoding(error),
    }
}

/// Returns the text of an error without the position at its end, which [`PayloadError`] reports.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&position)
        .map(str::to_owned)
        .unwrap_or(text)
}

fn not_grammar(error: serde_json::Error) -> PayloadError {
    PayloadError::NotJson {
        line: error.line(),
        column: error.column(),
        source: NotJson::Grammar(error),
    }
}

impl Payload {
    /// Reads an element of the payload, if there is room for it. Returns the number of its commands.
    fn read_command(&mut self, place: &str, text: &str, room: usize) -> usize {
        if room == 0 {
            return 1;
        }
        if let Some((verb, zone)) = ordinary_zone(text) {
            if let Err(fault) = self.read_ordinary_zone(place, verb, zone) {
                self.problem(place, None, fault);
            }
            return 1;
        }
        let read = match command_members(text) {
            Ok(Some((verb, zone, ptr))) => match verb {
                Verb::Create | Verb::Update => self.read_zone(place, verb, zone).map(|()| 1),
                Verb::Delete => self.read_deletion(place, zone).map(|()| 1),
                Verb::CreatePtr => self.read_ptrs(place, verb, Presence::Present, ptr, room),
                Verb::DeletePtr => self.read_ptrs(place, verb, Presence::Absent, ptr, room),
            },
            Ok(None) => {
                self.note(place, None, NoteKind::NoCommand);
                Ok(1)
            }
            Err(fault) => Err(fault),
        };
        read.unwrap_or_else(|fault| {
            self.problem(place, None, fault);
            1
        })
    }

    /// Reads one PTR value, or an array of them as far as there is room. Returns their number.
    fn read_ptrs(
        &mut self,
        place: &str,
        verb: Verb,
        presence: Presence,
        ptr: Option<&str>,
        room: usize,
    ) -> Result<usize, Fault> {
        let ptr = ptr
            .filter(|ptr| !is_null(ptr))
            .ok_or_else(|| ProblemKind::Missing { key: "ptr" }.at("ptr", ""))?;
        if shape(ptr) != Shape::Array {
            self.read_ptr(place, &format!("{place}.ptr"), verb, presence, ptr);
            return Ok(1);
        }
        let mut values = 0;
        let read = elements(ptr, |index, ptr| {
            values = index + 1;
            if values <= room {
                let place = format!("{place}.ptr[{index}]");
                self.read_ptr(&place, &place, verb, presence, ptr);
            }
        });
        // `parse` has checked the grammar of the whole payload.
        debug_assert!(read.is_ok());
        Ok(values.max(1))
    }

    /// Sets in each PTR intent all host names that the payload wants at its address. Of several
    /// commands about one address and host name, the last one counts.
    fn set_wanted_hosts(&mut self) {
        let mut seen: HashSet<(IpAddr, &Name)> = HashSet::new();
        let mut wanted: HashMap<IpAddr, Vec<Name>> = HashMap::new();
        for command in self.commands.iter().rev() {
            if let Intent::Ptr(ptr) = &command.intent
                && seen.insert((ptr.address, &ptr.hostname))
                && ptr.presence == Presence::Present
            {
                let names = wanted.entry(ptr.address).or_default();
                names.push(ptr.hostname.clone());
            }
        }
        let wanted: HashMap<IpAddr, Arc<[Name]>> = wanted
            .into_iter()
            .map(|(address, mut names)| {
                names.sort();
                (address, names.into())
            })
            .collect();
        for command in &mut self.commands {
            if let Intent::Ptr(ptr) = &mut command.intent {
                ptr.wanted = wanted.get(&ptr.address).cloned().unwrap_or_default();
            }
        }
    }

    fn read_ptr(
        &mut self,
        command_place: &str,
        place: &str,
        verb: Verb,
        presence: Presence,
        ptr: &str,
    ) {
        match parse_ptr(ptr, presence) {
            Ok(ptr) => self.command(command_place, verb, Intent::Ptr(ptr)),
            Err(fault) => self.problem(place, None, fault),
        }
    }
}

/// Parses a `create` or `update` of the ordinary shape. `None` if anything about its shape is
/// unusual, which is then read level by level.
fn ordinary_zone(text: &str) -> Option<(Verb, ZoneCommand<'_>)> {
    let command = zone_command(text)?;
    let word = optional("command", Some(command.command)).ok()??;
    let verbs = [Verb::Create, Verb::Update];
    let verb = verbs.into_iter().find(|verb| verb.as_str() == word)?;
    (command.rr.len() <= ZONE_RECORDS_MAX).then_some((verb, command))
}

/// The verb of a command and its members `zone` and `ptr`; `None` if it has no verb.
type CommandMembers<'a> = Option<(Verb, Option<&'a str>, Option<&'a str>)>;

fn command_members(text: &str) -> Result<CommandMembers<'_>, Fault> {
    if is_null(text) {
        return Ok(None);
    }
    let [command, zone, ptr] =
        members(text, ["command", "zone", "ptr"]).map_err(|kind| kind.of(text))?;
    let Some(word) = optional("command", command)? else {
        return Ok(None);
    };
    let verb = Verb::ALL.into_iter().find(|verb| verb.as_str() == word);
    let verb = verb.ok_or_else(|| ProblemKind::UnknownCommand.at("command", &word))?;
    Ok(Some((verb, zone, ptr)))
}

fn parse_ptr(ptr: &str, presence: Presence) -> Result<PtrIntent, Fault> {
    let [address, hostname] =
        members(ptr, ["ip_address", "hostname"]).map_err(|kind| kind.of(ptr))?;
    let text = required("ip_address", address)?;
    let address: IpAddr = text.trim_ascii().parse().map_err(|_| {
        let expected = "an IPv4 or IPv6 address";
        ProblemKind::BadData { expected }.at("ip_address", &text)
    })?;
    let text = required("hostname", hostname)?;
    let hostname = name::parse_name(&text)
        .map_err(|error| ProblemKind::BadName(error).at("hostname", &text))?;
    // A PTR record that already exists can be removed, whatever its value is.
    if presence == Presence::Present {
        hostname
            .check_host()
            .map_err(|error| ProblemKind::NoHostName(error).at("hostname", &text))?;
    }
    Ok(PtrIntent {
        // An IPv4 address written as IPv6 has its reverse name in in-addr.arpa.
        address: address.to_canonical(),
        hostname,
        presence,
        wanted: Arc::default(),
    })
}
