//! The lines that a primary's configuration lacks, with the names of this configuration filled in.
//!
//! Secrets are never among them: they say where the secret is to be copied from.

use super::verdict::Trouble;
use crate::deliver::outcome::Failure;
use crate::model::ZoneName;
use crate::provision::{Remedy, Software};
use crate::wire::{Algorithm, Key, Rcode};

/// What stands in place of a secret.
const SECRET: &str = "<that of this host's key file>";

/// A catalog with the rights that nsbridge needs; its zone file is written by hand once.
const KNOT_CATALOG: &str = "\
acl:
  - id: catalog-transfers
    key: {key}
    action: transfer
  - id: catalog-changes
    key: {key}
    action: update
    update-type: [PTR, TXT]
    update-owner: name
    update-owner-match: sub
    update-owner-name: zones
zone:
  - domain: {zone}
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: changes
    acl: [catalog-transfers, catalog-changes]
    catalog-role: interpret
    catalog-template: <template of its zones>
";

/// What the primary lacks.
#[derive(Clone, Copy)]
enum Lack {
    /// It does not know the key, or another secret of it.
    Key,
    /// It does not let the key transfer zones.
    Transfer,
    /// It does not let the key update a zone.
    Update,
    /// It does not have the zone.
    Zone,
    /// It does not have the catalog, or does not let the key change its members.
    Catalog,
}

/// The names that the lines are filled in with.
struct Names {
    zone: String,
    key: String,
    algorithm: Algorithm,
}

/// The lines for a primary of this software that make the trouble with this key and zone go away.
pub(super) fn remedy(
    trouble: &Trouble,
    software: Software,
    key: &Key,
    zone: Option<&ZoneName>,
) -> Option<Remedy> {
    let lack = lack(trouble)?;
    let zone = zone.map(|zone| zone.apex().to_text_without_dot());
    let names = Names {
        zone: zone.unwrap_or_else(|| "<zone>".to_owned()),
        key: key.name().to_text_without_dot(),
        algorithm: key.algorithm(),
    };
    let (place, lines) = match software {
        Software::Bind => ("named.conf", for_bind(lack, &names)),
        Software::PowerDns => ("a shell on the primary", for_powerdns(lack, &names)),
        Software::Knot => ("knot.conf", for_knot(lack, &names)),
        Software::Unknown => return None,
    };
    Some(Remedy { place, lines })
}

fn for_bind(lack: Lack, names: &Names) -> Vec<String> {
    let Names {
        zone,
        key,
        algorithm,
    } = names;
    match lack {
        Lack::Key => vec![format!(
            "key \"{key}\" {{ algorithm {algorithm}; secret \"{SECRET}\"; }};"
        )],
        Lack::Transfer => vec![
            "options {".to_owned(),
            format!("  allow-transfer {{ key \"{key}\"; }};"),
            "};".to_owned(),
        ],
        Lack::Update | Lack::Zone => vec![
            format!("zone \"{zone}\" {{"),
            "  type primary;".to_owned(),
            format!("  file \"{}.db\";", zone.replace('/', "=")),
            "  check-names ignore;".to_owned(),
            "  check-integrity no;".to_owned(),
            format!("  update-policy {{ grant \"{key}\" zonesub ANY; }};"),
            "};".to_owned(),
        ],
        Lack::Catalog => vec![
            format!("zone \"{zone}\" {{"),
            "  type primary;".to_owned(),
            format!("  file \"{}.db\";", zone.replace('/', "=")),
            format!("  allow-transfer {{ key \"{key}\"; }};"),
            format!("  update-policy {{ grant \"{key}\" subdomain zones.{zone} PTR TXT; }};"),
            "};".to_owned(),
        ],
    }
}

fn for_powerdns(lack: Lack, names: &Names) -> Vec<String> {
    let Names {
        zone,
        key,
        algorithm,
    } = names;
    let transfer = format!("pdnsutil set-meta {zone} TSIG-ALLOW-AXFR {key}");
    let update = format!("pdnsutil set-meta {zone} TSIG-ALLOW-DNSUPDATE {key}");
    match lack {
        Lack::Key => vec![format!(
            "pdnsutil import-tsig-key {key} {algorithm} '{SECRET}'"
        )],
        Lack::Transfer => vec![transfer],
        Lack::Update => vec![update],
        Lack::Zone => vec![format!("pdnsutil create-zone {zone}"), transfer, update],
        Lack::Catalog => vec![
            format!("pdnsutil create-zone {zone} invalid"),
            format!("pdnsutil add-record {zone} version TXT 0 '\"2\"'"),
            format!("pdnsutil set-kind {zone} primary"),
            transfer,
            update,
        ],
    }
}

fn for_knot(lack: Lack, names: &Names) -> Vec<String> {
    let Names {
        zone,
        key,
        algorithm,
    } = names;
    match lack {
        Lack::Key => vec![
            "key:".to_owned(),
            format!("  - id: {key}"),
            format!("    algorithm: {algorithm}"),
            format!("    secret: {SECRET}"),
        ],
        Lack::Transfer | Lack::Update | Lack::Zone => vec![
            "acl:".to_owned(),
            "  - id: nsbridge".to_owned(),
            format!("    key: {key}"),
            "    action: [update, transfer]".to_owned(),
            "zone:".to_owned(),
            format!("  - domain: {zone}"),
            "    acl: nsbridge".to_owned(),
        ],
        Lack::Catalog => KNOT_CATALOG
            .replace("{key}", key)
            .replace("{zone}", zone)
            .lines()
            .map(str::to_owned)
            .collect(),
    }
}

fn lack(trouble: &Trouble) -> Option<Lack> {
    let failure = match trouble {
        Trouble::Failure(failure) => failure,
        Trouble::TypesRefused { .. } => return Some(Lack::Update),
        Trouble::LeftBehind { .. } => return None,
    };
    if let Failure::Catalog { source, .. } = failure {
        // So Knot says of a catalog that it does not have.
        if let Failure::Unsigned { rcode, .. } = **source {
            return (rcode == Rcode::NOTAUTH).then_some(Lack::Catalog);
        }
        return lack_of(source).map(|lack| match lack {
            Lack::Key => Lack::Key,
            Lack::Transfer | Lack::Update | Lack::Zone | Lack::Catalog => Lack::Catalog,
        });
    }
    lack_of(failure)
}

fn lack_of(failure: &Failure) -> Option<Lack> {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "few of many failures have lines, and a new one has none until they are written"
    )]
    match failure {
        Failure::BadKey { .. } | Failure::BadSig { .. } => Some(Lack::Key),
        Failure::TransferRefused { .. } => Some(Lack::Transfer),
        Failure::UpdateRefused { .. } => Some(Lack::Update),
        Failure::ZoneAbsent => Some(Lack::Zone),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Name, RecordType, Secret};
    use crate::wire::Hash;

    fn lines(software: Software, trouble: impl Into<Trouble>) -> String {
        let (name, zone): (Name, Name) =
            ("plesk".parse().unwrap(), "0/25.example".parse().unwrap());
        let secret = Secret::new(b"secret".to_vec());
        let key = Key::new(name, Algorithm::new(Hash::Sha256), secret).unwrap();
        let zone = ZoneName::new(&zone);
        let found = remedy(&trouble.into(), software, &key, Some(&zone));
        found.map_or_else(String::new, |found| {
            format!("{}:\n{}", found.place, found.lines.join("\n"))
        })
    }

    fn refused(is_update: bool) -> Failure {
        let (rcode, key) = (Rcode::REFUSED, "plesk".parse().unwrap());
        if is_update {
            let extended = None;
            return Failure::UpdateRefused {
                rcode,
                extended,
                key,
            };
        }
        Failure::TransferRefused { rcode, key }
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
             pdnsutil set-meta 0/25.example TSIG-ALLOW-AXFR plesk\n\
             pdnsutil set-meta 0/25.example TSIG-ALLOW-DNSUPDATE plesk"
        );
        assert!(lines(Software::PowerDns, refused(false)).ends_with("TSIG-ALLOW-AXFR plesk"));
        assert!(lines(Software::PowerDns, refused(true)).ends_with("TSIG-ALLOW-DNSUPDATE plesk"));
        assert_eq!(
            lines(Software::Knot, unknown_key()),
            "knot.conf:\nkey:\n  - id: plesk\n    algorithm: hmac-sha256\n    \
             secret: <that of this host's key file>"
        );
        assert_eq!(
            lines(Software::Knot, refused(true)),
            "knot.conf:\nacl:\n  - id: nsbridge\n    key: plesk\n    action: [update, transfer]\n\
             zone:\n  - domain: 0/25.example\n    acl: nsbridge"
        );
        let types = || Trouble::TypesRefused {
            types: vec![RecordType::MX],
            key: "plesk".parse().unwrap(),
        };
        assert!(lines(Software::Bind, types()).contains("\n  file \"0=25.example.db\";\n"));
        assert_eq!(lines(Software::Unknown, types()), "");
        assert_eq!(lines(Software::Bind, Failure::Memory), "");
    }
}
