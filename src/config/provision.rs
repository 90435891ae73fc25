//! Reads `[primaries.NAME.provision]`: the method that creates zones.
//!
//! Each method has its own keys. A key of another method is an error; it is never ignored.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::error::ConfigError;
use super::reader::{Keys, Table, Text};
use super::references::References;
use super::settings::{PowerDnsProvision, ProvisionSettings, RndcProvision};
use super::unreadable::Unreadable;
use super::values::{HOST_AND_PORT, read_host, read_path, read_url, read_word};
use super::{secretfile, tls};
use crate::model::Secret;
use crate::provision::command::{Argument, CommandSettings};
use crate::provision::rndc::Way;
use crate::transport::{Application, Endpoint, Security};

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

/// The keys that only one method has, with the setting that selects it.
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

/// Keys that apply to `https` only.
const TLS_KEYS: [&str; 3] = ["tls-ca-file", "tls-name", "tls-pins"];

#[derive(Clone, Copy)]
enum Method {
    Rndc,
    Command,
    PowerDns,
    Catalog,
}

/// Reads the table.
pub(super) fn read(
    table: &Table<'_>,
    references: &References<'_>,
) -> Result<ProvisionSettings, ConfigError> {
    let method = table.require("method", table.text("method")?)?;
    let methods = [
        ("rndc", Method::Rndc),
        ("powerdns", Method::PowerDns),
        ("catalog", Method::Catalog),
        ("command", Method::Command),
    ];
    match method.choice(&methods)? {
        Method::Rndc => {
            reject_keys(table, &[COMMAND, POWERDNS, CATALOG])?;
            let control = table.require("control", table.text("control")?)?;
            Ok(ProvisionSettings::Rndc(RndcProvision {
                control: control.read(HOST_AND_PORT, |text| read_host(text, CONTROL_PORT))?,
                control_keys: table
                    .require("control-key", references.keys(table, "control-key")?)?,
                view: read_word(table, "view")?,
                way: read_way(table)?,
            }))
        }
        Method::Command => {
            reject_keys(table, &[RNDC, POWERDNS, CATALOG])?;
            Ok(ProvisionSettings::Command(CommandSettings {
                program: read_program(&table.require("program", table.text("program")?)?)?,
                arguments: read_arguments(table)?,
            }))
        }
        Method::PowerDns => {
            reject_keys(table, &[RNDC, COMMAND, CATALOG])?;
            read_powerdns(table, references.directory).map(ProvisionSettings::PowerDns)
        }
        Method::Catalog => {
            reject_keys(table, &[RNDC, COMMAND, POWERDNS])?;
            let group = read_word(table, "group")?;
            Ok(ProvisionSettings::Catalog { group })
        }
    }
}

/// Rejects the keys of settings that are not selected.
fn reject_keys(table: &Table<'_>, methods: &[(&'static str, &[&str])]) -> Result<(), ConfigError> {
    let keys = methods
        .iter()
        .flat_map(|(needs, keys)| keys.iter().map(move |key| (*needs, *key)));
    let mut found = keys.filter_map(|(needs, key)| Some((needs, key, table.position_of(key)?)));
    match found.next() {
        Some((needs, key, position)) => Err(ConfigError::NotApplicable {
            position,
            key: key.to_owned(),
            needs,
        }),
        None => Ok(()),
    }
}

/// Reads the path of a program, which must be executable and not writable for every user.
fn read_program(text: &Text<'_>) -> Result<PathBuf, ConfigError> {
    let path = text.read("the absolute path of a program", |text| {
        let path = Path::new(text);
        path.is_absolute().then(|| path.to_owned())
    })?;
    let metadata = fs::metadata(&path).map_err(|source| ConfigError::File {
        position: text.position.clone(),
        key: text.key.clone(),
        source: Unreadable::new(&path, source),
    })?;
    let mode = metadata.permissions().mode();
    if !metadata.is_file() || mode & 0o111 == 0 {
        let position = text.position.clone();
        return Err(ConfigError::NotExecutable { position, path });
    }
    if mode & 0o002 != 0 {
        let position = text.position.clone();
        return Err(ConfigError::WritableProgram { position, path });
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
    let first = table.require("arguments", texts.first())?;
    for (placeholder, has) in [
        ("{action}", Argument::has_action as fn(&Argument) -> bool),
        ("{zone}", Argument::has_zone),
    ] {
        if !arguments.iter().any(has) {
            return Err(first.bad_value(format!("a list with `{placeholder}` in it")));
        }
    }
    Ok(arguments)
}

fn read_powerdns(table: &Table<'_>, directory: &Path) -> Result<PowerDnsProvision, ConfigError> {
    let url = table.require("url", table.text("url")?)?;
    let allowed = "a URL of http or https, such as http://192.0.2.53:8081";
    let url = url.read(allowed, read_url)?;
    let security = if url.is_https {
        tls::read(table, &url.host, Application::Http, None, directory)?
    } else {
        reject_keys(table, &[("url = \"https://…\"", &TLS_KEYS)])?;
        Security::Tcp
    };
    let file = read_path(table, "api-key-file", directory)?;
    let (path, text) = table.require("api-key-file", file)?;
    let content = secretfile::read(&path).map_err(|source| ConfigError::ApiKeyFile {
        position: text.position.clone(),
        source,
    })?;
    let api_key = str::from_utf8(content.expose())
        .ok()
        .map(str::trim)
        .filter(|key| !key.is_empty() && key.bytes().all(|octet| octet.is_ascii_graphic()));
    let Some(api_key) = api_key else {
        let position = text.position;
        return Err(ConfigError::NoApiKey { position, path });
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
            let allowed =
                "an IP address and a port or ports: 198.51.100.7:5300, 198.51.100.7:5300-5309";
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
            name: table.require("template", template)?,
        },
        WayName::Seed => Way::Seed { listen },
        WayName::File => Way::File,
    })
}
