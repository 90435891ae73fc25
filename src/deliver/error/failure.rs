//! The reasons why an intent is not in place: a closed set. Callers must decide by variants, never
//! by text.

use std::net::IpAddr;

use crate::model::{Name, RdataError, RecordType, ZoneName};
use crate::plan::{BatchError, CatalogProblem, InitialZoneError};
use crate::provision::ProvisionError;
use crate::transport::TransportError;
use crate::wire::{EncodeError, ExtendedError, Forgery, MalformedReason, Rcode, TransferError};

/// A reason why an intent is not in place.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the names of the fields say what they hold")]
pub enum Failure {
    /// The connection failed before the request can have arrived.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// An UPDATE was sent, but its response was lost.
    #[error("the update was sent, but no answer came back: {source}")]
    Unknown { source: TransportError },
    /// The primary responds to other requests, but repeatedly not to this one.
    #[error("the primary has too much to do: it answers other requests, but {source}")]
    Overloaded { source: TransportError },
    /// The primary repeatedly fails on an UPDATE, as it did on others that succeeded meanwhile.
    #[error("the primary has too much to do (SERVFAIL to {attempts} updates)")]
    UpdatesExhausted { attempts: u32 },
    /// The connection broke during the transfer.
    #[error("the zone transfer was cut short: {source}")]
    TransferCut { source: TransportError },
    /// The transfer is invalid.
    #[error("the zone transfer failed: {0}")]
    Transfer(#[from] TransferError),
    /// The primary serves the zone, but refuses its transfer.
    #[error("the primary refuses the zone transfer ({rcode})")]
    TransferRefused { rcode: Rcode, key: Name },
    /// The primary serves the zone, but runs too many transfers.
    #[error("the primary has no room for another zone transfer (SERVFAIL to {attempts} requests)")]
    TransfersExhausted { attempts: u32 },
    /// The primary does not serve the zone, and nsbridge may not create it.
    #[error("the zone is not on the primary")]
    ZoneAbsent,
    /// The primary is configured for the zone, but cannot serve it.
    #[error("the primary has the zone configured but not loaded ({rcode})")]
    ZoneNotLoaded { rcode: Rcode },
    /// The primary refused an UPDATE.
    #[error("the primary refuses the update ({rcode}{})", detail(.extended.as_ref()))]
    UpdateRefused {
        rcode: Rcode,
        /// The extended error of the response (RFC 8914).
        extended: Option<ExtendedError>,
        key: Name,
    },
    /// The primary failed on a request.
    #[error("the primary answers {rcode}{}", detail(.extended.as_ref()))]
    ServerFailure {
        rcode: Rcode,
        /// The extended error of the response (RFC 8914).
        extended: Option<ExtendedError>,
    },
    /// The primary does not know the key.
    #[error(
        "the primary does not know the key `{}` with this algorithm (BADKEY)",
        .key.to_text_without_dot()
    )]
    BadKey { key: Name },
    /// The primary has another secret under the key's name.
    #[error("the primary has another secret for the key `{}` (BADSIG)", .key.to_text_without_dot())]
    BadSig { key: Name },
    /// The clocks are too far apart.
    #[error(
        "the clocks differ too much for signatures (BADTIME): the primary's is {} s {} ours",
        .offset_seconds.unsigned_abs(), if *.offset_seconds < 0 { "behind" } else { "ahead of" }
    )]
    BadTime {
        /// The primary's clock minus ours, in seconds.
        offset_seconds: i64,
    },
    /// The primary requires longer MACs.
    #[error(
        "the primary refuses the truncated signatures of the key `{}` (BADTRUNC)",
        .key.to_text_without_dot()
    )]
    BadTrunc { key: Name },
    /// The response is an error without a signature.
    #[error("the primary answers {rcode} without a signature")]
    Unsigned {
        /// The code of the response, not authenticated.
        rcode: Rcode,
        key: Name,
    },
    /// The signature of a response is invalid.
    #[error("the answer is not to be trusted: {0}")]
    Forged(Forgery),
    /// A response is malformed.
    #[error("the answer is unusable: {0}")]
    Malformed(MalformedReason),
    /// The zone changed between read and update in each attempt.
    #[error("the zone was changed by someone else {} between read and update", times(*.attempts))]
    ChangedMeanwhile { attempts: u32 },
    /// The provisioner reports that the zone exists, but the primary does not serve it.
    #[error("the zone was made or is there, but the primary does not serve it to us")]
    ZoneHidden,
    /// The SOA of a response is malformed.
    #[error("the answer has an unreadable SOA: {0}")]
    Soa(RdataError),
    /// The CNAME chain of a name is too long.
    #[error("the aliases that lead from `{owner}` are more than {limit}")]
    CnameChainTooLong {
        owner: Name,
        /// The type of the record at its end.
        rtype: RecordType,
        limit: usize,
    },
    /// The owner name of a desired record has a CNAME (RFC 1034 section 3.6.2).
    #[error("`{owner}` is an alias, beside which no other record can stand")]
    CnameInTheWay { owner: Name },
    /// The plan does not fit into messages.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// The desired contents do not make a valid new zone.
    #[error(transparent)]
    InitialZone(#[from] InitialZoneError),
    /// A message cannot be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The zone could not be created or deleted.
    #[error(transparent)]
    Provision(#[from] ProvisionError),
    /// The zone belongs to another instance.
    #[error("the zone belongs to the instance `{instance}`")]
    OthersZone { zone: ZoneName, instance: String },
    /// The zone of a record belongs to another instance.
    #[error("its zone `{zone}` belongs to the instance `{instance}`")]
    InOthersZone { zone: ZoneName, instance: String },
    /// The zone exists and belongs to no instance, and the policy forbids to adopt it.
    #[error("the zone belongs to no instance, and `policy.unowned-zones` forbids to adopt it")]
    UnownedZone { zone: ZoneName },
    /// A CNAME leads to another primary, where a request failed.
    #[error("at `{owner}` on {primary}, where the alias leads: {source}")]
    BehindCname {
        /// The CNAME target.
        owner: Name,
        /// The name of the other primary in the configuration.
        primary: String,
        source: Box<Self>,
    },
    /// The catalog could not be read or changed.
    #[error("the catalog `{catalog}`: {source}")]
    Catalog {
        catalog: ZoneName,
        source: Box<Self>,
    },
    /// The catalog is broken: no server processes it.
    #[error("the catalog `{catalog}` is broken: {problem}")]
    CatalogBroken {
        catalog: ZoneName,
        problem: CatalogProblem,
    },
    /// Transfers of the catalog do not show the changes to it.
    #[error("the catalog `{catalog}` takes changes, and does not show them")]
    CatalogNotShown { catalog: ZoneName },
    /// The primary did not create the zone of a new member of its catalog.
    #[error(
        "the zone is a member of the catalog `{catalog}`, but the primary does not serve it after \
         {seconds} s"
    )]
    CatalogIdle { catalog: ZoneName, seconds: u64 },
    /// The update would remove more of the zone than `policy.removals-max-percent` allows.
    #[error(
        "the update would remove {removed} of {records} records, more than the {percent_max} percent that \
         `removals-max-percent` allows"
    )]
    MassRemoval {
        removed: usize,
        records: usize,
        percent_max: u32,
    },
    /// The payload has no record for the zone.
    #[error("the zone would be left without any record")]
    EmptyZone,
    /// `policy.deny-zones` protects the zone.
    #[error("`policy.deny-zones` protects `{suffix}`")]
    Denied { suffix: Name },
    /// The name is the catalog of the primary, or is below it.
    #[error(
        "`{catalog}` is the catalog of the primary, of which only the entries of zones are changed"
    )]
    OfCatalog { catalog: ZoneName },
    /// No route leads to a primary.
    #[error("no route leads to a primary for it")]
    NoRoute,
    /// The address is in no network with managed PTR records.
    #[error("the address is in none of `ptr.networks`")]
    OutsideNetworks { address: IpAddr },
    /// The primary has no reverse zone for the address, and nsbridge may not create one.
    #[error("the primary serves no reverse zone for `{owner}`")]
    ReverseZoneAbsent {
        /// The reverse name.
        owner: Name,
        /// The reverse zone for its network.
        reverse_zone: ZoneName,
    },
    /// The primary has no zone for a name.
    #[error("the primary serves no zone for `{owner}`")]
    NoZoneFor { owner: Name },
    /// The reverse zone is one of BIND's built-in empty zones.
    #[error("`{zone}` is one of BIND's built-in empty zones, which take no updates")]
    BuiltInZone { zone: ZoneName },
    /// No name servers are known for a new zone.
    #[error("no name servers are known for the new zone `{zone}`")]
    NoNameservers { zone: ZoneName },
    /// The deadline of the run has passed.
    #[error("no time is left")]
    DeadlinePassed,
    /// The state file failed; the store thread reports why.
    #[error("the memory of delivered records cannot be used")]
    State,
    /// The kernel returned no random numbers.
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

/// Whether a retry can help.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Retry {
    /// The failure may end by itself.
    Transient,
    /// A primary or the policy refused: an operator must act.
    Permanent,
}

impl Failure {
    /// Returns whether a retry can help.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Unsigned { rcode, .. } if !is_refusal(*rcode) => Retry::Transient,
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

    /// Names the primary and the name that CNAMEs have led to, which is not the primary that was asked first.
    pub(crate) fn behind_cname(self, owner: &Name, primary: &str) -> Self {
        if matches!(self, Self::DeadlinePassed) {
            return self;
        }
        Self::BehindCname {
            owner: owner.clone(),
            primary: primary.to_owned(),
            source: Box::new(self),
        }
    }

    /// Returns whether the primary is overloaded, so that the failure is not about the request.
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

    /// Returns whether the primary is unreachable, so that deliveries to its other zones fail, too.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Transport(error) if !is_certificate(error))
    }

    /// Returns whether the primary is unreachable, or another one that a CNAME leads to.
    pub fn is_of_unreachable(&self) -> bool {
        if let Self::BehindCname { source, .. } = self {
            return source.is_unreachable();
        }
        self.is_unreachable()
    }
}

/// Returns whether the certificate is at fault, which no retry repairs.
fn is_certificate(error: &TransportError) -> bool {
    matches!(error, TransportError::Tls { .. })
}

/// Returns whether a server refuses by this code in an unsigned response.
fn is_refusal(rcode: Rcode) -> bool {
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
    fn a_number_of_changes_is_worded_as_a_multiple() {
        let message = |attempts| Failure::ChangedMeanwhile { attempts }.to_string();
        let text = "the zone was changed by someone else N between read and update";
        assert_eq!(message(1), text.replace('N', "once"));
        assert_eq!(message(10), text.replace('N', "10 times"));
    }
}
