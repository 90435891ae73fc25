//! The lines that Knot's knot.conf lacks.

use super::case::{Lack, Names, SECRET, SettingsLocation};
use crate::provision::Remedy;

/// A catalog with the rights that nsbridge needs. The operator writes its zone file once.
const CATALOG: &str = "\
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
# in the catalog's section, where there is one:
zone:
  - domain: {zone}
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: changes
    acl: [catalog-transfers, catalog-changes]
    catalog-role: interpret
    catalog-template: {template}
";

/// Precedes a key that may exist.
const ONLY_IF_ABSENT: &str =
    "# only where the key is not there already: knotd refuses a second one";

/// Returns the remedy and its hint.
pub(super) fn remedy(lack: Lack, names: &Names, location: SettingsLocation) -> (Remedy, String) {
    let lines = match lack {
        Lack::Key => key(names, None),
        Lack::Secret => key(names, Some("# in the key's section, which is there:")),
        Lack::KeyOrRight => [key(names, Some(ONLY_IF_ABSENT)), rights(names, location)].concat(),
        Lack::KeyOrCatalog => [key(names, Some(ONLY_IF_ABSENT)), catalog(names)].concat(),
        Lack::Transfer | Lack::Update | Lack::Setting | Lack::Zone => rights(names, location),
        Lack::Template => rights(names, SettingsLocation::Template),
        Lack::Catalog | Lack::CatalogFile | Lack::CatalogKind => catalog(names),
    };
    let hint = if let Lack::KeyOrRight = lack {
        "Knot answers so where it does not know the key, and where no `acl` of the zone allows \
         it; what is missing belongs into knot.conf"
    } else if let Lack::KeyOrCatalog = lack {
        "Knot answers so where it does not know the key, where no `acl` of the catalog allows it, \
         and where it does not have the catalog; what is missing belongs into knot.conf"
    } else {
        "what is missing belongs into knot.conf"
    };
    let place = "knot.conf";
    (Remedy { place, lines }, hint.to_owned())
}

fn catalog(names: &Names) -> Vec<String> {
    CATALOG.lines().map(|line| names.fill(line)).collect()
}

fn key(names: &Names, heading: Option<&str>) -> Vec<String> {
    let key = [
        "key:".to_owned(),
        format!("  - id: {}", names.key),
        format!("    algorithm: {}", names.algorithm),
        format!("    secret: {SECRET}"),
    ];
    let heading = heading.map(str::to_owned);
    heading.into_iter().chain(key).collect()
}

/// Returns the lines that let the key transfer and update a zone.
fn rights(names: &Names, location: SettingsLocation) -> Vec<String> {
    let acl = [
        "acl:",
        "  - id: nsbridge",
        "    key: {key}",
        "    action: [update, transfer]",
    ];
    let (heading, section, id) = match location {
        SettingsLocation::Section => (
            "# in the zone's section, beside what its `acl` has:",
            "zone:",
            "  - domain: {zone}",
        ),
        SettingsLocation::Template => (
            "# in the template's section, beside what its `acl` has; a `zone` section would take the zone \
             out of the catalog:",
            "template:",
            "  - id: {template}",
        ),
        SettingsLocation::Either => (
            "# in the template's section, beside what its `acl` has, or in that of a zone which is in no \
             catalog:",
            "template:",
            "  - id: {template}",
        ),
    };
    let lines = acl
        .into_iter()
        .chain([heading, section, id, "    acl: [nsbridge]"]);
    lines.map(|line| names.fill(line)).collect()
}
