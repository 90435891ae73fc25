//! The lines that PowerDNS's pdns.conf and its store of zones lack.

use super::lack::{Advice, Lack};
use crate::provision::{PowerDnsError, Remedy};
use crate::transport::TransportError;

/// The settings without which PowerDNS takes no updates at all.
const SETTINGS: &str = "\
# in pdns.conf, then restart it; by default it takes no updates, and then only those from itself:
dnsupdate=yes
allow-dnsupdate-from=<addresses of the hosts with nsbridge>";

const TRANSFER: &str = "pdnsutil add-meta {zone} TSIG-ALLOW-AXFR {key}";
const UPDATE: &str = "pdnsutil add-meta {zone} TSIG-ALLOW-DNSUPDATE {key}";
const IMPORT_KEY: &str = "pdnsutil import-tsig-key {key} {algorithm} '{secret}'";
const REMOVE_KEY: &str = "\
pdnsutil list-tsig-keys
# where it is listed with another algorithm or secret:
pdnsutil delete-tsig-key {key}
# where it was not, or is no longer:";
const CREATE_CATALOG: &str = "\
pdnsutil create-zone {zone} invalid
pdnsutil add-record {zone} version TXT 0 '\"2\"'";
const SET_KIND: &str = "pdnsutil set-kind {zone} primary";

const API_KEY: &str = "api-key=<that of this host's api-key-file>";
const API_CLIENTS: &str = "webserver-allow-from=<addresses of the hosts with nsbridge>";

/// Returns the lines.
pub(super) fn advice(lack: Lack) -> Option<Advice> {
    let lines = match lack {
        Lack::Key => vec![IMPORT_KEY],
        Lack::Secret | Lack::KeyOrRight | Lack::KeyOrCatalog => vec![REMOVE_KEY, IMPORT_KEY],
        Lack::Transfer => vec![TRANSFER],
        Lack::Update => vec![SETTINGS, "# in a shell on the primary:", UPDATE],
        Lack::Setting => vec![SETTINGS],
        Lack::Zone => vec!["pdnsutil create-zone {zone}", TRANSFER, UPDATE],
        Lack::Catalog => vec![CREATE_CATALOG, SET_KIND, TRANSFER, UPDATE],
        Lack::CatalogKind => vec![SET_KIND],
        Lack::View | Lack::CatalogFile | Lack::Template => return None,
    };
    let place = if let Lack::Update = lack {
        "pdns.conf and a shell on the primary"
    } else if let Lack::Setting = lack {
        "pdns.conf"
    } else {
        "a shell on the primary"
    };
    Some(Advice { place, lines })
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
