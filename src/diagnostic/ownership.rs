//! The instances that zones belong to, and catalogs.

use super::entry::{Class, Software, entries, hint};

entries! {
    ZONE_OF_OTHER {
        code: "NB-ZONE-OF-OTHER",
        class: Class::Permanent,
        text: "the zone belongs to the instance `{instance}`",
        hints: hint!("`nsbridge zone adopt {zone}`"),
        page: "Another installation of nsbridge manages the zone, and this one changes nothing in it. Adopt the zone if that installation does \
               not exist any more, or if its operator agrees.",
    }
    ZONE_AWAITED {
        code: "NB-ZONE-AWAITED",
        class: Class::Transient,
        text: "the zone belongs to the instance `{instance}`; nsbridge waits",
        hints: hint!("`nsbridge zone adopt {zone}`"),
        page: "Another installation of nsbridge manages the zone, for example because a customer moves from one panel to another. This one changes \
               nothing in the zone, tries again for 48 hours, and takes the zone when it has been free for a minute. After 48 hours it holds the job.",
    }
    ZONE_JUST_FREED {
        code: "NB-ZONE-JUST-FREED",
        class: Class::Transient,
        text: "the other instance has released the zone; nsbridge takes it if still free in a minute",
        hints: hint!("nothing, or run it again"),
        page: "The job waited until another installation released the zone. That installation may be about to create the zone again, so nsbridge \
               takes the zone only after it has been free for a minute.",
    }
    RECORD_OF_OTHER {
        code: "NB-RECORD-OF-OTHER",
        class: Class::Permanent,
        text: "`{zone}` belongs to the instance `{instance}`",
        hints: hint!("`nsbridge zone adopt {zone}`"),
        page: "The zone of the record belongs to another installation, and this one changes nothing in it. Adopt the zone if that installation \
               does not exist any more, or if its operator agrees. `zones-of-others = \"change\"` under [ptr] lets installations share the zone for PTR records.",
    }
    ZONE_UNOWNED {
        code: "NB-ZONE-UNOWNED",
        class: Class::Permanent,
        text: "the zone existed before, and belongs to no instance",
        hints: hint!("`nsbridge zone adopt {zone}`"),
        page: "The zone was on the primary before nsbridge was asked for it. If nsbridge can create zones on that primary, it lets no panel change \
               such a zone: a customer could have chosen its name. When an operator has adopted the zone, the panel may change it. `unowned-zones = \"adopt\"` \
               under [policy] adopts each such zone with the next call about it.",
    }
    BELOW_ZONE_OF_OTHER {
        code: "NB-BELOW-ZONE-OF-OTHER",
        class: Class::Permanent,
        text: "it is below `{above}` of the instance `{instance}`",
        hints: hint!("if you want that: `allow-zones = [\"{zone}\"]`"),
        page: "Whoever has a zone `www` or `_acme-challenge` below another zone answers for that name in place of the owner of the zone above. \
               Customers of a panel choose the names of its zones. So nsbridge lets a panel create and adopt no zone below a zone of another installation on \
               the same primary. `allow-zones` under [policy] lists suffixes: at and below them a panel may have zones. An operator, who types a command, may create the zone.",
    }
    BELOW_ZONE_UNOWNED {
        code: "NB-BELOW-ZONE-UNOWNED",
        class: Class::Permanent,
        text: "it is below `{above}`, which belongs to no instance",
        hints: hint!("`nsbridge zone adopt {above}`"),
        page: "The zone above existed before, and no installation of nsbridge manages it. Whoever has a zone `www` or `_acme-challenge` below another zone answers for that name in place of the owner of the zone above. \
               So nsbridge lets a panel create and adopt no zone there. Adopt the zone above if it belongs to this panel, or name the suffix in `allow-zones` under \
               [policy]. An operator, who types a command, may create the zone.",
    }
    BELOW_REVERSE_ZONE {
        code: "NB-BELOW-REVERSE-ZONE",
        class: Class::Permanent,
        text: "it is below the reverse zone `{above}`",
        hints: hint!("if you want that: `allow-zones = [\"{zone}\"]`"),
        page: "The zone above holds the PTR records of many customers, and a zone below it would answer for one of their addresses. `allow-zones` under \
               [policy] lists suffixes: at and below them a panel may create zones.",
    }
    ZONE_OF_ONE_LABEL {
        code: "NB-ZONE-OF-ONE-LABEL",
        class: Class::Permanent,
        text: "a panel may create no zone of one label",
        hints: hint!("if you want that: `allow-zones = [\"{zone}\"]`"),
        page: "One customer would have all names below a top-level domain. `allow-zones` under [policy] lists suffixes: at and below them a panel may have \
               zones. An operator, who types a command, may create the zone.",
    }
    REVERSE_ZONE_OUTSIDE {
        code: "NB-REVERSE-ZONE-OUTSIDE",
        class: Class::Permanent,
        text: "a panel may change no zone of `arpa` outside `ptr.networks`",
        hints: hint!("if you want that: `allow-zones = [\"{zone}\"]`"),
        page: "A reverse zone belongs to whoever has the addresses, not to a customer who chooses its name. A panel may change the reverse zones of the \
               addresses that `networks` under [ptr] lists, and zones at and below the suffixes that `allow-zones` under [policy] lists. An operator, who types a \
               command, may change each.",
    }
    ZONE_OF_CATALOG {
        code: "NB-ZONE-OF-CATALOG",
        class: Class::Permanent,
        text: "it is in the primary's catalog, `{catalog}`",
        hints: hint!("rename the zone, or the primary's `catalog`"),
        page: "The zone has the name of the catalog, or a name below it. A payload that could write there could take zones from \
               other installations. `catalog` of the primary in the configuration names the catalog.",
    }
    CATALOG {
        code: "NB-CATALOG",
        class: Class::Context,
        text: "`{catalog}`: {cause}",
        hints: &[],
        page: "",
    }
    CATALOG_REFUSED {
        code: "NB-CATALOG-REFUSED",
        class: Class::Permanent,
        text: "`{catalog}`: {cause}",
        hints: &[
            (Software::Bind, "see `allow-transfer` and `update-policy`"),
            (Software::PowerDns, "`nsbridge explain CATALOG-REFUSED`"),
            (Software::Knot, "see `transfer` and `update` in its `acl`"),
            (Software::Unknown, "allow the key to transfer and update it"),
        ],
        page: "The server refuses the transfer or the update of the catalog zone. The key must be allowed both. BIND: `allow-transfer { key \"KEY\"; }; update-policy { grant \"KEY\" subdomain zones.CATALOG PTR TXT; grant \"KEY\" subdomain nsbridge.ext.CATALOG ZONEMD; grant \"KEY\" name CATALOG SOA; };`. PowerDNS: `pdnsutil add-meta CATALOG TSIG-ALLOW-AXFR KEY` and `pdnsutil add-meta CATALOG TSIG-ALLOW-DNSUPDATE KEY`. Knot: entries with `key: KEY` for `action: transfer` and `action: update` in the catalog's `acl`.",
    }
    CATALOG_KEY_REFUSED {
        code: "NB-CATALOG-KEY-REFUSED",
        class: Class::Transient,
        text: "`{catalog}`: {cause}",
        hints: &[
            (Software::PowerDns, "run `pdnsutil list-tsig-keys`"),
            (Software::Knot, "see `catalog`, and its `acl` there"),
            (Software::Unknown, "see the key's permissions there"),
        ],
        page: "The server does not know the key, does not allow it for the catalog zone, or does not have that zone. PowerDNS answers so if it does not have the key, if secret or algorithm differ, or if the clocks do. Knot answers so if it does not know the key, if no `acl` of the catalog allows it, and if it does not have the catalog. The key must be allowed to transfer the catalog, and to change PTR and TXT records below `zones`, ZONEMD records below `nsbridge.ext`, and the SOA.",
    }
    CATALOG_ABSENT {
        code: "NB-CATALOG-ABSENT",
        class: Class::Permanent,
        text: "`{catalog}`: {cause}",
        hints: hint!("create it: SOA, NS, `version TXT \"2\"`"),
        page: "The catalog zone is not on the primary. An operator creates it once; nsbridge changes only its entries.",
    }
    CATALOG_NOT_LOADED {
        code: "NB-CATALOG-NOT-LOADED",
        class: Class::Transient,
        text: "`{catalog}`: {cause}",
        hints: hint!("see its log, and the zone file"),
        page: "The catalog zone is in the server's configuration, and the server cannot serve it. Its zone file may be missing. The file needs an SOA, an NS and `version 0 IN TXT \"2\"`.",
    }
    CATALOG_BROKEN {
        code: "NB-CATALOG-BROKEN",
        class: Class::Context,
        text: "catalog `{catalog}` is broken: {cause}",
        hints: &[],
        page: "",
    }
    CATALOG_LOST {
        code: "NB-CATALOG-LOST",
        class: Class::Transient,
        text: "catalog `{catalog}` lost entries",
        hints: hint!("run `nsbridge resync`"),
        page: "The primary has an empty or older copy of its catalog, as after a new set-up or a restore, or an instance is bringing the catalog back just now.                nsbridge adds nothing to it before all entries are back: secondaries would drop the zones of those that are missing. A call, the worker and                `nsbridge resync` bring back what this installation remembers of it, the entries of other installations included.",
    }
    CATALOG_WITHOUT_VERSION {
        code: "NB-CATALOG-WITHOUT-VERSION",
        class: Class::Permanent,
        text: "it has no TXT record at `{owner}`",
        hints: hint!("add `{owner} 0 IN TXT \"2\"`"),
        page: "A catalog zone names its version in a TXT record (RFC 9432). Without that, no server processes it.",
    }
    CATALOG_VERSIONS {
        code: "NB-CATALOG-VERSIONS",
        class: Class::Permanent,
        text: "it has {count} TXT records at `{owner}`",
        hints: hint!("keep `{owner} TXT \"2\"` alone"),
        page: "A catalog zone names one version (RFC 9432). With several, no server processes it.",
    }
    CATALOG_VERSION_UNKNOWN {
        code: "NB-CATALOG-VERSION-UNKNOWN",
        class: Class::Permanent,
        text: "its version is `{version}`, not `2`",
        hints: hint!("set `version TXT \"2\"` in it"),
        page: "nsbridge knows version 2 of the catalog schema (RFC 9432).",
    }
    CATALOG_NODE_AMBIGUOUS {
        code: "NB-CATALOG-NODE-AMBIGUOUS",
        class: Class::Permanent,
        text: "`{node}` has {count} PTR records",
        hints: hint!("keep one: each zone has its own"),
        page: "Each member of a catalog has a name below `zones` with one PTR record (RFC 9432). With several, no server processes \
               the catalog.",
    }
    CATALOG_ZONE_TWICE {
        code: "NB-CATALOG-ZONE-TWICE",
        class: Class::Remark,
        text: "it lists `{zone}` {count} times",
        hints: hint!("keep one of the PTR records below `zones` that name `{zone}`"),
        page: "A catalog lists each zone once (RFC 9432). Servers differ in which entry counts.",
    }
    CATALOG_STRAY_PTR {
        code: "NB-CATALOG-STRAY-PTR",
        class: Class::Remark,
        text: "the PTR record at `{owner}` means nothing there",
        hints: hint!("remove the PTR record at `{owner}` from the catalog"),
        page: "The name is neither that of a member nor of a known property (RFC 9432). Servers skip the record.",
    }
    CATALOG_WITHOUT_CLAIMS {
        code: "NB-CATALOG-WITHOUT-CLAIMS",
        class: Class::Permanent,
        text: "`{catalog}` lists zones without claims",
        hints: hint!("`nsbridge catalog upgrade --primary {primary}`"),
        page: "An earlier version of nsbridge or another program listed zones in the catalog. The command gives each zone that an installation has marked as its own a claim of that installation, and all others one of nobody. No secondary notices. Before it, all installations that share the catalog must have this version of nsbridge.",
    }
    CATALOG_FORMAT_UNKNOWN {
        code: "NB-CATALOG-FORMAT-UNKNOWN",
        class: Class::Permanent,
        text: "the catalog `{catalog}` has another format",
        hints: hint!("install the version of nsbridge that the others have"),
        page: "The record at `format.nsbridge.ext` of the catalog is not the one that this version writes: a later version of nsbridge \
               uses the catalog. This one changes nothing in it.",
    }
    CATALOG_CLAIM_DAMAGED {
        code: "NB-CATALOG-CLAIM-DAMAGED",
        class: Class::Permanent,
        text: "the record at `{owner}` is no claim of a zone",
        hints: hint!("remove it, then `nsbridge catalog upgrade`"),
        page: "The claim of a zone is one ZONEMD record in the catalog, which only nsbridge writes. The record there is none, or there \
               are several. No installation changes the zone until it is removed (by nsupdate, in the catalog: `update delete OWNER ZONEMD`). Then `nsbridge catalog \
               upgrade` gives the zone, which is still listed, a claim of nobody (without that it would be listed once more, under \
               another name, and PowerDNS then follows no change of the catalog), and its owner adopts it: `nsbridge zone adopt ZONE`. \
               Other zones go on.",
    }
    CATALOG_ZONE_UNCLAIMED {
        code: "NB-CATALOG-ZONE-UNCLAIMED",
        class: Class::Remark,
        text: "`{zone}` has no claim",
        hints: hint!("`nsbridge catalog upgrade`"),
        page: "Another program listed the zone. Without a claim, nsbridge does not find it by its name, and may list it once more. The \
               command gives it a claim of nobody.",
    }
    CATALOG_SIGNED {
        code: "NB-CATALOG-SIGNED",
        class: Class::Permanent,
        text: "the catalog `{catalog}` is signed with DNSSEC",
        hints: &[
            (Software::Bind, "remove `dnssec-policy` from its zone"),
            (Software::PowerDns, "`pdnsutil disable-dnssec {catalog}`"),
            (Software::Knot, "remove `dnssec-signing` from its zone"),
            (Software::Unknown, "do not sign it with DNSSEC"),
        ],
        page: "nsbridge was not tried with a catalog that is signed with DNSSEC, so a check refuses it. Nobody validates a catalog: \
               the transfers of its secondaries are signed with a key (TSIG). Records of the types RRSIG, NSEC, NSEC3, NSEC3PARAM, \
               DNSKEY, CDS and CDNSKEY must go from it.",
    }
    CATALOG_NOT_SHOWN {
        code: "NB-CATALOG-NOT-SHOWN",
        class: Class::Permanent,
        text: "the catalog `{catalog}` does not show changes",
        hints: hint!("`pdnsutil set-kind {catalog} primary`"),
        page: "PowerDNS makes the contents of a zone of the kind producer from its own database, whatever an update writes there. \
               nsbridge has removed what it wrote. The catalog must be of the kind primary.",
    }
    MEMBER_NOT_SERVED {
        code: "NB-MEMBER-NOT-SERVED",
        class: Class::Transient,
        text: "it is in `{catalog}`, not served after {seconds} s",
        hints: hint!("see `catalog-role`, the template's `acl`; restart knotd"),
        page: "The server has not created the zone of its new catalog entry. Knot creates primary zones for members if the catalog \
               has `catalog-role: interpret` and a `catalog-template` whose zones have no `master`; the template needs an `acl` \
               with the key. A reload is not enough for a role that is new. Its log says why it does not load a zone.",
    }
}
