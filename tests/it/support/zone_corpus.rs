//! Master files of any origin, each read by BIND's `named-compilezone` and by nsbridge: which of both accept it, and
//! whether as the same records.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use nsbridge::masterfile::{MasterFile, MasterFileError, MasterFileErrorKind as Kind, Source};
use nsbridge::model::{Name, RecordType, ZoneName};
use nsbridge::zonefile::{format_record, parse_type};

use super::process;

/// Seconds that BIND has for a file.
const BIND_SECONDS: &str = "60";
/// Checks of BIND's that are about other records or zones than the one that is read.
const CHECKS: [&str; 18] = [
    "-k", "ignore", "-i", "none", "-m", "ignore", "-M", "ignore", "-S", "ignore", "-T", "ignore",
    "-W", "ignore", "-n", "ignore", "-r", "ignore",
];
/// Endings of file names that are not part of the name of a zone.
const SUFFIXES: [&str; 14] = [
    ".db",
    ".zone",
    ".in",
    ".signed",
    ".unsigned",
    ".txt",
    ".hosts",
    ".dns",
    ".data",
    ".zonefile",
    ".rev",
    ".orig",
    ".master",
    ".bind",
];
/// Beginnings of file names that are not part of the name of a zone.
const PREFIXES: [&str; 4] = ["db.", "zone.", "named.", "pri."];
/// The zone of a file whose name and contents name none.
const OTHERWISE: &str = "example.";
/// Types whose data have names, in which capital letters count as small ones.
const WITH_NAMES: [&str; 24] = [
    "NS", "CNAME", "SOA", "PTR", "MX", "MB", "MD", "MF", "MG", "MR", "MINFO", "RP", "AFSDB", "RT",
    "SIG", "PX", "NXT", "SRV", "NAPTR", "KX", "DNAME", "RRSIG", "NSEC", "A6",
];

/// What BIND's words about a line begin with.
const READERS: [&str; 3] = ["dns_rdata_fromtext: ", "dns_master_load: ", "$GENERATE: "];
/// How BIND's words about a line begin if the line is no error.
const WARNINGS: [&str; 8] = [
    "record with inherited owner",
    "old style DNSSEC",
    "signature has expired",
    "ignoring out-of-zone data",
    "no TTL specified",
    "TTL set to prior TTL",
    "using RFC1035 TTL semantics",
    "file does not end with newline",
];

/// How the errors of nsbridge end that docs/zonefiles.md has as rules.
const RULES: [&str; 2] = [
    "`KEYDATA` is no record type",
    "pairs of hexadecimal digits with `-` between them",
];

/// How BIND and nsbridge read a file.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Reading {
    /// As the same records.
    Alike,
    RecordsDiffer,
    /// Both refuse it, for the same lines.
    Refused,
    RefusedElsewhere,
    OnlyBindRefuses,
    OnlyNsbridgeRefuses,
    /// They differ by a rule that docs/zonefiles.md states.
    Ruled,
}

/// A file that was read, with the reason if both do not read it alike.
#[derive(Debug)]
pub(crate) struct Compared {
    pub(crate) file: PathBuf,
    pub(crate) zone: String,
    pub(crate) reading: Reading,
    pub(crate) reason: String,
}

/// What BIND makes of a file.
struct ByBind {
    /// The records, if BIND accepts the file.
    records: Option<Vec<String>>,
    /// The lines with an error, as `FILE:LINE`, each with BIND's words.
    errors: Vec<(String, String)>,
    /// The words about the zone as a whole.
    about_zone: Vec<String>,
    said: String,
}

/// Compares all master files below a directory.
pub(crate) fn compare_all(directory: &Path) -> Vec<Compared> {
    let mut files = Vec::new();
    collect(directory, &mut files);
    files.sort();
    let scratch = TempDir::with_prefix("nsbridge-corpus-").unwrap();
    let compared = files.iter().filter_map(|file| {
        let octets = std::fs::read(file).ok()?;
        let zone = zone_of(file, &String::from_utf8_lossy(&octets))?;
        Some(compare(file, &zone, scratch.path()))
    });
    compared.collect()
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => collect(&path, files),
            Ok(kind) if kind.is_file() => files.push(path),
            _ => {}
        }
    }
}

/// Returns the zone of a master file: the owner of its SOA, relative to the `$ORIGIN` before it, and that to the name
/// of the file. `None` if the file is no zone: without SOA, or begun by what is neither a record nor a directive.
pub(crate) fn zone_of(file: &Path, text: &str) -> Option<String> {
    let (mut origin, mut owner) = (None, "@".to_owned());
    let mut has_begun = false;
    for line in text.lines() {
        let line = line.split(';').next().unwrap_or_default();
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let Some(first) = words.first() else { continue };
        let is_directive = first.starts_with('$') && first[1..].starts_with(char::is_alphabetic);
        let has_owner = !line.starts_with([' ', '\t']);
        let rtype = type_of(&words[usize::from(has_owner)..]);
        if !has_begun && !is_directive && rtype.is_none() {
            return None;
        }
        has_begun = true;
        if is_directive {
            if first.eq_ignore_ascii_case("$ORIGIN") {
                origin = words.get(1).map(|name| below(name, origin.as_deref()));
            }
            continue;
        }
        if has_owner {
            owner = below(first, origin.as_deref());
        }
        if rtype == Some(RecordType::SOA) {
            return Some(below(&owner, Some(&zone_of_name(file))));
        }
    }
    None
}

/// Returns the type of a record from the words after its owner.
fn type_of(words: &[&str]) -> Option<RecordType> {
    let is_class = |word: &str| ["IN", "CH", "HS"].contains(&&*word.to_ascii_uppercase());
    let mut rest = words
        .iter()
        .skip_while(|it| is_class(it) || it.starts_with(|digit: char| digit.is_ascii_digit()));
    parse_type(rest.next()?)
}

/// Returns a name relative to an origin, or as it is if there is none.
fn below(name: &str, origin: Option<&str>) -> String {
    match (name, origin) {
        ("@", Some(origin)) => origin.to_owned(),
        (name, Some(".")) if !name.ends_with('.') => format!("{name}."),
        (name, Some(origin)) if !name.ends_with('.') && name != "@" => format!("{name}.{origin}"),
        (name, _) => name.to_owned(),
    }
}

/// Returns the zone that the name of a file stands for.
fn zone_of_name(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let mut rest = &*name;
    while let Some(shorter) = SUFFIXES.iter().find_map(|suffix| rest.strip_suffix(suffix)) {
        rest = shorter;
    }
    let shorter = PREFIXES.iter().find_map(|prefix| rest.strip_prefix(prefix));
    rest = shorter.unwrap_or(rest).trim_matches('.');
    let is_plain = |it: char| it.is_ascii_alphanumeric() || it == '-' || it == '.';
    if rest.contains('.') && !rest.contains("..") && rest.chars().all(is_plain) {
        format!("{rest}.")
    } else {
        OTHERWISE.to_owned()
    }
}

/// Compares one file, with files of its own in `scratch`.
fn compare(file: &Path, zone: &str, scratch: &Path) -> Compared {
    let mut zone = zone.to_owned();
    let (reading, reason) = match zone.parse() {
        Ok(apex) => {
            let (apex, ours) = parse_in_a_zone_that_fits(file, apex);
            zone = apex.to_string();
            let (theirs, added) = by_bind_as_a_part(file, &zone, scratch);
            read_alike(&zone, ours, &theirs, &added, scratch)
        }
        Err(_) => (Reading::Ruled, format!("`{zone}` is no name")),
    };
    Compared {
        file: file.to_owned(),
        zone,
        reading,
        reason,
    }
}

type Ours = Result<MasterFile, Vec<MasterFileError>>;

/// Reads a file as that of a zone, or, if all that is wrong are names outside it, of the longest zone above one of them
/// that holds all.
fn parse_in_a_zone_that_fits(file: &Path, apex: Name) -> (Name, Ours) {
    let ours = parse(file, &apex);
    if let Err(errors) = &ours
        && let Kind::OutOfZone { owner, .. } = &errors[0].kind
    {
        for above in owner.and_above() {
            let fitting = parse(file, &above);
            if fitting.is_ok() {
                return (above, fitting);
            }
        }
    }
    (apex, ours)
}

/// Reads a file with BIND, and if all that is missing are records without which a zone is not whole, again with them.
fn by_bind_as_a_part(file: &Path, zone: &str, scratch: &Path) -> (ByBind, String) {
    let directory = file.parent().unwrap_or(Path::new(""));
    let mut theirs = by_bind(file, zone, directory);
    let mut added = String::new();
    for _ in 0..3 {
        let about = std::mem::take(&mut theirs.about_zone);
        let lines: Vec<String> = about
            .iter()
            .filter_map(|it| missing_record(it, zone))
            .collect();
        if theirs.records.is_some() || lines.is_empty() {
            theirs.about_zone = about;
            break;
        }
        added.push_str(&lines.concat());
        let whole = scratch.join("whole.db");
        let text = format!("$INCLUDE \"{}\"\n{added}", file.display());
        std::fs::write(&whole, text).unwrap();
        theirs = by_bind(&whole, zone, directory);
    }
    (theirs, added)
}

/// Returns the line of a record that a zone lacks by BIND's words.
fn missing_record(words: &str, zone: &str) -> Option<String> {
    if words.contains("has no NS records") {
        return Some(format!("{zone} 0 IN NS ns.invalid.nsbridge.\n"));
    }
    let (start, _) = words.split_once("' has no address records")?;
    let (_, host) = start.split_once(": NS '")?;
    Some(format!("{host}. 0 IN A 192.0.2.1\n"))
}

/// Returns how both read a file, and what differs. BIND had lines of its own `added`.
fn read_alike(
    zone: &str,
    ours: Ours,
    theirs: &ByBind,
    added: &str,
    scratch: &Path,
) -> (Reading, String) {
    match (ours, &theirs.records) {
        (Ok(ours), Some(records)) => {
            let mut text = String::new();
            for it in &ours.records {
                let line = format_record(&it.owner, it.ttl, it.rtype, &it.rdata);
                writeln!(text, "{line}").unwrap();
            }
            let printed = scratch.join("ours.db");
            std::fs::write(&printed, text + added).unwrap();
            match difference(records, &by_bind(&printed, zone, scratch)) {
                None => (Reading::Alike, String::new()),
                Some(reason) => (Reading::RecordsDiffer, reason),
            }
        }
        (Ok(_), None) if is_rule_of_a_zone(theirs) => (Reading::Ruled, first_words(theirs)),
        (Ok(_), None) => (Reading::OnlyBindRefuses, first_words(theirs)),
        (Err(errors), Some(_)) => match errors.iter().find(|it| !is_ruled(&it.kind)) {
            Some(error) => (Reading::OnlyNsbridgeRefuses, error.to_string()),
            None => (Reading::Ruled, errors[0].to_string()),
        },
        (Err(errors), None) => {
            let first = errors
                .iter()
                .find(|it| !is_ruled(&it.kind))
                .unwrap_or(&errors[0]);
            let at = format!("{}:{}", first.file, first.line);
            match theirs.errors.first() {
                Some((line, _)) if *line == at => (Reading::Refused, String::new()),
                _ => {
                    let reason = format!("nsbridge: {first} | BIND: {}", first_words(theirs));
                    (Reading::RefusedElsewhere, reason)
                }
            }
        }
    }
}

fn parse(file: &Path, apex: &Name) -> Ours {
    let read = |path: &Path| -> io::Result<Source> {
        Ok(Source {
            name: path.display().to_string(),
            octets: std::fs::read(path)?,
        })
    };
    let source = read(file).unwrap();
    MasterFile::parse(&source, &ZoneName::new(apex), |name, by| {
        read(&Path::new(by).parent().unwrap_or(Path::new("")).join(name))
    })
}

/// Reads a file with BIND, for which `$INCLUDE` counts from `directory`.
fn by_bind(file: &Path, zone: &str, directory: &Path) -> ByBind {
    let (file, directory) = (file.to_string_lossy(), directory.to_string_lossy());
    let start = [BIND_SECONDS, "named-compilezone"];
    let rest = [
        "-w",
        &*directory,
        "-F",
        "text",
        "-s",
        "full",
        "-o",
        "-",
        zone,
        &*file,
    ];
    let said = process::run("timeout", &[&start[..], &CHECKS[..], &rest].concat(), b"");
    let words = format!(
        "{}{}",
        said.stderr(),
        if said.status == Some(0) {
            String::new()
        } else {
            said.stdout()
        }
    );
    let errors = words.lines().filter_map(error_of_bind);
    // A file that cannot be read is one of those about a zone, too.
    let about_zone = words
        .lines()
        .filter(|line| line.starts_with("zone ") && !line.contains("loading from master file"));
    ByBind {
        records: (said.status == Some(0)).then(|| said.stdout().lines().map(normal).collect()),
        errors: errors.collect(),
        about_zone: about_zone.map(str::to_owned).collect(),
        said: words.clone(),
    }
}

/// Returns the place and the words of an error: `FILE:LINE: WORDS`, after the name of the reader or alone.
fn error_of_bind(line: &str) -> Option<(String, String)> {
    let line = READERS
        .iter()
        .find_map(|it| line.strip_prefix(it))
        .unwrap_or(line);
    let (at, words) = line.split_once(": ")?;
    let is_place = at.rsplit_once(':')?.1.bytes().all(|it| it.is_ascii_digit());
    let is_error = is_place && !WARNINGS.iter().any(|it| words.starts_with(it));
    is_error.then(|| (at.to_owned(), words.to_owned()))
}

/// Returns a line of BIND's with one blank between its fields and names in small letters.
fn normal(line: &str) -> String {
    let mut rest = line;
    let mut fields = Vec::new();
    for _ in 0..4 {
        let (field, tail) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
        fields.push(field);
        rest = tail.trim_start();
    }
    let has_names = WITH_NAMES.contains(&fields[3]);
    let data = if has_names {
        rest.to_ascii_lowercase()
    } else {
        rest.to_owned()
    };
    format!(
        "{} {} {}",
        fields[0].to_ascii_lowercase(),
        fields[1..].join(" "),
        data
    )
}

fn difference(theirs: &[String], ours: &ByBind) -> Option<String> {
    let Some(ours) = &ours.records else {
        let words = first_words(ours);
        return Some(format!("BIND refuses what nsbridge prints: {words}"));
    };
    let set = |lines: &[String]| lines.iter().cloned().collect::<BTreeSet<_>>();
    let (ours, theirs) = (set(ours), set(theirs));
    let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| {
        a.difference(b)
            .next()
            .cloned()
            .unwrap_or("no other".to_owned())
    };
    (ours != theirs).then(|| {
        format!(
            "nsbridge: {} | BIND: {}",
            only(&ours, &theirs),
            only(&theirs, &ours)
        )
    })
}

/// Returns whether docs/zonefiles.md has the rule by which nsbridge refuses a line.
fn is_ruled(kind: &Kind) -> bool {
    let words = kind.to_string();
    RULES.iter().any(|rule| words.ends_with(rule))
        || matches!(
            kind,
            Kind::OutOfZone { .. }
                | Kind::LongRange { .. }
                | Kind::TooLarge { .. }
                | Kind::TooManyRecords { .. }
                | Kind::IncludeTooDeep { .. }
        )
}

/// Returns whether all that BIND complains of is how records stand together, for which nsbridge takes files and leaves
/// single records out.
fn is_rule_of_a_zone(theirs: &ByBind) -> bool {
    let together = [
        "CNAME and other data",
        "multiple RRs of singleton type",
        "invalid NS owner name (wildcard)",
        "ran out of space",
    ];
    let is_one = |(_, words): &(String, String)| together.iter().any(|it| words.contains(it));
    theirs.errors.iter().all(is_one) && !(theirs.errors.is_empty() && theirs.about_zone.is_empty())
}

fn first_words(theirs: &ByBind) -> String {
    let error = theirs
        .errors
        .first()
        .map(|(at, words)| format!("{at}: {words}"));
    let said = || theirs.said.lines().next().map(str::to_owned);
    error
        .or_else(|| theirs.about_zone.first().cloned())
        .or_else(said)
        .unwrap_or_default()
}
