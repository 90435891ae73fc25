//! What only `nsbridge check` reports.

use super::entry::{Class, Software, entries, hint};

entries! {
    TYPES_REFUSED {
        code: "NB-TYPES-REFUSED",
        class: Class::Permanent,
        text: "the primary refuses updates of the types {types}",
        hints: &[
            (Software::Knot, "see `update-type` in the zone's `acl`"),
            (Software::Unknown, "`update-policy { grant \"{key}\" zonesub ANY; };`"),
        ],
        page: "The key may update records of some types only. Records of the other types would be refused.",
    }
    CHECK_ZONE_NOT_REMOVED {
        code: "NB-CHECK-ZONE-NOT-REMOVED",
        class: Class::Permanent,
        text: "`{zone}` stays: {cause}",
        hints: &[
            (Software::Bind, "`rndc delzone -clean {zone}`"),
            (Software::PowerDns, "`pdnsutil delete-zone {zone}`"),
            (Software::Unknown, "remove it by hand"),
        ],
        page: "The zone that the check created is still on the primary. Its name is reserved for this check. The next `nsbridge check --create` removes it, too.",
    }
    CHECK_ZONE_NOT_UPDATED {
        code: "NB-CHECK-ZONE-NOT-UPDATED",
        class: Class::Context,
        text: "`{zone}`: {cause}",
        hints: &[],
        page: "",
    }
    CHECK_NAME_NOT_REMOVED {
        code: "NB-CHECK-NAME-NOT-REMOVED",
        class: Class::Permanent,
        text: "`{owner}` stays: {cause}",
        hints: hint!("remove its TXT records by hand"),
        page: "`nsbridge check --write` added TXT records at a random name of its own and could not remove them again. They do no harm.",
    }
    CHECK_UNSERVED {
        code: "NB-CHECK-UNSERVED",
        class: Class::Transient,
        text: "the primary took `{owner}`, but did not serve it in {seconds} s",
        hints: hint!("see that `query-address` serves the changes"),
        page: "`nsbridge check --write` looks for each of its changes before it makes the next one. The primary answered NOERROR to an \
               UPDATE, and its answers to queries did not show the change in the time of the check.",
    }
    CHECK_SERVED_LATE {
        code: "NB-CHECK-SERVED-LATE",
        class: Class::Remark,
        text: "a change is served some seconds after the server took it",
        hints: hint!("name the primary in `address`, not a secondary that forwards updates"),
        page: "A secondary may forward updates to its primary (RFC 2136 section 6), and serves a change only after the next transfer. nsbridge then reads zones and names as they were before its last change. \
               If the server is the primary, or you reach no other, `visible-within` says how long nsbridge looks for a change.",
    }
    CHECK_WITHOUT_ROOM {
        code: "NB-CHECK-WITHOUT-ROOM",
        class: Class::Permanent,
        text: "the zone's name is too long for a name of the check below it",
        hints: hint!("check another zone of this primary"),
        page: "`nsbridge check --write` works at a name of its own in the zone, which has 18 octets more than the zone's name. A name has at most 255 octets.",
    }
    CHECK_NEEDS_ZONE {
        code: "NB-CHECK-NEEDS-ZONE",
        class: Class::Remark,
        text: "no zone of this primary is known",
        hints: hint!("name a zone that this primary has: `nsbridge check ZONE`"),
        page: "Transfers and updates can only be checked with a zone, and nsbridge has not managed one on this primary yet.",
    }
    CHECK_UNSEEN {
        code: "NB-CHECK-UNSEEN",
        class: Class::Remark,
        text: "nothing of it is seen, since `read` is \"none\"",
        hints: hint!("look on the service's own pages"),
        page: "nsbridge asks this primary nothing, so the check cannot tell whether a zone holds what was sent. Updates are still checked.",
    }
    CHECK_ZONE_ABSENT {
        code: "NB-CHECK-ZONE-ABSENT",
        class: Class::Remark,
        text: "the zone is not on the primary yet",
        hints: hint!("check it again when it is there"),
        page: "nsbridge may create the zone, and does so when a call about it comes.",
    }
    ZONE_GONE {
        code: "NB-ZONE-GONE",
        class: Class::Permanent,
        text: "nsbridge made {zone}, which is gone",
        hints: hint!("run `nsbridge resync {zone}`"),
        page: "The queue file says that nsbridge created the zone, and the primary does not have it any more. Somebody removed it there, or the primary is new or was restored from an older copy. `nsbridge resync` without a name creates all such zones again, with what was delivered to them last.",
    }
    CHECK_UNSIGNED {
        code: "NB-CHECK-UNSIGNED",
        class: Class::Remark,
        text: "the primary answers {rcode} without a signature",
        hints: hint!("name a zone that this primary has: `nsbridge check ZONE`"),
        page: "The response proves neither that the key is accepted nor that it is not: the question was about a zone that may be on \
               another primary.",
    }
    CHECK_NAME_TAKEN {
        code: "NB-CHECK-NAME-TAKEN",
        class: Class::Remark,
        text: "somebody else has the zone `{zone}`",
        hints: hint!("remove the zone `{zone}` from the server: its name is reserved for this check"),
        page: "The check would create a zone of this name, which exists and is not nsbridge's.",
    }
    SECONDARIES_DIFFER {
        code: "NB-SECONDARIES-DIFFER",
        class: Class::Remark,
        text: "the primary has the serial {serial}; {servers}",
        hints: &[
            (Software::Bind, "`rndc notify {zone}`; see `also-notify`, `allow-transfer`"),
            (Software::PowerDns, "`pdns_control notify {zone}`; see their logs"),
            (Software::Knot, "`knotc zone-notify {zone}`; see `notify`, `acl` in knot.conf"),
            (Software::Unknown, "see in their logs whether NOTIFY and transfers come through"),
        ],
        page: "The NS records of the zone name servers that do not answer, do not have the zone, or have another serial than the \
               primary. A few seconds after a change they may be behind. If the secondaries follow a catalog, see that \
               they have it.",
    }
    JOBS_HELD {
        code: "NB-JOBS-HELD",
        class: Class::Remark,
        text: "{jobs} held ({codes})",
        hints: hint!("`nsbridge queue list` shows them, and what to do"),
        page: "A primary or a guard refused these changes, and nsbridge does not try them again by itself. After the repair, \
               `nsbridge queue retry` delivers them.",
    }
    CLOCKS_DRIFT {
        code: "NB-CLOCKS-DRIFT",
        class: Class::Remark,
        text: "{seconds} s {direction} ours",
        hints: hint!("signatures fail from 300 s on: set both right: `timedatectl set-ntp true`"),
        page: "The primary's clock differs from that of this machine by more than a minute.",
    }
}
