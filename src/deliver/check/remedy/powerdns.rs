//! The lines that PowerDNS's pdns.conf and its store of zones lack.

use super::case::{Lack, Names, SECRET};
use crate::provision::{PowerDnsError, Remedy};
use crate::transport::TransportError;

/// The settings without which PowerDNS takes no updates at all.
const UPDATE_SETTINGS: [&str; 3] = [
    "# in pdns.conf, then restart it; by default it takes no updates, and then only those from itself:",
    "dnsupdate=yes",
    "allow-dnsupdate-from=<addresses of the hosts with nsbridge>",
];

const API_KEY: &str = "api-key=<that of this host's api-key-file>";
const API_CLIENTS: &str = "webserver-allow-from=<addresses of the hosts with nsbridge>";

/// Returns the remedy, and a hint if that of the failure does not fit PowerDNS.
pub(super) fn remedy(lack: Lack, names: &Names) -> Option<(Remedy, Option<String>)> {
    let place = if let Lack::Update = lack {
        "pdns.conf and a shell on the primary"
    } else if let Lack::Setting = lack {
        "pdns.conf"
    } else {
        "a shell on the primary"
    };
    let hint = if let Lack::KeyOrRight | Lack::KeyOrCatalog = lack {
        let hint = "PowerDNS answers so where it does not have the key, or with another secret or \
                    algorithm, and where the clocks differ by more than 300 s";
        Some(hint.to_owned())
    } else if let Lack::Transfer = lack {
        let hint = "PowerDNS transfers primary zones to the keys in `TSIG-ALLOW-AXFR`, and none \
                    with NSEC3 in narrow mode; what is missing belongs into a shell on the primary";
        Some(hint.to_owned())
    } else if let Lack::Key | Lack::CatalogKind = lack {
        None
    } else {
        Some(format!("what is missing belongs into {place}"))
    };
    let lines = lines(lack, names)?;
    Some((Remedy { place, lines }, hint))
}

fn lines(lack: Lack, names: &Names) -> Option<Vec<String>> {
    let Names {
        zone,
        key,
        algorithm,
        ..
    } = names;
    let transfer = format!("pdnsutil add-meta {zone} TSIG-ALLOW-AXFR {key}");
    let update = format!("pdnsutil add-meta {zone} TSIG-ALLOW-DNSUPDATE {key}");
    let import = format!("pdnsutil import-tsig-key {key} {algorithm} '{SECRET}'");
    let set_kind = format!("pdnsutil set-kind {zone} primary");
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
            let settings = UPDATE_SETTINGS.map(str::to_owned).into_iter();
            settings
                .chain(["# in a shell on the primary:".to_owned(), update])
                .collect()
        }
        Lack::Setting => UPDATE_SETTINGS.map(str::to_owned).into(),
        Lack::Zone => vec![format!("pdnsutil create-zone {zone}"), transfer, update],
        Lack::Catalog => vec![
            format!("pdnsutil create-zone {zone} invalid"),
            format!("pdnsutil add-record {zone} version TXT 0 '\"2\"'"),
            set_kind,
            transfer,
            update,
        ],
        Lack::CatalogKind => vec![set_kind],
        Lack::CatalogFile | Lack::Template => return None,
    })
}

/// Returns the lines of pdns.conf without which the API fails in this way.
pub(super) fn api_remedy(error: &PowerDnsError) -> Option<Remedy> {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the failures of single requests have no lines"
    )]
    let lines = match error {
        PowerDnsError::Unreachable { server, source } => match **source {
            TransportError::Refused { .. } => api_section(server),
            _ => return None,
        },
        PowerDnsError::NotTheApi { server, .. } => api_section(server),
        PowerDnsError::WrongKey { .. } => vec![API_KEY.to_owned()],
        PowerDnsError::Lost { .. } | PowerDnsError::Forbidden { .. } => {
            vec![API_CLIENTS.to_owned()]
        }
        _ => return None,
    };
    let place = "pdns.conf";
    Some(Remedy { place, lines })
}

/// Returns all lines of an API at this address.
fn api_section(server: &str) -> Vec<String> {
    let (host, port) = server.rsplit_once(':').unwrap_or((server, "8081"));
    let host = host.trim_start_matches('[').trim_end_matches(']');
    vec![
        "api=yes".to_owned(),
        API_KEY.to_owned(),
        format!("webserver-address={host}"),
        format!("webserver-port={port}"),
        API_CLIENTS.to_owned(),
    ]
}
