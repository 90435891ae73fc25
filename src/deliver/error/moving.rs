//! Zones that move to another primary, or are another instance's.

use crate::diagnostic::{Diagnose, Diagnostic, case, left_out, zone as entries};
use crate::model::ZoneName;

/// Why a zone is not removed yet from the primary that it has moved from.
#[derive(Debug)]
pub enum Moving {
    /// Secondaries need time to follow the removal, before the zone gets a new label on its new primary.
    SecondariesFollow,
    /// The route leads back to the primary, and no delivery has been there since.
    RoutedBack {
        /// The name of the primary.
        primary: String,
    },
    /// The configuration does not have the primary.
    PrimaryUnknown {
        /// The name of the primary.
        primary: String,
    },
    /// The zone was seen signed: on another primary it gets other keys than its DS at the parent names.
    Signed {
        /// The name of the primary that has it.
        primary: String,
        /// The zone.
        zone: ZoneName,
    },
    /// Both primaries are one server: a removal would take the zone that has just been delivered.
    SameServer {
        /// The name of the primary of the route.
        primary: String,
    },
}

impl Diagnose for Moving {
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::SecondariesFollow => case!(entries::SECONDARIES_FOLLOW),
            Self::RoutedBack { primary } => case!(entries::ZONE_ROUTED_BACK, primary),
            Self::PrimaryUnknown { primary } => case!(entries::EARLIER_PRIMARY_UNKNOWN, primary),
            Self::Signed { primary, zone } => {
                case!(entries::SIGNED_ZONE_MOVES, primary, zone)
            }
            Self::SameServer { primary } => case!(entries::PRIMARIES_ARE_ONE, primary),
        }
    }
}

/// Where a zone is as well, or whose it is.
#[derive(Debug)]
pub enum Elsewhere {
    /// By an earlier route it was on another primary, from which it is to be removed.
    Moved {
        /// The name of that primary in the configuration.
        primary: String,
        /// The seconds until it is to be removed there: consumers of the catalog need them to follow.
        seconds: u64,
    },
    /// By an earlier route it was on a primary that the configuration does not have, and stays there.
    LeftBehind {
        /// The name that the primary had in the configuration.
        primary: String,
    },
    /// It is another instance's, so there is nothing to delete.
    OfOther {
        /// That instance.
        instance: String,
    },
}

impl Diagnose for Elsewhere {
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::Moved { primary, .. } => case!(left_out::ZONE_MOVED, primary),
            Self::LeftBehind { primary } => case!(left_out::ZONE_LEFT_BEHIND, primary),
            Self::OfOther { instance } => case!(left_out::ZONE_OF_OTHER_STAYS, instance),
        }
    }
}
