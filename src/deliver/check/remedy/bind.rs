//! The lines that BIND's named.conf lacks.

use super::lack::{Advice, Lack};

const KEY: &str = r#"key "{key}" { algorithm {algorithm}; secret "{secret}"; };"#;
const TRANSFER: &str = r#"options {
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
  update-policy { grant "{key}" subdomain zones.{zone} PTR TXT; };
};"#;

/// Returns the lines. They need no hint of their own: those of failures are written for BIND.
pub(super) fn advice(lack: Lack) -> Option<Advice> {
    let lines = match lack {
        Lack::Key | Lack::Secret => vec![KEY],
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
    let (place, hint) = ("named.conf", None);
    Some(Advice { place, lines, hint })
}
