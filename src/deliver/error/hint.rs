//! The hint of each failure: an instruction for the operator.

use super::failure::Failure;
use crate::model::ZoneName;
use crate::plan::BatchError;
use crate::wire::Rcode;
use crate::zonefile::format_type;

/// The hint of a failure that needs no action.
const TRY_AGAIN: &str =
    "nothing was lost: what is in the queue is tried again, anything else can be run again";

impl Failure {
    /// Returns an instruction for the operator.
    #[expect(clippy::too_many_lines, reason = "a line or two for each failure")]
    pub fn hint(&self) -> String {
        match self {
            Self::Transport(error) => error.hint().unwrap_or_else(|| TRY_AGAIN.into()),
            Self::Unknown { .. } => {
                "it may have been applied; the next delivery reads the zone first and finds out"
                    .into()
            }
            Self::Overloaded { .. } | Self::UpdatesExhausted { .. } => {
                "less is sent to it from now on; see its limits (BIND: `update-quota`, `tcp-clients`; \
                 PowerDNS: `max-tcp-connections`), or lower `zones-in-flight`"
                    .into()
            }
            Self::TransferCut { .. } | Self::Transfer(_) | Self::Malformed(_) | Self::Soa(_) => {
                "nothing was changed; the primary's log may say more, `dig axfr` with the same key \
                 shows whether a whole transfer comes through"
                    .into()
            }
            Self::TransferRefused { key, .. } => format!(
                "allow the key in named.conf: `allow-transfer {{ key \"{}\"; }};`; PowerDNS: \
                 `TSIG-ALLOW-AXFR` of the zone, which must be a primary one, without NSEC3 in narrow mode; \
                 Knot: an `acl` with `action: transfer`",
                key.to_text_without_dot()
            ),
            Self::TransfersExhausted { .. } => {
                "raise `transfers-out` in named.conf, or lower `zones-in-flight`".into()
            }
            Self::ZoneAbsent => "create the zone there, or let nsbridge do it: `nsbridge zone create`, \
                                 with [primaries.….provision] in the configuration"
                .into(),
            Self::ZoneNotLoaded { .. } => {
                "the primary's log says why; `rndc zonestatus`, or `knotc zone-status`, shows the zone's state"
                    .into()
            }
            Self::UpdateRefused { key, .. } => format!(
                "allow the key in the zone's configuration: `update-policy {{ grant \"{}\" \
                 zonesub ANY; }};`; BIND also refuses an update for one record that it objects to, \
                 which its log names: `check-names ignore; check-integrity no;` there lets most \
                 of them pass; PowerDNS: `dnsupdate=yes` and `allow-dnsupdate-from` in pdns.conf, \
                 `TSIG-ALLOW-DNSUPDATE` of the zone; Knot: an `acl` with `action: update`",
                key.to_text_without_dot()
            ),
            Self::ServerFailure { .. } => "the primary's log says why".into(),
            Self::BadKey { key } => format!(
                "the primary needs the same `key \"{}\" {{ algorithm …; secret …; }};` statement \
                 as the key file; Knot says so also of a key that it has, where no `acl` of the zone \
                 allows it",
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
                                 [primaries.….provision] names that view; a program that makes zones \
                                 must have made this one where it says so"
                    .into()
            }
            Self::CnameInTheWay { owner } => {
                let owner = owner.to_text_without_dot();
                format!("`dig {owner} CNAME` shows it; remove it, or name what it leads to")
            }
            Self::CnameChainTooLong { owner, rtype, .. } => {
                let (owner, rtype) = (owner.to_text_without_dot(), format_type(*rtype));
                format!("`dig {owner} {rtype}` shows them; repair the CNAME records")
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
            Self::InOthersZone { zone, .. } => format!(
                "if that instance is gone or gives the zone away, `nsbridge zone adopt {}` takes it over; of PTR \
                 records, `zones-of-others = \"change\"` under `[ptr]` lets instances share it",
                zone.apex().to_text_without_dot()
            ),
            Self::UnownedZone { zone } => format!(
                "`nsbridge zone adopt {}` takes it over on purpose",
                zone.apex().to_text_without_dot()
            ),
            Self::BehindCname { source, .. } => source.hint(),
            Self::Catalog { catalog, source } => catalog_hint(catalog, source),
            Self::CatalogBroken { catalog, .. } => format!(
                "repair it on the primary; its zone file needs `version.{catalog} 0 IN TXT \"2\"`, \
                 and one PTR record at each name below `zones`"
            ),
            Self::CatalogNotShown { catalog } => {
                let catalog = catalog.apex().to_text_without_dot();
                format!(
                    "PowerDNS does so with a zone of the kind producer: `pdnsutil set-kind {catalog} primary`"
                )
            }
            Self::CatalogIdle { .. } => "knot.conf needs `catalog-role: interpret` and a \
                                         `catalog-template` without `master` for the catalog, and \
                                         an `acl` with our key in that template; its log says why \
                                         a zone is not loaded"
                .into(),
            Self::MassRemoval { .. } => {
                "if that is meant, let it pass once with `nsbridge queue retry --force`, or `nsbridge sync --force`".into()
            }
            Self::EmptyZone => {
                "if that is meant, set `empty-zone = \"apply\"` under [policy]".into()
            }
            Self::Denied { .. } => "if that is meant, take the suffix out of `deny-zones`".into(),
            Self::OfCatalog { .. } => {
                "give the zone another name, or the catalog: `catalog` of the primary in the configuration".into()
            }
            Self::NoRoute => "add a [[routes]] entry with its suffix, or one for \".\"".into(),
            Self::OutsideNetworks { address } => {
                format!("if {address} is yours to manage, add its network to `ptr.networks`")
            }
            Self::ReverseZoneAbsent { reverse_zone, .. } => format!(
                "create the zone `{reverse_zone}` on the primary, or let nsbridge create it: \
                 [primaries.….provision] in the configuration"
            ),
            Self::NoZoneFor { .. } => {
                "create the zone on the primary, or route the name to the primary that has it: [[routes]]".into()
            }
            Self::BuiltInZone { zone } => format!(
                "put `disable-empty-zone \"{}\";` into the options of named.conf",
                zone.apex().to_text_without_dot()
            ),
            Self::NoNameservers { .. } => "set `nameservers` of the primary".into(),
            Self::DeadlinePassed => {
                "`nsbridge serve` or the next call delivers it; raise `queue.deadline-seconds` for a longer wait"
                    .into()
            }
            Self::State => "the message about the file says what to do".into(),
            Self::Random(_) => TRY_AGAIN.into(),
        }
    }
}

/// Returns the hint of a failure to read or change the catalog.
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
    if let Failure::ZoneNotLoaded { .. } = failure {
        return format!(
            "its zone file must be there, with an SOA, an NS and `version.{catalog} 0 IN TXT \"2\"`; \
             the primary's log says why it is not loaded"
        );
    }
    failure.hint()
}
