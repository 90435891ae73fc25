//! Parses a line to a command.

use super::checks::{check_iterations, check_names, check_svcb};
use super::command::Command;
use super::error::{NameProblem, ScriptError};
use super::rdata;
use super::words::{Words, to_text};
use crate::model::{Name, NameError, RecordType, TTL_MAX};
use crate::wire::{Algorithm, AlgorithmError, Class, Hash, Key, Lease, WireRecord, parse_secret};
use crate::zonefile::parse_type;

/// Longest Kerberos realm in octets.
const REALM_OCTETS_MAX: usize = 1023;

/// Parses lines, and keeps the settings that apply to later lines.
#[derive(Clone, Debug)]
pub struct Parser {
    /// The class that the command `class` sets.
    default_class: Class,
    /// The class of the present message; `None` before its first record.
    zone_class: Option<Class>,
    default_ttl: Option<u32>,
    checks_names: bool,
    checks_svcb: bool,
    localhost_only: bool,
}

impl Parser {
    /// Returns a parser for the start of a script. With `localhost_only`, `server` is an error.
    pub fn new(localhost_only: bool) -> Self {
        Self {
            default_class: Class::IN,
            zone_class: None,
            default_ttl: None,
            checks_names: true,
            checks_svcb: true,
            localhost_only,
        }
    }

    /// Returns the class of the present message, and from now on accepts no other class in it.
    pub fn fix_class(&mut self) -> Class {
        *self.zone_class.get_or_insert(self.default_class)
    }

    /// Allows any class again, for the next message.
    pub fn clear_class(&mut self) {
        self.zone_class = None;
    }

    /// Parses one line, with or without its line end.
    ///
    /// # Errors
    /// [`ScriptError`], in nsupdate's wording.
    pub fn read(&mut self, line: &[u8]) -> Result<Command, ScriptError> {
        let text = to_text(line);
        let mut words = Words::of(&text);
        let Some(first) = words.next() else {
            return Ok(Command::Send);
        };
        if first.starts_with(';') {
            return Ok(Command::Nothing);
        }
        match first.to_ascii_lowercase().as_str() {
            "quit" => Ok(Command::Quit),
            "send" => Ok(Command::Send),
            "show" => Ok(Command::Show),
            "answer" => Ok(Command::Answer),
            "debug" => Ok(Command::Debug),
            "version" => Ok(Command::Version),
            "help" => Ok(Command::Help),
            "prereq" => {
                let operation = words.next().ok_or(ScriptError::NoOperation)?;
                let known = self.read_prerequisite(operation, words);
                known.unwrap_or_else(|| Err(ScriptError::Operation(operation.to_owned())))
            }
            "update" => {
                let operation = words.next().ok_or(ScriptError::NoOperation)?;
                let known = self.read_update(operation, words);
                known.unwrap_or_else(|| Err(ScriptError::Operation(operation.to_owned())))
            }
            word => self
                .read_prerequisite(word, words)
                .or_else(|| self.read_update(word, words))
                .or_else(|| self.read_setting(word, words))
                .unwrap_or_else(|| Err(ScriptError::Section(first.to_owned()))),
        }
    }

    /// Parses a prerequisite; `None` if `operation` is none of its operations.
    fn read_prerequisite(
        &mut self,
        operation: &str,
        words: Words<'_>,
    ) -> Option<Result<Command, ScriptError>> {
        let record = match operation.to_ascii_lowercase().as_str() {
            "nxdomain" => whole_name(words, Class::NONE),
            "yxdomain" => whole_name(words, Class::ANY),
            "nxrrset" => self.prerequisite_set(words, false),
            "yxrrset" => self.prerequisite_set(words, true),
            _ => return None,
        };
        Some(record.map(Command::Prerequisite))
    }

    /// Parses an update; `None` if `operation` is none of its operations.
    fn read_update(
        &mut self,
        operation: &str,
        words: Words<'_>,
    ) -> Option<Result<Command, ScriptError>> {
        let record = match operation.to_ascii_lowercase().as_str() {
            "add" => self.addition(words),
            "del" | "delete" => self.deletion(words),
            _ => return None,
        };
        Some(record.map(Command::Update))
    }

    /// Parses a setting; `None` if `word` names no setting.
    fn read_setting(
        &mut self,
        word: &str,
        mut words: Words<'_>,
    ) -> Option<Result<Command, ScriptError>> {
        let nothing = |()| Command::Nothing;
        Some(match word {
            "server" => self.server(words),
            "local" => local(words),
            "zone" => zone(words),
            "class" => self.class(words).map(nothing),
            "ttl" => self.ttl(words).map(nothing),
            "key" => key(words),
            "lease" => lease(words),
            "gsstsig" | "oldgsstsig" => Err(ScriptError::GssTsig),
            "realm" => match words.next() {
                Some(realm) if realm.len() > REALM_OCTETS_MAX => Err(ScriptError::Realm),
                _ => Ok(Command::Nothing),
            },
            "tkeyname" => Ok(Command::Nothing),
            "check-names" | "checknames" => {
                let value = words.next().ok_or(ScriptError::NoCheckNames);
                value.and_then(|value| {
                    let bad = || ScriptError::CheckNames(value.to_owned());
                    self.checks_names = parse_switch(value).ok_or_else(bad)?;
                    Ok(Command::Nothing)
                })
            }
            "check-svcb" | "checksvcb" => {
                let value = words.next().ok_or(ScriptError::NoCheckSvcb);
                value.and_then(|value| {
                    let bad = || ScriptError::CheckSvcb(value.to_owned());
                    self.checks_svcb = parse_switch(value).ok_or_else(bad)?;
                    Ok(Command::Nothing)
                })
            }
            _ => return None,
        })
    }

    /// Parses `NAME [CLASS] TYPE [DATA]`.
    fn prerequisite_set(
        &mut self,
        mut words: Words<'_>,
        exists: bool,
    ) -> Result<WireRecord, ScriptError> {
        let owner = owner(&mut words)?;
        let mut word = words.next().ok_or(ScriptError::NoClassOrType)?;
        let class = if let Some(class) = Class::from_text(word) {
            self.check_class(class, word)?;
            word = words.next().ok_or(ScriptError::NoType)?;
            class
        } else {
            self.fix_class()
        };
        let rtype =
            parse_type(word).ok_or_else(|| ScriptError::PrerequisiteType(word.to_owned()))?;
        let data = words.rest().filter(|_| exists);
        let (class, rdata) = match data {
            Some(text) => (class, rdata::read(class, rtype, text)?),
            None if exists => (Class::ANY, Vec::new()),
            None => (Class::NONE, Vec::new()),
        };
        Ok(WireRecord {
            owner,
            rtype,
            class,
            ttl: 0,
            rdata,
        })
    }

    /// Parses `NAME [TTL] [CLASS] TYPE DATA`.
    fn addition(&mut self, mut words: Words<'_>) -> Result<WireRecord, ScriptError> {
        let owner = owner(&mut words)?;
        let word = words.next().ok_or(ScriptError::NoOwnerTtl)?;
        let (ttl, word) = match (word.parse::<u32>(), self.default_ttl) {
            (Ok(ttl), _) if is_number(word) => {
                if ttl > TTL_MAX {
                    return Err(ScriptError::TtlRange(word.to_owned()));
                }
                (ttl, words.next())
            }
            (_, Some(ttl)) => (ttl, Some(word)),
            (_, None) if is_number(word) => return Err(ScriptError::TtlWidth(word.to_owned())),
            (_, None) => return Err(ScriptError::TtlForm(word.to_owned())),
        };
        let word = word.ok_or(ScriptError::NoClassOrType)?;
        let (class, rtype) = self
            .update_type(word, &mut words)?
            .ok_or(ScriptError::NoType)?;
        let text = words.rest().ok_or(ScriptError::NoRdata)?;
        let record = WireRecord {
            owner,
            rtype,
            class,
            ttl,
            rdata: rdata::read(class, rtype, text)?,
        };
        if self.checks_names {
            check_names(&record)?;
        }
        if self.checks_svcb {
            check_svcb(&record)?;
        }
        check_iterations(&record)?;
        Ok(record)
    }

    /// Parses `NAME [TTL] [CLASS] [TYPE [DATA]]`; the TTL is ignored.
    fn deletion(&mut self, mut words: Words<'_>) -> Result<WireRecord, ScriptError> {
        let owner = owner(&mut words)?;
        let mut word = words.next();
        if word.is_some_and(|word| is_number(word) && word.parse::<u32>().is_ok()) {
            word = words.next();
        }
        let found = match word {
            Some(word) => self.update_type(word, &mut words)?,
            None => None,
        };
        let record = |rtype, class, rdata| WireRecord {
            owner,
            rtype,
            class,
            ttl: 0,
            rdata,
        };
        let Some((class, rtype)) = found else {
            return Ok(record(RecordType::ANY, Class::ANY, Vec::new()));
        };
        match words.rest() {
            Some(text) => Ok(record(rtype, Class::NONE, rdata::read(class, rtype, text)?)),
            None => Ok(record(rtype, Class::ANY, Vec::new())),
        }
    }

    /// Parses `[CLASS] TYPE`, of which `word` is the first word; `None` if the type is missing.
    /// `ANY` is a type here.
    fn update_type(
        &mut self,
        word: &str,
        words: &mut Words<'_>,
    ) -> Result<Option<(Class, RecordType)>, ScriptError> {
        if let Some(class) = Class::from_text(word).filter(|class| *class != Class::ANY) {
            self.check_class(class, word)?;
            let Some(word) = words.next() else {
                return Ok(None);
            };
            let rtype = parse_type(word).ok_or_else(|| ScriptError::Type(word.to_owned()))?;
            return Ok(Some((class, rtype)));
        }
        let class = self.fix_class();
        let rtype = parse_type(word).ok_or_else(|| ScriptError::ClassOrType(word.to_owned()))?;
        Ok(Some((class, rtype)))
    }

    /// Checks a class against that of the message: all records of a message have one class.
    /// nsupdate: `NONE` conflicts with no class, and the next record may have any class.
    fn check_class(&mut self, class: Class, word: &str) -> Result<(), ScriptError> {
        if class == Class::NONE {
            self.zone_class = None;
            Ok(())
        } else if *self.zone_class.get_or_insert(class) == class {
            Ok(())
        } else {
            Err(ScriptError::ClassMismatch(word.to_owned()))
        }
    }

    fn server(&self, mut words: Words<'_>) -> Result<Command, ScriptError> {
        if self.localhost_only {
            return Err(ScriptError::LocalhostOnly);
        }
        let host = words.next().ok_or(ScriptError::NoServer)?.to_owned();
        let port = words.next().map(port).transpose()?;
        Ok(Command::Server { host, port })
    }

    fn class(&mut self, mut words: Words<'_>) -> Result<(), ScriptError> {
        let word = words.next().ok_or(ScriptError::NoClass)?;
        let class = Class::from_text(word).ok_or_else(|| ScriptError::Class(word.to_owned()))?;
        if [Class::NONE, Class::ANY, Class::RESERVED0].contains(&class) {
            return Err(ScriptError::DefaultClass(word.to_owned()));
        }
        self.default_class = class;
        Ok(())
    }

    fn ttl(&mut self, mut words: Words<'_>) -> Result<(), ScriptError> {
        let word = words.next().ok_or(ScriptError::NoTtl)?;
        self.default_ttl = if word.eq_ignore_ascii_case("none") {
            None
        } else {
            let ttl = number(word).ok_or(ScriptError::Unexplained)?;
            if ttl > TTL_MAX {
                return Err(ScriptError::TtlRange(word.to_owned()));
            }
            Some(ttl)
        };
        Ok(())
    }
}

/// Parses `NAME`; the other words of the line are ignored.
fn whole_name(mut words: Words<'_>, class: Class) -> Result<WireRecord, ScriptError> {
    Ok(WireRecord {
        owner: owner(&mut words)?,
        rtype: RecordType::ANY,
        class,
        ttl: 0,
        rdata: Vec::new(),
    })
}

fn owner(words: &mut Words<'_>) -> Result<Name, ScriptError> {
    let word = words.next().ok_or(ScriptError::NoOwner)?;
    name(word).map_err(|error| ScriptError::Owner(NameProblem::of(word, &error)))
}

/// Parses a name relative to the root; `@` is the root.
fn name(word: &str) -> Result<Name, NameError> {
    if word == "@" {
        Ok(Name::root())
    } else {
        word.parse()
    }
}

fn local(mut words: Words<'_>) -> Result<Command, ScriptError> {
    let text = words.next().ok_or(ScriptError::NoServer)?;
    let port = words.next().map_or(Ok(0), port)?;
    let address = text
        .parse()
        .map_err(|_| ScriptError::Address(text.to_owned()))?;
    Ok(Command::Local { address, port })
}

fn port(word: &str) -> Result<u16, ScriptError> {
    let digits = word.strip_prefix(['-', '+']).unwrap_or(word);
    if !is_number(digits) {
        return Err(ScriptError::PortForm(word.to_owned()));
    }
    let port = word.parse::<u16>().ok().filter(|port| *port > 0);
    port.ok_or_else(|| ScriptError::PortRange(word.to_owned()))
}

fn zone(mut words: Words<'_>) -> Result<Command, ScriptError> {
    let word = words.next().ok_or(ScriptError::NoZone)?;
    name(word).map(Command::Zone).map_err(|_| ScriptError::Zone)
}

/// Parses `[ALGORITHM:]NAME SECRET`; blanks in the secret are ignored.
fn key(mut words: Words<'_>) -> Result<Command, ScriptError> {
    let word = words.next().ok_or(ScriptError::NoKeyName)?;
    let (algorithm, text) = match word.split_once(':') {
        Some((algorithm, text)) => (parse_key_algorithm(algorithm)?, text),
        None => (Algorithm::new(Hash::Md5), word),
    };
    let name = name(text).map_err(|_| ScriptError::KeyName)?;
    let secret = words.rest().ok_or(ScriptError::NoKeySecret)?;
    parse_secret(secret)
        .and_then(|secret| Key::new(name, algorithm, secret).ok())
        .map(Command::Key)
        .ok_or_else(|| ScriptError::KeySecret(text.to_owned()))
}

/// Parses the algorithm before a key's name: HMAC-MD5 to HMAC-SHA512, with `-BITS` for a truncated
/// MAC; 0 bits is the whole MAC.
///
/// # Errors
/// [`ScriptError::KeyType`] and [`ScriptError::DigestBits`].
pub fn parse_key_algorithm(text: &str) -> Result<Algorithm, ScriptError> {
    let whole = text
        .rsplit_once('-')
        .filter(|(_, bits)| *bits == "0")
        .map_or(text, |(whole, _)| whole);
    match whole.parse::<Algorithm>() {
        Ok(algorithm) => Ok(algorithm),
        Err(AlgorithmError::Bits { most, .. }) => Err(ScriptError::DigestBits(most)),
        Err(AlgorithmError::Unknown(_)) => {
            let stem = whole.rsplit_once('-').map(|(stem, _)| stem);
            match stem.and_then(|stem| stem.parse::<Algorithm>().ok()) {
                Some(known) if text.len() < 20 => {
                    Err(ScriptError::DigestBits(known.hash().octets() * 8))
                }
                _ => Err(ScriptError::KeyType(text.to_owned())),
            }
        }
    }
}

/// Parses `SECONDS [SECONDS]` or `none`.
fn lease(mut words: Words<'_>) -> Result<Command, ScriptError> {
    let word = words.next().ok_or(ScriptError::NoTtl)?;
    if word.eq_ignore_ascii_case("none") {
        return Ok(Command::Lease(None));
    }
    let seconds = number(word).ok_or(ScriptError::Unexplained)?;
    let key_seconds = match words.next() {
        Some(word) => Some(number(word).ok_or(ScriptError::Unexplained)?),
        None => None,
    };
    Ok(Command::Lease(Some(Lease {
        seconds,
        key_seconds,
    })))
}

fn parse_switch(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "yes" | "true" | "on" => Some(true),
        "no" | "false" | "off" => Some(false),
        _ => None,
    }
}

fn number(word: &str) -> Option<u32> {
    is_number(word).then(|| word.parse().ok())?
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|octet| octet.is_ascii_digit())
}
