//! The primary, key and zone of a check, and the verdict on a trouble with them.

use crate::deliver::check::remedy::{Case, SettingsLocation, remedy};
use crate::deliver::check::report::{Bad, Trouble, Verdict};
use crate::deliver::error::Failure;
use crate::deliver::server::{Primary, Provisioning};
use crate::model::ZoneName;
use crate::provision::Software;
use crate::wire::{Key, Rcode};

/// The primary, key and zone of a check.
#[derive(Clone, Copy)]
pub(super) struct CheckContext<'a> {
    pub(super) primary: &'a Primary,
    key: &'a Key,
    /// Whether the primary has signed a response with its key for updates.
    is_key_known: bool,
    zone: Option<(&'a ZoneName, SettingsLocation)>,
    /// Whether the zone's own settings name the key.
    is_key_named: bool,
}

impl<'a> CheckContext<'a> {
    /// Creates a context of the key for updates and no zone.
    pub(super) fn new(primary: &'a Primary) -> Self {
        Self {
            primary,
            key: &primary.key,
            is_key_known: false,
            zone: None,
            is_key_named: false,
        }
    }

    pub(super) fn with_zone(self, zone: &'a ZoneName, location: SettingsLocation) -> Self {
        let zone = Some((zone, location));
        Self { zone, ..self }
    }

    pub(super) fn with_key(self, key: &'a Key) -> Self {
        Self { key, ..self }
    }

    /// Sets whether the primary has signed a response with its key for updates.
    pub(super) fn with_known_key(self, is_key_known: bool) -> Self {
        Self {
            is_key_known,
            ..self
        }
    }

    /// Sets whether the zone's own settings let the key update it.
    pub(super) fn with_named_key(self, is_key_named: bool) -> Self {
        Self {
            is_key_named,
            ..self
        }
    }

    /// Corrects the failure of a transfer. Knot: it also reports a key as unknown if it knows the
    /// key, and no `acl` of the zone allows it.
    pub(super) fn refused_transfer(&self, failure: Failure) -> Failure {
        if !self.is_known() || software(self.primary) != Software::Knot {
            return failure;
        }
        let (rcode, key) = (Rcode::NOTAUTH, self.key.name().clone());
        let refused = Failure::TransferRefused { rcode, key };
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

    /// Returns whether the primary has signed a response with this key.
    fn is_known(&self) -> bool {
        self.is_key_known && self.key.name() == self.primary.key.name()
    }

    /// Returns the verdict on a trouble, with its hint and remedy.
    pub(super) fn bad(&self, trouble: impl Into<Trouble>) -> Verdict {
        let trouble = trouble.into();
        let provisioning = self.primary.provisioning.as_ref();
        let (zone, location) = self.zone.unzip();
        let case = Case {
            software: software(self.primary),
            key: self.key,
            is_key_known: self.is_known(),
            is_key_named: self.is_key_named,
            zone,
            location: location.unwrap_or(SettingsLocation::Section),
            template: provisioning.and_then(Provisioning::group),
        };
        let (remedy, hint) = remedy(&trouble, &case).unzip();
        let hint = hint.flatten().unwrap_or_else(|| trouble.hint());
        Verdict::Bad(Box::new(Bad {
            trouble,
            hint,
            remedy,
        }))
    }
}

/// Returns the software of a primary, which its way to create zones shows.
pub(super) fn software(primary: &Primary) -> Software {
    match &primary.provisioning {
        Some(Provisioning::Provisioner(provisioner)) => provisioner.software(),
        // Knot is the one server that creates primary zones for a catalog's members.
        Some(Provisioning::Catalog { .. }) => Software::Knot,
        None => Software::Unknown,
    }
}
