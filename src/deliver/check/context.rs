//! The circumstances of a check, as far as the advice on a trouble depends on them.

use crate::deliver::error::Failure;
use crate::deliver::server::{Primary, Provisioning};
use crate::diagnostic::Software;
use crate::model::ZoneName;
use crate::plan::Membership;
use crate::wire::{Key, Rcode};

/// The primary, key and zone of a check.
#[derive(Clone, Copy)]
pub(super) struct CheckContext<'a> {
    pub(super) software: Software,
    /// The key that signs the requests.
    pub(super) key: &'a Key,
    /// Whether the primary has signed a response with that key.
    pub(super) is_key_known: bool,
    /// Whether the zone's own settings let that key update it.
    pub(super) is_key_named: bool,
    pub(super) zone: Option<&'a ZoneName>,
    pub(super) location: SettingsLocation,
    /// The template of the catalog's member zones, if its name is known.
    pub(super) template: Option<&'a str>,
    /// The view that zones are created in.
    pub(super) view: Option<&'a str>,
}

/// The part of a configuration that holds the settings of a zone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum SettingsLocation {
    /// A section of the zone's own.
    Section,
    /// The template of the catalog's member zones. A section of such a zone's own would take it
    /// out of the catalog, and the server would purge it.
    Template,
    /// One of both.
    Either,
}

impl<'a> CheckContext<'a> {
    /// Creates a context of the key for updates and no zone.
    pub(super) fn new(primary: &'a Primary) -> Self {
        Self {
            software: primary.software(),
            key: primary.keys.update.present(),
            is_key_known: false,
            is_key_named: false,
            zone: None,
            location: SettingsLocation::Section,
            template: primary.provisioning.as_ref().and_then(Provisioning::group),
            view: primary.view(),
        }
    }

    pub(super) fn with_zone(self, zone: &'a ZoneName, location: SettingsLocation) -> Self {
        Self {
            zone: Some(zone),
            location,
            ..self
        }
    }

    pub(super) fn with_key(self, key: &'a Key) -> Self {
        Self {
            key,
            is_key_known: self.is_key_known && key.name() == self.key.name(),
            ..self
        }
    }

    /// Corrects the failure of a transfer. Knot: it also reports a key as unknown if it knows the
    /// key, and no `acl` of the zone allows it.
    pub(super) fn refused_transfer(&self, failure: Failure) -> Failure {
        let (true, Software::Knot, Some(zone)) = (self.is_key_known, self.software, self.zone)
        else {
            return failure;
        };
        let refused = Failure::TransferRefused {
            rcode: Rcode::NOTAUTH,
            // It knows the key, as it has shown, so that this is about the permission.
            is_signed: true,
            zone: zone.clone(),
            key: self.key.name().clone(),
        };
        if let Failure::BadKey { .. }
        | Failure::Unsigned {
            rcode: Rcode::NOTAUTH,
            ..
        } = failure
        {
            return refused;
        }
        if let Failure::Catalog { catalog, source } = &failure
            // An unsigned response may also mean that the catalog is absent.
            && let Failure::BadKey { .. } = **source
        {
            let (catalog, source) = (catalog.clone(), Box::new(refused));
            return Failure::Catalog { catalog, source };
        }
        failure
    }
}

/// Locates the settings of a zone by its membership; `None` if that is not known.
pub(super) fn settings_location(
    primary: &Primary,
    membership: Option<&Membership>,
) -> SettingsLocation {
    match (&primary.provisioning, membership) {
        (Some(Provisioning::Provisioner(_)) | None, _) | (_, Some(Membership::Absent)) => {
            SettingsLocation::Section
        }
        (Some(Provisioning::Catalog { .. }), Some(_)) => SettingsLocation::Template,
        (Some(Provisioning::Catalog { .. }), None) => SettingsLocation::Either,
    }
}
