//! The transfer, the contents and the UPDATE of a zone.

use super::entry::{Class, Software, entries, hint};

entries! {
    TRANSFER_CUT {
        code: "NB-TRANSFER-CUT",
        class: Class::Transient,
        text: "transfer cut: {cause}",
        hints: hint!("run `dig axfr`, see its log"),
        page: "The connection ended in the middle of the transfer. nsbridge never takes a transfer that fails for an empty zone. Nothing was changed. `dig axfr` with the same key shows whether a whole transfer comes through.",
    }
    TRANSFER_INVALID {
        code: "NB-TRANSFER-INVALID",
        class: Class::Transient,
        text: "transfer failed: {source}",
        hints: hint!("run `dig axfr`, see its log"),
        page: "The transfer is of another zone, stops early, or goes on after its end. \
               The server, or a device on the way, may be at fault. Nothing was changed. `dig axfr` with the same key shows whether a whole transfer comes through.",
    }
    TRANSFER_UNSIGNED {
        code: "NB-TRANSFER-UNSIGNED",
        class: Class::Transient,
        text: "the transfer cannot be trusted: {source}",
        hints: hint!("check the primary's address and the path to it"),
        page: "The transfer is not signed with the key throughout, so that records may have been added, altered or taken out on the way. nsbridge uses nothing of it, and nothing was changed. A server or a proxy that does not sign each transfer to its end cannot be used; `read = \"memory\"` does without transfers.",
    }
    TRANSFER_OUTRUN {
        code: "NB-TRANSFER-OUTRUN",
        class: Class::Transient,
        text: "{source}",
        hints: hint!("nothing, or see what else updates the zone"),
        page: "The zone changed during its transfer, which began with one SOA and ended with another. Nothing was changed. The next attempt reads the zone anew.",
    }
    TRANSFER_RECORD {
        code: "NB-TRANSFER-RECORD",
        class: Class::Transient,
        text: "transfer failed: {source}",
        hints: hint!("remove this record on the primary"),
        page: "A record of the transfer does not belong into the zone, or its data are not those of its type, so that the zone cannot be read as a whole. Nothing was changed.",
    }
    TRANSFER_TOO_LARGE {
        code: "NB-TRANSFER-TOO-LARGE",
        class: Class::Transient,
        text: "transfer failed: {source}",
        hints: hint!("delegate parts of the zone, or set `read = \"memory\"`"),
        page: "The zone is larger than nsbridge reads. Nothing was changed.",
    }
    TRANSFER_REFUSED {
        code: "NB-TRANSFER-REFUSED",
        class: Class::Permanent,
        text: "the primary refuses the zone transfer ({rcode})",
        hints: &[
            (Software::Bind, "set `allow-transfer { key \"{key}\"; };` for the zone"),
            (Software::PowerDns, "`pdnsutil add-meta {zone} TSIG-ALLOW-AXFR {key}`"),
            (Software::Knot, "allow `{key}` `action: transfer` in the zone's `acl`"),
            (Software::Unknown, "allow the key `{key}` to transfer the zone"),
        ],
        page: "The server has the zone and does not transfer it to the key. `read = \"memory\"` serves a primary that allows \
               no transfer at all. PowerDNS transfers only zones of the kind primary, and none with NSEC3 in narrow mode. BIND: `allow-transfer`. Knot: `acl`.",
    }
    TRANSFER_DENIED {
        code: "NB-TRANSFER-DENIED",
        class: Class::Transient,
        text: "no transfer ({rcode}, not signed)",
        hints: &[
            (Software::PowerDns, "`pdnsutil add-meta {zone} TSIG-ALLOW-AXFR {key}`"),
            (Software::Knot, "allow `{key}` `action: transfer` in the zone's `acl`"),
            (Software::Unknown, "allow the key `{key}` to transfer the zone"),
        ],
        page: "The server has the zone and does not transfer it. Nothing proves that the refusal is the server's, since it has no \
               signature, so the job waits. PowerDNS and Knot refuse so what the key may not transfer; NB-TRANSFER-REFUSED says more.",
    }
    TRANSFERS_EXHAUSTED {
        code: "NB-TRANSFERS-EXHAUSTED",
        class: Class::Transient,
        text: "no room for a transfer (SERVFAIL {attempts} times)",
        hints: &[
            (Software::Bind, "raise `transfers-out`, or lower `zones-in-flight`"),
            (Software::Unknown, "raise its limit, or lower `zones-in-flight`"),
        ],
        page: "More transfers run than the server allows.",
    }
    PRIMARY_OVERLOADED {
        code: "NB-PRIMARY-OVERLOADED",
        class: Class::Transient,
        text: "overloaded: {cause}",
        hints: &[
            (Software::Bind, "see `update-quota`, `tcp-clients`"),
            (Software::PowerDns, "see `max-tcp-connections`"),
            (Software::Unknown, "lower `zones-in-flight`"),
        ],
        page: "The primary drops or refuses requests beyond one of its limits, or lets them wait. nsbridge worked on fewer \
               zones at a time, and it happened again. The next attempt follows after some ten seconds, as often as needed. \
               See the limits of the primary and what else sends to it. It answers other requests. nsbridge now sends less to it. BIND has the limits `update-quota` and `tcp-clients`, PowerDNS has `max-tcp-connections`. A lower `zones-in-flight` of the primary also helps.",
    }
    UPDATES_EXHAUSTED {
        code: "NB-UPDATES-EXHAUSTED",
        class: Class::Transient,
        text: "overloaded (SERVFAIL to {attempts} updates)",
        hints: &[
            (Software::Bind, "see named's log, or lower `zones-in-flight`"),
            (Software::PowerDns, "see its database's load, or lower `zones-in-flight`"),
            (Software::Unknown, "see its log, or lower `zones-in-flight`"),
        ],
        page: "The primary answered SERVFAIL for some seconds, while other updates that had met SERVFAIL succeeded. PowerDNS \
               does so while its database is busy. The next attempt follows after some ten seconds, as often as needed. nsbridge now sends less to it.",
    }
    UPDATES_LIMITED {
        code: "NB-UPDATES-LIMITED",
        class: Class::Transient,
        text: "the primary refuses more updates in so short a time",
        hints: hint!("nothing, or have its limit raised"),
        page: "The primary answers REFUSED to an update that it took a moment before: it takes only so many in a time. nsbridge now sends fewer, remembers the pace for a day, and sends the rest with the next attempts.",
    }
    PREREQUISITES_REFUSED {
        code: "NB-PREREQUISITES-REFUSED",
        class: Class::Permanent,
        text: "the primary refuses updates with prerequisites",
        hints: hint!("`prerequisites = \"none\"` under [primaries.{primary}]"),
        page: "Of two updates that change nothing, the primary took the one without a prerequisite and refused the other one. Prerequisites hold an update to the zone that was read: with `prerequisites = \"none\"`, what another program changes between the look and the update is overwritten. So nsbridge never does without them by itself.",
    }
    SOA_UNREADABLE {
        code: "NB-SOA-UNREADABLE",
        class: Class::Transient,
        text: "the answer has an unreadable SOA: {source}",
        hints: hint!("see the primary's log, and `dig SOA`"),
        page: "The SOA record of an answer cannot be decoded. Nothing was changed.",
    }
    ZONE_ABSENT {
        code: "NB-ZONE-ABSENT",
        class: Class::Permanent,
        text: "the zone is not on the primary",
        hints: hint!("create it: `nsbridge zone create`"),
        page: "The server does not have the zone, and nsbridge may not create it. `nsbridge zone create` needs a table \
               `provision` of the primary. A table `[primaries.NAME.provision]` in the configuration lets nsbridge create zones.",
    }
    ZONE_NOT_LOADED {
        code: "NB-ZONE-NOT-LOADED",
        class: Class::Transient,
        text: "the primary has the zone, and has not loaded it ({rcode})",
        hints: &[
            (Software::Bind, "see named's log, and `rndc zonestatus {zone}`"),
            (Software::Knot, "see Knot's log, and `knotc zone-status {zone}`"),
            (Software::Unknown, "see the primary's log"),
        ],
        page: "The zone is in the server's configuration, and the server cannot serve it. Its zone file may be missing or broken.",
    }
    ZONE_HIDDEN {
        code: "NB-ZONE-HIDDEN",
        class: Class::Permanent,
        text: "the primary has the zone, but hides it from us",
        hints: &[
            (Software::Bind, "set `view` to that of the key, or see `match-clients`"),
            (Software::PowerDns, "without an SOA: `pdnsutil delete-zone`; send it again"),
            (Software::Unknown, "see whether a view or `allow-query` hides it"),
        ],
        page: "The zone is in a view, or has an `allow-query`, that the key does not match. PowerDNS serves no zone without an SOA. BIND: in the zone's view, `match-clients` must match the key, and `allow-query` must allow it; `view` in [primaries.NAME.provision] must name that view.",
    }
    ZONE_NOT_MADE {
        code: "NB-ZONE-NOT-MADE",
        class: Class::Permanent,
        text: "its program says that it made the zone, and the primary does not have it",
        hints: hint!("run it by hand: does it work on this primary?"),
        page: "The program ended with the status that says that the zone is made, and the primary does not serve it to the key. The program must make the zone on the primary at `address`.",
    }
    RESPONSE_LOST {
        code: "NB-RESPONSE-LOST",
        class: Class::Transient,
        text: "update unanswered: {cause}",
        hints: hint!("nothing: the zone is read first"),
        page: "The update may be applied. nsbridge could not read the zone again to find out. The next attempt reads the zone \
               first, so no update is applied twice. See the path to the server, and its log.",
    }
    UPDATE_REFUSED {
        code: "NB-UPDATE-REFUSED",
        class: Class::Permanent,
        text: "update refused ({rcode}{detail})",
        hints: &[
            (Software::Bind, "run `nsbridge check {zone}`, or see its log"),
            (Software::PowerDns, "run `nsbridge check {zone}`, or see its log"),
            (Software::Knot, "allow `{key}` `action: update` in the zone's `acl`"),
            (Software::Unknown, "let the key `{key}` update the zone, or see its log"),
        ],
        page: "The key may not change the zone (`nsbridge zone rekey` gives a zone that nsbridge created a new key), the zone takes no updates at this time (BIND: frozen; `rndc thaw ZONE` ends that), or the server objects to a \
               record. If the server refuses the changes of some names only, the others are applied, and each refused name is \
               reported. BIND names the record in its log; `check-names ignore; check-integrity no;` in the zone's configuration \
               lets most of them pass. PowerDNS takes updates only with `dnsupdate=yes`, from addresses in `allow-dnsupdate-from`.",
    }
    ZONE_FROZEN {
        code: "NB-ZONE-FROZEN",
        class: Class::Transient,
        text: "the zone is frozen, and takes no updates",
        hints: hint!("run `rndc thaw {target}` on the primary"),
        page: "`rndc freeze` stops the updates of a zone, so that its file can be edited by hand. BIND then refuses them, and its \
               control channel shows the state (`rndc zonestatus`: `frozen: yes`). nsbridge delivers the change after the thaw.",
    }
    SERVER_FAILURE {
        code: "NB-SERVER-FAILURE",
        class: Class::Transient,
        text: "the primary answers {rcode}{detail}",
        hints: &[
            (Software::Bind, "see named's log: is its disk full or its directory closed?"),
            (Software::PowerDns, "see pdns_server's log: its database may be locked or full"),
            (Software::Knot, "see knotd's log: is `storage` writable, its disk full?"),
            (Software::Unknown, "see its log: its disk may be full, or closed to it"),
        ],
        page: "The server failed on the request several times. Mostly its disk is full, it cannot write a journal, or its \
               database is locked.",
    }
    QUESTION_REFUSED {
        code: "NB-QUESTION-REFUSED",
        class: Class::Transient,
        text: "a query about `{owner}` is refused ({rcode})",
        hints: &[
            (Software::Bind, "see `allow-query` and `rate-limit` there"),
            (Software::Unknown, "allow it, set `query-address` or `read = \"none\"`"),
        ],
        page: "The primary has the zone, but refuses a question about the name. nsbridge then does not know which records are there, or, if the zone is above a \
               new one, whose it is: it changes nothing, and tries again later. BIND: `allow-query` of the zone must \
               match the key or the address, and `rate-limit` must leave room for nsbridge. Other servers may have rules of their own. A service may answer queries at another \
               address (`query-address`), or none at all: with `read = \"none\"` nsbridge asks nothing.",
    }
    QUERIES_UNSUPPORTED {
        code: "NB-QUERIES-UNSUPPORTED",
        class: Class::Transient,
        text: "the primary answers no queries ({rcode})",
        hints: hint!("set its `query-address`, or else `read = \"none\"`"),
        page: "The primary takes updates and does not answer questions, as some hosted services do. If another server of the service answers them, signed with the same key, \
               name it by `query-address`. With `read = \"none\"` nsbridge asks nothing: what it has sent is what it takes for the zone.",
    }
    NOTHING_SHOWN {
        code: "NB-NOTHING-SHOWN",
        class: Class::Permanent,
        text: "this needs an answer, and `read` is \"none\"",
        hints: hint!("if a server has answers, set `query-address`, not `read`"),
        page: "With `read = \"none\"` nsbridge asks the primary nothing. It can neither find out whether a zone is there, nor the name servers of one (`nsbridge acme add --wait`: name them by `--wait-on`), nor what the primary takes (`nsbridge check --write`). Nothing was changed.",
    }
    ZONE_CHANGED_MEANWHILE {
        code: "NB-ZONE-CHANGED-MEANWHILE",
        class: Class::Transient,
        text: "another program changed the zone {times} meanwhile",
        hints: hint!("see the primary's log for that program"),
        page: "Each update has prerequisites on the records that it was computed from. Another program was faster each time. \
               The server's log names its address.",
    }
    MASS_REMOVAL {
        code: "NB-MASS-REMOVAL",
        class: Class::Permanent,
        text: "it would remove {removed} of {records} records, over {percent_max} %",
        hints: hint!("if meant, `nsbridge queue retry --force {zone}`"),
        page: "nsbridge holds an update that would remove more of a zone than `removals-max-percent` allows, since a mistake could empty the zone. `nsbridge queue retry --force`, or `nsbridge sync --force`, lets it pass once.",
    }
    MASS_DELETION {
        code: "NB-MASS-DELETION",
        class: Class::Permanent,
        text: "more than {max} zones would lose most records",
        hints: hint!("if meant, `nsbridge queue retry --force {zone}`"),
        page: "nsbridge holds each deletion beyond `deletions-max-per-hour`, since a fault or a stolen account could delete many zones. It counts \
               zones that are deleted, emptied of what was delivered, or left with less than half of their records, within an hour by \
               all calls and the worker together. A zone counts once. `nsbridge queue retry --force`, or `nsbridge sync --force`, lets it pass.",
    }
    SIGNED_ZONE_GONE {
        code: "NB-SIGNED-ZONE-GONE",
        class: Class::Permanent,
        text: "a signed zone is gone",
        hints: hint!("restore it or drop its DS: `nsbridge {command}`"),
        page: "nsbridge has read the zone, or the reverse zone of the PTR record, with DNSKEY records, and did not delete it; the primary does not have \
               it any more. Created anew, it would have other keys, and as long as the parent has the DS of the old ones, resolvers that \
               validate answer SERVFAIL for the whole domain. So restore the zone with its keys from a backup, and then `nsbridge queue retry`. Or \
               remove its DS at the parent, wait as long as the DS has its TTL, and let nsbridge create the zone by `nsbridge queue retry --force`, \
               `nsbridge sync --force` or `nsbridge zone create --force`. A `delete` of the panel also ends it.",
    }
    ZONE_EMPTY {
        code: "NB-ZONE-EMPTY",
        class: Class::Permanent,
        text: "the zone would be left without any record",
        hints: hint!("if that is meant, set `empty-zone = \"apply\"` under [policy]"),
        page: "The payload has no record of the zone: its `rr` is empty.",
    }
    ZONE_PROTECTED {
        code: "NB-ZONE-PROTECTED",
        class: Class::Permanent,
        text: "`policy.deny-zones` protects `{suffix}`",
        hints: hint!("see `deny-zones` under [policy]"),
        page: "The zone or name is at or below a suffix that nothing may change, and a command names it. nsbridge skips what a panel sends for it (NB-ZONE-EXCLUDED).",
    }
    SECONDARIES_FOLLOW {
        code: "NB-SECONDARIES-FOLLOW",
        class: Class::Transient,
        text: "removed there; secondaries have a minute to follow",
        hints: hint!("nothing; it goes on by itself"),
        page: "The zone has moved to another primary, and both keep a catalog. Knot drops a zone when the earlier catalog does not list it any more, and \
               takes it up from the new catalog only under a new label. So nsbridge gives the zone one a minute after the removal.",
    }
    ZONE_ROUTED_BACK {
        code: "NB-ZONE-ROUTED-BACK",
        class: Class::Transient,
        text: "its route leads back to `{primary}`: it stays there",
        hints: hint!("nothing; the next delivery ends this job"),
        page: "The zone had moved to another primary, and was to be removed from this one. Now a route of the configuration leads back here, or the worker has \
               not read the new configuration: restart it after each change. The next delivery of the zone to this primary drops the job.",
    }
    EARLIER_PRIMARY_UNKNOWN {
        code: "NB-EARLIER-PRIMARY-UNKNOWN",
        class: Class::Permanent,
        text: "it stays on `{primary}`, which is not configured",
        hints: hint!("add it, or `nsbridge queue drop`"),
        page: "The zone has moved to another primary, and was to be removed from this one. The configuration does not have that primary any more.",
    }
    SIGNED_ZONE_MOVES {
        code: "NB-SIGNED-ZONE-MOVES",
        class: Class::Permanent,
        text: "it is signed on `{primary}`",
        hints: hint!("drop its DS, then `nsbridge queue retry --force {zone}`"),
        page: "The route of the zone leads to another primary than before. There the zone would have other keys, and as long as the parent has the DS of the \
               old ones, resolvers that validate answer SERVFAIL for the whole domain. So remove its DS at the parent, wait as long as the DS has \
               its TTL, and let nsbridge move the zone. Or let the route lead back.",
    }
    PRIMARIES_ARE_ONE {
        code: "NB-PRIMARIES-ARE-ONE",
        class: Class::Permanent,
        text: "`{primary}`, where it moved to, is the same server",
        hints: hint!("`nsbridge queue drop` the job"),
        page: "The route of the zone leads to another primary of the configuration than before, and both are one server: a change of the zone by \
               one shows by the other, or they have one catalog. So nsbridge removes nothing.",
    }
    ROUTE_ABSENT {
        code: "NB-ROUTE-ABSENT",
        class: Class::Permanent,
        text: "no route leads to a primary for it",
        hints: hint!("add a [[routes]] entry with its suffix, or one for \".\""),
        page: "No `[[routes]]` entry covers the name. An entry for \".\" covers every name.",
    }
    OWNER_TOO_LARGE {
        code: "NB-OWNER-TOO-LARGE",
        class: Class::Permanent,
        text: "the changes at `{owner}` take {octets} octets, more than {limit}",
        hints: hint!("spread the records over several names"),
        page: "All changes of one name go in one message, so that no client sees half of them. These do not fit.",
    }
    ZONE_TOO_LARGE {
        code: "NB-ZONE-TOO-LARGE",
        class: Class::Permanent,
        text: "the changes of the zone `{zone}` take more than {limit} messages",
        hints: hint!("delegate parts of the zone"),
        page: "The zone differs in more records than one delivery can send.",
    }
    ZONE_WITHOUT_NS {
        code: "NB-ZONE-WITHOUT-NS",
        class: Class::Permanent,
        text: "the zone `{zone}` has no NS record at its apex",
        hints: hint!("add NS records, or set `nameservers` of the primary"),
        page: "The zone is to be created, and its payload names no name server. Add NS records to the DNS template of Plesk, or set `nameservers` of the primary.",
    }
    ROOT_ZONE {
        code: "NB-ROOT-ZONE",
        class: Class::Permanent,
        text: "the root zone is not made",
        hints: hint!("give the zone a name of at least one label"),
        page: "The zone's name is `.`. The root zone is not on the primary, and nsbridge does not create it.",
    }
    TRANSFER_BY_UDP {
        code: "NB-TRANSFER-BY-UDP",
        class: Class::Permanent,
        text: "`transport` is \"udp\", by which no zone is transferred",
        hints: hint!("set `transfer-address`, or `read = \"memory\"`"),
        page: "Zones are transferred by TCP alone (RFC 5936). `transfer-address` names a server that takes TCP, and `transfer-key` its key. With `read = \"memory\"` nsbridge takes for a zone what it has written there itself.",
    }
    ANSWER_TRUNCATED {
        code: "NB-ANSWER-TRUNCATED",
        class: Class::Permanent,
        text: "the answer about {rtype} at `{owner}` fits no datagram",
        hints: hint!("set `query-address` to one with TCP"),
        page: "`transport` is \"udp\": a question whose answer has more than 512 octets is asked again by EDNS for up to 1,232, and the answer did not fit into them, or the server does not know EDNS. `query-address` names another server that answers by TCP.",
    }
    REQUEST_TOO_LONG {
        code: "NB-REQUEST-TOO-LONG",
        class: Class::Permanent,
        text: "the message would have {octets} octets, more than {limit}",
        hints: hint!("please report this fault in nsbridge"),
        page: "A fault in nsbridge: it divides changes into messages that are short enough.",
    }
    REQUEST_LENGTH {
        code: "NB-REQUEST-LENGTH",
        class: Class::Permanent,
        text: "the message has {octets} octets where {planned} were planned",
        hints: hint!("please report this fault in nsbridge"),
        page: "A fault in nsbridge: it knows the length of a message before it encodes it.",
    }
    REQUEST_NOT_WHOLE {
        code: "NB-REQUEST-NOT-WHOLE",
        class: Class::Permanent,
        text: "what shall be signed is no whole message",
        hints: hint!("this is a fault in nsbridge; please report it"),
        page: "A fault in nsbridge: it signs whole messages only.",
    }
    REQUEST_WITHOUT_SIGNATURE {
        code: "NB-REQUEST-WITHOUT-SIGNATURE",
        class: Class::Permanent,
        text: "the private key gives no signature",
        hints: hint!("this is a fault in nsbridge; please report it"),
        page: "A signature with a private key (SIG(0)) needs random numbers, and the system gave none.",
    }
}
