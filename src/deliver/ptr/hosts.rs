//! Lists the hosts and addresses of a zone, which PTR values are desired from, and the PTR values
//! of a reverse zone.

use std::net::IpAddr;

use crate::model::{CurrentZone, Name, Rdata, RecordType, address_of};

/// Returns each address of a zone with each host that has it, in ascending order. Wildcards are not
/// hosts, and addresses at or below a delegation are glue (RFC 1034 section 4.2.1).
pub fn host_addresses(zone: &CurrentZone) -> Vec<(IpAddr, Name)> {
    let mut pairs = Vec::new();
    for set in &zone.records {
        let is_address = set.rtype == RecordType::A || set.rtype == RecordType::AAAA;
        if !is_address || !is_host_of(zone, &set.owner) {
            continue;
        }
        let addresses = set.rdatas.iter().filter_map(Rdata::to_address);
        // The reverse name of an IPv4-mapped address is in in-addr.arpa.
        let addresses = addresses.map(|address| address.to_canonical());
        pairs.extend(addresses.map(|address| (address, set.owner.to_lowercase())));
    }
    pairs.sort();
    pairs.dedup();
    pairs
}

/// Returns whether this zone alone decides on the addresses of a name: the name is in the zone, not
/// at or below a delegation, not below a DNAME, and not a wildcard.
pub fn is_host_of(zone: &CurrentZone, name: &Name) -> bool {
    let apex = zone.name.apex();
    if !name.is_at_or_below(apex) || name.is_wildcard() {
        return false;
    }
    let mut next = Some(name.clone());
    while let Some(at) = next.filter(|at| at != apex) {
        let has = |rtype| zone.records.get(&at, rtype).is_some();
        if has(RecordType::NS) || at != *name && has(RecordType::DNAME) {
            return false;
        }
        next = at.parent();
    }
    true
}

/// Returns the PTR values of a reverse zone at owner names that are addresses.
pub fn reverse_entries(zone: &CurrentZone) -> Vec<(IpAddr, Name)> {
    let mut entries = Vec::new();
    for set in &zone.records {
        if set.rtype == RecordType::PTR
            && let Some(address) = address_of(&set.owner)
        {
            let hosts = set.rdatas.iter().filter_map(Rdata::to_name);
            entries.extend(hosts.map(|host| (address, host)));
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Record, RrSets, Serial, Soa, ZoneName};
    use crate::zonefile::{parse_rdata, parse_type};

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    fn zone(apex: &str, lines: &[&str]) -> CurrentZone {
        let records = lines.iter().map(|line| {
            let words: Vec<&str> = line.splitn(3, ' ').collect();
            let rtype = parse_type(words[1]).unwrap();
            Record {
                owner: name(words[0]),
                rtype,
                ttl: 1,
                rdata: parse_rdata(rtype, words[2]).unwrap(),
            }
        });
        let soa = Soa {
            mname: name("a."),
            rname: name("b."),
            serial: Serial(1),
            refresh: 1,
            retry: 1,
            expire: 1,
            minimum: 1,
        };
        CurrentZone {
            name: ZoneName::new(&name(apex)),
            soa,
            soa_ttl: 1,
            records: RrSets::from_records(records),
        }
    }

    fn shown(pairs: &[(IpAddr, Name)]) -> Vec<String> {
        let lines = pairs
            .iter()
            .map(|(address, host)| format!("{address} {host}"));
        lines.collect()
    }

    #[test]
    fn the_hosts_of_a_zone_are_no_glue_and_no_wildcards() {
        let zone = zone(
            "example.",
            &[
                "example. NS ns.sub.example.",
                "example. A 192.0.2.9",
                "WWW.example. A 192.0.2.1",
                "www.example. AAAA ::ffff:192.0.2.1",
                "www.example. AAAA 2001:db8::1",
                "*.example. A 192.0.2.2",
                "sub.example. NS ns.sub.example.",
                "sub.example. A 192.0.2.3",
                "ns.sub.example. A 192.0.2.4",
                "d.example. DNAME other.",
                "d.example. A 192.0.2.5",
                "x.d.example. A 192.0.2.6",
            ],
        );
        assert_eq!(
            shown(&host_addresses(&zone)),
            [
                "192.0.2.1 www.example.",
                "192.0.2.5 d.example.",
                "192.0.2.9 example.",
                "2001:db8::1 www.example."
            ]
        );
        assert!(is_host_of(&zone, &name("absent.example.")));
        assert!(!is_host_of(&zone, &name("absent.test.")));
    }

    #[test]
    fn the_entries_of_a_reverse_zone_are_those_whose_owners_are_addresses() {
        let v6 = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.IP6.arpa. PTR c.";
        let zone = zone(
            ".",
            &[
                "7.2.0.192.in-addr.arpa. PTR a.",
                "7.2.0.192.in-addr.arpa. PTR b.",
                "007.2.0.192.in-addr.arpa. PTR x.",
                "2.0.192.in-addr.arpa. PTR x.",
                "7.2.0.192.ip6.arpa. PTR x.",
                "7.0-31.2.0.192.in-addr.arpa. PTR x.",
                "arpa. PTR x.",
                v6,
            ],
        );
        assert_eq!(
            shown(&reverse_entries(&zone)),
            ["192.0.2.7 a.", "192.0.2.7 b.", "2001:db8::1 c."]
        );
    }
}
