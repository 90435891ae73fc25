//! The lines of pdns.conf that `PowerDNS`'s API lacks.

use crate::provision::{PowerDnsError, Remedy};
use crate::transport::TransportError;

/// The lines without which the API fails in this way.
pub(super) fn api_remedy(error: &PowerDnsError) -> Option<Remedy> {
    const KEY: &str = "api-key=<that of this host's api-key-file>";
    const ALLOW: &str = "webserver-allow-from=<addresses of the hosts with nsbridge>";
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the failures of single requests have no lines"
    )]
    let lines = match error {
        PowerDnsError::Unreachable { server, source } => match **source {
            TransportError::Refused { .. } => whole(server, KEY, ALLOW),
            _ => return None,
        },
        PowerDnsError::NotTheApi { server, .. } => whole(server, KEY, ALLOW),
        PowerDnsError::WrongKey { .. } => vec![KEY.to_owned()],
        PowerDnsError::Lost { .. } | PowerDnsError::Forbidden { .. } => vec![ALLOW.to_owned()],
        _ => return None,
    };
    let place = "pdns.conf";
    Some(Remedy { place, lines })
}

/// All of it, for an API at this address.
fn whole(server: &str, key: &str, allow: &str) -> Vec<String> {
    let (host, port) = server.rsplit_once(':').unwrap_or((server, "8081"));
    let host = host.trim_start_matches('[').trim_end_matches(']');
    vec![
        "api=yes".to_owned(),
        key.to_owned(),
        format!("webserver-address={host}"),
        format!("webserver-port={port}"),
        allow.to_owned(),
    ]
}
