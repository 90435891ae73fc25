//! The lines that BIND's named.conf lacks.

use super::lack::{Advice, Lack};

const KEY: &str = r#"key "{key}" { algorithm {algorithm}; secret "{secret}"; };"#;
/// Precedes a key that the server may have with another algorithm.
const KEY_MAY_BE_THERE: &str =
    r#"// in place of a statement `key "{key}"` that is there, which has another algorithm:"#;
const SECRET_OF_KEY: &str = r#"// in place of the statement `key "{key}"` that is there:"#;
const VIEW: &str = r#"// if the zones belong into the view "{view}": beside what its `match-clients` has; in each view before it:
// `!key "{key}";`. Else set `view` in [primaries.NAME.provision].
view "{view}" {
  match-clients { key "{key}"; };
};"#;
const TRANSFER: &str = r#"// beside what an `allow-transfer` there has; a zone with one of its own needs the key in that:
options {
  allow-transfer { key "{key}"; };
};"#;
const EXISTING_ZONE: &str = r#"zone "{zone}" {
  // beside what is there, in place of `allow-update`; the grant into an `update-policy` that is there.
  // A zone that was made at run time is changed by `rndc modzone`."#;
const NEW_ZONE: &str = r#"zone "{zone}" {
  type primary;
  file "{file}.db";"#;
const UPDATE_RIGHTS: &str = r#"  check-names ignore;
  check-integrity no;
  update-policy { grant "{key}" zonesub ANY; };
};"#;
const CATALOG_RIGHTS: &str = r#"  allow-transfer { key "{key}"; };
  update-policy {
    grant "{key}" subdomain zones.{zone} PTR TXT;
    grant "{key}" subdomain nsbridge.ext.{zone} ZONEMD;
    grant "{key}" name {zone} SOA;
  };
};"#;

/// Returns the lines.
pub(super) fn advice(lack: Lack) -> Option<Advice> {
    let lines = match lack {
        Lack::Key => vec![KEY_MAY_BE_THERE, KEY],
        Lack::Secret => vec![SECRET_OF_KEY, KEY],
        Lack::View => vec![VIEW],
        Lack::Transfer => vec![TRANSFER],
        Lack::Update => vec![EXISTING_ZONE, UPDATE_RIGHTS],
        Lack::Zone => vec![NEW_ZONE, UPDATE_RIGHTS],
        Lack::Catalog | Lack::KeyOrCatalog => vec![NEW_ZONE, CATALOG_RIGHTS],
        Lack::KeyOrRight
        | Lack::Setting
        | Lack::CatalogFile
        | Lack::CatalogKind
        | Lack::Template => return None,
    };
    let place = "named.conf";
    Some(Advice { place, lines })
}
