//! What became of an intent: a closed set, so that callers decide by matching and never by text.

use std::fmt;
use std::net::IpAddr;
use std::ops::AddAssign;

use crate::model::{Name, Presence, Rdata, RdataError, Record, RecordType, ZoneName};
use crate::plan::{BatchError, CatalogProblem, Conflict, InitialZoneError};
use crate::provision::ProvisionError;
use crate::transport::TransportError;
use crate::wire::{EncodeError, ExtendedError, Forgery, MalformedReason, Rcode, TransferError};
use crate::zonefile;

/// What was delivered of an intent.
#[derive(Debug)]
pub struct Delivered {
    /// What was done.
    pub done: Done,
    /// What was left out of it.
    pub left_out: Vec<LeftOut>,
}

impl Delivered {
    pub(super) fn all(done: Done) -> Self {
        Self {
            done,
            left_out: Vec::new(),
        }
    }
}

/// What was done for an intent that is now in place.
#[derive(Debug)]
pub enum Done {
    /// The zone looked as it shall; no UPDATE was sent.
    Unchanged,
    /// The zone was brought into line.
    Updated(Counts),
    /// The zone was made with these contents.
    Created {
        /// How many records it has, SOA included.
        records: usize,
    },
    /// The zone was removed.
    Deleted,
    /// The zone was not made here: what was delivered to it is removed, the rest stays.
    Emptied {
        /// How many records were removed.
        removed: usize,
    },
    /// There was nothing to remove.
    AlreadyGone,
    /// The PTR value was added.
    PtrAdded {
        /// The owner, after RFC 2317 aliases.
        owner: Name,
        /// Its zone.
        zone: ZoneName,
        /// How many values of others were removed for it (`ptr.existing` is `replace`).
        replaced: usize,
        /// Whether the reverse zone was made for it.
        zone_created: bool,
    },
    /// The PTR value was removed.
    PtrRemoved {
        /// The owner, after RFC 2317 aliases.
        owner: Name,
        /// Its zone.
        zone: ZoneName,
    },
    /// The address has another PTR, which stays (`ptr.existing` is `keep`).
    PtrKept {
        /// The owner, after RFC 2317 aliases.
        owner: Name,
    },
    /// PTR records are not managed: no network is configured.
    PtrSkipped,
}

/// How many records a plan changes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Records that were added.
    pub added: usize,
    /// Records that were removed.
    pub removed: usize,
    /// RRsets whose TTL was changed.
    pub ttl_changed: usize,
    /// Whether SOA fields were changed.
    pub soa_changed: bool,
    /// How many messages it took.
    pub messages: usize,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.added += other.added;
        self.removed += other.removed;
        self.ttl_changed += other.ttl_changed;
        self.soa_changed |= other.soa_changed;
        self.messages += other.messages;
    }
}

/// What would be done for an intent.
#[derive(Debug)]
pub struct Preview {
    /// The zone that it would be done to.
    pub zone: ZoneName,
    /// What would become of the zone itself.
    pub fate: Fate,
    /// Records that would go and come, in the order in which they would be sent.
    pub lines: Vec<PreviewLine>,
}

/// What would become of a zone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fate {
    /// It would be made.
    Created,
    /// It would be removed.
    Deleted,
    /// It would stay.
    Stays,
}

/// One record that would come or go.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PreviewLine {
    /// Whether it would be there afterwards.
    pub presence: Presence,
    /// The record.
    pub record: Record,
}

impl Preview {
    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.fate == Fate::Stays
    }
}

/// What was left out of an intent that is otherwise in place.
#[derive(Debug)]
pub enum LeftOut {
    /// A desired record that cannot stand beside what is kept.
    Conflict(Conflict),
    /// Desired records at a name that `policy.keep` covers.
    Kept(Name),
    /// A record that the primary still has, though it took the update that removes it.
    NotRemoved {
        /// Its name.
        owner: Name,
        /// Its type.
        rtype: RecordType,
        /// Its data.
        rdata: Rdata,
    },
    /// The changes at a name that the primary refuses.
    Refused {
        /// The name.
        owner: Name,
        /// Its answer to them alone.
        failure: Box<Failure>,
    },
}

impl LeftOut {
    /// Whether a person must act before it can be in place.
    pub fn is_refused(&self) -> bool {
        match self {
            Self::Conflict(_) | Self::NotRemoved { .. } | Self::Refused { .. } => true,
            Self::Kept(_) => false,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Conflict(conflict) => Some(conflict.reason.hint().into()),
            Self::Kept(_) => None,
            Self::NotRemoved { .. } => Some(
                "remove it on the primary by its own tools; PowerDNS does not find a record that was stored in \
                 another spelling"
                    .into(),
            ),
            Self::Refused { failure, .. } => Some(failure.hint()),
        }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict(Conflict { left_out, reason }) => {
                let rtype = zonefile::format_type(left_out.rtype);
                write!(f, "{} {rtype} left out: {reason}", left_out.owner)
            }
            Self::Kept(owner) => write!(f, "{owner} is not touched: `policy.keep`"),
            Self::NotRemoved {
                owner,
                rtype,
                rdata,
            } => {
                let (word, data) = (
                    zonefile::format_type(*rtype),
                    zonefile::format_rdata(*rtype, rdata),
                );
                write!(
                    f,
                    "{owner} {word} {data} is still there, though the primary took the update that removes it"
                )
            }
            Self::Refused { owner, failure } => write!(f, "{owner} left out: {failure}"),
        }
    }
}

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
    #[error("the zone was changed by someone else {attempts} times between read and update")]
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
    /// The aliases of a reverse name lead on and on.
    #[error("the aliases that lead from `{owner}` are more than {limit}")]
    AliasesTooMany {
        /// The reverse name.
        owner: Name,
        /// How many are followed.
        limit: usize,
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
    /// The zone was there before, belongs to nobody, and nothing may adopt it.
    #[error("the zone belongs to no instance, and `policy.unowned-zones` forbids to adopt it")]
    UnownedZone {
        /// The zone.
        zone: ZoneName,
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
    /// The primary keeps no catalog, which is where ownership stands.
    #[error("the primary keeps no catalog that says whose a zone is")]
    NoCatalog,
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
        cut: ZoneName,
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
    Memory,
    /// The kernel gave no random numbers.
    #[error("no random numbers from the kernel: {0}")]
    Random(getrandom::Error),
}

/// The hint where there is nothing better to say.
const TRY_AGAIN: &str = "nothing was lost: run the same command again";

fn detail(extended: Option<&ExtendedError>) -> String {
    extended
        .map(|error| format!("; {error}"))
        .unwrap_or_default()
}

/// What a failure asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// It may pass by itself: try again later.
    Later,
    /// A primary or a guard refused; a person must act.
    Denied,
}

impl Failure {
    /// Whether waiting helps or a person must act.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Unsigned { rcode, .. } if !is_denial(*rcode) => Kind::Later,
            Self::Provision(error) if error.is_transient() => Kind::Later,
            Self::Transport(error) if !is_certificate(error) => Kind::Later,
            Self::Catalog { source, .. } => source.kind(),
            Self::Unknown { .. }
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
            | Self::Memory
            | Self::Random(_) => Kind::Later,
            Self::Transport(_)
            | Self::Unsigned { .. }
            | Self::Provision(_)
            | Self::TransferRefused { .. }
            | Self::ZoneAbsent
            | Self::ZoneHidden
            | Self::AliasesTooMany { .. }
            | Self::UpdateRefused { .. }
            | Self::BadKey { .. }
            | Self::BadSig { .. }
            | Self::BadTime { .. }
            | Self::BadTrunc { .. }
            | Self::Batch(_)
            | Self::InitialZone(_)
            | Self::Encode(_)
            | Self::OthersZone { .. }
            | Self::UnownedZone { .. }
            | Self::CatalogBroken { .. }
            | Self::EmptyZone
            | Self::MassRemoval { .. }
            | Self::Denied { .. }
            | Self::NoCatalog
            | Self::NoRoute
            | Self::OutsideNetworks { .. }
            | Self::ReverseZoneAbsent { .. }
            | Self::BuiltInZone { .. }
            | Self::NoNameservers { .. } => Kind::Denied,
        }
    }

    /// Whether the primary as a whole does not answer, so that its other zones fare no better now.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Transport(error) if !is_certificate(error))
    }

    /// What to do about it.
    #[expect(
        clippy::too_many_lines,
        reason = "a line or two for each kind of failure"
    )]
    pub fn hint(&self) -> String {
        match self {
            Self::Transport(error) => error.hint().unwrap_or_else(|| TRY_AGAIN.into()),
            Self::Unknown { .. } => {
                "it may have been applied; the next delivery reads the zone first and finds out"
                    .into()
            }
            Self::TransferCut { .. } | Self::Transfer(_) | Self::Malformed(_) | Self::Soa(_) => {
                "nothing was changed; the primary's log may say more, `dig axfr` with the same key \
                 shows whether a whole transfer comes through"
                    .into()
            }
            Self::TransferRefused { key, .. } => format!(
                "allow the key in named.conf: `allow-transfer {{ key \"{}\"; }};`",
                key.to_text_without_dot()
            ),
            Self::TransfersExhausted { .. } => {
                "raise `transfers-out` in named.conf, or lower `zones-in-flight`".into()
            }
            Self::ZoneAbsent => "create the zone there, or let nsbridge create it: \
                                 [primaries.….provision] in the configuration"
                .into(),
            Self::ZoneNotLoaded { .. } => {
                "the primary's log says why; `rndc zonestatus` shows the zone's state".into()
            }
            Self::UpdateRefused { key, .. } => format!(
                "allow the key in the zone's configuration: `update-policy {{ grant \"{}\" \
                 zonesub ANY; }};`; BIND also refuses an update for one record that it objects to, \
                 which its log names: `check-names ignore; check-integrity no;` there lets most \
                 of them pass",
                key.to_text_without_dot()
            ),
            Self::ServerFailure { .. } => "the primary's log says why".into(),
            Self::BadKey { key } => format!(
                "the primary needs the same `key \"{}\" {{ algorithm …; secret …; }};` statement \
                 as the key file",
                key.to_text_without_dot()
            ),
            Self::BadSig { .. } => {
                "copy the key file anew from the one that the primary includes".into()
            }
            Self::BadTime { .. } => {
                "set the clock of this machine or of the primary right, best with NTP on both"
                    .into()
            }
            Self::BadTrunc { .. } => "use the algorithm without a number of bits".into(),
            Self::Unsigned { rcode, .. } if *rcode == Rcode::NOTIMP => {
                "this server takes no DNS UPDATEs at all (NSD is one): send them to the primary that it \
                 transfers from"
                    .into()
            }
            Self::Unsigned { key, .. } => format!(
                "some servers answer so when the key `{}`, its secret, its algorithm or its \
                 permissions do not match, or the zone is absent; compare both configurations",
                key.to_text_without_dot()
            ),
            Self::Forged(_) => "somebody between here and the primary may be answering in its \
                                place; check the address and the path to it"
                .into(),
            Self::ChangedMeanwhile { .. } => {
                "another program changes the zone all the time; find it in the primary's log".into()
            }
            Self::ZoneHidden => {
                "in named.conf, `match-clients` of the view that zones are made in \
                                 must match the key, and `allow-query` must admit it; `view` under \
                                 [primaries.….provision] names that view"
                    .into()
            }
            Self::AliasesTooMany { owner, .. } => {
                format!(
                    "`dig {} PTR` shows them; repair the CNAME records",
                    owner.to_text_without_dot()
                )
            }
            Self::Batch(BatchError::OwnerTooLarge { .. }) => {
                "spread the records over several names: an owner's changes go in one message".into()
            }
            Self::Batch(BatchError::TooManyMessages { .. }) => {
                "split the zone by delegating parts of it".into()
            }
            Self::InitialZone(error) => error.hint().into(),
            Self::Encode(_) => "this is a fault in nsbridge; please report it".into(),
            Self::Provision(error) => error.hint().unwrap_or_else(|| TRY_AGAIN.into()),
            Self::OthersZone { zone, .. } => format!(
                "if that instance is gone or gives the zone away, `nsbridge zone adopt {}` takes it \
                 over",
                zone.apex().to_text_without_dot()
            ),
            Self::UnownedZone { zone } => format!(
                "`nsbridge zone adopt {}` takes it over on purpose",
                zone.apex().to_text_without_dot()
            ),
            Self::Catalog { catalog, source } => catalog_hint(catalog, source),
            Self::CatalogBroken { catalog, .. } => format!(
                "repair it on the primary; its zone file needs `version.{catalog} 0 IN TXT \"2\"`, \
                 and one PTR record at each name below `zones`"
            ),
            Self::CatalogIdle { .. } => "knot.conf needs `catalog-role: interpret` and a \
                                         `catalog-template` without `master` for the catalog, and \
                                         an `acl` with our key in that template; its log says why \
                                         a zone is not loaded"
                .into(),
            Self::MassRemoval { .. } => {
                "if that is meant, let it pass once with `nsbridge queue retry --force`".into()
            }
            Self::EmptyZone => {
                "if that is meant, set `empty-zone = \"apply\"` under [policy]".into()
            }
            Self::Denied { .. } => "if that is meant, take the suffix out of `deny-zones`".into(),
            Self::NoCatalog => {
                "set `catalog` of the primary; without one, what this installation remembers tells"
                    .into()
            }
            Self::NoRoute => "add a [[routes]] entry with its suffix, or one for \".\"".into(),
            Self::OutsideNetworks { address } => {
                format!("if {address} is yours to manage, add its network to `ptr.networks`")
            }
            Self::ReverseZoneAbsent { cut, .. } => format!(
                "create the zone `{cut}` on the primary, or let nsbridge create it: \
                 [primaries.….provision] in the configuration"
            ),
            Self::BuiltInZone { zone } => format!(
                "put `disable-empty-zone \"{}\";` into the options of named.conf",
                zone.apex().to_text_without_dot()
            ),
            Self::NoNameservers { .. } => "set `nameservers` of the primary".into(),
            Self::DeadlinePassed => {
                "raise `queue.deadline-seconds`, or sync again: `plesk bin dns --sync-all-zones`"
                    .into()
            }
            Self::Memory => "the message about the file says what to do".into(),
            Self::Random(_) => TRY_AGAIN.into(),
        }
    }
}

/// What to do where a catalog could not be read or changed.
fn catalog_hint(catalog: &ZoneName, failure: &Failure) -> String {
    if let Failure::TransferRefused { key, .. }
    | Failure::UpdateRefused { key, .. }
    | Failure::Unsigned { key, .. }
    | Failure::BadKey { key } = failure
    {
        return format!(
            "allow the key `{}` to transfer the catalog and to change PTR and TXT records below \
             `zones.{catalog}`",
            key.to_text_without_dot()
        );
    }
    if let Failure::ZoneAbsent = failure {
        return "create the zone on the primary, with an SOA, an NS and the version `version TXT \
                \"2\"`"
            .into();
    }
    failure.hint()
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
