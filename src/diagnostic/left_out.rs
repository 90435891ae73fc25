//! Parts of a zone that are left out while the rest is in place.

use super::entry::{Class, Software, entries, hint};

entries! {
    RECORDS_LEFT_OUT {
        code: "NB-RECORDS-LEFT-OUT",
        class: Class::Context,
        text: "{owner} {rtype} {values} left out: {cause}",
        hints: &[],
        page: "",
    }
    CNAME_AT_APEX {
        code: "NB-CNAME-AT-APEX",
        class: Class::Permanent,
        text: "an apex cannot have a CNAME",
        hints: hint!("use addresses, or the primary's ALIAS"),
        page: "The apex always has SOA and NS records, and no other record can be beside a CNAME (RFC 1912). The rest of the zone is in place.",
    }
    CNAME_BESIDE_DESIRED {
        code: "NB-CNAME-BESIDE-DESIRED",
        class: Class::Permanent,
        text: "a CNAME stands alone at a name",
        hints: hint!("keep the CNAME or the others"),
        page: "The file has a CNAME and other records at one name, which had no CNAME before. The other records win. The rest of the zone is in place.",
    }
    BESIDE_CNAME {
        code: "NB-BESIDE-CNAME",
        class: Class::Permanent,
        text: "the name has a CNAME, which stands alone",
        hints: hint!("keep the CNAME or the others"),
        page: "The file has a CNAME and other records at one name. The CNAME is in the zone and stays. The rest of the zone is in place.",
    }
    CNAME_BESIDE_FOREIGN {
        code: "NB-CNAME-BESIDE-FOREIGN",
        class: Class::Permanent,
        text: "others have records there",
        hints: hint!("remove it, or see `foreign-records`"),
        page: "The name has records that another program or person wrote. Nothing is changed at the name. The rest of the zone is in place. `foreign-records = \"remove\"` allows its removal. A CNAME cannot stand beside other records.",
    }
    BESIDE_FOREIGN_CNAME {
        code: "NB-BESIDE-FOREIGN-CNAME",
        class: Class::Permanent,
        text: "others have a CNAME there",
        hints: hint!("remove it, or see `foreign-records`"),
        page: "No other record can be beside a CNAME. Nothing is changed at the name. The rest of the zone is in place. `foreign-records = \"remove\"` allows its removal.",
    }
    FOREIGN_VALUE {
        code: "NB-FOREIGN-VALUE",
        class: Class::Permanent,
        text: "others have another value there",
        hints: hint!("remove it, or see `foreign-records`"),
        page: "An update would replace the value (RFC 2136). The rest of the zone is in place. `foreign-records = \"remove\"` allows its removal.",
    }
    SECOND_VALUE {
        code: "NB-SECOND-VALUE",
        class: Class::Permanent,
        text: "the type allows one value at a name",
        hints: hint!("keep one of the values"),
        page: "The payload has several values of a type such as CNAME or DNAME. The one that is in the zone stays, or else the first \
               one is written. The rest of the zone is in place.",
    }
    DS_WITHOUT_NS {
        code: "NB-DS-WITHOUT-NS",
        class: Class::Permanent,
        text: "a DS needs NS records at its name",
        hints: hint!("add the NS records, or drop the DS"),
        page: "A DS record belongs to a delegation. BIND ignores one at another name. The rest of the zone is in place.",
    }
    RECORDS_PROTECTED {
        code: "NB-RECORDS-PROTECTED",
        class: Class::Remark,
        text: "{owner} {rtype} {values} stays: what was sent for it is wrong",
        hints: hint!("correct what other messages name"),
        page: "The payload does not have this record, and has one that nsbridge cannot read and that may be meant to be this one. This record \
               stays until the other one is corrected. A record without a readable owner name or type may be any.",
    }
    ZONE_EXCLUDED {
        code: "NB-ZONE-EXCLUDED",
        class: Class::Remark,
        text: "excluded by policy: `deny-zones` has `{suffix}`; nothing changed",
        hints: hint!("nothing, if that is meant"),
        page: "The zone, or the name of the PTR record, is at or below a suffix that no call may change. It is skipped, and nothing of it \
               stays in the queue.",
    }
    NAME_KEPT {
        code: "NB-NAME-KEPT",
        class: Class::Remark,
        text: "{owner} is not touched: `policy.keep`",
        hints: &[],
        page: "The payload has records at a name that `keep` covers. The name stays as it is on the primary, and the rest of the zone \
               is in place.",
    }
    NAME_REFUSED {
        code: "NB-NAME-REFUSED",
        class: Class::Permanent,
        text: "{owner} {records} left out: {cause}",
        hints: &[
            (Software::Bind, "see its log and `check-names`"),
            (Software::Knot, "see its log, and `acl`"),
            (Software::Unknown, "see its log"),
        ],
        page: "The server refuses the changes at this name, also alone. The rest of the zone is in place. nsbridge sends them again when something changes at the name or at a host that they name, on `nsbridge queue retry`, and after six hours. The server objects to a \
               record, which its log names, or allows the key some names or types only. BIND: `check-names ignore; check-integrity no;` in the zone lets most of them pass.",
    }
    REMOVAL_REFUSED {
        code: "NB-REMOVAL-REFUSED",
        class: Class::Permanent,
        text: "{owner} {records} left out: {cause}",
        hints: hint!("first change its NS or MX"),
        page: "The server refuses to remove these addresses, also alone. The rest of the zone is in place. BIND takes no address away that an NS record of the zone needs, and with `check-integrity` none that an MX record needs: change or remove that record in the same call.",
    }
    REMOVAL_IGNORED {
        code: "NB-REMOVAL-IGNORED",
        class: Class::Permanent,
        text: "{owner} {rtype} {rdata} is still there after its removal",
        hints: &[
            (Software::PowerDns, "remove it by `pdnsutil edit-zone`"),
            (Software::Unknown, "remove it by the primary's tools"),
        ],
        page: "The server answered NOERROR and still has the record. nsbridge goes on to manage it, and removes it again when something \
               changes at its name, on `nsbridge queue retry`, and after six hours. PowerDNS does not find a record that was stored in another spelling. The rest of the zone is in place.",
    }
    RRSET_REPLACED {
        code: "NB-RRSET-REPLACED",
        class: Class::Remark,
        text: "an addition replaced the other values of {owner} {rtype}; they were put back",
        hints: hint!("set `rrsets = \"whole\"` for this primary"),
        page: "By RFC 2136 section 3.4.2.2 an addition leaves the other values of its RRset. This primary took them out. They were sent again, with all \
               values of the RRset in one message. With `rrsets = \"whole\"` each change sends all values at once, so that none is missing in between.",
    }
    TTL_ALTERED {
        code: "NB-TTL-ALTERED",
        class: Class::Remark,
        text: "{owner} {rtype} has TTL {served} there instead of {ttl}",
        hints: &[
            (Software::Bind, "see `max-zone-ttl` in its `dnssec-policy`"),
            (Software::Unknown, "see the limits of TTLs there"),
        ],
        page: "The server answered NOERROR and serves another TTL. BIND: a `dnssec-policy` limits TTLs to its `max-zone-ttl`, by default one day. The records \
               are in place. nsbridge says so once: the TTL counts as it is until other records or another TTL are desired there.",
    }
    RECORD_HIDDEN {
        code: "NB-RECORD-HIDDEN",
        class: Class::Remark,
        text: "{owner} {rtype} is hidden there by a zone below this one",
        hints: hint!("put the record into the zone of that name"),
        page: "The record is in this zone, and the server answers for its name from another zone that it has, as for `www.sub.example.com` from \
               `sub.example.com`. So no client sees the record. nsbridge reports it when it changes the record. A delegation in this zone that hides \
               a record is no cause for this.",
    }
    NAMES_HIDDEN_BY_OTHER {
        code: "NB-NAMES-HIDDEN-BY-OTHER",
        class: Class::Remark,
        text: "`{zone}` hides names of it, and belongs to the instance `{instance}`",
        hints: hint!("ask its operator, if you do not want that"),
        page: "Another installation had created a zone below the new one, and the server answers from that zone for its names: another customer may have the \
               site, the mail or the certificates of the new zone. nsbridge changes nothing in that zone, and reports it once.",
    }
    NAMES_HIDDEN {
        code: "NB-NAMES-HIDDEN",
        class: Class::Remark,
        text: "`{zone}` hides names of it, and belongs to no instance",
        hints: hint!("`nsbridge zone adopt {zone}`, if it is yours"),
        page: "A zone below the new one existed before, and no installation of nsbridge manages it. The server answers from that zone for its names. \
               nsbridge changes nothing in that zone, and reports it once.",
    }
    ZONE_MOVED {
        code: "NB-ZONE-MOVED",
        class: Class::Remark,
        text: "it was on `{primary}` by an earlier route, and is removed there",
        hints: hint!("nothing; `nsbridge queue list` shows that job"),
        page: "The route of the zone leads to another primary than before. nsbridge has brought the zone to the new one, and a job of its own \
               removes from the earlier one what this installation put there, also if that primary is down now. If both primaries keep a catalog, \
               the removal waits for a minute, so that secondaries follow first; another minute later, the zone gets a new label in the new catalog. \
               Without a worker (`nsbridge serve`), the next call goes on.",
    }
    ZONE_RELISTED {
        code: "NB-ZONE-RELISTED",
        class: Class::Remark,
        text: "its entry was gone from the catalog, and is back",
        hints: hint!("find out who else may change the catalog"),
        page: "The catalog listed the zone before, and did not any more: another program has changed it, or the primary has an older copy. Secondaries that \
               follow the catalog had dropped the zone, and get it again. The zone itself may be unchanged. `nsbridge audit` compares the whole catalog, \
               and the worker does so every ten minutes.",
    }
    ZONE_LEFT_BEHIND {
        code: "NB-ZONE-LEFT-BEHIND",
        class: Class::Remark,
        text: "it stays on `{primary}`, which is not configured any more",
        hints: hint!("remove it there, if that server is in use"),
        page: "The route of the zone leads to another primary than before, and the earlier one is not in the configuration any more. nsbridge has brought \
               the zone to the new primary, reports this once, and changes nothing on the earlier one. If you only renamed a primary in the configuration, \
               its zones are where they were, and their earlier records count as records of others: give it its former name.",
    }
    ZONE_OF_OTHER_STAYS {
        code: "NB-ZONE-OF-OTHER-STAYS",
        class: Class::Remark,
        text: "the zone belongs to the instance `{instance}`, and stays",
        hints: hint!("nothing, or delete it on the server of that instance"),
        page: "A zone was to be deleted that another installation manages. Nothing there is this installation's, so there is nothing to delete, and no job \
               is left.",
    }
    ZONE_WAS_SIGNED {
        code: "NB-ZONE-WAS-SIGNED",
        class: Class::Remark,
        text: "the deletion takes the keys of the signed zone with it (key tags: {key_tags})",
        hints: hint!("remove its DS at the parent"),
        page: "The zone is deleted, and its keys with it. As long as the parent has a DS record of the zone, resolvers that validate answer \
               SERVFAIL for all names of the domain, also if the zone is created anew, with other keys, or elsewhere. The key tag is the first number of a DS record.",
    }
    ADDITION_IGNORED {
        code: "NB-ADDITION-IGNORED",
        class: Class::Permanent,
        text: "{owner} {rtype} {rdata} is not there after its addition",
        hints: &[
            (Software::Bind, "look for a CNAME or a DS without NS"),
            (Software::PowerDns, "look for a CNAME or a policy script"),
            (Software::Unknown, "look for a CNAME, or a rule"),
        ],
        page: "The server answered NOERROR and does not serve the record. Either a rule of its own ignores it (a policy script of \
               PowerDNS; BIND: a DS at a name without NS), or another record is at the name, which nsbridge does not see with \
               `read = \"memory\"`: a CNAME beside an address. nsbridge sends it again when something changes at its name, on `nsbridge queue retry`, and after six hours. The rest of the zone is in place.",
    }
}
