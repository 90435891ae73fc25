//! The lines that Knot's knot.conf lacks.

use super::lack::{Advice, Lack};
use crate::deliver::check::context::SettingsLocation;

const KEY: &str = "\
key:
  - id: {key}
    algorithm: {algorithm}
    secret: {secret}";

/// Lets the key transfer and update the zones that name it.
const RIGHTS: &str = "\
acl:
  - id: nsbridge
    key: {key}
    action: [update, transfer]";

const SECTION: &str = "\
# in the zone's section, beside what its `acl` has:
zone:
  - domain: {zone}
    acl: [nsbridge]";

const TEMPLATE: &str = "\
template:
  - id: {template}
    acl: [nsbridge]";

/// A catalog with the rights that nsbridge needs. The operator writes its zone file once.
const CATALOG: &str = "\
acl:
  - id: catalog-transfers
    key: {key}
    action: transfer
  - id: catalog-changes
    key: {key}
    action: update
    update-type: [PTR, TXT, ZONEMD]
    update-owner: name
    update-owner-match: sub
    update-owner-name: [zones, nsbridge.ext]
  - id: catalog-serial
    key: {key}
    action: update
    update-type: SOA
    update-owner: zone
    update-owner-match: equal
# in the catalog's section, where there is one:
zone:
  - domain: {zone}
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: changes
    acl: [catalog-transfers, catalog-changes, catalog-serial]
    catalog-role: interpret
    catalog-template: {template}";

/// Precedes a key that may exist.
const ONLY_IF_ABSENT: &str =
    "# only where the key is not there already: knotd refuses a second one";

/// Returns the lines.
pub(super) fn advice(lack: Lack, location: SettingsLocation) -> Advice {
    let lines = match lack {
        Lack::Key => vec![KEY],
        Lack::Secret => vec!["# in place of the key's entry, which is there:", KEY],
        Lack::KeyOrRight => [vec![ONLY_IF_ABSENT, KEY], rights(location)].concat(),
        Lack::KeyOrCatalog => vec![ONLY_IF_ABSENT, KEY, CATALOG],
        Lack::Transfer | Lack::Update | Lack::Setting | Lack::Zone | Lack::View => rights(location),
        Lack::Template => rights(SettingsLocation::Template),
        Lack::Catalog | Lack::CatalogFile | Lack::CatalogKind => vec![CATALOG],
    };
    let place = "knot.conf";
    Advice { place, lines }
}

/// Returns the lines that let the key transfer and update a zone.
fn rights(location: SettingsLocation) -> Vec<&'static str> {
    let heading = match location {
        SettingsLocation::Section => return vec![RIGHTS, SECTION],
        SettingsLocation::Template => {
            "# in the template's section, beside what its `acl` has; a `zone` section would take \
             the zone out of the catalog:"
        }
        SettingsLocation::Either => {
            "# in the template's section, beside what its `acl` has, or in that of a zone which is \
             in no catalog:"
        }
    };
    vec![RIGHTS, heading, TEMPLATE]
}
