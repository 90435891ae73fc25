//! The lines that a primary's configuration lacks, with the names of this configuration filled in.
//!
//! Secrets are never among them: they say where the secret is to be copied from.

use crate::deliver::check::api::api_remedy;
use crate::deliver::check::report::Trouble;
use crate::deliver::error::Failure;
use crate::model::ZoneName;
use crate::provision::{PowerDnsError, ProvisionError, Remedy, Software};
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

/// What a catalog's zone file holds at first (RFC 9432 section 4).
const CATALOG_FILE: [&str; 3] = [
    "@ 0 SOA invalid. invalid. 1 3600 600 2147483646 0",
    "@ 0 NS invalid.",
    "version 0 TXT \"2\"",
];

/// Where the lines belong that a zone of BIND lacks which is there.
const BIND_BESIDE: [&str; 2] = [
    "  // beside what is there, in place of `allow-update`; the grant into an `update-policy` that is there.",
    "  // A zone that was made at run time is changed by `rndc modzone`.",
];

/// Without which `PowerDNS` takes no updates at all.
const POWERDNS_SETTINGS: [&str; 3] = [
    "# in pdns.conf, then restart it; by default it takes no updates, and then only those from itself:",
    "dnsupdate=yes",
    "allow-dnsupdate-from=<addresses of the hosts with nsbridge>",
];

/// The trouble's surroundings, as far as the lines depend on them.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    /// The primary's kind.
    pub(super) software: Software,
    /// The key that was used.
    pub(super) key: &'a Key,
    /// Whether the primary has signed an answer with that key.
    pub(super) is_key_known: bool,
    /// Whether the zone's own settings let that key update it.
    pub(super) is_key_named: bool,
    /// The zone that it is about.
    pub(super) zone: Option<&'a ZoneName>,
    /// Where the zone's settings are.
    pub(super) home: Home,
    /// The template that the primary makes a catalog's members by, where its name is known.
    pub(super) template: Option<&'a str>,
}

/// Where the settings of a zone are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Home {
    /// In a section of its own.
    Section,
    /// In the template of the catalog's members. A section of such a zone's own would take it out of the
    /// catalog, and the server purge it.
    Template,
    /// In one of both.
    Either,
}

/// What the primary lacks.
#[derive(Clone, Copy)]
enum Lack {
    /// It does not know the key.
    Key,
    /// It has another secret of the key.
    Secret,
    /// It does not know the key, or does not let it do what was asked for.
    KeyOrRight,
    /// It does not let the key transfer zones.
    Transfer,
    /// It does not let the key update a zone.
    Update,
    /// It takes no updates at all, or none from this host.
    Setting,
    /// It does not have the zone.
    Zone,
    /// It does not have the catalog, or does not let the key change its members.
    Catalog,
    /// The same, or does not know the key.
    KeyOrCatalog,
    /// It has nothing to load as the catalog.
    CatalogFile,
    /// Its catalog is of a kind that does not show what is written to it.
    CatalogKind,
    /// Its template of the catalog's members is not as it must be.
    Template,
}

/// The names that the lines are filled in with.
struct Names {
    zone: String,
    key: String,
    algorithm: Algorithm,
    template: String,
}

/// The lines for the primary that make the trouble go away, and what to say of them.
pub(super) fn remedy(trouble: &Trouble, case: &Case<'_>) -> Option<(Remedy, Option<String>)> {
    if let Trouble::Failure(Failure::Provision(ProvisionError::PowerDns(error))) = trouble
        && let Some(remedy) = api_remedy(error)
    {
        return Some((remedy, None));
    }
    let lack = lack(trouble, case)?;
    let zone = case.zone.map(|zone| zone.apex().to_text_without_dot());
    let template = case.template.unwrap_or("<template of its zones>");
    let names = Names {
        zone: zone.unwrap_or_else(|| "<zone>".to_owned()),
        key: case.key.name().to_text_without_dot(),
        algorithm: case.key.algorithm(),
        template: template.to_owned(),
    };
    if let Lack::CatalogFile = lack {
        let (place, lines) = (
            "the catalog's zone file",
            CATALOG_FILE.map(str::to_owned).into(),
        );
        return (case.software != Software::PowerDns).then_some((Remedy { place, lines }, None));
    }
    let (place, lines, hint) = match case.software {
        // What failures hint at is written for BIND.
        Software::Bind => ("named.conf", for_bind(lack, &names)?, None),
        Software::PowerDns => {
            let place = if matches!(lack, Lack::Update) {
                "pdns.conf and a shell on the primary"
            } else if matches!(lack, Lack::Setting) {
                "pdns.conf"
            } else {
                "a shell on the primary"
            };
            let hint = if matches!(lack, Lack::KeyOrRight | Lack::KeyOrCatalog) {
                let hint = "PowerDNS answers so where it does not have the key, or with another secret or \
                            algorithm, and where the clocks differ by more than 300 s";
                Some(hint.to_owned())
            } else if matches!(lack, Lack::Transfer) {
                let hint = "PowerDNS transfers primary zones to the keys in `TSIG-ALLOW-AXFR`, and none with NSEC3 in \
                            narrow mode; what is missing belongs into a shell on the primary";
                Some(hint.to_owned())
            } else if matches!(lack, Lack::Key | Lack::CatalogKind) {
                None
            } else {
                Some(format!("what is missing belongs into {place}"))
            };
            (place, for_powerdns(lack, &names)?, hint)
        }
        Software::Knot => {
            let hint = if matches!(lack, Lack::KeyOrRight) {
                "Knot answers so where it does not know the key, and where no `acl` of the zone allows \
                 it; what is missing belongs into knot.conf"
            } else if matches!(lack, Lack::KeyOrCatalog) {
                "Knot answers so where it does not know the key, where no `acl` of the catalog allows it, \
                 and where it does not have the catalog; what is missing belongs into knot.conf"
            } else {
                "what is missing belongs into knot.conf"
            };
            let lines = for_knot(lack, &names, case.home);
            ("knot.conf", lines, Some(hint.to_owned()))
        }
        Software::Unknown => return None,
    };
    Some((Remedy { place, lines }, hint))
}

fn for_bind(lack: Lack, names: &Names) -> Option<Vec<String>> {
    let Names {
        zone,
        key,
        algorithm,
        ..
    } = names;
    Some(match lack {
        Lack::Key | Lack::Secret => vec![format!(
            "key \"{key}\" {{ algorithm {algorithm}; secret \"{SECRET}\"; }};"
        )],
        Lack::Transfer => vec![
            "options {".to_owned(),
            format!("  allow-transfer {{ key \"{key}\"; }};"),
            "};".to_owned(),
        ],
        Lack::Update | Lack::Zone => {
            let (is_there, file) = (matches!(lack, Lack::Update), zone.replace('/', "="));
            let own = if is_there {
                BIND_BESIDE.map(str::to_owned)
            } else {
                [
                    "  type primary;".to_owned(),
                    format!("  file \"{file}.db\";"),
                ]
            };
            let rest = [
                "  check-names ignore;".to_owned(),
                "  check-integrity no;".to_owned(),
                format!("  update-policy {{ grant \"{key}\" zonesub ANY; }};"),
                "};".to_owned(),
            ];
            let first = format!("zone \"{zone}\" {{");
            std::iter::once(first).chain(own).chain(rest).collect()
        }
        Lack::Catalog | Lack::KeyOrCatalog => vec![
            format!("zone \"{zone}\" {{"),
            "  type primary;".to_owned(),
            format!("  file \"{}.db\";", zone.replace('/', "=")),
            format!("  allow-transfer {{ key \"{key}\"; }};"),
            format!("  update-policy {{ grant \"{key}\" subdomain zones.{zone} PTR TXT; }};"),
            "};".to_owned(),
        ],
        Lack::KeyOrRight
        | Lack::Setting
        | Lack::CatalogFile
        | Lack::CatalogKind
        | Lack::Template => return None,
    })
}

fn for_powerdns(lack: Lack, names: &Names) -> Option<Vec<String>> {
    let Names {
        zone,
        key,
        algorithm,
        ..
    } = names;
    let transfer = format!("pdnsutil add-meta {zone} TSIG-ALLOW-AXFR {key}");
    let update = format!("pdnsutil add-meta {zone} TSIG-ALLOW-DNSUPDATE {key}");
    let import = format!("pdnsutil import-tsig-key {key} {algorithm} '{SECRET}'");
    Some(match lack {
        Lack::Key => vec![import],
        Lack::Secret | Lack::KeyOrRight | Lack::KeyOrCatalog => vec![
            "pdnsutil list-tsig-keys".to_owned(),
            "# where it is listed with another algorithm or secret:".to_owned(),
            format!("pdnsutil delete-tsig-key {key}"),
            "# where it was not, or is no longer:".to_owned(),
            import,
        ],
        Lack::Transfer => vec![transfer],
        Lack::Update => {
            let policy = POWERDNS_SETTINGS.map(str::to_owned).into_iter();
            policy
                .chain(["# in a shell on the primary:".to_owned(), update])
                .collect()
        }
        Lack::Setting => POWERDNS_SETTINGS.map(str::to_owned).into(),
        Lack::Zone => vec![format!("pdnsutil create-zone {zone}"), transfer, update],
        Lack::Catalog => vec![
            format!("pdnsutil create-zone {zone} invalid"),
            format!("pdnsutil add-record {zone} version TXT 0 '\"2\"'"),
            format!("pdnsutil set-kind {zone} primary"),
            transfer,
            update,
        ],
        Lack::CatalogKind => vec![format!("pdnsutil set-kind {zone} primary")],
        Lack::CatalogFile | Lack::Template => return None,
    })
}

fn for_knot(lack: Lack, names: &Names, home: Home) -> Vec<String> {
    let Names { zone, key, .. } = names;
    let catalog = || {
        let lines = KNOT_CATALOG
            .replace("{key}", key)
            .replace("{zone}", zone)
            .replace("{template}", &names.template);
        lines.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    match lack {
        Lack::Key => knot_key(names, None),
        Lack::Secret => knot_key(names, Some("# in the key's section, which is there:")),
        Lack::KeyOrRight | Lack::KeyOrCatalog => {
            let heading = "# only where the key is not there already: knotd refuses a second one";
            let mut lines = knot_key(names, Some(heading));
            lines.extend(if matches!(lack, Lack::KeyOrCatalog) {
                catalog()
            } else {
                knot_acl(names, home)
            });
            lines
        }
        Lack::Transfer | Lack::Update | Lack::Setting | Lack::Zone => knot_acl(names, home),
        Lack::Template => knot_acl(names, Home::Template),
        Lack::Catalog | Lack::CatalogFile | Lack::CatalogKind => catalog(),
    }
}

fn knot_key(names: &Names, heading: Option<&str>) -> Vec<String> {
    let key = [
        "key:".to_owned(),
        format!("  - id: {}", names.key),
        format!("    algorithm: {}", names.algorithm),
        format!("    secret: {SECRET}"),
    ];
    let heading = heading.map(str::to_owned);
    heading.into_iter().chain(key).collect()
}

/// The right to do everything with a zone, where its settings are.
fn knot_acl(names: &Names, home: Home) -> Vec<String> {
    let acl = [
        "acl:".to_owned(),
        "  - id: nsbridge".to_owned(),
        format!("    key: {}", names.key),
        "    action: [update, transfer]".to_owned(),
    ];
    let section: &[&str] = match home {
        Home::Section => &[
            "# in the zone's section, beside what its `acl` has:",
            "zone:",
            "  - domain: {zone}",
            "    acl: [nsbridge]",
        ],
        Home::Template => &[
            "# in the template's section, beside what its `acl` has; a `zone` section would take the zone \
             out of the catalog:",
            "template:",
            "  - id: {template}",
            "    acl: [nsbridge]",
        ],
        Home::Either => &[
            "# in the template's section, beside what its `acl` has, or in that of a zone which is in no \
             catalog:",
            "template:",
            "  - id: {template}",
            "    acl: [nsbridge]",
        ],
    };
    let fill = |line: &&str| {
        line.replace("{zone}", &names.zone)
            .replace("{template}", &names.template)
    };
    acl.into_iter().chain(section.iter().map(fill)).collect()
}

fn lack(trouble: &Trouble, case: &Case<'_>) -> Option<Lack> {
    let failure = match trouble {
        Trouble::Failure(failure) => failure,
        Trouble::TypesRefused { .. } => return Some(Lack::Update),
        Trouble::LeftBehind { .. } => return None,
        Trouble::NotUpdatable { trouble, .. } => {
            let lack = lack(trouble, case)?;
            // The zone was made with all that it needs itself.
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
