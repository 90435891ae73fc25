//! The honest witness: what a server really holds, asked with the real `dig` and `delv`.

use std::path::{Path, PathBuf};

use crate::support::process::{self, Said};
use crate::support::server::Server;

/// Types that a signing primary makes by itself.
pub(crate) const DNSSEC_TYPES: [&str; 9] = [
    "RRSIG",
    "NSEC",
    "NSEC3",
    "NSEC3PARAM",
    "DNSKEY",
    "CDS",
    "CDNSKEY",
    "TYPE65534",
    "TYPE65535",
];

/// A zone's SOA record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Soa {
    pub(crate) ttl: u32,
    pub(crate) mname: String,
    pub(crate) rname: String,
    pub(crate) serial: u32,
    pub(crate) refresh: u32,
    pub(crate) retry: u32,
    pub(crate) expire: u32,
    pub(crate) minimum: u32,
}

/// Values at `name`, sorted, as `dig +short` prints them.
#[track_caller]
pub(crate) fn short(server: &dyn Server, name: &str, kind: &str) -> Vec<String> {
    Asker::of(server).short(name, kind)
}

/// The whole zone: every record as `owner TTL IN TYPE RDATA`, sorted; the SOA once.
#[track_caller]
pub(crate) fn axfr(server: &dyn Server, zone: &str) -> Vec<String> {
    Asker::of(server).axfr(zone)
}

/// The zone without its SOA and without what DNSSEC adds: what a payload can say.
#[track_caller]
pub(crate) fn content(server: &dyn Server, zone: &str) -> Vec<String> {
    Asker::of(server).content(zone)
}

/// The zone's SOA, from the server's answer.
#[track_caller]
pub(crate) fn soa(server: &dyn Server, zone: &str) -> Soa {
    Asker::of(server).soa(zone)
}

/// The answer's status, such as `NOERROR`, `NXDOMAIN` or `REFUSED`.
#[track_caller]
pub(crate) fn status(server: &dyn Server, name: &str, kind: &str) -> String {
    Asker::of(server).status(name, kind)
}

/// Whether the server has the zone itself, not only one above it.
#[track_caller]
pub(crate) fn has_zone(server: &dyn Server, zone: &str) -> bool {
    Asker::of(server).has_zone(zone)
}

/// Asks `delv` for records and whether they validate, from the zone's own key-signing keys.
///
/// Gives `delv`'s output; a secure answer has the line `; fully validated`.
#[track_caller]
pub(crate) fn delv(server: &dyn Server, zone: &str, name: &str, kind: &str) -> String {
    let absolute = format!("{}.", zone.trim_end_matches('.'));
    let mut anchors = String::new();
    for key in short(server, zone, "DNSKEY") {
        let mut fields = key.splitn(4, ' ');
        let (flags, protocol, algorithm, data) =
            (fields.next(), fields.next(), fields.next(), fields.next());
        if let (Some("257"), Some(protocol), Some(algorithm), Some(data)) =
            (flags, protocol, algorithm, data)
        {
            let line =
                format!("\"{absolute}\" static-key 257 {protocol} {algorithm} \"{data}\";\n");
            anchors.push_str(&line);
        }
    }
    assert!(!anchors.is_empty(), "`{zone}` has no key-signing key");
    let file = server.file("delv.anchors");
    std::fs::write(&file, format!("trust-anchors {{\n{anchors}}};\n"))
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let (port, file) = (
        server.port().to_string(),
        file.to_string_lossy().into_owned(),
    );
    let root = format!("+root={absolute}");
    let arguments = ["@127.0.0.1", "-p", &port, "-a", &file, &root, name, kind];
    let said = process::run("delv", &arguments, b"");
    said.stdout() + &said.stderr()
}

/// Asks one server, with one key or none.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    port: u16,
    key_file: Option<PathBuf>,
}

impl Asker {
    /// Asks `server` with its first key.
    pub(crate) fn of(server: &dyn Server) -> Self {
        Self {
            port: server.port(),
            key_file: Some(server.key_file().to_owned()),
        }
    }

    /// Asks whatever listens on `port` of 127.0.0.1.
    pub(crate) fn at(port: u16, key_file: &Path) -> Self {
        Self {
            port,
            key_file: Some(key_file.to_owned()),
        }
    }

    /// With another key; in a server with views, the key can choose the view.
    pub(crate) fn with_key(mut self, file: &Path) -> Self {
        self.key_file = Some(file.to_owned());
        self
    }

    /// Without a key, as the world asks.
    pub(crate) fn without_key(mut self) -> Self {
        self.key_file = None;
        self
    }

    /// See [`short`].
    #[track_caller]
    pub(crate) fn short(&self, name: &str, kind: &str) -> Vec<String> {
        let said = self.ask(&[name, kind, "+short"]).stdout();
        let mut values: Vec<String> = said
            .lines()
            .filter(|line| !line.starts_with(';'))
            .map(str::to_owned)
            .collect();
        values.sort();
        values
    }

    /// The zone without its SOA and without what DNSSEC adds: what a payload can say.
    #[track_caller]
    pub(crate) fn content(&self, zone: &str) -> Vec<String> {
        let mut lines = self.axfr(zone);
        lines.retain(|line| {
            let kind = line.split(' ').nth(3).unwrap_or_default();
            kind != "SOA" && !DNSSEC_TYPES.contains(&kind)
        });
        lines
    }

    /// See [`axfr`].
    #[track_caller]
    pub(crate) fn axfr(&self, zone: &str) -> Vec<String> {
        self.try_axfr(zone)
            .unwrap_or_else(|said| panic!("no transfer of `{zone}`:\n{said}"))
    }

    /// The whole zone, or what dig said when there was no transfer.
    ///
    /// # Errors
    ///
    /// With dig's output, when the server refuses the transfer or breaks it off.
    #[track_caller]
    pub(crate) fn try_axfr(&self, zone: &str) -> Result<Vec<String>, String> {
        let said = self.ask(&[zone, "AXFR", "+onesoa"]).stdout();
        let mut lines: Vec<String> = said
            .lines()
            .filter(|line| !line.starts_with(';') && !line.trim().is_empty())
            .map(normalise)
            // The signature of the transfer, not a record of the zone.
            .filter(|line| line.split(' ').nth(3) != Some("TSIG"))
            .collect();
        if said.contains("Transfer failed") || lines.is_empty() {
            return Err(said);
        }
        lines.sort();
        Ok(lines)
    }

    /// See [`soa`].
    #[track_caller]
    pub(crate) fn soa(&self, zone: &str) -> Soa {
        let said = self.ask(&[zone, "SOA", "+noall", "+answer"]).stdout();
        let line = said
            .lines()
            .map(normalise)
            .find(|line| line.split(' ').nth(3) == Some("SOA"));
        let line = line.unwrap_or_else(|| panic!("no SOA of `{zone}` in the answer:\n{said}"));
        let fields: Vec<&str> = line.split(' ').collect();
        let number = |index: usize| {
            let field: Option<u32> = fields.get(index).and_then(|field| field.parse().ok());
            field.unwrap_or_else(|| panic!("field {index} of this SOA is not a number: {line}"))
        };
        Soa {
            ttl: number(1),
            mname: fields[4].to_owned(),
            rname: fields[5].to_owned(),
            serial: number(6),
            refresh: number(7),
            retry: number(8),
            expire: number(9),
            minimum: number(10),
        }
    }

    /// See [`status`].
    #[track_caller]
    pub(crate) fn status(&self, name: &str, kind: &str) -> String {
        let said = self.ask(&[name, kind]).stdout();
        let status = said
            .split("status: ")
            .nth(1)
            .and_then(|rest| rest.split(',').next());
        status
            .unwrap_or_else(|| panic!("no status in dig's answer:\n{said}"))
            .to_owned()
    }

    /// See [`has_zone`].
    #[track_caller]
    pub(crate) fn has_zone(&self, zone: &str) -> bool {
        let answer = self
            .ask(&[zone, "SOA", "+noall", "+comments", "+answer"])
            .stdout();
        let absolute = format!("{}.", zone.trim_end_matches('.'));
        answer.contains(" aa") && answer.lines().any(|line| starts_with_name(line, &absolute))
    }

    /// Runs `dig` over TCP, without search lists or a user's `.digrc`.
    #[track_caller]
    pub(crate) fn ask(&self, question: &[&str]) -> Said {
        let port = self.port.to_string();
        let mut arguments = vec!["-r", "@127.0.0.1", "-p", &port];
        let key_file = self.key_file.as_deref().map(Path::to_string_lossy);
        if let Some(file) = &key_file {
            arguments.extend(["-k", file]);
        }
        arguments.extend(["+tcp", "+time=10", "+tries=1", "+norecurse", "+nosplit"]);
        arguments.extend(question);
        process::run("dig", &arguments, b"")
    }
}

/// One space between owner, TTL, class, type and RDATA; inside the RDATA nothing is changed.
fn normalise(line: &str) -> String {
    let mut rest = line;
    let mut fields = Vec::new();
    for _ in 0..4 {
        rest = rest.trim_start();
        let (field, after) = rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len()));
        fields.push(field);
        rest = after;
    }
    fields.push(rest.trim());
    fields.join(" ")
}

fn starts_with_name(line: &str, name: &str) -> bool {
    line.split_whitespace()
        .next()
        .is_some_and(|owner| owner.eq_ignore_ascii_case(name))
}
