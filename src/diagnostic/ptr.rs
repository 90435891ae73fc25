//! PTR records, and the CNAME records that lead to names.

use super::entry::{Class, entries, hint};

entries! {
    ADDRESS_OUTSIDE_NETWORKS {
        code: "NB-ADDRESS-OUTSIDE-NETWORKS",
        class: Class::Permanent,
        text: "the address is in none of `ptr.networks`",
        hints: hint!("if it is yours, add its network; else drop the job"),
        page: "nsbridge changes PTR records of these networks only.",
    }
    REVERSE_ZONE_ABSENT {
        code: "NB-REVERSE-ZONE-ABSENT",
        class: Class::Permanent,
        text: "no reverse zone for `{owner}`",
        hints: hint!("create `{zone}`, or see [primaries.NAME.provision]"),
        page: "The primary has no reverse zone for the address, and nsbridge may not create it. A table `[primaries.NAME.provision]` in the configuration lets nsbridge create zones.",
    }
    ZONE_OF_NAME_ABSENT {
        code: "NB-ZONE-OF-NAME-ABSENT",
        class: Class::Transient,
        text: "no zone there has `{owner}`",
        hints: hint!("create it, or route the name"),
        page: "A challenge waits for its zone for an hour at most, any other record as long as needed. No zone of the primary holds the name of the record, such as that of an ACME challenge, or the name that its CNAME \
               records lead to. CNAME records may lead to a zone of another primary, if a route has its name.",
    }
    ZONE_OF_NAME_UNKNOWN {
        code: "NB-ZONE-OF-NAME-UNKNOWN",
        class: Class::Transient,
        text: "nothing names a zone there with `{owner}`",
        hints: hint!("add a [[routes]] entry: its `suffix` is the zone"),
        page: "The primary has `read = \"none\"`, so nsbridge cannot ask it for the zone of a record. It takes the closest zone at or above the name that it has sent records of, \
               that is the `suffix` of a route to the primary, that is in the name of a key for `{zone}`, or, for a PTR record, that `ptr.networks` implies. None is, or the primary does not have that one. A route with the zone as its `suffix` says which it is.",
    }
    CHALLENGE_EXPIRED {
        code: "NB-CHALLENGE-EXPIRED",
        class: Class::Permanent,
        text: "given up after an hour: {cause}",
        hints: hint!("create or route it; ask again"),
        page: "The name of an ACME challenge was in no zone for an hour, and the certificate authority asks no longer for it. The job is dropped.",
    }
    CHALLENGE_ELSEWHERE {
        code: "NB-CHALLENGE-ELSEWHERE",
        class: Class::Permanent,
        text: "`{target}` is no name of a challenge",
        hints: hint!("if you want that: `challenge-zones = [\"{zone}\"]`"),
        page: "CNAME records lead the challenge there, or `--exact` names it with `--trust panel`. A customer may have chosen that, and `nsbridge acme` would add or remove TXT records with another \
               purpose. It follows CNAMEs to names with the label `_acme-challenge`, and into the zones of `challenge-zones` under [policy].",
    }
    CHALLENGE_OF_OTHERS {
        code: "NB-CHALLENGE-OF-OTHERS",
        class: Class::Permanent,
        text: "the value at `{owner}` was not added by `nsbridge acme` here",
        hints: hint!("`nsbridge nsupdate` can remove it"),
        page: "`nsbridge acme delete` removes only values that `nsbridge acme add` of this installation added. The queue file remembers them for 30 days, and no more than the last 10,000. A text with another \
               purpose stays. With `--server`, nothing is remembered, and the value is removed.",
    }
    PTR_VALUE_DAMAGED {
        code: "NB-PTR-VALUE-DAMAGED",
        class: Class::Remark,
        text: "damaged in the queue file: {count}, such as `{first}`",
        hints: hint!("`nsbridge ptr sync --prune ZONE` for each zone"),
        page: "nsbridge remembers which PTR values it added, so that `nsbridge ptr sync` removes those that are no longer right. Octets of such a value changed on the disk, or another program changed them: its check sum does not match. The value counts as one that nsbridge did not add, so nothing is sent because of it. The other values stay managed. \
               `nsbridge ptr sync` names values that are no longer right and not managed (NB-PTR-OTHER-ADDRESS), and removes them with `--prune`. Run that for each zone with PTR records. Once it succeeds it forgets the damaged values; until then each `ptr sync` and `nsbridge status` name them. See that the disk is healthy.",
    }
    BUILT_IN_ZONE {
        code: "NB-BUILT-IN-ZONE",
        class: Class::Permanent,
        text: "a built-in empty zone has its name",
        hints: hint!("set `disable-empty-zone \"{zone}\";` in `options`"),
        page: "BIND serves the reverse zones of private networks by itself, empty, unless its configuration says otherwise.",
    }
    NAMESERVERS_UNKNOWN {
        code: "NB-NAMESERVERS-UNKNOWN",
        class: Class::Permanent,
        text: "no name servers are known for `{zone}`",
        hints: hint!("set `nameservers` under [primaries.NAME]"),
        page: "A new reverse zone gets its name servers from `nameservers` of the primary, or from the zone of the host. If the zone \
               of the host still waits in the queue, the PTR record waits with it.",
    }
    CNAME_IN_THE_WAY {
        code: "NB-CNAME-IN-THE-WAY",
        class: Class::Permanent,
        text: "`{owner}` is an alias",
        hints: hint!("remove its CNAME record, or name what it leads to"),
        page: "`nsupdate --durable` was to add or remove a record at a name that has a CNAME record. No other record can be beside a CNAME record (RFC 1034). `dig` shows it. At a primary with `read = \"none\"`, nsbridge does not see where a CNAME record leads, and so does not follow it for `acme` and `ptr` either.",
    }
    CNAME_CHAIN_TOO_LONG {
        code: "NB-CNAME-CHAIN-TOO-LONG",
        class: Class::Permanent,
        text: "more than {limit} aliases lead from `{owner}`",
        hints: hint!("run `dig {owner} CNAME`, and repair the records"),
        page: "The CNAME records at a reverse name (RFC 2317), or at the name of a challenge, lead in a circle or too far.",
    }
    BEHIND_CNAME {
        code: "NB-BEHIND-CNAME",
        class: Class::Context,
        text: "`{owner}` on {primary}: {cause}",
        hints: &[],
        page: "",
    }
}
