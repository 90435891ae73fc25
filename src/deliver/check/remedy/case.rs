//! What decides on a remedy: the circumstances of a trouble, and what the primary lacks.

use crate::model::ZoneName;
use crate::provision::Software;
use crate::wire::{Algorithm, Key};

/// Text in place of a secret.
pub(super) const SECRET: &str = "<that of this host's key file>";

/// The circumstances of a trouble, as far as its remedy depends on them.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) software: Software,
    /// The key that signed the request.
    pub(crate) key: &'a Key,
    /// Whether the primary has signed a response with that key.
    pub(crate) is_key_known: bool,
    /// Whether the zone's own settings let that key update it.
    pub(crate) is_key_named: bool,
    pub(crate) zone: Option<&'a ZoneName>,
    pub(crate) location: SettingsLocation,
    /// The template of the catalog's member zones, if its name is known.
    pub(crate) template: Option<&'a str>,
}

/// The part of a configuration that holds the settings of a zone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum SettingsLocation {
    /// A section of the zone's own.
    Section,
    /// The template of the catalog's member zones. A section of such a zone's own would take it
    /// out of the catalog, and the server would purge it.
    Template,
    /// One of both.
    Either,
}

/// What the primary lacks.
#[derive(Clone, Copy)]
pub(super) enum Lack {
    /// The key.
    Key,
    /// Our secret of the key: it has another one.
    Secret,
    /// The key, or its right to do what was requested.
    KeyOrRight,
    /// The key's right to transfer zones.
    Transfer,
    /// The key's right to update the zone.
    Update,
    /// The setting that accepts updates at all, or from this host.
    Setting,
    /// The zone.
    Zone,
    /// The catalog, or the key's right to change its members.
    Catalog,
    /// The key, the catalog, or the key's right to change its members.
    KeyOrCatalog,
    /// A file to load the catalog from.
    CatalogFile,
    /// A catalog of a kind that shows what is written to it.
    CatalogKind,
    /// A template of the catalog's member zones that is as it must be.
    Template,
}

/// The names that fill the lines.
pub(super) struct Names {
    pub(super) zone: String,
    pub(super) key: String,
    pub(super) algorithm: Algorithm,
    template: String,
}

impl Names {
    /// Takes the names from a case; a zone or a template that is not known gets a placeholder.
    pub(super) fn of(case: &Case<'_>) -> Self {
        let zone = case.zone.map(|zone| zone.apex().to_text_without_dot());
        let template = case.template.unwrap_or("<template of its zones>");
        Self {
            zone: zone.unwrap_or_else(|| "<zone>".to_owned()),
            key: case.key.name().to_text_without_dot(),
            algorithm: case.key.algorithm(),
            template: template.to_owned(),
        }
    }

    /// Fills `{key}`, `{zone}` and `{template}` of a line.
    pub(super) fn fill(&self, line: &str) -> String {
        line.replace("{key}", &self.key)
            .replace("{zone}", &self.zone)
            .replace("{template}", &self.template)
    }
}
