//! What the battery's scenarios share: a zone written as lines, the payload that asks for it, and
//! what a server must then hold.

use serde_json::{Map, Value};

use crate::support::bridge::Bridge;
use crate::support::dig;
use crate::support::named::{Named, Zone};
use crate::support::payload::{self, SENT_AT, TTL};
use crate::support::server::Server;

/// A server without zones, and nsbridge before it, making zones by the seed way.
pub(crate) fn fresh() -> (Named, Bridge) {
    let named = Named::builder().start();
    let bridge = Bridge::of(&named).seed(&named);
    (named, bridge)
}

/// A server with one zone `example.com` that was configured by hand and holds `records` beside its
/// SOA, its NS `ns1` and the address of that; and nsbridge before it, making no zones.
pub(crate) fn by_hand(records: &str) -> (Named, Bridge) {
    let zone = Zone::dynamic("example.com", records);
    let named = Named::builder().zone(zone).start();
    let bridge = Bridge::of(&named);
    (named, bridge)
}

/// The zone that a payload asks for. `lines` are records such as `www 300 A 192.0.2.7`, with names
/// relative to the zone, `@` for its apex, no quotes, and ` | ` or an end of line between them.
pub(crate) fn zone(name: &str, lines: &str) -> Wanted {
    let wanted = Wanted {
        name: absolute(name, "."),
        records: Vec::new(),
        soa: payload::soa(SENT_AT),
    };
    wanted.with(lines)
}

/// A zone as a payload wants it.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    name: String,
    records: Vec<Record>,
    soa: Map<String, Value>,
}

impl Wanted {
    /// With these records as well.
    pub(crate) fn with(mut self, lines: &str) -> Self {
        let lines = lines.split(['|', '\n']).map(str::trim);
        for line in lines.filter(|line| !line.is_empty()) {
            let record = Record::read(line, &self.name);
            self.records.push(record);
        }
        self
    }

    /// Sets a key of its `soa`.
    pub(crate) fn soa(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.soa.insert(key.to_owned(), value.into());
        self
    }

    /// Sent so many seconds after a payload that says no time.
    pub(crate) fn sent(self, seconds: u32) -> Self {
        self.soa("serial", SENT_AT + seconds)
    }

    /// The command `update`.
    pub(crate) fn update(&self) -> Value {
        self.command("update")
    }

    /// The command `create`.
    pub(crate) fn create(&self) -> Value {
        self.command("create")
    }

    /// A call of Plesk with nothing but the command `update`.
    pub(crate) fn call(&self) -> String {
        payload::call(&[self.update()])
    }

    /// What a zone made of it holds, as [`dig::content`] gives it.
    pub(crate) fn content(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.records.iter().map(Record::line).collect();
        lines.sort();
        lines
    }

    /// Asserts that the server holds just that.
    #[track_caller]
    pub(crate) fn assert_on(&self, server: &dyn Server) {
        pretty_assertions::assert_eq!(dig::content(server, &self.name), self.content());
    }

    fn command(&self, command: &str) -> Value {
        let records: Vec<Value> = self.records.iter().map(Record::json).collect();
        payload::zone_command(command, &self.name, &self.soa, &records)
    }
}

#[derive(Debug, Clone)]
struct Record {
    owner: String,
    ttl: Option<u32>,
    kind: String,
    opt: String,
    value: String,
}

impl Record {
    fn read(line: &str, zone: &str) -> Self {
        let (owner, rest) = word(line);
        let (second, after) = word(rest);
        let (ttl, (kind, data)) = match second.parse() {
            Ok(ttl) => (Some(ttl), word(after)),
            Err(_) => (None, (second, after)),
        };
        // What Plesk puts into `opt`: what stands before the name, the text or the hexadecimal.
        let words = match kind {
            "MX" | "HTTPS" | "SVCB" => 1,
            "CAA" => 2,
            "SRV" | "TLSA" | "DS" => 3,
            _ => 0,
        };
        let parts: Vec<&str> = data.splitn(words + 1, ' ').collect();
        let (value, opt) = parts.split_last().expect("a split has a part");
        Self {
            owner: absolute(owner, zone),
            ttl,
            kind: kind.to_owned(),
            opt: opt.join(" "),
            value: (*value).to_owned(),
        }
    }

    fn json(&self) -> Value {
        let mut record = payload::record((&self.owner, &self.kind, &self.opt, &self.value));
        if let Some(ttl) = self.ttl {
            record["ttl"] = ttl.into();
        }
        record
    }

    fn line(&self) -> String {
        let value = match self.kind.as_str() {
            "CAA" => format!("\"{}\"", self.value),
            "TXT" => {
                let strings = self.value.as_bytes().chunks(255);
                let strings = strings.map(|it| format!("\"{}\"", String::from_utf8_lossy(it)));
                strings.collect::<Vec<_>>().join(" ")
            }
            _ => self.value.clone(),
        };
        let data = format!("{} {value}", self.opt);
        let ttl = self.ttl.unwrap_or(TTL);
        format!(
            "{} {ttl} IN {} {}",
            self.owner,
            self.kind,
            data.trim_start()
        )
    }
}

/// The first word and what follows it.
fn word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    (word, rest.trim_start())
}

fn absolute(name: &str, zone: &str) -> String {
    match (name, zone) {
        ("@", _) => zone.to_owned(),
        _ if name.ends_with('.') => name.to_owned(),
        (_, ".") => format!("{name}."),
        _ => format!("{name}.{zone}"),
    }
}

/// Makes the zone as an operator does who has put its file in place.
pub(crate) fn make_by_hand(named: &Named, name: &str) {
    let text =
        "$TTL 60\n@ SOA ns1.example.net. h 1 1 1 1 1\n@ NS ns1.example.net.\nhand A 192.0.2.30\n";
    std::fs::write(named.file("by-hand.db"), text).unwrap();
    let body =
        "{ type primary; file \"by-hand.db\"; update-policy { grant plesk zonesub ANY; }; };";
    assert_eq!(named.rndc(&["addzone", name, body]).status, Some(0));
}
