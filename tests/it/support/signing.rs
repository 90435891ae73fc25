//! A server that signs the zones that nsbridge has created, and loses them.

use std::path::Path;

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::daemon::Release;
use crate::support::dig::{self, Asker};
use crate::support::knot::{CATALOG, Knot};
use crate::support::named::Named;
use crate::support::nsupdate::nsupdate;
use crate::support::pdns::Pdns;
use crate::support::process;
use crate::support::server::{Kind, Server};
use crate::support::wait;

/// A server that is told to sign zones, and to remove them, by its own tools.
#[derive(Debug)]
pub(crate) enum Primary {
    Bind(Named),
    PowerDns(Pdns),
    Knot(Knot),
}

impl Primary {
    pub(crate) fn start(kind: Kind) -> Self {
        match kind {
            Kind::Bind(release) => Self::Bind(Named::of(release).start()),
            Kind::PowerDns(release) => {
                let pdns = Pdns::of(release).setting("gsqlite3-dnssec", "yes");
                // What is removed behind its back is gone at once.
                let pdns = pdns.setting("zone-cache-refresh-interval", "0");
                Self::PowerDns(pdns.start())
            }
            Kind::Knot(release) => Self::Knot(signing_knot(release)),
        }
    }

    pub(crate) fn server(&self) -> &dyn Server {
        match self {
            Self::Bind(named) => named,
            Self::PowerDns(pdns) => pdns,
            Self::Knot(knot) => knot,
        }
    }

    pub(crate) fn bridge(&self) -> Bridge {
        let server = self.server();
        server.provisioning(Bridge::of(server))
    }

    /// Signs a zone that is there.
    #[track_caller]
    pub(crate) fn sign(&self, zone: &str) {
        match self {
            Self::Bind(named) => sign(named, zone),
            Self::PowerDns(pdns) => {
                pdns.pdnsutil(&["secure-zone", zone]);
            }
            // It signs all.
            Self::Knot(_) => {}
        }
        self.await_keys(zone);
    }

    #[track_caller]
    pub(crate) fn await_keys(&self, zone: &str) {
        wait::until("the zone is signed", || {
            // Knot refuses a transfer while it signs.
            let lines = Asker::of(self.server()).try_axfr(zone).unwrap_or_default();
            let has = |part| lines.iter().any(|line| line.contains(part));
            has(" DNSKEY ") && has(" RRSIG SOA ")
        });
    }

    /// Removes a zone as somebody at the server does.
    #[track_caller]
    pub(crate) fn remove(&self, zone: &str) {
        match self {
            Self::Bind(named) => {
                let said = named.rndc(&["delzone", "-clean", zone]);
                assert_eq!(said.status, Some(0), "{}", said.stderr());
            }
            Self::PowerDns(pdns) => {
                pdns.pdnsutil(&["delete-zone", zone]);
                pdns.pdns_control(&["purge"]);
            }
            Self::Knot(knot) => {
                let absolute = format!("PTR {zone}.");
                let catalog = knot.catalog();
                let member = catalog.iter().find(|line| line.ends_with(&absolute));
                let owner = member.and_then(|line| line.split(' ').next());
                let owner = owner.expect("the zone is a member");
                nsupdate(knot, &format!("zone {CATALOG}.\nupdate delete {owner} PTR"));
            }
        }
        wait::until("the zone is gone", || !dig::has_zone(self.server(), zone));
    }
}

pub(crate) fn signing_knot(release: Release) -> Knot {
    let all = "    acl: [zones]\n";
    let signing = format!("{all}    dnssec-signing: on\n");
    Knot::of(release).edit(all, &signing).start()
}

/// Lets BIND sign a zone that was created at run time.
#[track_caller]
fn sign(named: &Named, zone: &str) {
    let statement = statement(named, zone);
    let end = statement.rfind('}').expect("the zone's statement");
    let body = &statement[..end];
    let signing = format!("{body} dnssec-policy default; inline-signing yes; }};");
    configure(named, zone, &signing);
}

/// The options of a zone that was created at run time, in their braces.
#[track_caller]
pub(crate) fn statement(named: &Named, zone: &str) -> String {
    let shown = named.rndc(&["showzone", zone]).stdout();
    let start = shown.find('{').expect("the zone's statement");
    shown[start..].trim().to_owned()
}

/// Gives a zone of BIND other options.
#[track_caller]
pub(crate) fn configure(named: &Named, zone: &str, statement: &str) {
    let commands = [
        &["sync", "-clean", zone][..],
        &["delzone", zone],
        &["addzone", zone, statement],
    ];
    for command in commands {
        let said = named.rndc(command);
        assert_eq!(said.status, Some(0), "{command:?}: {}", said.stderr());
    }
}

/// The key tags of the DS records that a parent would have of a zone.
#[track_caller]
pub(crate) fn ds_tags(server: &dyn Server, zone: &str) -> Vec<String> {
    let keys = dig::axfr(server, zone).into_iter();
    let is_key =
        |line: &String| line.starts_with(&format!("{zone}. ")) && line.contains(" DNSKEY ");
    let keys: Vec<String> = keys.filter(is_key).collect();
    let file = server.file("dnskeys");
    std::fs::write(&file, keys.join("\n")).expect("a file of the server's directory");
    let tags = tags_of(&file, zone);
    assert!(!tags.is_empty(), "no key for a DS: {keys:?}");
    tags
}

fn tags_of(file: &Path, zone: &str) -> Vec<String> {
    let file = file.to_string_lossy();
    let said = process::run("dnssec-dsfromkey", &["-2", "-f", &*file, zone], b"");
    let lines = said.stdout();
    let tags = lines.lines().filter_map(|line| line.split(' ').nth(3));
    tags.map(str::to_owned).collect()
}
