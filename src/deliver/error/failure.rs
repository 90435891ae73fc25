//! Why an intent is not in place: a closed set, so that callers decide by matching and never by text.

use std::net::IpAddr;

use crate::model::{Name, RdataError, RecordType, ZoneName};
use crate::plan::{BatchError, CatalogProblem, InitialZoneError};
use crate::provision::ProvisionError;
use crate::transport::TransportError;
use crate::wire::{EncodeError, ExtendedError, Forgery, MalformedReason, Rcode, TransferError};

/// Why an intent is not in place.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The connection could not be made, or broke before the request can have arrived.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// An UPDATE was sent and its answer never came.
    #[error("the update was sent, but no answer came back: {source}")]
    Unknown {
        /// What happened to the connection.
        source: TransportError,
    },
    /// The primary answers others, and sheds this again and again.
    #[error("the primary has too much to do: it answers other requests, but {source}")]
    Overloaded {
        /// What happened to the last one.
        source: TransportError,
    },
    /// The primary fails on an UPDATE again and again, as it did on others that have passed meanwhile.
    #[error("the primary has too much to do (SERVFAIL to {attempts} updates)")]
    UpdatesExhausted {
        /// How often it was sent.
        attempts: u32,
    },
    /// The transfer stopped in the middle.
    #[error("the zone transfer was cut short: {source}")]
    TransferCut {
        /// What happened to the connection.
        source: TransportError,
    },
    /// The transfer is not to be trusted.
    #[error("the zone transfer failed: {0}")]
    Transfer(#[from] TransferError),
    /// The primary serves the zone and denies its transfer.
    #[error("the primary refuses the zone transfer ({rcode})")]
    TransferRefused {
        /// Its answer.
        rcode: Rcode,
        /// The key that the request was signed with.
        key: Name,
    },
    /// The primary serves the zone and had no room for its transfer.
    #[error("the primary has no room for another zone transfer (SERVFAIL to {attempts} requests)")]
    TransfersExhausted {
        /// How often it was asked.
        attempts: u32,
    },
    /// The primary does not serve the zone and nothing may make it.
    #[error("the zone is not on the primary")]
    ZoneAbsent,
    /// The primary is configured for the zone and cannot serve it.
    #[error("the primary has the zone configured but not loaded ({rcode})")]
    ZoneNotLoaded {
        /// Its answer.
        rcode: Rcode,
    },
    /// The primary denied an UPDATE.
    #[error("the primary refuses the update ({rcode}{})", detail(.extended.as_ref()))]
    UpdateRefused {
        /// Its answer.
        rcode: Rcode,
        /// What it said beside (RFC 8914).
        extended: Option<ExtendedError>,
        /// The key that the request was signed with.
        key: Name,
    },
    /// The primary failed on a request.
    #[error("the primary answers {rcode}{}", detail(.extended.as_ref()))]
    ServerFailure {
        /// Its answer.
        rcode: Rcode,
        /// What it said beside (RFC 8914).
        extended: Option<ExtendedError>,
    },
    /// The primary does not know the key.
    #[error(
        "the primary does not know the key `{}` with this algorithm (BADKEY)",
        .key.to_text_without_dot()
    )]
    BadKey {
        /// The key that the request was signed with.
        key: Name,
    },
    /// The primary has another secret under the key's name.
    #[error("the primary has another secret for the key `{}` (BADSIG)", .key.to_text_without_dot())]
    BadSig {
        /// The key that the request was signed with.
        key: Name,
    },
    /// The clocks are too far apart.
    #[error(
        "the clocks differ too much for signatures (BADTIME): the primary's is {} s {} ours",
        .offset_seconds.unsigned_abs(), if *.offset_seconds < 0 { "behind" } else { "ahead of" }
    )]
    BadTime {
        /// The primary's clock less ours, in seconds.
        offset_seconds: i64,
    },
    /// The primary wants longer MACs.
    #[error(
        "the primary refuses the truncated signatures of the key `{}` (BADTRUNC)",
        .key.to_text_without_dot()
    )]
    BadTrunc {
        /// The key that the request was signed with.
        key: Name,
    },
    /// An error came back without a signature.
    #[error("the primary answers {rcode} without a signature")]
    Unsigned {
        /// What it says, unauthenticated.
        rcode: Rcode,
        /// The key that the request was signed with.
        key: Name,
    },
    /// An answer's signature does not hold.
    #[error("the answer is not to be trusted: {0}")]
    Forged(Forgery),
    /// An answer is none.
    #[error("the answer is unusable: {0}")]
    Malformed(MalformedReason),
    /// The zone kept changing between read and update.
    #[error("the zone was changed by someone else {} between read and update", times(*.attempts))]
    ChangedMeanwhile {
        /// How often it was tried.
        attempts: u32,
    },
    /// The zone is there by the word of its provisioner, and not by that of the primary.
    #[error("the zone was made or is there, but the primary does not serve it to us")]
    ZoneHidden,
    /// The SOA of an answer is none.
    #[error("the answer has an unreadable SOA: {0}")]
    Soa(RdataError),
    /// The aliases of a name lead on and on.
    #[error("the aliases that lead from `{owner}` are more than {limit}")]
    CnameChainTooLong {
        /// The name.
        owner: Name,
        /// The type of the record that is looked for.
        rtype: RecordType,
        /// How many are followed.
        limit: usize,
    },
    /// A record shall stand where an alias stands (RFC 1034 section 3.6.2).
    #[error("`{owner}` is an alias, beside which no other record can stand")]
    CnameInTheWay {
        /// The name.
        owner: Name,
    },
    /// The plan does not fit messages.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// The zone cannot be made from what is desired.
    #[error(transparent)]
    InitialZone(#[from] InitialZoneError),
    /// A message cannot be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The zone could not be made or removed.
    #[error(transparent)]
    Provision(#[from] ProvisionError),
    /// The zone is another instance's.
    #[error("the zone belongs to the instance `{instance}`")]
    OthersZone {
        /// The zone.
        zone: ZoneName,
        /// That instance.
        instance: String,
    },
    /// A record stands in another instance's zone, or would.
    #[error("its zone `{zone}` belongs to the instance `{instance}`")]
    InOthersZone {
        /// The zone.
        zone: ZoneName,
        /// That instance.
        instance: String,
    },
    /// The zone was there before, belongs to nobody, and nothing may adopt it.
    #[error("the zone belongs to no instance, and `policy.unowned-zones` forbids to adopt it")]
    UnownedZone {
        /// The zone.
        zone: ZoneName,
    },
    /// An alias leads to another primary, and there something failed.
    #[error("at `{owner}` on {primary}, where the alias leads: {source}")]
    BehindCname {
        /// The name that the alias leads to.
        owner: Name,
        /// That primary's name in the configuration.
        primary: String,
        /// What happened.
        source: Box<Self>,
    },
    /// The catalog could not be read or changed.
    #[error("the catalog `{catalog}`: {source}")]
    Catalog {
        /// The catalog.
        catalog: ZoneName,
        /// What happened.
        source: Box<Self>,
    },
    /// The catalog is one that no server processes.
    #[error("the catalog `{catalog}` is broken: {problem}")]
    CatalogBroken {
        /// The catalog.
        catalog: ZoneName,
        /// What is wrong with it.
        problem: CatalogProblem,
    },
    /// What is written to the catalog does not show in its transfers.
    #[error("the catalog `{catalog}` takes changes, and does not show them")]
    CatalogNotShown {
        /// The catalog.
        catalog: ZoneName,
    },
    /// The primary made no zone of a member of its catalog.
    #[error(
        "the zone is a member of the catalog `{catalog}`, but the primary does not serve it after \
         {seconds} s"
    )]
    CatalogIdle {
        /// The catalog.
        catalog: ZoneName,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The update would remove more of the zone than `policy.removals-max-percent` allows.
    #[error(
        "the update would remove {removed} of {records} records, more than the {percent_max} percent that \
         `removals-max-percent` allows"
    )]
    MassRemoval {
        /// How many records would go.
        removed: usize,
        /// How many the zone has.
        records: usize,
        /// How much is allowed.
        percent_max: u32,
    },
    /// A payload without any record for a zone.
    #[error("the zone would be left without any record")]
    EmptyZone,
    /// A zone that `policy.deny-zones` protects.
    #[error("`policy.deny-zones` protects `{suffix}`")]
    Denied {
        /// The suffix that covers it.
        suffix: Name,
    },
    /// The catalog of the primary, or a name below it.
    #[error(
        "`{catalog}` is the catalog of the primary, of which only the entries of zones are changed"
    )]
    OfCatalog {
        /// The catalog.
        catalog: ZoneName,
    },
    /// No route leads to a primary.
    #[error("no route leads to a primary for it")]
    NoRoute,
    /// The address is not in a network whose PTR records may be changed.
    #[error("the address is in none of `ptr.networks`")]
    OutsideNetworks {
        /// The address.
        address: IpAddr,
    },
    /// No reverse zone was found and nothing may make one.
    #[error("the primary serves no reverse zone for `{owner}`")]
    ReverseZoneAbsent {
        /// The name that a zone is missing for.
        owner: Name,
        /// The zone that the networks imply.
        reverse_zone: ZoneName,
    },
    /// The primary has no zone for a name.
    #[error("the primary serves no zone for `{owner}`")]
    NoZoneFor {
        /// The name.
        owner: Name,
    },
    /// The reverse zone is one of those that BIND makes up by itself.
    #[error("`{zone}` is one of BIND's built-in empty zones, which take no updates")]
    BuiltInZone {
        /// That zone.
        zone: ZoneName,
    },
    /// Nothing tells which name servers a new zone shall have.
    #[error("no name servers are known for the new zone `{zone}`")]
    NoNameservers {
        /// That zone.
        zone: ZoneName,
    },
    /// The time for the whole run is over.
    #[error("no time is left")]
    DeadlinePassed,
    /// The memory failed; its keeper says why.
    #[error("the memory of delivered records cannot be used")]
    State,
    /// The kernel gave no random numbers.
    #[error("no random numbers from the kernel: {0}")]
    Random(getrandom::Error),
}

fn times(count: u32) -> String {
    if count == 1 {
        "once".to_owned()
    } else {
        format!("{count} times")
    }
}

fn detail(extended: Option<&ExtendedError>) -> String {
    extended
        .map(|error| format!("; {error}"))
        .unwrap_or_default()
}

/// What a failure asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Retry {
    /// It may pass by itself: try again later.
    Transient,
    /// A primary or a guard refused; a person must act.
    Permanent,
}

impl Failure {
    /// Whether waiting helps or a person must act.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Unsigned { rcode, .. } if !is_denial(*rcode) => Retry::Transient,
            Self::Provision(error) if error.is_transient() => Retry::Transient,
            Self::Transport(error) if !is_certificate(error) => Retry::Transient,
            Self::Catalog { source, .. } | Self::BehindCname { source, .. } => source.retry(),
            Self::Unknown { .. }
            | Self::Overloaded { .. }
            | Self::UpdatesExhausted { .. }
            | Self::TransferCut { .. }
            | Self::Transfer(_)
            | Self::TransfersExhausted { .. }
            | Self::ZoneNotLoaded { .. }
            | Self::ServerFailure { .. }
            | Self::Forged(_)
            | Self::Malformed(_)
            | Self::Soa(_)
            | Self::ChangedMeanwhile { .. }
            | Self::CatalogIdle { .. }
            | Self::DeadlinePassed
            | Self::State
            | Self::Random(_) => Retry::Transient,
            Self::Transport(_)
            | Self::Unsigned { .. }
            | Self::Provision(_)
            | Self::TransferRefused { .. }
            | Self::ZoneAbsent
            | Self::ZoneHidden
            | Self::CnameChainTooLong { .. }
            | Self::CnameInTheWay { .. }
            | Self::UpdateRefused { .. }
            | Self::BadKey { .. }
            | Self::BadSig { .. }
            | Self::BadTime { .. }
            | Self::BadTrunc { .. }
            | Self::Batch(_)
            | Self::InitialZone(_)
            | Self::Encode(_)
            | Self::OthersZone { .. }
            | Self::InOthersZone { .. }
            | Self::UnownedZone { .. }
            | Self::CatalogBroken { .. }
            | Self::CatalogNotShown { .. }
            | Self::EmptyZone
            | Self::MassRemoval { .. }
            | Self::Denied { .. }
            | Self::OfCatalog { .. }
            | Self::NoRoute
            | Self::OutsideNetworks { .. }
            | Self::ReverseZoneAbsent { .. }
            | Self::NoZoneFor { .. }
            | Self::BuiltInZone { .. }
            | Self::NoNameservers { .. } => Retry::Permanent,
        }
    }

    /// Whether the primary has too much to do, so that the failure says nothing of what was asked for.
    pub fn is_load(&self) -> bool {
        if let Self::Catalog { source, .. } | Self::BehindCname { source, .. } = self {
            return source.is_load();
        }
        matches!(
            self,
            Self::Overloaded { .. }
                | Self::UpdatesExhausted { .. }
                | Self::TransfersExhausted { .. }
        )
    }

    /// Whether the primary as a whole does not answer, so that its other zones fare no better now.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Transport(error) if !is_certificate(error))
    }

    /// The same, or another primary does not, to which an alias leads.
    pub fn is_of_unreachable(&self) -> bool {
        if let Self::BehindCname { source, .. } = self {
            return source.is_unreachable();
        }
        self.is_unreachable()
    }
}

/// Whether the trouble is one of certificates, which no time mends.
fn is_certificate(error: &TransportError) -> bool {
    matches!(error, TransportError::Tls { .. })
}

/// Codes by which servers say unsigned that they will not.
fn is_denial(rcode: Rcode) -> bool {
    [
        Rcode::REFUSED,
        Rcode::NOTAUTH,
        Rcode::NOTIMP,
        Rcode::NOTZONE,
    ]
    .contains(&rcode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_was_changed_once_or_so_many_times() {
        let said = |attempts| Failure::ChangedMeanwhile { attempts }.to_string();
        let text = "the zone was changed by someone else N between read and update";
        assert_eq!(said(1), text.replace('N', "once"));
        assert_eq!(said(10), text.replace('N', "10 times"));
    }
}
