//! The lines that BIND's named.conf lacks.

use super::case::{Lack, Names, SECRET};
use crate::provision::Remedy;

/// Explains where the lines belong if the zone exists.
const EXISTING_ZONE: [&str; 2] = [
    "  // beside what is there, in place of `allow-update`; the grant into an `update-policy` that is there.",
    "  // A zone that was made at run time is changed by `rndc modzone`.",
];

/// Returns the remedy. It needs no hint of its own: those of failures are written for BIND.
pub(super) fn remedy(lack: Lack, names: &Names) -> Option<Remedy> {
    let Names {
        zone,
        key,
        algorithm,
        ..
    } = names;
    let new_zone = [
        "  type primary;".to_owned(),
        format!("  file \"{}.db\";", zone.replace('/', "=")),
    ];
    let update_rights = [
        "  check-names ignore;".to_owned(),
        "  check-integrity no;".to_owned(),
        format!("  update-policy {{ grant \"{key}\" zonesub ANY; }};"),
    ];
    let catalog_rights = [
        format!("  allow-transfer {{ key \"{key}\"; }};"),
        format!("  update-policy {{ grant \"{key}\" subdomain zones.{zone} PTR TXT; }};"),
    ];
    let section = |lines: Vec<String>| {
        let mut section = vec![format!("zone \"{zone}\" {{")];
        section.extend(lines);
        section.push("};".to_owned());
        section
    };
    let lines = match lack {
        Lack::Key | Lack::Secret => vec![format!(
            "key \"{key}\" {{ algorithm {algorithm}; secret \"{SECRET}\"; }};"
        )],
        Lack::Transfer => vec![
            "options {".to_owned(),
            format!("  allow-transfer {{ key \"{key}\"; }};"),
            "};".to_owned(),
        ],
        Lack::Update => section([&EXISTING_ZONE.map(str::to_owned)[..], &update_rights].concat()),
        Lack::Zone => section([&new_zone[..], &update_rights].concat()),
        Lack::Catalog | Lack::KeyOrCatalog => section([&new_zone[..], &catalog_rights].concat()),
        Lack::KeyOrRight
        | Lack::Setting
        | Lack::CatalogFile
        | Lack::CatalogKind
        | Lack::Template => return None,
    };
    let place = "named.conf";
    Some(Remedy { place, lines })
}
