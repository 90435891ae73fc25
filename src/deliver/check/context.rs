//! What is asked about, with which key, and what a failure of it comes to.

use crate::deliver::check::remedy::{Case, Home, remedy};
use crate::deliver::check::report::{Bad, Trouble, Verdict};
use crate::deliver::error::Failure;
use crate::deliver::server::{Primary, Provisioning};
use crate::model::ZoneName;
use crate::provision::Software;
use crate::wire::{Key, Rcode};

/// Who asks a primary, and about what.
#[derive(Clone, Copy)]
pub(super) struct Asker<'a> {
    pub(super) primary: &'a Primary,
    key: &'a Key,
    /// Whether the primary has signed an answer with its key for updates.
    is_key_known: bool,
    zone: Option<(&'a ZoneName, Home)>,
    /// Whether the zone's own settings name the key.
    is_key_named: bool,
}

impl<'a> Asker<'a> {
    /// One with the key for updates, about no zone.
    pub(super) fn new(primary: &'a Primary) -> Self {
        Self {
            primary,
            key: &primary.key,
            is_key_known: false,
            zone: None,
            is_key_named: false,
        }
    }

    /// The same about a zone.
    pub(super) fn about(self, zone: &'a ZoneName, home: Home) -> Self {
        let zone = Some((zone, home));
        Self { zone, ..self }
    }

    /// The same with another key.
    pub(super) fn with_key(self, key: &'a Key) -> Self {
        Self { key, ..self }
    }

    /// The same where it is known whether the primary has signed an answer with its key for updates.
    pub(super) fn knowing_key(self, is_key_known: bool) -> Self {
        Self {
            is_key_known,
            ..self
        }
    }

    /// The same where it is known whether the zone's own settings let the key update it.
    pub(super) fn naming_key(self, is_key_named: bool) -> Self {
        Self {
            is_key_named,
            ..self
        }
    }

    /// The failure of a transfer. Knot says that it does not know a key also where it does, and no `acl` of
    /// the zone allows it.
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
            // Without a signature it may as well be that the catalog is not there.
            && let Failure::BadKey { .. } = **source
        {
            let (catalog, source) = (catalog.clone(), Box::new(refused));
            return Failure::Catalog { catalog, source };
        }
        failure
    }

    /// Whether the primary has signed an answer with this key.
    fn is_known(&self) -> bool {
        self.is_key_known && self.key.name() == self.primary.key.name()
    }

    /// What a trouble with that comes to.
    pub(super) fn bad(&self, trouble: impl Into<Trouble>) -> Verdict {
        let trouble = trouble.into();
        let case = Case {
            software: software(self.primary),
            key: self.key,
            is_key_known: self.is_known(),
            is_key_named: self.is_key_named,
            zone: self.zone.map(|(zone, _)| zone),
            home: self.zone.map_or(Home::Section, |(_, home)| home),
            template: self
                .primary
                .provisioning
                .as_ref()
                .and_then(Provisioning::group),
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

/// The kind of server that a primary is, by how zones are made on it.
pub(super) fn software(primary: &Primary) -> Software {
    match &primary.provisioning {
        Some(Provisioning::Provisioner(provisioner)) => provisioner.software(),
        // The one server that makes primary zones of a catalog's members.
        Some(Provisioning::Catalog { .. }) => Software::Knot,
        None => Software::Unknown,
    }
}
