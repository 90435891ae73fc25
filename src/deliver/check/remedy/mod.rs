//! Finds the lines that a primary's configuration lacks, filled with names of our configuration.
//!
//! The lines must never contain a secret: they say where to copy it from.

mod bind;
mod case;
mod knot;
mod powerdns;

use crate::deliver::check::report::Trouble;
use crate::deliver::error::Failure;
use crate::provision::{PowerDnsError, ProvisionError, Remedy, Software};
use crate::wire::Rcode;
use case::{Lack, Names};

pub(super) use case::{Case, SettingsLocation};

/// The first contents of a catalog's zone file (RFC 9432 section 4).
const CATALOG_FILE: [&str; 3] = [
    "@ 0 SOA invalid. invalid. 1 3600 600 2147483646 0",
    "@ 0 NS invalid.",
    "version 0 TXT \"2\"",
];

/// Returns the lines that repair the primary, and a hint if that of the trouble does not fit them.
pub(super) fn remedy(trouble: &Trouble, case: &Case<'_>) -> Option<(Remedy, Option<String>)> {
    if let Trouble::Failure(Failure::Provision(ProvisionError::PowerDns(error))) = trouble
        && let Some(remedy) = powerdns::api_remedy(error)
    {
        return Some((remedy, None));
    }
    let lack = lack(trouble, case)?;
    let names = Names::of(case);
    match (case.software, lack) {
        (Software::PowerDns, _) => powerdns::remedy(lack, &names),
        (_, Lack::CatalogFile) => {
            let (place, lines) = ("the catalog's zone file", CATALOG_FILE.map(str::to_owned));
            let lines = lines.into();
            Some((Remedy { place, lines }, None))
        }
        (Software::Bind, _) => bind::remedy(lack, &names).map(|remedy| (remedy, None)),
        (Software::Knot, _) => {
            let (remedy, hint) = knot::remedy(lack, &names, case.location);
            Some((remedy, Some(hint)))
        }
        (Software::Unknown, _) => None,
    }
}

/// Finds what the primary lacks if a check meets this trouble.
fn lack(trouble: &Trouble, case: &Case<'_>) -> Option<Lack> {
    let failure = match trouble {
        Trouble::Failure(failure) => failure,
        Trouble::TypesRefused { .. } => return Some(Lack::Update),
        Trouble::LeftBehind { .. } => return None,
        Trouble::NotUpdatable { trouble, .. } => {
            let lack = lack(trouble, case)?;
            // The provisioner has given the zone its own settings: the server-wide ones are left.
            return match (lack, case.software) {
                (Lack::Update, Software::PowerDns) => Some(Lack::Setting),
                (Lack::Update, Software::Bind) => None,
                (lack, _) => Some(lack),
            };
        }
    };
    let Failure::Catalog { source, .. } = failure else {
        return lack_of(failure, case);
    };
    if let Failure::ZoneNotLoaded { .. } = **source {
        return Some(Lack::CatalogFile);
    }
    Some(match lack_of(source, case)? {
        Lack::KeyOrRight if !case.is_key_known => Lack::KeyOrCatalog,
        lack @ (Lack::Key | Lack::Secret) => lack,
        lack @ (Lack::Transfer | Lack::Update) if case.software == Software::PowerDns => lack,
        Lack::Transfer
        | Lack::Update
        | Lack::Zone
        | Lack::Catalog
        | Lack::KeyOrRight
        | Lack::KeyOrCatalog
        | Lack::CatalogFile
        | Lack::CatalogKind
        | Lack::Setting
        | Lack::Template => Lack::Catalog,
    })
}

/// Finds what the primary lacks, catalogs apart.
fn lack_of(failure: &Failure, case: &Case<'_>) -> Option<Lack> {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "few of many failures have lines, and a new one has none until they are written"
    )]
    match failure {
        Failure::BadKey { .. } if case.software == Software::Knot => Some(Lack::KeyOrRight),
        Failure::BadKey { .. } => Some(Lack::Key),
        Failure::BadSig { .. } => Some(Lack::Secret),
        Failure::Unsigned { rcode, .. } if [Rcode::NOTAUTH, Rcode::REFUSED].contains(rcode) => {
            Some(Lack::KeyOrRight)
        }
        Failure::TransferRefused { .. } => Some(Lack::Transfer),
        Failure::UpdateRefused { .. } if case.is_key_named => Some(Lack::Setting),
        Failure::UpdateRefused { .. } => Some(Lack::Update),
        Failure::ZoneAbsent => Some(Lack::Zone),
        Failure::CatalogIdle { .. } => Some(Lack::Template),
        Failure::CatalogNotShown { .. } => Some(Lack::CatalogKind),
        Failure::Provision(ProvisionError::PowerDns(PowerDnsError::KeyMissing { key, .. }))
            if key == case.key.name() =>
        {
            Some(Lack::Key)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
