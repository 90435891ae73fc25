//! The command lines, each built from names that were checked to be harmless.
//!
//! named parses a control command with its lexer, and an `addzone` with its configuration parser,
//! as text and with the rights of the server. So this module escapes nothing: it refuses a name
//! that would need escaping, and quotes every other name.

use std::net::SocketAddr;

use super::error::RndcError;
use crate::model::{Name, ZoneName};
use crate::provision::status::{Creator, ZoneStatus};
use crate::wire::{Key, KeyList};

/// Most octets of a zone's name in a seed file name. With the instance's name, a random number,
/// `.db` and BIND's `.jnl`, the file name stays below the 255 octets of common file systems.
const FILE_ZONE_OCTETS_MAX: usize = 150;
/// The separator between the zone and the instance in a seed file name.
const FILE_MARK: &str = ".nsbridge-";

/// A zone and its view in control commands.
pub(super) struct Target<'a> {
    zone: &'a ZoneName,
    text: String,
    view: Option<&'a Word>,
    mark: &'a Mark,
}

/// The mark of this instance on zones.
#[derive(Debug)]
pub(super) struct Mark {
    /// The name of this instance.
    pub(super) instance: Word,
    /// Whether every zone of an instance bears a mark, so that one without has another creator.
    pub(super) is_on_all: bool,
}

/// A text that needs no escaping in a command: letters, digits, `-`, `_` and `.`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Word(String);

impl Word {
    /// # Errors
    /// [`RndcError::Setting`] for the setting `what`.
    pub(super) fn new(what: &'static str, text: &str) -> Result<Self, RndcError> {
        let is_word = |octet: u8| octet.is_ascii_alphanumeric() || b"-_.".contains(&octet);
        if !text.is_empty() && text.bytes().all(is_word) {
            Ok(Self(text.to_owned()))
        } else {
            Err(RndcError::Setting {
                what,
                text: super::error::quoted(text),
            })
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'a> Target<'a> {
    /// # Errors
    /// [`RndcError::ZoneUnwritable`] for the root, for names with other octets than letters,
    /// digits, `-`, `_` and `/` (RFC 2317), and for names that start with `/`: a template may
    /// derive a file name from the zone, and that one would be absolute.
    pub(super) fn new(
        zone: &'a ZoneName,
        view: Option<&'a Word>,
        mark: &'a Mark,
    ) -> Result<Self, RndcError> {
        let is_plain = |octet: &u8| octet.is_ascii_alphanumeric() || b"-_/".contains(octet);
        let labels = || zone.apex().labels();
        let text = zone.apex().to_text_without_dot();
        let is_writable = labels().flatten().all(is_plain) && !text.starts_with('/');
        if zone.apex().is_root() || !is_writable {
            return Err(RndcError::ZoneUnwritable { zone: zone.clone() });
        }
        Ok(Self {
            zone,
            text,
            view,
            mark,
        })
    }

    pub(super) fn zone(&self) -> &'a ZoneName {
        self.zone
    }

    /// Returns the file that another program puts in place: the name without the final dot, with
    /// `=` for `/`, and `.db`. No two zones share a file.
    pub(super) fn file(&self) -> String {
        format!("{}.db", file_text(&self.text))
    }

    /// Returns a new file for one round of a creation, so that the server never loads the leftover
    /// of another round. BIND: takes the contents of an old file for the zone's if the serial is
    /// not lower. The file names this instance, and so marks the zone as ours while it exists.
    pub(super) fn seed_file(&self, random: u64) -> String {
        let (prefix, instance) = (self.seed_prefix(), self.mark.instance.as_str());
        format!("{prefix}{instance}-{random:016x}.db")
    }

    /// Returns the instance in a seed file name of this zone; `None` for any other file.
    pub(super) fn creator<'f>(&self, file: &'f str) -> Option<&'f str> {
        let rest = file
            .strip_prefix(&self.seed_prefix())?
            .strip_suffix(".db")?;
        let (instance, random) = rest.rsplit_once('-')?;
        u64::from_str_radix(random, 16).is_ok().then_some(instance)
    }

    /// Returns the status of a zone with this file.
    pub(super) fn status(&self, file: Option<&str>) -> ZoneStatus {
        match file.and_then(|file| self.creator(file)) {
            Some(instance) if instance == self.mark.instance.as_str() => ZoneStatus::Ours,
            Some(instance) => ZoneStatus::Other(Creator::Instance(instance.to_owned())),
            None if self.mark.is_on_all => ZoneStatus::Other(Creator::Server),
            None => ZoneStatus::Unmarked,
        }
    }

    fn seed_prefix(&self) -> String {
        let text = file_text(&self.text);
        // The name is ASCII, so every index is a boundary.
        let text = &text[..text.len().min(FILE_ZONE_OCTETS_MAX)];
        format!("{text}{FILE_MARK}")
    }

    pub(super) fn zonestatus(&self) -> String {
        self.line("zonestatus")
    }

    pub(super) fn showzone(&self) -> String {
        self.line("showzone")
    }

    pub(super) fn sync(&self) -> String {
        self.line("sync")
    }

    /// Deletes the zone but not its file.
    pub(super) fn delzone(&self) -> String {
        self.line("delzone")
    }

    /// Deletes the zone with its file and journal.
    pub(super) fn delzone_clean(&self) -> String {
        self.line("delzone -clean")
    }

    pub(super) fn addzone_template(&self, template: &Word) -> String {
        self.configure("addzone", &format!("template {};", template.as_str()))
    }

    /// Adds the zone from a template with another `initial-file`, such as a missing one.
    pub(super) fn addzone_template_from(&self, template: &Word, file: &str) -> String {
        let options = format!("template {}; initial-file \"{file}\";", template.as_str());
        self.configure("addzone", &options)
    }

    /// Adds the zone as a primary from a file. BIND: without `check-names ignore` and
    /// `check-integrity no`, refuses a whole UPDATE for an address at a name with an underscore,
    /// and for an MX with a host in the zone that has no address. The format is explicit because a
    /// secondary has another default than a primary.
    pub(super) fn addzone_primary(&self, file: &str, update_keys: &[Word]) -> String {
        self.configure("addzone", &primary_options(file, update_keys))
    }

    /// Writes the configuration of [`Self::addzone_primary`] to disk again.
    pub(super) fn modzone_primary(&self, file: &str, update_keys: &[Word]) -> String {
        self.configure("modzone", &primary_options(file, update_keys))
    }

    /// Gives the zone other options.
    pub(super) fn modzone(&self, options: &str) -> String {
        self.configure("modzone", options)
    }

    /// Adds the zone as a secondary of `from`. Without NOTIFY, because it is a secondary only for a
    /// moment.
    pub(super) fn addzone_secondary(
        &self,
        file: &str,
        from: SocketAddr,
        transfer_key: &Word,
    ) -> String {
        self.configure(
            "addzone",
            &format!(
                "type secondary; file \"{file}\"; masterfile-format text; check-names ignore; \
             notify no; primaries {{ {} port {} key \"{}\"; }};",
                from.ip(),
                from.port(),
                transfer_key.as_str()
            ),
        )
    }

    /// Returns the zone, and its view if there is one, as words of a shell command.
    pub(super) fn operand(&self) -> String {
        match self.view {
            Some(view) => format!("{} IN {}", self.text, view.as_str()),
            None => self.text.clone(),
        }
    }

    fn line(&self, verb: &str) -> String {
        match self.view {
            Some(view) => format!("{verb} \"{}\" IN {}", self.text, view.as_str()),
            None => format!("{verb} \"{}\"", self.text),
        }
    }

    fn configure(&self, verb: &str, options: &str) -> String {
        // BIND: requires the last semicolon.
        format!("{} {{ {options} }};", self.line(verb))
    }
}

fn primary_options(file: &str, update_keys: &[Word]) -> String {
    let grants = grants(update_keys);
    format!(
        "type primary; file \"{file}\"; masterfile-format text; check-names ignore; \
         check-integrity no; update-policy {{ {grants} }};"
    )
}

/// Returns the rights of keys to update a zone.
pub(super) fn grants(keys: &[Word]) -> String {
    let grants = keys
        .iter()
        .map(|key| format!("grant \"{}\" zonesub ANY;", key.as_str()));
    grants.collect::<Vec<_>>().join(" ")
}

/// Converts the names of keys to words of a command.
///
/// # Errors
/// [`RndcError::Setting`].
pub(super) fn key_words(what: &'static str, keys: &KeyList) -> Result<Vec<Word>, RndcError> {
    let names = keys.keys().iter().map(Key::name);
    names.map(|name| key_word(what, name)).collect()
}

/// Converts the name of a key to a word of a command.
///
/// # Errors
/// [`RndcError::Setting`].
pub(super) fn key_word(what: &'static str, name: &Name) -> Result<Word, RndcError> {
    Word::new(what, &name.to_text_without_dot())
}

fn file_text(zone: &str) -> String {
    zone.replace('/', "=")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(instance: &str, is_on_all: bool) -> Mark {
        let instance = Word::new("instance", instance).unwrap();
        Mark {
            instance,
            is_on_all,
        }
    }

    fn zone(text: &str) -> ZoneName {
        ZoneName::new(&text.parse().unwrap())
    }

    #[test]
    fn zones_are_quoted_and_views_follow() {
        let mark = mark("plesk01", true);
        let name = zone("0/25.2.0.192.in-addr.arpa");
        let target = Target::new(&name, None, &mark).unwrap();
        assert_eq!(
            target.zonestatus(),
            "zonestatus \"0/25.2.0.192.in-addr.arpa\""
        );
        assert_eq!(target.file(), "0=25.2.0.192.in-addr.arpa.db");
        let view = Word::new("view", "external").unwrap();
        let target = Target::new(&name, Some(&view), &mark).unwrap();
        let template = Word::new("template", "plesk").unwrap();
        assert_eq!(
            target.addzone_template(&template),
            "addzone \"0/25.2.0.192.in-addr.arpa\" IN external { template plesk; };"
        );
    }

    #[test]
    fn names_that_would_need_escaping_are_refused() {
        let mark = mark("plesk01", true);
        for text in [
            r#"a"b"#, "a;b", "a{b}", r"a\.b", r"a\\b", r"a\010b", "a b", "a$b", "a@b", "/a",
        ] {
            let name = zone(&format!("{text}.example"));
            assert!(Target::new(&name, None, &mark).is_err(), "{text}");
        }
        assert!(Target::new(&zone("."), None, &mark).is_err());
        assert!(Target::new(&zone("_x.a-b.Example"), None, &mark).is_ok());
        for text in ["", "a b", "a;", "a\"", "ü", "../x"] {
            assert!(Word::new("view", text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_seed_file_names_the_instance_of_its_zone() {
        let name = zone("1/2.example");
        let (ours, others) = (mark("plesk-01.example", false), mark("plesk", true));
        let target = Target::new(&name, None, &ours).unwrap();
        let file = target.seed_file(0xab);
        assert_eq!(
            file,
            "1=2.example.nsbridge-plesk-01.example-00000000000000ab.db"
        );
        assert_eq!(target.creator(&file), Some("plesk-01.example"));
        assert_eq!(target.status(Some(&file)), ZoneStatus::Ours);
        let other = Target::new(&name, None, &others).unwrap();
        assert_eq!(
            other.status(Some(&file)),
            ZoneStatus::Other(Creator::Instance("plesk-01.example".into()))
        );
        for file in [
            "1=2.example.db",
            "2.example.nsbridge-plesk-00000000000000ab.db",
        ] {
            assert_eq!(target.creator(file), None, "{file}");
            assert_eq!(target.status(Some(file)), ZoneStatus::Unmarked);
            let unmarked = ZoneStatus::Other(Creator::Server);
            assert_eq!(other.status(Some(file)), unmarked);
        }
        let long = zone(&format!("{0}.{0}.{0}.example", "a".repeat(63)));
        let longest = mark(&"h".repeat(64), true);
        let target = Target::new(&long, None, &longest).unwrap();
        let file = target.seed_file(1);
        assert!(target.creator(&file).is_some() && file.len() + ".jnl".len() <= 255);
    }
}
