//! The zones that a folder of master files or a configuration of BIND lists, each with its file.
//!
//! The module opens no files: the caller provides the names in a folder, and the files that a configuration includes.

mod error;
mod lexer;
mod named_conf;

#[cfg(test)]
mod tests;

pub use error::{NamedConfError, Problem};
pub use lexer::{CONFIGURATION_OCTETS_MAX, Opened};
pub use named_conf::{ConfiguredZone, NamedConf, Role};

use crate::model::Name;

/// The end of the name of a zone's file.
const SUFFIXES: [&str; 2] = [".db", ".zone"];
/// The start of the name of a zone's file: `pri.` of `ISPConfig`, `db.` of Debian's BIND.
const PREFIXES: [&str; 2] = ["pri.", "db."];
/// The ends of file names that are not the end of a zone's name.
const LEFTOVERS: [&str; 12] = [
    "bak", "err", "jbk", "jnl", "old", "orig", "rej", "save", "signed", "swo", "swp", "tmp",
];
/// The ends of what package managers leave behind, after the last `.`.
const PACKAGE_LEFTOVERS: [&str; 3] = ["dpkg-", "rpm", "ucf-"];
/// The files of Debian's BIND in `/etc/bind` that are no file of a zone on the Internet.
const DEBIAN_FILES: [&str; 6] = [
    "db.0", "db.127", "db.255", "db.empty", "db.local", "db.root",
];

/// The meaning of a file name in a folder of zones.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum FileName {
    /// The file has the zone with this name.
    Zone(String),
    /// The name has a start and an end that show a zone, and it is unknown which one is part of the zone's name.
    Ambiguous([String; 2]),
    /// The file belongs to the installation of a server, not to a zone.
    Default,
    /// It is another file.
    Other,
}

impl FileName {
    /// Reads the name of a file: `NAME.db`, `NAME.zone`, `pri.NAME` or `db.NAME`.
    pub fn read(name: &str) -> Self {
        if DEBIAN_FILES.contains(&name) {
            return Self::Default;
        }
        // A hidden file, or one with a mark of an editor, such as `~`.
        let is_of_name = |it: char| it.is_alphanumeric() || ['-', '_', '.'].contains(&it);
        if name.starts_with('.') || !name.chars().all(is_of_name) {
            return Self::Other;
        }
        let end = name.rsplit('.').next().unwrap_or_default();
        let is_leftover = |end: &str| {
            LEFTOVERS.contains(&end) || PACKAGE_LEFTOVERS.iter().any(|it| end.starts_with(it))
        };
        if is_leftover(end) {
            return Self::Other;
        }
        let after = |prefix: &&str| name.strip_prefix(prefix);
        let before = |suffix: &&str| name.strip_suffix(suffix);
        let after = PREFIXES.iter().find_map(after);
        let before = SUFFIXES.iter().find_map(before);
        match (after, before) {
            // There is a top-level domain `zone`, and none `db`.
            (Some(after), Some(before)) if end == "zone" => {
                Self::Ambiguous([before.to_owned(), after.to_owned()])
            }
            (_, Some(zone)) | (Some(zone), None) if !zone.is_empty() => Self::Zone(zone.to_owned()),
            _ => Self::Other,
        }
    }
}

/// Returns whether a zone is one that each name server has for itself: `localhost`, the root, and the locally served zones
/// of RFC 6303.
pub fn is_served_everywhere(zone: &Name) -> bool {
    const ZONES: [&str; 17] = [
        ".",
        "localhost.",
        "10.in-addr.arpa.",
        "168.192.in-addr.arpa.",
        "0.in-addr.arpa.",
        "127.in-addr.arpa.",
        "255.in-addr.arpa.",
        "254.169.in-addr.arpa.",
        "2.0.192.in-addr.arpa.",
        "100.51.198.in-addr.arpa.",
        "113.0.203.in-addr.arpa.",
        "255.255.255.255.in-addr.arpa.",
        "d.f.ip6.arpa.",
        "8.e.f.ip6.arpa.",
        "9.e.f.ip6.arpa.",
        "a.e.f.ip6.arpa.",
        "b.e.f.ip6.arpa.",
    ];
    let name = zone.to_lowercase().to_string();
    let first_of = |rest: &str| name.strip_suffix(rest).and_then(|it| it.parse::<u8>().ok());
    let is_private = || first_of(".172.in-addr.arpa.").is_some_and(|it| (16..32).contains(&it));
    // `::`, `::1`, and the prefix for documentation.
    let is_ipv6 = || {
        let nibbles = name.strip_suffix(".ip6.arpa.").unwrap_or_default();
        let zeros = nibbles.strip_prefix(['0', '1']).unwrap_or_default();
        nibbles == "8.b.d.0.1.0.0.2" || zeros == ".0".repeat(31)
    };
    ZONES.contains(&name.as_str()) || is_private() || is_ipv6()
}
