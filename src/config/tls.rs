//! Reads the TLS options of a table: the trusted certificates and the client's own certificate.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use super::error::{ConfigError, Position};
use super::reader::Table;
use super::secretfile;
use super::unreadable::Unreadable;
use super::values::read_path;
use crate::model::Secret;
use crate::transport::{
    Application, ClientIdentity, PemFile, PemPart, Security, TlsClient, TlsError, TlsSettings,
};

/// Longest file of certificates in octets: a system's list of authorities has a quarter of a
/// million.
const CERTIFICATE_OCTETS_MAX: u64 = 16 * 1024 * 1024;

/// Reads the TLS options of a primary. Paths are relative to `directory`.
pub(super) fn read_with_identity(
    table: &Table<'_>,
    host: &str,
    directory: &Path,
) -> Result<Security, ConfigError> {
    let client = identity(table, directory)?;
    read(table, host, Application::Dns, client, directory)
}

/// Reads the options that verify the server. `host` is the default of `tls-name`.
pub(super) fn read(
    table: &Table<'_>,
    host: &str,
    application: Application,
    client: Option<ClientIdentity>,
    directory: &Path,
) -> Result<Security, ConfigError> {
    let mut pins = Vec::new();
    for text in table.texts("tls-pins")? {
        pins.push(text.read(
            "the base64 form of a SHA-256 digest, 44 characters",
            |text| text.parse().ok(),
        )?);
    }
    let settings = TlsSettings {
        application,
        server_name: match table.text("tls-name")? {
            Some(text) => text.value.to_owned(),
            None => host.to_owned(),
        },
        ca_pem: certificate(table, "tls-ca-file", directory)?,
        pins,
        client,
    };
    let client = TlsClient::new(&settings).map_err(|source| ConfigError::Tls {
        position: position_of(&source, table),
        source: Box::new(source),
    })?;
    Ok(Security::Tls(Arc::new(client)))
}

/// Returns the position of the option that an error is about; that of the table if it has no such option.
fn position_of(error: &TlsError, table: &Table<'_>) -> Position {
    let option = match error {
        TlsError::NoTrust | TlsError::Setup { .. } => None,
        TlsError::ServerName { .. } => Some("tls-name"),
        TlsError::Empty { part, .. } => Some(match part {
            PemPart::Authorities => "tls-ca-file",
            PemPart::Certificate => "tls-certificate-file",
            PemPart::Key => "tls-key-file",
        }),
        TlsError::CaPem { .. } | TlsError::CaEmpty { .. } => Some("tls-ca-file"),
        TlsError::CertificatePem { .. } => Some("tls-certificate-file"),
        TlsError::KeyPem { .. } | TlsError::Identity { .. } => Some("tls-key-file"),
    };
    let position = option.and_then(|option| table.position_of(option));
    position.unwrap_or_else(|| table.position())
}

fn identity(table: &Table<'_>, directory: &Path) -> Result<Option<ClientIdentity>, ConfigError> {
    let certificate = certificate(table, "tls-certificate-file", directory)?;
    let key = private_key(table, "tls-key-file", directory)?;
    Ok(match (certificate, key) {
        (None, None) => None,
        (certificate, key) => Some(ClientIdentity {
            certificate_pem: table.require("tls-certificate-file", certificate)?,
            key_pem: table.require("tls-key-file", key)?,
        }),
    })
}

fn certificate(
    table: &Table<'_>,
    key: &str,
    directory: &Path,
) -> Result<Option<PemFile>, ConfigError> {
    let Some((path, text)) = read_path(table, key, directory)? else {
        return Ok(None);
    };
    let mut content = Vec::new();
    File::open(&path)
        .and_then(|file| {
            file.take(CERTIFICATE_OCTETS_MAX + 1)
                .read_to_end(&mut content)
        })
        .map_err(|source| ConfigError::File {
            position: text.position.clone(),
            key: key.to_owned(),
            source: Unreadable::new(&path, source),
        })?;
    if content.len() as u64 > CERTIFICATE_OCTETS_MAX {
        return Err(ConfigError::CertificatesTooLong {
            position: text.position,
            key: key.to_owned(),
            path,
            limit: CERTIFICATE_OCTETS_MAX,
        });
    }
    Ok(Some(PemFile { path, content }))
}

fn private_key(
    table: &Table<'_>,
    key: &str,
    directory: &Path,
) -> Result<Option<PemFile<Secret<Vec<u8>>>>, ConfigError> {
    let Some((path, text)) = read_path(table, key, directory)? else {
        return Ok(None);
    };
    let content = secretfile::read(&path).map_err(|source| ConfigError::SecretFile {
        position: text.position,
        key: key.to_owned(),
        source,
    })?;
    Ok(Some(PemFile { path, content }))
}
