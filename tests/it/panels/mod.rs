//! The hooks of `packaging/panels`, fed with files in the format of each panel, as its public sources write them.

mod directadmin;
mod froxlor;
mod hestiacp;
mod ispconfig;
mod reload;

use crate::support::panel::Panel;

/// Names that a shell would take for something else, each the name of a file and of a zone in quotation marks.
const SHELL_NAMES: [&str; 13] = [
    "$(touch run).example.com",
    "`touch run`.example.com",
    "a;touch run;.example.com",
    "a&touch run&.example.com",
    "a|touch run.example.com",
    "a>run.example.com",
    "'.example.com",
    "a b.example.org",
    "*.example.org",
    "-h",
    "--force",
    "%s%n.example.org",
    "\u{1b}[2J.example.org",
];

/// A panel that writes zones and a list of them, and lets BIND reload: its way to write, and what its zones hold.
#[derive(Clone, Copy)]
struct Reloading {
    /// Its name, and that of its directory in `packaging/panels`.
    panel: &'static str,
    /// Where it has the list of its zones.
    documented: &'static str,
    /// The list among the files of the test.
    configuration: &'static str,
    /// Writes these zones, each a name and an address, and no others.
    write: fn(&Panel<'_>, &[(&str, &str)]),
    /// The records of such a zone, as `dig::content` has them.
    records: fn(&str, &str) -> Vec<String>,
}

/// A line of `dig::content`.
fn record(zone: &str, owner: &str, ttl: u32, data: &str) -> String {
    let owner = if owner == "@" {
        String::new()
    } else {
        format!("{owner}.")
    };
    format!("{owner}{zone}. {ttl} IN {data}")
}
