//! What a primary lacks if a check fails, and the form of the advice on it.

use crate::deliver::check::context::CheckContext;
use crate::deliver::check::report::Trouble;
use crate::deliver::error::Failure;
use crate::diagnostic::Software;
use crate::provision::{PowerDnsError, ProvisionError};
use crate::wire::Rcode;

/// What the primary lacks.
#[derive(Clone, Copy)]
pub(super) enum Lack {
    /// The key.
    Key,
    /// Our secret of the key: it has another one.
    Secret,
    /// The key, or the key's right to the request.
    KeyOrRight,
    /// The key's right to transfer zones.
    Transfer,
    /// The key's right to update the zone.
    Update,
    /// The setting that accepts updates at all, or from this host.
    Setting,
    /// The zone.
    Zone,
    /// A view that shows the zone to the key.
    View,
    /// The catalog, or the key's right to change its members.
    Catalog,
    /// The key, the catalog, or the key's right to change its members.
    KeyOrCatalog,
    /// A file to load the catalog from.
    CatalogFile,
    /// A catalog whose transfer shows the changes of its updates.
    CatalogKind,
    /// A usable template of the catalog's member zones.
    Template,
}

/// Lines for the configuration of a server. A name in braces, such as `{zone}`, is to be filled in.
pub(super) struct Advice {
    pub(super) place: &'static str,
    /// Blocks of one or more lines.
    pub(super) lines: Vec<&'static str>,
}

/// Finds what the primary lacks if a check meets this trouble.
pub(super) fn lack(trouble: &Trouble, cx: &CheckContext<'_>) -> Option<Lack> {
    let failure = match trouble {
        Trouble::Failure(failure) => failure,
        Trouble::TypesRefused { .. } => return Some(Lack::Update),
        Trouble::ZoneGone { .. } | Trouble::LeftBehind { .. } => return None,
        Trouble::NotUpdatable { trouble, .. } => {
            // The provisioner has given the zone its own settings: the server-wide ones are left.
            return match (lack(trouble, cx)?, cx.software) {
                (Lack::Update, Software::PowerDns) => Some(Lack::Setting),
                (Lack::Update, Software::Bind) => None,
                (lack, _) => Some(lack),
            };
        }
    };
    let Failure::Catalog { source, .. } = failure else {
        return lack_of(failure, cx);
    };
    if let Failure::ZoneNotLoaded { .. } = **source {
        return Some(Lack::CatalogFile);
    }
    Some(match (lack_of(source, cx)?, cx.software) {
        (Lack::KeyOrRight, _) if !cx.is_key_known => Lack::KeyOrCatalog,
        (lack @ (Lack::Key | Lack::Secret), _)
        | (lack @ (Lack::Transfer | Lack::Update), Software::PowerDns) => lack,
        _ => Lack::Catalog,
    })
}

/// Finds what the primary lacks, catalogs apart.
fn lack_of(failure: &Failure, cx: &CheckContext<'_>) -> Option<Lack> {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "few of many failures have lines, and a new one has none until they are written"
    )]
    match failure {
        Failure::BadKey { .. } if cx.software == Software::Knot => Some(Lack::KeyOrRight),
        Failure::BadKey { .. } => Some(Lack::Key),
        Failure::BadSig { .. } => Some(Lack::Secret),
        Failure::Unsigned { rcode, .. } if [Rcode::NOTAUTH, Rcode::REFUSED].contains(rcode) => {
            Some(Lack::KeyOrRight)
        }
        Failure::TransferRefused { .. } => Some(Lack::Transfer),
        Failure::UpdateRefused { .. } if cx.is_key_named => Some(Lack::Setting),
        Failure::UpdateRefused { .. } => Some(Lack::Update),
        Failure::ZoneAbsent => Some(Lack::Zone),
        // Only views have a name, and without them `allow-query` hides the zone.
        Failure::ZoneHidden if cx.view.is_some() => Some(Lack::View),
        Failure::CatalogIdle { .. } => Some(Lack::Template),
        Failure::CatalogNotShown { .. } => Some(Lack::CatalogKind),
        Failure::Provision(ProvisionError::PowerDns(PowerDnsError::KeyMissing { key, .. }))
            if key == cx.key.name() =>
        {
            Some(Lack::Key)
        }
        _ => None,
    }
}
