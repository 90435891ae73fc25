//! Tests of the lines for each server.

use super::*;
use crate::deliver::check::context::SettingsLocation;
use crate::model::{Name, RecordType, Secret, ZoneName};
use crate::wire::{Algorithm, Hash, Key, Rcode};

fn lines(software: Software, trouble: impl Into<Trouble>) -> String {
    let (name, zone): (Name, Name) = ("plesk".parse().unwrap(), "0/25.example".parse().unwrap());
    let secret = Secret::new(b"secret".to_vec());
    let key = Key::new(name, Algorithm::new(Hash::Sha256), secret).unwrap();
    let zone = ZoneName::new(&zone);
    let cx = CheckContext {
        software,
        key: &key,
        is_key_known: false,
        is_key_named: false,
        zone: Some(&zone),
        location: SettingsLocation::Section,
        template: None,
        view: None,
    };
    let found = remedy(&trouble.into(), &cx);
    found.map_or_else(String::new, |found| {
        format!("{}:\n{}", found.place, found.lines.join("\n"))
    })
}

fn refused(is_update: bool) -> Failure {
    let (rcode, key) = (Rcode::REFUSED, "plesk".parse().unwrap());
    let zone = ZoneName::new(&"example".parse().unwrap());
    if is_update {
        let extended = None;
        return Failure::UpdateRefused {
            rcode,
            extended,
            zone,
            key,
        };
    }
    Failure::TransferRefused {
        rcode,
        is_signed: true,
        zone,
        key,
    }
}

#[test]
fn each_software_has_its_own_lines() {
    let unknown_key = || Failure::BadKey {
        key: "plesk".parse().unwrap(),
    };
    assert_eq!(
        lines(Software::PowerDns, unknown_key()),
        "a shell on the primary:\n\
         pdnsutil import-tsig-key plesk hmac-sha256 '<that of this host's key file>'"
    );
    assert_eq!(
        lines(Software::PowerDns, Failure::ZoneAbsent),
        "a shell on the primary:\npdnsutil create-zone 0/25.example\n\
         pdnsutil add-meta 0/25.example TSIG-ALLOW-AXFR plesk\n\
         pdnsutil add-meta 0/25.example TSIG-ALLOW-DNSUPDATE plesk"
    );
    assert!(lines(Software::PowerDns, refused(false)).ends_with("TSIG-ALLOW-AXFR plesk"));
    assert!(lines(Software::PowerDns, refused(true)).ends_with("TSIG-ALLOW-DNSUPDATE plesk"));
    assert_eq!(
        lines(Software::Knot, refused(true)),
        "knot.conf:\nacl:\n  - id: nsbridge\n    key: plesk\n    action: [update, transfer]\n\
         # in the zone's section, beside what its `acl` has:\n\
         zone:\n  - domain: 0/25.example\n    acl: [nsbridge]"
    );
    let key = lines(Software::Knot, unknown_key());
    assert!(key.ends_with(lines(Software::Knot, refused(true)).trim_start_matches("knot.conf:")));
    assert!(key.contains("\nkey:\n  - id: plesk\n    algorithm: hmac-sha256\n"));
    let types = || Trouble::TypesRefused {
        types: vec![RecordType::MX],
        key: "plesk".parse().unwrap(),
    };
    let absent = lines(Software::Bind, Failure::ZoneAbsent);
    assert!(absent.contains("\n  file \"0=25.example.db\";\n"));
    assert_eq!(lines(Software::Unknown, types()), "");
    assert_eq!(lines(Software::Bind, Failure::State), "");
}
