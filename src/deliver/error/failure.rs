//! The reasons why an intent is not in place: a closed set. Callers must decide by variants, never by text.

mod words;

use std::net::IpAddr;

use super::moving::Moving;
use words::{bare, detail, direction, of_time, of_transfer, times};

use crate::diagnostic::{
    Diagnose, Diagnostic, case, check, displayed, key, ownership, ptr, run, zone,
};
use crate::model::{Name, RdataError, RecordType, ZoneName};
use crate::plan::{BatchError, CatalogProblem, InitialZoneError};
use crate::provision::{KeyPlace, ProvisionError};
use crate::transport::TransportError;
use crate::wire::{EncodeError, ExtendedError, Forgery, MalformedReason, Rcode, TransferError};
use crate::zonefile::format_type;

/// A reason why an intent is not in place.
#[derive(Debug)]
#[expect(missing_docs, reason = "the names of the fields say what they hold")]
pub enum Failure {
    /// The connection failed before the request can have arrived.
    Transport(TransportError),
    /// An UPDATE was sent, but its response was lost.
    ResponseLost { source: TransportError },
    /// The primary responds to other requests, but repeatedly not to this one.
    Overloaded { source: TransportError },
    /// The primary repeatedly fails on an UPDATE, as it did on others that succeeded meanwhile.
    UpdatesExhausted { attempts: u32 },
    /// The primary takes only so many UPDATEs in a time, and refuses the others.
    UpdatesLimited,
    /// The primary refuses each UPDATE that has prerequisites.
    PrerequisitesRefused {
        /// Its name in the configuration.
        primary: String,
    },
    /// The connection broke during the transfer.
    TransferCut { source: TransportError },
    /// The transfer is invalid.
    Transfer(TransferError),
    /// The primary serves the zone, but refuses its transfer.
    TransferRefused {
        rcode: Rcode,
        /// Whether the refusal is authenticated.
        is_signed: bool,
        zone: ZoneName,
        key: Name,
    },
    /// The primary takes requests by UDP, which transfers no zones (RFC 5936 section 4.2).
    TransferByUdp,
    /// The response to a question does not fit into a datagram.
    AnswerTruncated { owner: Name, rtype: RecordType },
    /// The primary serves the zone, but runs too many transfers.
    TransfersExhausted { attempts: u32 },
    /// The primary does not serve the zone, and nsbridge may not create it.
    ZoneAbsent,
    /// The primary is configured for the zone, but cannot serve it.
    ZoneNotLoaded { rcode: Rcode, zone: ZoneName },
    /// The primary refused an UPDATE.
    UpdateRefused {
        rcode: Rcode,
        /// The extended error of the response (RFC 8914).
        extended: Option<ExtendedError>,
        zone: ZoneName,
        key: Name,
    },
    /// The zone takes no updates until it is thawed (BIND).
    ZoneFrozen {
        /// The operands of `rndc thaw`.
        target: String,
    },
    /// The primary failed on a request.
    ServerFailure {
        rcode: Rcode,
        /// The extended error of the response (RFC 8914).
        extended: Option<ExtendedError>,
    },
    /// The primary refuses a question about a name, with a signature.
    QuestionRefused { owner: Name, rcode: Rcode },
    /// The primary answers no queries, with a signature.
    QueriesUnsupported { rcode: Rcode },
    /// A question would be needed, and the configuration says that the primary answers none.
    NothingShown,
    /// The primary answers no queries, and nothing names the zone of a record.
    ZoneUnknown { owner: Name },
    /// The primary does not know the key.
    BadKey { key: Name },
    /// The primary has another secret under the key's name.
    BadSig { key: Name },
    /// The clocks are too far apart.
    BadTime {
        /// The primary's clock minus ours, in seconds.
        offset_seconds: i64,
    },
    /// The primary requires longer MACs.
    BadTrunc { key: Name },
    /// The response is an error without a signature.
    Unsigned {
        /// The code of the response, not authenticated.
        rcode: Rcode,
        key: Name,
    },
    /// The signature of a response is invalid.
    Forged(Forgery),
    /// A response is malformed.
    Malformed(MalformedReason),
    /// The zone changed between read and update in each attempt.
    ChangedMeanwhile { attempts: u32 },
    /// The provisioner reports that the zone exists, but the primary does not serve it.
    ZoneHidden,
    /// A program says that it has made the zone, and the primary does not have it.
    ZoneNotMade,
    /// The SOA of a response is malformed.
    Soa(RdataError),
    /// The CNAME chain of a name is too long.
    CnameChainTooLong {
        owner: Name,
        /// The type of the record at its end.
        rtype: RecordType,
        limit: usize,
    },
    /// CNAMEs of a challenge lead to a name at which none is meant to be.
    NoChallengeName { owner: Name, target: Name },
    /// A challenge is to be removed that this instance did not add.
    ChallengeOfOthers { owner: Name },
    /// The owner name of a desired record has a CNAME (RFC 1034 section 3.6.2).
    CnameInTheWay { owner: Name },
    /// The plan does not fit into messages.
    Batch(BatchError),
    /// The desired contents do not make a valid new zone.
    InitialZone(InitialZoneError),
    /// A message cannot be encoded.
    Encode(EncodeError),
    /// The zone could not be created or deleted.
    Provision(ProvisionError),
    /// The zone belongs to another instance.
    OthersZone { zone: ZoneName, instance: String },
    /// The zone belongs to another instance, which may give it up.
    AwaitedZone { zone: ZoneName, instance: String },
    /// The zone was waited for, and belongs to no other instance any more.
    ZoneJustFreed { zone: ZoneName },
    /// The zone of a record belongs to another instance.
    InOthersZone { zone: ZoneName, instance: String },
    /// The zone exists and belongs to no instance, and the policy forbids to adopt it.
    UnownedZone { zone: ZoneName },
    /// A panel asks for a zone below one of another instance.
    BelowOthersZone {
        zone: ZoneName,
        above: ZoneName,
        instance: String,
    },
    /// A panel asks for a zone below one that belongs to no instance.
    BelowUnownedZone { above: ZoneName },
    /// A panel asks for a zone below a reverse zone of this instance.
    BelowReverseZone { zone: ZoneName, above: ZoneName },
    /// A panel asks for a zone of one label.
    ZoneOfOneLabel { zone: ZoneName },
    /// A panel asks for a zone of `arpa` that is no reverse zone inside `ptr.networks`.
    ReverseZoneOutside { zone: ZoneName },
    /// A CNAME leads to another primary, where a request failed.
    BehindCname {
        /// The CNAME target.
        owner: Name,
        /// The name of the other primary in the configuration.
        primary: String,
        source: Box<Self>,
    },
    /// No command changes the keys of the zone, and it does not take the present one.
    KeysElsewhere { key: Name, place: KeyPlace },
    /// The catalog could not be read or changed.
    Catalog {
        catalog: ZoneName,
        source: Box<Self>,
    },
    /// The catalog is broken: no server processes it.
    CatalogBroken {
        catalog: ZoneName,
        problem: CatalogProblem,
    },
    /// The primary lost the catalog or has an older copy, or an instance is bringing it back.
    CatalogLost { catalog: ZoneName },
    /// The catalog has an epoch of this instance that the queue file does not have.
    InstanceCloned { instance: String },
    /// The catalog lists zones without claims.
    CatalogOld { catalog: ZoneName, primary: String },
    /// The catalog has another form.
    CatalogNewer { catalog: ZoneName },
    /// The records at the name of a zone's claim are no claim.
    ClaimDamaged { owner: Name, zone: ZoneName },
    /// The catalog has records of DNSSEC.
    CatalogSigned { catalog: ZoneName },
    /// Transfers of the catalog do not show the changes to it.
    CatalogNotShown { catalog: ZoneName },
    /// The primary did not create the zone of a new member of its catalog.
    CatalogIdle { catalog: ZoneName, seconds: u64 },
    /// The update would remove more of the zone than `policy.removals-max-percent` allows.
    MassRemoval {
        zone: ZoneName,
        removed: usize,
        records: usize,
        percent_max: u32,
    },
    /// More zones would be deleted or emptied within an hour than `policy.deletions-max-per-hour` allows.
    MassDeletion { zone: ZoneName, max: u32 },
    /// The zone was seen signed, and is absent; with the command of nsbridge that creates it all the same.
    SignedZoneGone { zone: ZoneName, command: String },
    /// The payload has no record for the zone.
    EmptyZone,
    /// `policy.deny-zones` protects the zone.
    Denied { suffix: Name },
    /// The name is the catalog of the primary, or is below it.
    OfCatalog { catalog: ZoneName },
    /// No route leads to a primary.
    NoRoute,
    /// The zone is not removed yet from the primary that it has moved from.
    Moving(Moving),
    /// The address is in no network with managed PTR records.
    OutsideNetworks { address: IpAddr },
    /// The primary has no reverse zone for the address, and nsbridge may not create one.
    ReverseZoneAbsent {
        /// The reverse name.
        owner: Name,
        /// The reverse zone for its network.
        reverse_zone: ZoneName,
    },
    /// The primary has no zone for a name.
    NoZoneFor { owner: Name },
    /// No zone for the name of a challenge was found as long as the challenge was of use.
    ChallengeExpired { source: Box<Self> },
    /// The reverse zone is one of BIND's built-in empty zones.
    BuiltInZone { zone: ZoneName },
    /// No name servers are known for a new zone.
    NoNameservers { zone: ZoneName },
    /// The zone's name leaves no room for the name of a check.
    NoRoomForCheck,
    /// The primary does not serve a change of a check.
    CheckUnserved { owner: Name, seconds: u64 },
    /// The name of a check stays in the zone.
    CheckNameStays { owner: Name, source: Box<Self> },
    /// The deadline of the run has passed.
    DeadlinePassed,
    /// The state file failed; the store thread reports why.
    State,
    /// The kernel returned no random numbers.
    Random(getrandom::Error),
}

macro_rules! from {
    ($($variant:ident($error:ty)),+ $(,)?) => {
        $(
            impl From<$error> for Failure {
                fn from(error: $error) -> Self {
                    Self::$variant(error)
                }
            }
        )+
    };
}

from!(
    Transport(TransportError),
    Transfer(TransferError),
    Batch(BatchError),
    InitialZone(InitialZoneError),
    Encode(EncodeError),
    Provision(ProvisionError),
);

displayed!(Failure);

impl Diagnose for Failure {
    #[expect(clippy::too_many_lines, reason = "a line or two for each failure")]
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::Transport(error) => error.diagnostic(),
            Self::ResponseLost { source } => case!(zone::RESPONSE_LOST).because(source),
            Self::Overloaded { source } => case!(zone::PRIMARY_OVERLOADED).because(source),
            Self::UpdatesExhausted { attempts } => case!(zone::UPDATES_EXHAUSTED, attempts),
            Self::UpdatesLimited => case!(zone::UPDATES_LIMITED),
            Self::PrerequisitesRefused { primary } => {
                case!(zone::PREREQUISITES_REFUSED, primary)
            }
            Self::TransferCut { source } => case!(zone::TRANSFER_CUT).because(source),
            Self::Transfer(source) => of_transfer(source),
            Self::TransferRefused {
                rcode,
                is_signed,
                zone,
                key,
            } => {
                let key = bare(key);
                if *is_signed {
                    case!(zone::TRANSFER_REFUSED, rcode, zone, key)
                } else {
                    case!(zone::TRANSFER_DENIED, rcode, zone, key)
                }
            }
            Self::TransferByUdp => case!(zone::TRANSFER_BY_UDP),
            Self::AnswerTruncated { owner, rtype } => {
                let rtype = format_type(*rtype);
                case!(zone::ANSWER_TRUNCATED, owner, rtype)
            }
            Self::TransfersExhausted { attempts } => case!(zone::TRANSFERS_EXHAUSTED, attempts),
            Self::ZoneAbsent => case!(zone::ZONE_ABSENT),
            Self::ZoneNotLoaded { rcode, zone } => case!(zone::ZONE_NOT_LOADED, rcode, zone),
            Self::UpdateRefused {
                rcode,
                extended,
                zone,
                key,
            } => {
                let detail = detail(extended.as_ref());
                case!(zone::UPDATE_REFUSED, rcode, detail, zone, key = bare(key))
            }
            Self::ZoneFrozen { target } => case!(zone::ZONE_FROZEN, target),
            Self::ServerFailure { rcode, extended } => {
                case!(
                    zone::SERVER_FAILURE,
                    rcode,
                    detail = detail(extended.as_ref())
                )
            }
            Self::QuestionRefused { owner, rcode } => case!(zone::QUESTION_REFUSED, owner, rcode),
            Self::QueriesUnsupported { rcode } => case!(zone::QUERIES_UNSUPPORTED, rcode),
            Self::NothingShown => case!(zone::NOTHING_SHOWN),
            Self::ZoneUnknown { owner } => case!(ptr::ZONE_OF_NAME_UNKNOWN, owner),
            Self::BadKey { key } => case!(key::KEY_UNKNOWN, key = bare(key)),
            Self::BadSig { key } => case!(key::KEY_SECRET_DIFFERS, key = bare(key)),
            Self::BadTime { offset_seconds } => case!(
                key::CLOCKS_DIFFER,
                seconds = offset_seconds.unsigned_abs(),
                direction = direction(*offset_seconds),
            ),
            Self::BadTrunc { key } => case!(key::MAC_TRUNCATED, key = bare(key)),
            Self::Unsigned { rcode, key } => {
                let key = bare(key);
                match *rcode {
                    Rcode::NOTIMP => case!(key::UPDATES_UNSUPPORTED, rcode),
                    Rcode::REFUSED | Rcode::NOTAUTH | Rcode::NOTZONE => {
                        case!(key::UNSIGNED_REFUSAL, rcode, key)
                    }
                    _ => case!(key::UNSIGNED_ERROR, rcode, key),
                }
            }
            Self::Forged(Forgery::Time {
                offset_seconds,
                fudge_seconds,
            }) => of_time(*offset_seconds, *fudge_seconds),
            Self::Forged(source) => case!(key::RESPONSE_FORGED, source),
            Self::Malformed(source) => case!(key::RESPONSE_MALFORMED, source),
            Self::ChangedMeanwhile { attempts } => {
                case!(zone::ZONE_CHANGED_MEANWHILE, times = times(*attempts))
            }
            Self::ZoneHidden => case!(zone::ZONE_HIDDEN),
            Self::ZoneNotMade => case!(zone::ZONE_NOT_MADE),
            Self::Soa(source) => case!(zone::SOA_UNREADABLE, source),
            Self::CnameChainTooLong {
                owner,
                rtype,
                limit,
            } => {
                let rtype = format_type(*rtype);
                case!(ptr::CNAME_CHAIN_TOO_LONG, owner, rtype, limit)
            }
            Self::NoChallengeName { owner, target } => {
                let zone = bare(target);
                case!(ptr::CHALLENGE_ELSEWHERE, owner, target, zone)
            }
            Self::ChallengeOfOthers { owner } => case!(ptr::CHALLENGE_OF_OTHERS, owner),
            Self::CnameInTheWay { owner } => case!(ptr::CNAME_IN_THE_WAY, owner),
            Self::Batch(error) => error.diagnostic(),
            Self::InitialZone(error) => error.diagnostic(),
            Self::Encode(error) => error.diagnostic(),
            Self::Provision(error) => error.diagnostic(),
            Self::OthersZone { zone, instance } => {
                case!(ownership::ZONE_OF_OTHER, zone, instance)
            }
            Self::AwaitedZone { zone, instance } => case!(ownership::ZONE_AWAITED, zone, instance),
            Self::ZoneJustFreed { .. } => case!(ownership::ZONE_JUST_FREED),
            Self::InOthersZone { zone, instance } => {
                case!(ownership::RECORD_OF_OTHER, zone, instance)
            }
            Self::UnownedZone { zone } => case!(ownership::ZONE_UNOWNED, zone),
            Self::BelowOthersZone {
                zone,
                above,
                instance,
            } => case!(
                ownership::BELOW_ZONE_OF_OTHER,
                zone = bare(zone.apex()),
                above,
                instance
            ),
            Self::BelowUnownedZone { above } => case!(ownership::BELOW_ZONE_UNOWNED, above),
            Self::BelowReverseZone { zone, above } => {
                case!(
                    ownership::BELOW_REVERSE_ZONE,
                    zone = bare(zone.apex()),
                    above
                )
            }
            Self::ZoneOfOneLabel { zone } => {
                case!(ownership::ZONE_OF_ONE_LABEL, zone = bare(zone.apex()))
            }
            Self::ReverseZoneOutside { zone } => {
                case!(ownership::REVERSE_ZONE_OUTSIDE, zone = bare(zone.apex()))
            }
            Self::BehindCname {
                owner,
                primary,
                source,
            } => case!(ptr::BEHIND_CNAME, owner, primary).because(&**source),
            Self::KeysElsewhere { key, place } => {
                case!(key::KEYS_ELSEWHERE, key = bare(key), place)
            }
            Self::Catalog { catalog, source } => of_catalog(catalog, source).because(&**source),
            Self::CatalogBroken { catalog, problem } => {
                case!(ownership::CATALOG_BROKEN, catalog).because(problem)
            }
            Self::CatalogLost { catalog } => case!(ownership::CATALOG_LOST, catalog),
            Self::InstanceCloned { instance } => case!(ownership::INSTANCE_CLONED, instance),
            Self::CatalogSigned { catalog } => case!(ownership::CATALOG_SIGNED, catalog),
            Self::CatalogNotShown { catalog } => case!(ownership::CATALOG_NOT_SHOWN, catalog),
            Self::CatalogOld { catalog, primary } => {
                case!(ownership::CATALOG_WITHOUT_CLAIMS, catalog, primary)
            }
            Self::CatalogNewer { catalog } => case!(ownership::CATALOG_FORMAT_UNKNOWN, catalog),
            Self::ClaimDamaged { owner, zone } => {
                case!(ownership::CATALOG_CLAIM_DAMAGED, owner, zone)
            }
            Self::CatalogIdle { catalog, seconds } => {
                case!(ownership::MEMBER_NOT_SERVED, catalog, seconds)
            }
            Self::MassRemoval {
                zone,
                removed,
                records,
                percent_max,
            } => case!(zone::MASS_REMOVAL, zone, removed, records, percent_max),
            Self::MassDeletion { zone, max } => case!(zone::MASS_DELETION, zone, max),
            Self::SignedZoneGone { command, .. } => case!(zone::SIGNED_ZONE_GONE, command),
            Self::EmptyZone => case!(zone::ZONE_EMPTY),
            Self::Denied { suffix } => case!(zone::ZONE_PROTECTED, suffix),
            Self::OfCatalog { catalog } => case!(ownership::ZONE_OF_CATALOG, catalog),
            Self::NoRoute => case!(zone::ROUTE_ABSENT),
            Self::Moving(moving) => moving.diagnostic(),
            Self::OutsideNetworks { address } => case!(ptr::ADDRESS_OUTSIDE_NETWORKS, address),
            Self::ReverseZoneAbsent {
                owner,
                reverse_zone,
            } => case!(ptr::REVERSE_ZONE_ABSENT, owner, zone = reverse_zone),
            Self::NoZoneFor { owner } => case!(ptr::ZONE_OF_NAME_ABSENT, owner),
            Self::ChallengeExpired { source } => case!(ptr::CHALLENGE_EXPIRED).because(&**source),
            Self::BuiltInZone { zone } => case!(ptr::BUILT_IN_ZONE, zone),
            Self::NoNameservers { zone } => case!(ptr::NAMESERVERS_UNKNOWN, zone),
            Self::NoRoomForCheck => case!(check::CHECK_WITHOUT_ROOM),
            Self::CheckUnserved { owner, seconds } => case!(check::CHECK_UNSERVED, owner, seconds),
            Self::CheckNameStays { owner, source } => {
                case!(check::CHECK_NAME_NOT_REMOVED, owner).because(&**source)
            }
            Self::DeadlinePassed => case!(run::DEADLINE_PASSED),
            Self::State => case!(run::STATE_UNUSABLE),
            Self::Random(source) => case!(run::NO_RANDOM_NUMBERS, source),
        }
    }
}

/// Returns the entry of a failure to read or change the catalog, without the cause.
fn of_catalog(catalog: &ZoneName, failure: &Failure) -> Diagnostic {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "most failures mean the same for a catalog as for a zone"
    )]
    match failure {
        Failure::TransferRefused {
            key,
            is_signed: true,
            ..
        }
        | Failure::UpdateRefused { key, .. } => {
            case!(ownership::CATALOG_REFUSED, catalog, key = bare(key))
        }
        Failure::BadKey { key }
        | Failure::Unsigned {
            rcode: Rcode::REFUSED | Rcode::NOTAUTH | Rcode::NOTZONE,
            key,
        } => {
            case!(ownership::CATALOG_KEY_REFUSED, catalog, key = bare(key))
        }
        Failure::ZoneAbsent => case!(ownership::CATALOG_ABSENT, catalog),
        Failure::ZoneNotLoaded { .. } => case!(ownership::CATALOG_NOT_LOADED, catalog),
        _ => case!(ownership::CATALOG, catalog),
    }
}

#[cfg(test)]
mod tests;
