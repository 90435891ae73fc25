//! The command lines that are sent, each built from names that were found harmless.
//!
//! A control command is parsed by named's own lexer and an `addzone` by its configuration parser,
//! as text and with the rights of the server. So nothing is escaped here: a name that would need
//! it is refused, and what is left is quoted.

use std::net::SocketAddr;

use super::error::RndcError;
use crate::model::{Name, ZoneName};
use crate::provision::status::{Creator, ZoneStatus};

/// Most octets of a zone's name in a file name of ours; with the instance's name, a random number,
/// `.db` and BIND's `.jnl` it stays below the 255 of common file systems.
const FILE_ZONE_OCTETS_MAX: usize = 150;
/// Between the zone and the instance in a file name of ours.
const FILE_MARK: &str = ".nsbridge-";

/// A zone with its view, as control commands name it.
pub(super) struct Target<'a> {
    zone: &'a ZoneName,
    text: String,
    view: Option<&'a Word>,
    mark: &'a Mark,
}

/// What marks the zones that are made.
#[derive(Debug)]
pub(super) struct Mark {
    /// The name of this instance.
    pub(super) instance: Word,
    /// Whether every zone that is made gets the mark, so that one without is somebody else's.
    pub(super) is_on_all: bool,
}

/// Text that stands in a command as it is: letters, digits, `-`, `_` and `.`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Word(String);

impl Word {
    /// # Errors
    /// [`RndcError::Setting`], naming the setting `what`.
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

    /// The text.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'a> Target<'a> {
    /// # Errors
    /// [`RndcError::ZoneUnwritable`] for the root, for names of other octets than letters,
    /// digits, `-`, `_` and `/` (RFC 2317), and for those that begin with `/`: a template may make a
    /// file name of it, which would be an absolute one.
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

    /// The file that holds the zone where something else puts it: the name without the final dot,
    /// `/` as `=`, and `.db`. No two zones share one.
    pub(super) fn file(&self) -> String {
        format!("{}.db", file_text(&self.text))
    }

    /// The file of one round of a creation, so that nothing left over from another is ever loaded:
    /// BIND would take an old file's contents for the zone's where its serial is not lower. It names
    /// this instance, which marks the zone as ours for as long as it is there.
    pub(super) fn seed_file(&self, random: u64) -> String {
        let (prefix, instance) = (self.seed_prefix(), self.mark.instance.as_str());
        format!("{prefix}{instance}-{random:016x}.db")
    }

    /// Whose creation of this zone a file is from; none where it is from no creation.
    pub(super) fn maker<'f>(&self, file: &'f str) -> Option<&'f str> {
        let rest = file
            .strip_prefix(&self.seed_prefix())?
            .strip_suffix(".db")?;
        let (instance, random) = rest.rsplit_once('-')?;
        u64::from_str_radix(random, 16).is_ok().then_some(instance)
    }

    /// How a zone with this file stands, where nothing else is known of it.
    pub(super) fn status(&self, file: Option<&str>) -> ZoneStatus {
        match file.and_then(|file| self.maker(file)) {
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

    /// Removes the zone; its file stays.
    pub(super) fn delzone(&self) -> String {
        self.line("delzone")
    }

    /// Removes the zone with its file and journal.
    pub(super) fn delzone_clean(&self) -> String {
        self.line("delzone -clean")
    }

    pub(super) fn addzone_template(&self, template: &Word) -> String {
        self.configure("addzone", &format!("template {};", template.as_str()))
    }

    /// The same from another `initial-file`, such as one that is not there.
    pub(super) fn addzone_template_from(&self, template: &Word, file: &str) -> String {
        let options = format!("template {}; initial-file \"{file}\";", template.as_str());
        self.configure("addzone", &options)
    }

    /// The zone as a primary from a file. `check-names ignore` and `check-integrity no`, since BIND
    /// refuses a whole UPDATE otherwise, for an address at a name with an underscore and for an MX
    /// whose host in the zone has no address; the format is said because a
    /// secondary's default is another than a primary's.
    pub(super) fn addzone_primary(&self, file: &str, update_key: &Word) -> String {
        self.configure("addzone", &primary_options(file, update_key))
    }

    /// Writes the configuration of [`Self::addzone_primary`] again.
    pub(super) fn modzone_primary(&self, file: &str, update_key: &Word) -> String {
        self.configure("modzone", &primary_options(file, update_key))
    }

    /// The zone as a secondary of `from`; silent, since it is one for a moment only.
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

    fn line(&self, verb: &str) -> String {
        match self.view {
            Some(view) => format!("{verb} \"{}\" IN {}", self.text, view.as_str()),
            None => format!("{verb} \"{}\"", self.text),
        }
    }

    fn configure(&self, verb: &str, options: &str) -> String {
        // The last semicolon is mandatory.
        format!("{} {{ {options} }};", self.line(verb))
    }
}

fn primary_options(file: &str, update_key: &Word) -> String {
    format!(
        "type primary; file \"{file}\"; masterfile-format text; check-names ignore; \
         check-integrity no; update-policy {{ grant \"{}\" zonesub ANY; }};",
        update_key.as_str()
    )
}

/// A key's name as a word of a command.
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
    fn what_would_need_escaping_is_refused() {
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
    fn a_file_of_ours_is_known_again_whoever_made_it() {
        let name = zone("1/2.example");
        let (ours, others) = (mark("plesk-01.example", false), mark("plesk", true));
        let target = Target::new(&name, None, &ours).unwrap();
        let file = target.seed_file(0xab);
        assert_eq!(
            file,
            "1=2.example.nsbridge-plesk-01.example-00000000000000ab.db"
        );
        assert_eq!(target.maker(&file), Some("plesk-01.example"));
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
            assert_eq!(target.maker(file), None, "{file}");
            assert_eq!(target.status(Some(file)), ZoneStatus::Unmarked);
            let nobody = ZoneStatus::Other(Creator::Server);
            assert_eq!(other.status(Some(file)), nobody);
        }
        let long = zone(&format!("{0}.{0}.{0}.example", "a".repeat(63)));
        let longest = mark(&"h".repeat(64), true);
        let target = Target::new(&long, None, &longest).unwrap();
        let file = target.seed_file(1);
        assert!(target.maker(&file).is_some() && file.len() + ".jnl".len() <= 255);
    }
}
