//! Reads values that the file holds as strings: names, paths, hosts, networks.

use std::net::{IpAddr, Ipv6Addr};
use std::path::{Path, PathBuf};

use super::error::ConfigError;
use super::reader::{Table, Text};
use crate::model::Name;
use crate::model::{Network, NetworkError};

/// Longest instance name in octets: that of a host name on Linux. The name becomes part of file
/// names.
const INSTANCE_OCTETS_MAX: usize = 64;

/// Reads an instance name, which must fit into a file name and a TXT record.
pub(super) fn read_instance(text: &str) -> Option<String> {
    (is_word(text) && text.len() <= INSTANCE_OCTETS_MAX).then(|| text.to_owned())
}

/// Returns whether a text consists of letters, digits, `-`, `_` and `.`.
fn is_word(text: &str) -> bool {
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-_.".contains(&octet);
    !text.is_empty() && text.bytes().all(plain)
}

/// Reads a path relative to the directory of the configuration, and returns it with its text.
pub(super) fn read_path<'a>(
    table: &Table<'a>,
    key: &str,
    directory: &Path,
) -> Result<Option<(PathBuf, Text<'a>)>, ConfigError> {
    let Some(text) = table.text(key)? else {
        return Ok(None);
    };
    let path = text.read("the path of a file", |text| {
        (!text.is_empty()).then(|| directory.join(text))
    })?;
    Ok(Some((path, text)))
}

/// Reads a name of named.conf or knot.conf.
pub(super) fn read_word(table: &Table<'_>, key: &str) -> Result<Option<String>, ConfigError> {
    let read = |text: &str| is_word(text).then(|| text.to_owned());
    let text = table.text(key)?;
    text.map(|text| text.read("a word of letters, digits, `-`, `_` and `.`", read))
        .transpose()
}

pub(super) fn read_names(table: &Table<'_>, key: &str) -> Result<Vec<Name>, ConfigError> {
    table.texts(key)?.iter().map(read_name).collect()
}

/// Reads an array of host names.
pub(super) fn read_hosts(table: &Table<'_>, key: &str) -> Result<Vec<Name>, ConfigError> {
    let read = |text: &Text<'_>| {
        let name = read_name(text)?;
        text.read("the name of a host, not an address", |_| {
            name.check_host().is_ok().then_some(name.clone())
        })
    };
    table.texts(key)?.iter().map(read).collect()
}

pub(super) fn read_name(text: &Text<'_>) -> Result<Name, ConfigError> {
    text.read("a domain name in ASCII", |text| text.parse().ok())
}

/// The texts that [`read_host`] accepts.
pub(crate) const HOST_AND_PORT: &str =
    "an address or host name, with a port from 1 to 65535 or none: 192.0.2.53, [2001:db8::53]:53";

/// Reads a host with an optional port. An IPv6 address with a port is in brackets.
pub(crate) fn read_host(text: &str, default_port: u16) -> Option<(String, u16)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        let port = match rest {
            "" => default_port,
            _ => read_port(rest.strip_prefix(':')?)?,
        };
        return is_ipv6(host).then(|| (host.to_owned(), port));
    }
    if is_ipv6(text) {
        return Some((text.to_owned(), default_port));
    }
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, read_port(port)?),
        None => (text, default_port),
    };
    is_host(host).then(|| (host.to_owned(), port))
}

/// The URL of an HTTP server.
pub(super) struct Url {
    pub(super) is_https: bool,
    pub(super) host: String,
    pub(super) port: u16,
    /// Without a final slash; usually empty.
    pub(super) path: String,
}

/// Reads an absolute HTTP URL (RFC 9110 section 4.2) without user, query and fragment.
pub(super) fn read_url(text: &str) -> Option<Url> {
    let (is_https, rest) = match text.split_once("://")? {
        ("http", rest) => (false, rest),
        ("https", rest) => (true, rest),
        _ => return None,
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    // In a URL an IPv6 address must be in brackets (RFC 3986 section 3.2.2).
    let is_bracketed = authority.starts_with('[') || authority.matches(':').count() <= 1;
    let (host, port) = read_host(authority, if is_https { 443 } else { 80 })?;
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-._~/%+=:@".contains(&octet);
    (is_bracketed && path.bytes().all(plain)).then(|| Url {
        is_https,
        host,
        port,
        path: path.trim_end_matches('/').to_owned(),
    })
}

fn read_port(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|octet| octet.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port != 0)
}

/// Returns whether a text is an IPv6 address, with or without the zone of a link-local one (RFC
/// 4007 section 11): `fe80::1%eth0`.
fn is_ipv6(text: &str) -> bool {
    let (address, zone) = text.split_once('%').unwrap_or((text, "none"));
    address.parse::<Ipv6Addr>().is_ok() && !zone.is_empty()
}

/// Returns whether a text is an IPv4 address or a host name (RFC 1123 section 2.1, and `_`). A text
/// of digits and dots alone must be an address.
fn is_host(text: &str) -> bool {
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-_.".contains(&octet);
    if text
        .bytes()
        .all(|octet| octet.is_ascii_digit() || octet == b'.')
    {
        return text.parse::<IpAddr>().is_ok();
    }
    text.bytes().all(plain) && text.parse::<Name>().is_ok()
}

/// Reads a network; a single address is the network of that address alone.
pub(super) fn read_network(text: &Text<'_>) -> Result<Network, ConfigError> {
    text.value.parse().map_err(|error| match error {
        NetworkError::HostBits(network) => {
            text.bad_value(format!("{network}, the network that this address is in"))
        }
        NetworkError::Form | NetworkError::Prefix(_) => {
            text.bad_value("a network such as 192.0.2.0/24 or 2001:db8::/48".to_owned())
        }
    })
}
