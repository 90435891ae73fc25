//! `[primaries.NAME.provision]`: how zones are made, by one of several methods.
//!
//! Each method has keys of its own; one of another method is a mistake, not a default.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::error::ConfigError;
use super::reader::{Keys, Table, Text};
use super::settings::{PowerDnsProvision, ProvisionSettings, RndcProvision};
use super::values::{HOST_AND_PORT, read_host, read_path, read_url, read_word};
use super::{secretfile, tls};
use crate::model::Secret;
use crate::provision::command::{Argument, CommandSettings};
use crate::provision::rndc::Way;
use crate::transport::{Application, Endpoint, Security};
use crate::wire::Key;

/// Port of BIND's control channel.
const CONTROL_PORT: u16 = 953;

/// The keys of all methods.
pub(super) const KEYS: Keys = Keys {
    valid: &[
        "method",
        "control",
        "control-key",
        "way",
        "template",
        "listen",
        "view",
        "program",
        "arguments",
        "url",
        "api-key-file",
        "tls-ca-file",
        "tls-name",
        "tls-pins",
        "group",
    ],
};

/// Keys of one method alone, with its name.
const RNDC: (&str, &[&str]) = (
    "method = \"rndc\"",
    &[
        "control",
        "control-key",
        "way",
        "template",
        "listen",
        "view",
    ],
);
const COMMAND: (&str, &[&str]) = ("method = \"command\"", &["program", "arguments"]);
const CATALOG: (&str, &[&str]) = ("method = \"catalog\"", &["group"]);

const POWERDNS: (&str, &[&str]) = (
    "method = \"powerdns\"",
    &["url", "api-key-file", "tls-ca-file", "tls-name", "tls-pins"],
);

/// Keys of `https` alone.
const TLS_KEYS: [&str; 3] = ["tls-ca-file", "tls-name", "tls-pins"];

#[derive(Clone, Copy)]
enum Method {
    Rndc,
    Command,
    PowerDns,
    Catalog,
}

/// Reads the table; `key` finds a key of `[keys]` by its name, and paths are relative to `directory`.
pub(super) fn read(
    table: &Table<'_>,
    directory: &Path,
    key: impl Fn(&Text<'_>) -> Result<Key, ConfigError>,
) -> Result<ProvisionSettings, ConfigError> {
    let method = table.need("method", table.text("method")?)?;
    let methods = [
        ("rndc", Method::Rndc),
        ("powerdns", Method::PowerDns),
        ("catalog", Method::Catalog),
        ("command", Method::Command),
    ];
    match method.choice(&methods)? {
        Method::Rndc => {
            refuse(table, &[COMMAND, POWERDNS, CATALOG])?;
            let control = table.need("control", table.text("control")?)?;
            Ok(ProvisionSettings::Rndc(RndcProvision {
                control: control.read(HOST_AND_PORT, |text| read_host(text, CONTROL_PORT))?,
                control_key: key(&table.need("control-key", table.text("control-key")?)?)?,
                view: read_word(table, "view")?,
                way: read_way(table)?,
            }))
        }
        Method::Command => {
            refuse(table, &[RNDC, POWERDNS, CATALOG])?;
            Ok(ProvisionSettings::Command(CommandSettings {
                program: read_program(&table.need("program", table.text("program")?)?)?,
                arguments: read_arguments(table)?,
            }))
        }
        Method::PowerDns => {
            refuse(table, &[RNDC, COMMAND, CATALOG])?;
            read_powerdns(table, directory).map(ProvisionSettings::PowerDns)
        }
        Method::Catalog => {
            refuse(table, &[RNDC, COMMAND, POWERDNS])?;
            let group = read_word(table, "group")?;
            Ok(ProvisionSettings::Catalog { group })
        }
    }
}

/// Refuses the keys of methods that were not chosen.
fn refuse(table: &Table<'_>, methods: &[(&'static str, &[&str])]) -> Result<(), ConfigError> {
    let keys = methods
        .iter()
        .flat_map(|(needs, keys)| keys.iter().map(move |key| (*needs, *key)));
    let mut found = keys.filter_map(|(needs, key)| Some((needs, key, table.place_of(key)?)));
    match found.next() {
        Some((needs, key, place)) => Err(ConfigError::Useless {
            place,
            key: key.to_owned(),
            needs,
        }),
        None => Ok(()),
    }
}

/// A program that can be run, and that not everybody can change.
fn read_program(text: &Text<'_>) -> Result<PathBuf, ConfigError> {
    let path = text.read("the absolute path of a program", |text| {
        let path = Path::new(text);
        path.is_absolute().then(|| path.to_owned())
    })?;
    let metadata = fs::metadata(&path).map_err(|source| ConfigError::File {
        place: text.place.clone(),
        path: path.clone(),
        source,
    })?;
    let mode = metadata.permissions().mode();
    if !metadata.is_file() || mode & 0o111 == 0 {
        let place = text.place.clone();
        return Err(ConfigError::NotExecutable { place, path });
    }
    if mode & 0o002 != 0 {
        let place = text.place.clone();
        return Err(ConfigError::WritableProgram { place, path });
    }
    Ok(path)
}

fn read_arguments(table: &Table<'_>) -> Result<Vec<Argument>, ConfigError> {
    let mut arguments: Vec<Argument> = Vec::new();
    let texts = table.texts("arguments")?;
    for text in &texts {
        let allowed = "text with `{action}` and `{zone}` in it; `{{` and `}}` stand for braces";
        arguments.push(text.read(allowed, |text| text.parse().ok())?);
    }
    let first = table.need("arguments", texts.first())?;
    for (placeholder, has) in [
        ("{action}", Argument::has_action as fn(&Argument) -> bool),
        ("{zone}", Argument::has_zone),
    ] {
        if !arguments.iter().any(has) {
            return Err(first.bad(format!("a list with `{placeholder}` in it")));
        }
    }
    Ok(arguments)
}

fn read_powerdns(table: &Table<'_>, directory: &Path) -> Result<PowerDnsProvision, ConfigError> {
    let url = table.need("url", table.text("url")?)?;
    let allowed =
        "http:// or https://, a host or address, and mostly a port: https://192.0.2.53:8081";
    let url = url.read(allowed, read_url)?;
    let security = if url.is_https {
        tls::read(table, &url.host, Application::Http, None, directory)?
    } else {
        refuse(table, &[("an `url` with https", &TLS_KEYS)])?;
        Security::Tcp
    };
    let file = read_path(table, "api-key-file", directory)?;
    let (path, text) = table.need("api-key-file", file)?;
    let content = secretfile::read(&path).map_err(|source| ConfigError::SecretFile {
        place: text.place.clone(),
        source,
    })?;
    let api_key = str::from_utf8(content.expose())
        .ok()
        .map(str::trim)
        .filter(|key| !key.is_empty() && key.bytes().all(|octet| octet.is_ascii_graphic()));
    let Some(api_key) = api_key else {
        let place = text.place;
        return Err(ConfigError::NoApiKey { place, path });
    };
    Ok(PowerDnsProvision {
        endpoint: Endpoint {
            host: url.host,
            port: url.port,
            security,
        },
        path: url.path,
        api_key: Secret::new(api_key.to_owned()),
    })
}

#[derive(Clone, Copy)]
enum WayName {
    Template,
    Seed,
    File,
}

fn read_way(table: &Table<'_>) -> Result<Way, ConfigError> {
    let template = read_word(table, "template")?;
    let listen = match table.text("listen")? {
        Some(text) => {
            let allowed = "an IP address and a port, such as 198.51.100.7:5300";
            Some(text.read(allowed, |text| text.parse().ok())?)
        }
        None => None,
    };
    let name = match table.text("way")? {
        Some(text) => text.choice(&[
            ("template", WayName::Template),
            ("seed", WayName::Seed),
            ("file", WayName::File),
        ])?,
        None if template.is_some() => WayName::Template,
        None => WayName::Seed,
    };
    Ok(match name {
        WayName::Template => Way::Template {
            name: table.need("template", template)?,
        },
        WayName::Seed => Way::Seed { listen },
        WayName::File => Way::File,
    })
}
