//! Members of a Knot's catalog, and two instances that share it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use pretty_assertions::assert_eq;
use sha2::{Digest as _, Sha256};

use crate::support::bridge::Bridge;
use crate::support::daemon::Release;
use crate::support::dig::Asker;
use crate::support::knot::{CATALOG, Knot};
use crate::support::server::Server;

/// What a BIND must grant to the key in the policy of its catalog.
pub(crate) fn rights() -> String {
    format!(
        "grant {{key}} subdomain zones.{CATALOG} PTR TXT; \
         grant {{key}} subdomain nsbridge.ext.{CATALOG} ZONEMD; grant {{key}} name {CATALOG} SOA;"
    )
}

/// The claims and members of a catalog of a server.
#[track_caller]
pub(crate) fn entries_of(server: &dyn Server) -> Vec<String> {
    entries(Asker::of(server).axfr(CATALOG))
}

/// The claims and members of a catalog, of the lines of its transfer. A claim is written as
/// `HASH claim "INSTANCE" "LABEL" STATE`.
pub(crate) fn entries(lines: Vec<String>) -> Vec<String> {
    let of_claims = format!(".nsbridge.ext.{CATALOG}.");
    let mut entries: Vec<String> = lines
        .into_iter()
        .filter(|line| line.contains(&format!(".zones.{CATALOG}.")) || line.contains(&of_claims))
        .filter(|line| !line.starts_with("format."))
        .filter(|line| !line.contains(&format!(".epochs{of_claims}")))
        .map(|line| match line.split_once(&of_claims) {
            Some((hash, rest)) => format!("{hash} claim {}", claim(rest)),
            None => line,
        })
        .collect();
    entries.sort();
    entries
}

/// The epochs of the instances in the catalog of a server.
#[track_caller]
pub(crate) fn epochs(server: &dyn Server) -> Vec<String> {
    let mut lines = Asker::of(server).axfr(CATALOG);
    lines.retain(|line| line.contains(&format!(".epochs.nsbridge.ext.{CATALOG}.")));
    lines
}

/// Who owns which zone, by the server's catalog: each listed once, with the claim of one instance.
#[track_caller]
pub(crate) fn owners(server: &dyn Server) -> BTreeMap<String, String> {
    owners_by(&Asker::of(server))
}

/// Who owns which zone, by the catalog that a server shows to this one.
#[track_caller]
pub(crate) fn owners_by(asker: &Asker) -> BTreeMap<String, String> {
    let (mut listed, mut claims) = (BTreeMap::new(), BTreeMap::new());
    for line in entries(asker.axfr(CATALOG)) {
        let fields: Vec<&str> = line.split(' ').collect();
        if fields[1] == "claim" {
            let value = fields[2..4]
                .iter()
                .map(|it| it.trim_matches('"').to_owned());
            let value: Vec<String> = value.collect();
            let earlier = claims.insert(fields[0].to_owned(), value);
            assert_eq!(earlier, None, "a zone has two claims");
        } else if fields[3] == "PTR" {
            let label = fields[0].split('.').next().unwrap_or_default().to_owned();
            let earlier = listed.insert(fields[4].to_owned(), label);
            assert_eq!(earlier, None, "a zone is listed twice");
        }
    }
    assert_eq!(
        listed.len(),
        claims.len(),
        "each zone has a claim: {listed:?} {claims:?}"
    );
    let owners = listed.into_iter().map(|(zone, label)| {
        let claim = &claims[&hash(&zone)];
        assert_eq!(claim[1], label, "{zone} is listed at its claim");
        (zone, claim[0].clone())
    });
    owners.collect()
}

/// Reads a claim: TTL, class, type, serial, scheme, hash, digest.
#[track_caller]
fn claim(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let ["0", "IN", "ZONEMD", "1", "240", "240", digest @ ..] = &words[..] else {
        panic!("a claim: {text}");
    };
    let digits = digest.concat();
    let octets: Vec<u8> = (0..digits.len() / 2)
        .map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).expect("hexadecimal"))
        .collect();
    let (mut strings, mut rest) = (Vec::new(), &octets[..]);
    while let [length, after @ ..] = rest {
        let (string, after) = after.split_at(usize::from(*length));
        strings.push(String::from_utf8_lossy(string).into_owned());
        rest = after;
    }
    let [form, instance, label, state] = &strings[..] else {
        panic!("four strings: {strings:?}");
    };
    assert_eq!(form, "ns2");
    format!("\"{instance}\" \"{label}\" {state}")
}

/// The line of a catalog's zone file that says that it has claims.
pub(crate) const FORMAT: &str =
    "format.nsbridge.ext 0 ZONEMD 1 240 240 036E733208636F6D706C657465\n";

/// The lines of a catalog's zone file for a listed zone.
pub(crate) fn listed(zone: &str, instance: &str, label: &str, state: &str) -> String {
    let mut digest = String::new();
    for string in ["ns2", instance, label, state] {
        let _ = write!(digest, "{:02X}", string.len());
        for octet in string.bytes() {
            let _ = write!(digest, "{octet:02X}");
        }
    }
    format!(
        "{}.nsbridge.ext 0 ZONEMD 1 240 240 {digest}\n{label}.zones 0 PTR {zone}.\n",
        hash(zone)
    )
}

/// The name at which a zone is claimed, relative to all claims.
pub(crate) fn hash(zone: &str) -> String {
    let labels = zone.trim_end_matches('.').split('.');
    let mut wire: Vec<u8> = labels
        .flat_map(|label| {
            let length = u8::try_from(label.len()).expect("a label");
            std::iter::once(length).chain(label.to_ascii_lowercase().into_bytes())
        })
        .collect();
    wire.push(0);
    let digest = Sha256::digest(&wire);
    digest[..16].iter().fold(String::new(), |mut text, octet| {
        let _ = write!(text, "{octet:02x}");
        text
    })
}

/// The records of a member that an instance made, and nothing else. Gives its label.
#[track_caller]
pub(crate) fn assert_only_member(zone: &str, instance: &str, catalog: &[String]) -> String {
    let ptr = catalog.iter().find(|line| line.contains(" PTR "));
    let node = ptr
        .and_then(|line| line.split(' ').next())
        .unwrap_or_default();
    let label = node.split('.').next().unwrap_or_default();
    let mut expected = [
        format!("{node} 0 IN PTR {zone}."),
        format!("{} claim \"{instance}\" \"{label}\" made", hash(zone)),
    ];
    expected.sort();
    assert_eq!(catalog, expected);
    label.to_owned()
}

/// Two instances before one server.
pub(crate) fn two_instances(knot: &Knot) -> (Bridge, Bridge) {
    let bridge = || knot.provisioning(Bridge::of(knot));
    (bridge(), bridge().instance("plesk02"))
}

/// Runs a test on Knot of this machine, with a seed, and on that of Debian 13, with one and with nothing.
pub(crate) fn on_every_knot(test: impl Fn(Knot)) {
    test(Knot::builder().start());
    if Release::Debian13.is_here() {
        test(Knot::of(Release::Debian13).start());
        test(Knot::of(Release::Debian13).seeded().start());
    }
}

pub(crate) const NOTHING: [&str; 0] = [];
